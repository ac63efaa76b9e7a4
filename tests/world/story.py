"""The story of a broken promise: what happened to those it is about, and who meddled, in the order of events."""

import re

from tests.world.trace import readable
from tests.world.world import Outcome

LONGEST = 70
WIDEST = 260
_PROMOTION = re.compile(r"(?:staging|prod):[a-z-]+:\d+")
_RUN = re.compile(r"\brun (\d{4,})\b")
_CREATED = re.compile(r"github run (\d+) created for ((?:staging|prod):[a-z-]+:\d+)")
_UNCHANGED = re.compile(
    r"store\.(postpone \S+|save \S+ (evaluating|waiting|dispatching|queued|gated|running))$|: conflict, "
)
_BY_WORKER = re.compile(r"^t=\d+ worker-\d+")


def story(outcome: Outcome) -> str:
    """Tell what led to it, and how to see it again."""
    if outcome.broken is None:
        return f"seed {outcome.seed}: every promise held in {outcome.steps} steps"
    promise, how = outcome.broken
    subjects = _subjects(outcome)
    lines = _folded([line for line in outcome.lines if _matters(line, subjects)])
    left_out = len(lines) - LONGEST
    told = [line[:WIDEST] for line in lines[-LONGEST:]]
    return "\n".join(
        [
            f"seed {outcome.seed} breaks a promise: {promise}",
            f"  {how}",
            f"the smallest such world found has {len(outcome.fired)} faults and {len(outcome.lines)} events; of these:",
            *([f"  ... {left_out} events before"] if left_out > 0 else []),
            *(f"  {line}" for line in told),
            f"again: python -m tests.world --seed {outcome.seed}",
        ]
    )


def _subjects(outcome: Outcome) -> re.Pattern[str]:
    """What the broken promise names: promotions, their models and versions, and their runs."""
    how = outcome.broken[1] if outcome.broken else ""
    created = {run: promotion for line in outcome.lines for run, promotion in _CREATED.findall(line)}
    runs = set(_RUN.findall(how))
    promotions = set(_PROMOTION.findall(how)) | {created[run] for run in runs if run in created}
    candidates = {promotion.partition(":")[2] for promotion in promotions}
    runs |= {run for run, promotion in created.items() if promotion.partition(":")[2] in candidates}
    words = candidates | runs
    return re.compile("|".join(rf"\b{re.escape(word)}\b" for word in sorted(words)) or "$.")


def _folded(lines: list[str]) -> list[str]:
    """Write lines for people; looks that changed nothing are only counted."""
    told: list[str] = []
    looks, seen = 0, ""
    for line in lines:
        said = _BY_WORKER.sub("", line)
        if _UNCHANGED.search(line) or (" github.run " in said and said == seen):
            looks += 1
            continue
        if looks:
            told.append(f"... {looks} events of looks that changed nothing")
        looks, seen = 0, said if " github.run " in said else seen
        told.append(readable(line))
    return told


def _matters(line: str, subjects: re.Pattern[str]) -> bool:
    _, _, what = line.partition(" ")
    if what.startswith(("promise broken", "somebody")) or " starts, its clock " in what:
        return True
    return subjects.search(what) is not None and "store.take_due" not in what
