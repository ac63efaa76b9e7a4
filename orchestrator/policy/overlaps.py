"""Warnings: routes that may want the same model in the same environment. The first in file order opens."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from orchestrator.policy.mistakes import Mistake
from orchestrator.policy.policy import Mode, Route
from orchestrator.policy.shape import Section

ANY_ONE = "?"
ANY_MANY = "*"


def overlap_warnings(sections: Mapping[str, Section], routes: Sequence[Route]) -> Iterator[Mistake]:
    """One warning for each two enabled routes into one environment whose patterns can fit one name."""
    enabled = [route for route in routes if route.mode is Mode.ENABLED]
    for first, second in combinations(enabled, 2):
        if first.to == second.to and _can_share(_names(first), _names(second)):
            place = sections[first.name].place
            what = (
                f'the routes "{first.name}" ({place.file}:{place.line}) and "{second.name}" can both bring a model '
                f'into {first.to}; the first in file order, "{first.name}", opens'
            )
            yield sections[second.name].place.mistake(what)


def patterns_meet(first: str, second: str) -> bool:
    """Whether some name fits both patterns; a set such as [ab] counts as any one character, to be on the safe side."""
    left, right = _signs(first), _signs(second)
    # One row per sign of `left`, last one first: whether left[i:] and right[j:] meet, for every j.
    row = [all(sign == ANY_MANY for sign in right[j:]) for j in range(len(right) + 1)]
    for sign in reversed(left):
        row = _row_above(sign, right, row)
    return row[0]


def _row_above(sign: str, right: Sequence[str], below: Sequence[bool]) -> list[bool]:
    row = [False] * (len(right) + 1)
    row[-1] = sign == ANY_MANY and below[-1]
    for j in reversed(range(len(right))):
        if ANY_MANY in (sign, right[j]):
            row[j] = below[j] or row[j + 1]
        else:
            row[j] = below[j + 1] and (sign == right[j] or ANY_ONE in (sign, right[j]))
    return row


def _can_share(first: Sequence[str], second: Sequence[str]) -> bool:
    return any(patterns_meet(one, other) for one in first for other in second)


def _names(route: Route) -> tuple[str, ...]:
    """Patterns of the names that candidates of a route have."""
    of_runs = (route.as_name,) if route.as_name else route.experiments
    return (*route.models, *of_runs)


def _signs(pattern: str) -> list[str]:
    """The pattern in signs: one character each, sets and ? as ANY_ONE."""
    signs: list[str] = []
    at = 0
    while at < len(pattern):
        close = pattern.find("]", at + 2) if pattern[at] == "[" else -1
        signs.append(ANY_ONE if close > 0 else pattern[at])
        at = close + 1 if close > 0 else at + 1
    return signs
