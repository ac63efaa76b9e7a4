"""What the README and the guides say works as it is written there."""

import re
from pathlib import Path

import pytest
import typer.main

from orchestrator.console.cli import app
from orchestrator.policy.load import check_policy

ROOT = Path(__file__).parents[2]
GUIDES = ["README.md", "docs/running.md", "docs/states.md"]


def blocks(guide: str, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", (ROOT / guide).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def test_the_policy_in_the_readme_is_a_good_one() -> None:
    (policy,) = blocks("README.md", "yaml")

    checked = check_policy({"README.md": policy})

    assert (checked.mistakes, checked.warnings) == ((), ())


@pytest.mark.parametrize("guide", GUIDES)
def test_guides_name_only_commands_that_exist(guide: str) -> None:
    text = (ROOT / guide).read_text(encoding="utf-8")
    commands = typer.main.get_command(app).list_commands(None)  # type: ignore[attr-defined]
    targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert set(re.findall(r"\borchestrator ([a-z]+)\b(?= |`|$)", code_of(text), re.MULTILINE)) <= set(commands)
    assert set(re.findall(r"\bmake ([a-z]+)", code_of(text))) <= set(targets)


@pytest.mark.parametrize("guide", GUIDES)
def test_commands_are_written_as_they_can_be_typed(guide: str) -> None:
    assert (
        re.findall(
            r"(?<!\.venv/bin/)\borchestrator (?:check|list|show|events|serve|schema|cancel)",
            code_of((ROOT / guide).read_text(encoding="utf-8")),
        )
        == []
    )


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_somewhere(guide: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / guide).read_text(encoding="utf-8"))

    assert [link for link in links if not (ROOT / guide).parent.joinpath(link).exists()] == []


def code_of(text: str) -> str:
    """The code in a guide, one piece a line."""
    return "\n".join(re.findall(r"^```[a-z]*\n.*?^```|`[^`\n]+`", text, re.DOTALL | re.MULTILINE))
