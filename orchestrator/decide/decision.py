"""The decision: promote, wait or decline, with every check's verdict, observed values and reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from orchestrator.decide.checks import Below, CheckResult, Verdict, evaluate_below, evaluate_check
from orchestrator.policy.policy import Route


class Outcome(StrEnum):
    """What follows from the checks."""

    PROMOTE = "promote"
    WAIT = "wait"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Decision:
    """One reading of the policy against the evidence, at one moment."""

    outcome: Outcome
    reason: str
    policy_digest: str
    checks: tuple[CheckResult, ...] = ()

    @property
    def until(self) -> datetime | None:
        """The earliest moment at which time alone changes a verdict, if all that is missing is time."""
        unknown = [result for result in self.checks if result.verdict is Verdict.UNKNOWN]
        moments = [result.until for result in unknown if result.until is not None]
        return max(moments) if moments and len(moments) == len(unknown) else None

    @property
    def lacks_evidence(self) -> bool:
        """Whether evidence is missing: only such waiting counts against the evidence time-out."""
        return any(result.verdict is Verdict.UNKNOWN and not result.patient for result in self.checks)


def decide(
    route: Route,
    facts: Mapping[str, Any],
    *,
    below: Below | None,
    policy_digest: str,
    now: datetime,
) -> Decision:
    """Decide on a candidate. A failed check declines, whatever else is unknown; then an unknown one waits."""
    results = tuple(
        ([evaluate_below(below)] if below is not None else [])
        + [evaluate_check(check, facts, below=below, now=now) for check in route.checks]
    )
    failed = [result for result in results if result.verdict is Verdict.FAIL]
    unknown = [result for result in results if result.verdict is Verdict.UNKNOWN]
    if failed:
        outcome, reason = Outcome.DECLINE, _sentence(failed)
    elif unknown:
        outcome, reason = Outcome.WAIT, _sentence(unknown)
    elif results:
        outcome = Outcome.PROMOTE
        reason = f"all {len(results)} checks passed" if len(results) > 1 else "its check passed"
    else:
        outcome, reason = Outcome.PROMOTE, f"route {route.name} asks for no checks"
    return Decision(outcome=outcome, reason=reason, policy_digest=policy_digest, checks=results)


def _sentence(results: list[CheckResult]) -> str:
    return "; ".join(f"{result.name}: {result.reason}" for result in results)
