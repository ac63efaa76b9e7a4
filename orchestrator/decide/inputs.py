"""The inputs of a dispatch: text by name, as the workflow declares them."""

from collections.abc import Mapping
from typing import Any, assert_never

from orchestrator.policy.expressions import Broken, Missing
from orchestrator.policy.policy import Route


class MissingInput(Exception):
    """A template of the route's `inputs` reads a name that is not there; the message says which."""


class BrokenInput(Exception):
    """A template of the route's `inputs` can't be answered from this evidence, and waiting does not mend it."""


def dispatch_inputs(route: Route, standard: Mapping[str, str], facts: Mapping[str, Any]) -> dict[str, str]:
    """Add to, rename or drop from the standard inputs what the route's `inputs` says.

    Raises `MissingInput` and `BrokenInput`.
    """
    inputs = dict(standard)
    for name, template in route.inputs:
        if template is None:
            inputs.pop(name, None)
            continue
        text = template.render(facts)
        match text:
            case str():
                inputs[name] = text
            case Missing(message=message):
                raise MissingInput(f"input {name} of route {route.name}: {message}")
            case Broken(message=message):
                raise BrokenInput(f"input {name} of route {route.name}: {message}")
            case _:
                assert_never(text)
    return inputs
