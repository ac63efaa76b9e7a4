"""The part of the facts that an expression reads, in the form in which the library takes them.

A candidate may have a thousand metrics and an expression reads two: only these are handed over.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from orchestrator.policy.variables import Path, variable_of

LONGEST_OBSERVED = 50
LARGEST_INTEGER_BITS = 1000

Facts = Mapping[str, object]
JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]


@dataclass(frozen=True, slots=True)
class Absent:
    """There is nothing at a path."""


ABSENT: Final = Absent()


def find(facts: Facts, path: Path) -> object | Absent:
    """The fact at a path, or ABSENT. A measurement that is NaN is none."""
    value: object = facts
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return ABSENT
        value = value[part]
    return ABSENT if _is_nan(value) else value


def bind(paths: Iterable[Path], facts: Facts) -> dict[str, object]:
    """Variable names and values for the library: as much of each variable as the paths read."""
    bound: dict[str, object] = {}
    for path in paths:
        name, above, keys, doubles = _split(path)
        value = find(facts, above)
        if isinstance(value, Absent):
            continue
        if path == ("champion",):
            bound[name] = None if value is None else {}
        elif not keys:
            bound[name] = _whole(value, doubles=doubles)
        elif isinstance(value, Mapping):
            target = bound.setdefault(name, {})
            if isinstance(target, dict) and not isinstance(found := find(value, keys), Absent):
                _put(target, keys, _whole(found, doubles=doubles))
    return bound


def observed(value: object) -> JSON:
    """A fact as JSON, for the record of a decision; a big map as the number of its entries."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return f"{value.total_seconds():g}s"
        case Mapping() if len(value) > LONGEST_OBSERVED:
            return f"{len(value)} entries"
        case Mapping():
            return {str(key): observed(entry) for key, entry in value.items()}
        case list() | tuple():
            return [observed(entry) for entry in value]
        case _:
            return str(value)


@cache
def _split(path: Path) -> tuple[str, Path, Path, bool]:
    """A path as its variable's name, the path of the variable, the keys below it, and whether doubles are there."""
    variable = variable_of(path)
    if variable is None:
        raise ValueError(f"{path} begins with no variable")
    depth = len(variable.path)
    return variable.name, path[:depth], path[depth:], variable.holds_doubles


def _put(target: dict[str, object], keys: Path, value: object) -> None:
    for key in keys[:-1]:
        below = target.setdefault(key, {})
        if not isinstance(below, dict):
            return
        target = below
    target[keys[-1]] = value


def _whole(value: object, *, doubles: bool) -> object:
    if isinstance(value, Mapping):
        return {key: _whole(entry, doubles=doubles) for key, entry in value.items() if not _is_nan(entry)}
    return float(value) if doubles and type(value) is int and value.bit_length() < LARGEST_INTEGER_BITS else value


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
