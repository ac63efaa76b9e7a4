"""Whether GitHub takes the inputs of a dispatch, and what the run then sees.

Sources: https://docs.github.com/rest/actions/workflows#create-a-workflow-dispatch-event (25 inputs),
https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows (65,535 characters).
"""

from collections.abc import Mapping
from json import dumps

from orchestrator.local.github.refusal import Refusal
from orchestrator.local.github.workflow import Workflow, WorkflowInput

MOST_INPUTS = 25
MOST_CHARACTERS = 65_535


def accepted_inputs(workflow: Workflow, given: Mapping[str, object]) -> dict[str, str]:
    """The inputs of the run as text, defaults filled in.

    Raises `Refusal` 422 for too many, too long, unknown, missing or wrong inputs.
    """
    if len(given) > MOST_INPUTS:
        raise Refusal(
            422,
            f"Invalid request.\n\nNo more than {MOST_INPUTS} properties are allowed; {len(given)} were supplied.",
        )
    inputs = {name: _text(name, value) for name, value in given.items()}
    if sum(len(name) + len(value) for name, value in inputs.items()) > MOST_CHARACTERS:
        raise Refusal(422, "inputs are too large.")
    known = {one.name for one in workflow.inputs}
    unknown = [name for name in inputs if name not in known]
    if unknown:
        raise Refusal(422, f"Unexpected inputs provided: {dumps(unknown)}")
    return {one.name: _value(one, inputs.get(one.name)) for one in workflow.inputs}


def _text(name: str, value: object) -> str:
    match value:
        case str():
            return value
        case bool() | int() | float():
            return dumps(value)
        case None:
            return ""
        case _:
            raise Refusal(422, f"Invalid value for input '{name}': a string, number or boolean is allowed.")


def _value(declared: WorkflowInput, given: str | None) -> str:
    if given is None and declared.default is not None:
        return declared.default
    if not given and declared.required:
        raise Refusal(422, f"Required input '{declared.name}' not provided")
    if given is None:
        return "false" if declared.kind == "boolean" else ""
    allowed = ("true", "false") if declared.kind == "boolean" else declared.options
    if declared.kind in ("boolean", "choice") and given not in allowed:
        raise Refusal(422, f"Provided value '{given}' for input '{declared.name}' not in the list of allowed values")
    return given
