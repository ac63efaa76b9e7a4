"""What gets installed, on which Python, and with which settings."""

import json
import re
import socket
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pytest_socket import SocketConnectBlockedError

ROOT = Path(__file__).parent.parent
REQUIREMENT_FILES = ("requirements.txt", "requirements-dev.txt")
PYTHONS = ("3.11", "3.12", "3.13")
PROMISED = ("azure-functions", "azure-eventgrid", "azure-ai-ml", "PyGithub", "tenacity")


def requirements(file: str) -> list[Requirement]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def installed_on(python: str, file: str) -> dict[str, Version]:
    """Name and version of all that `file` installs on Linux with this Python."""
    here = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    chosen = [wanted for wanted in requirements(file) if wanted.marker is None or wanted.marker.evaluate(here)]
    names = [canonicalize_name(wanted.name) for wanted in chosen]
    assert len(names) == len(set(names)), "one package twice on one Python"
    return {name: pinned(wanted) for name, wanted in zip(names, chosen, strict=True)}


def pinned(requirement: Requirement) -> Version:
    (only,) = requirement.specifier
    assert only.operator == "==", f"{requirement} leaves the version open"
    return Version(only.version)


@pytest.mark.parametrize("file", REQUIREMENT_FILES)
def test_requirements_name_no_place_to_fetch_from(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")

    assert re.findall(r"https?:|file:|^\s*-.*|@", text, flags=re.MULTILINE) == []


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("file", REQUIREMENT_FILES)
def test_every_version_is_fixed_on_every_python(file: str, python: str) -> None:
    assert installed_on(python, file)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_promised_packages_are_installed_on_every_python(python: str) -> None:
    assert {canonicalize_name(name) for name in PROMISED} <= installed_on(python, "requirements.txt").keys()


@pytest.mark.parametrize("python", PYTHONS)
def test_the_functions_library_is_the_one_for_its_python(python: str) -> None:
    version = installed_on(python, "requirements.txt")["azure-functions"]

    assert (version >= Version("2")) == (Version(python) >= Version("3.13"))


@pytest.mark.parametrize("python", PYTHONS)
def test_the_tests_run_against_the_versions_that_ship(python: str) -> None:
    shipped = installed_on(python, "requirements.txt")
    tested = installed_on(python, "requirements-dev.txt")

    assert {name: tested[name] for name in shipped.keys() & tested.keys() if tested[name] != shipped[name]} == {}


@pytest.mark.parametrize("file", REQUIREMENT_FILES)
def test_what_was_asked_for_is_what_was_pinned(file: str) -> None:
    lines = (ROOT / file).with_suffix(".in").read_text(encoding="utf-8").splitlines()
    asked = [line.partition("#")[0].strip() for line in lines]
    names = {canonicalize_name(Requirement(line).name) for line in asked if line and not line.startswith("-")}

    assert names <= {canonicalize_name(wanted.name) for wanted in requirements(file)}


def test_the_oldest_python_is_the_same_wherever_it_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    oldest = PYTHONS[0]

    assert project["project"]["requires-python"] == f">={oldest}"
    assert project["tool"]["mypy"]["python_version"] == oldest
    assert project["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert f"sys.version_info < ({oldest.replace('.', ', ')})" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_example_setting_is_text() -> None:
    """The Functions tools refuse to start where a value under Values is a number or a list."""
    example = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))

    assert {name: value for name, value in example["Values"].items() if not isinstance(value, str)} == {}


def test_the_example_settings_hold_no_secret() -> None:
    values = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    secret = {name for name in values if re.search(r"TOKEN|SECRET|KEY", name)}

    assert secret == {"GITHUB_TOKEN", "GITHUB_APP_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET", "MLFLOW_TRACKING_TOKEN"}
    assert {values[name] for name in secret} == {""}


def test_addresses_are_the_same_in_azure_and_locally() -> None:
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))

    assert host["extensions"]["http"]["routePrefix"] == ""


def test_a_failed_hint_is_not_burnt_in_seconds() -> None:
    """Without it the queue trigger hands a failed message out again at once, five times, and then gives up."""
    queues = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]["queues"]

    assert queues["visibilityTimeout"] == "00:00:30"


def test_azure_gets_the_workflows_and_no_secrets() -> None:
    left_out = (ROOT / ".funcignore").read_text(encoding="utf-8").splitlines()

    assert {"local.settings.json", "tests", ".venv", "var"} <= set(left_out)
    assert {"workflows", "policy.yaml", "host.json", "requirements.txt", "orchestrator"}.isdisjoint(left_out)


def test_a_test_cannot_leave_this_machine() -> None:
    with socket.socket() as door, pytest.raises(SocketConnectBlockedError):
        door.connect(("192.0.2.1", 80))
