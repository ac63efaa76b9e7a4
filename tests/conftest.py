"""What every test can count on: a clean environment, and no deadline that a busy machine would miss."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("here", deadline=None)
settings.load_profile("here")

EXAMPLE_SETTINGS = Path(__file__).parent.parent / "local.settings.example.json"


@pytest.fixture(scope="session", autouse=True)
def no_settings_from_outside() -> Iterator[None]:
    """Hides the caller's own settings. GitHub Actions, for one, sets GITHUB_API_URL in every job."""
    with pytest.MonkeyPatch.context() as environment:
        for name in json.loads(EXAMPLE_SETTINGS.read_text())["Values"]:
            environment.delenv(name, raising=False)
        yield


@pytest.fixture
def record_line(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Gives a test a line of its own at the end of the run's output: what was counted or measured."""
    return lambda line: record_property("line", line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the recorded lines."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    for name, line in (prop for report in reports for prop in report.user_properties):
        if name == "line":
            terminalreporter.write_line(str(line))
