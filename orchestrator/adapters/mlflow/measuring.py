"""From runs, best source first, to what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan

from orchestrator.adapters.mlflow.records import MlflowRun, is_number

MOST_NAMES = 12


@dataclass(frozen=True, slots=True)
class RunFound:
    """A run that may hold evidence, and why: `why` completes "run r1, ..."."""

    run: MlflowRun
    why: str


@dataclass(frozen=True, slots=True)
class Measurements:
    """What was measured. `run` is the first that gave a metric, else the first there is; the rest is for people."""

    run: MlflowRun | None
    metrics: dict[str, float] = field(default_factory=dict)
    read: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def measurements(found: Sequence[RunFound]) -> Measurements:
    """Take each metric from the first run that has it.

    A value that is no number is left out, and not looked for further on: an older one must not stand for it.
    """
    metrics: dict[str, float] = {}
    read, absent = list[str](), list[str]()
    taken: set[str] = set()
    gave: list[MlflowRun] = []
    for one in _each_once(found):
        fresh = {name: value for name, value in one.run.metrics.items() if name not in taken}
        taken |= fresh.keys()
        numbers = {name: value for name, value in fresh.items() if is_number(value)}
        absent += [
            f"metric {name} of run {one.run.id} is {'no number' if isnan(value) else 'infinite'}, so it is left out"
            for name, value in fresh.items()
            if name not in numbers
        ]
        if numbers:
            metrics |= numbers
            gave.append(one.run)
            read.append(f"run {one.run.id}, {one.why} ({one.run.status}): {_listed(sorted(numbers))}")
    runs = gave or [one.run for one in found]
    return Measurements(runs[0] if runs else None, metrics, tuple(read), tuple(absent))


def _each_once(found: Sequence[RunFound]) -> list[RunFound]:
    first: dict[str, RunFound] = {}
    for one in found:
        first.setdefault(one.run.id, one)
    return list(first.values())


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
