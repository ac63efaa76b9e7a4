"""What a route's `inputs` may say about the inputs of its workflow."""

import re
from collections.abc import Collection

from orchestrator.policy.mistakes import Mistake
from orchestrator.policy.shape import Section
from orchestrator.policy.stated import template_at
from orchestrator.policy.templates import Template
from orchestrator.policy.variables import nearest
from orchestrator.policy.yaml_text import Kind, Scalar

STANDARD_INPUTS = (
    "promotion_id",
    "attempt",
    "intent",
    "transfer",
    "model_name",
    "model_version",
    "source_version",
    "source_run_id",
    "commit",
    "from_environment",
    "environment",
    "source_workspace",
    "target_workspace",
)
NEVER_DROPPED = ("promotion_id", "attempt")  # the run is found again by these two
# https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#workflow_dispatch
MOST_INPUTS = 25
INPUT_NAME = r"^[A-Za-z_][A-Za-z0-9_-]{0,99}$"

Inputs = tuple[tuple[str, Template | None], ...]


def read_inputs(section: Section, environments: Collection[str], mistakes: list[Mistake]) -> Inputs:
    """The inputs that a route adds, with their templates, and those that it drops, with None."""
    found: list[tuple[str, Template | None]] = []
    for name, value in section.inputs:
        what, allowed = _wrong(name, value)
        if what:
            mistakes.append(name.place.mistake(what, allowed))
        elif value.kind is Kind.NOTHING:
            found.append((name.text, None))
        elif template := template_at(value, environments, mistakes):
            found.append((name.text, template))
    dropped = {name for name, template in found if template is None}
    total = len(STANDARD_INPUTS) - len(dropped) + len(found) - len(dropped)
    if total > MOST_INPUTS:
        what = f"the workflow would be given {total} inputs, and GitHub takes {MOST_INPUTS}"
        mistakes.append(section.at("inputs").mistake(what, "fewer of them; null drops a standard one"))
    return tuple(found)


def _wrong(name: Scalar, value: Scalar) -> tuple[str, str]:
    drops = value.kind is Kind.NOTHING
    if not re.fullmatch(INPUT_NAME, name.text):
        return (
            f'"{name.text[:100]}" is no name for an input',
            "letters, digits, _ and -, not beginning with a digit or -",
        )
    if drops and name.text in NEVER_DROPPED:
        return f'the input "{name.text}" cannot be dropped: the run is found again by it', ""
    if drops and name.text not in STANDARD_INPUTS:
        what = f'there is no standard input "{name.text}" to drop{nearest(name.text, STANDARD_INPUTS)}'
        return what, ", ".join(STANDARD_INPUTS)
    if not drops and name.text in STANDARD_INPUTS:
        return (
            f'"{name.text}" is a standard input: what is sent is what was decided',
            "null to drop it, or another name",
        )
    return "", ""
