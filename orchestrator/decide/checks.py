"""Checks: one condition of the policy against the evidence, with what was observed and the reason of the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, assert_never

from orchestrator.policy.expressions import Broken, Expression, Fails, Holds, Missing
from orchestrator.policy.policy import Check, ExpressionCheck, SoakCheck


class Verdict(StrEnum):
    """Unknown is not failure: evidence that is not there yet may still come."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's verdict. `until` is when time alone will change it; such an unknown never expires."""

    name: str
    expect: str
    verdict: Verdict
    reason: str
    observed: dict[str, Any] = field(default_factory=dict)
    until: datetime | None = None
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Below:
    """The promotion whose success opened this one: the version's life in the environment below."""

    promotion: str
    environment: str
    state: str
    succeeded_at: datetime | None
    bypassed: bool


def evaluate_check(check: Check, facts: Mapping[str, Any], *, below: Below | None, now: datetime) -> CheckResult:
    """Evaluate one check of the policy. Never raises for anything that the evidence can contain."""
    match check:
        case ExpressionCheck():
            return _expression(check, facts)
        case SoakCheck():
            return _soak(check, below=below, now=now)
        case _:
            assert_never(check)


def evaluate_below(below: Below) -> CheckResult:
    """The first check of every promotion that another one opened: that one must be recorded as succeeded."""
    name = f"succeeded in {below.environment}"
    expect = f"promotion {below.promotion} is recorded as succeeded, through its gate"
    observed = {"state": below.state}
    if below.bypassed:
        return CheckResult(
            name=name,
            expect=expect,
            verdict=Verdict.UNKNOWN,
            reason=f"{below.promotion} passed its gate without a recorded approval; a person must accept that first",
            observed=observed,
            patient=True,
        )
    if below.state == "succeeded":
        return CheckResult(
            name=name,
            expect=expect,
            verdict=Verdict.PASS,
            reason=f"{below.promotion} succeeded",
            observed=observed,
        )
    return CheckResult(
        name=name,
        expect=expect,
        verdict=Verdict.UNKNOWN,
        reason=f"{below.promotion} is {below.state}; it must succeed first",
        observed=observed,
        patient=True,
    )


def _expression(check: ExpressionCheck, facts: Mapping[str, Any]) -> CheckResult:
    if check.when is not None:
        condition = _verdict(check.when, facts)
        if condition.verdict is Verdict.FAIL and not condition.broken:
            return CheckResult(
                name=check.name,
                expect=check.expect.text,
                verdict=Verdict.PASS,
                reason=f"not asked here, because `{check.when.text}` is false",
                observed=check.when.observe(facts),
            )
        if condition.verdict is not Verdict.PASS:
            return CheckResult(
                name=check.name,
                expect=check.expect.text,
                verdict=condition.verdict,
                reason=f"whether it is asked here is open: {condition.reason}",
                observed=check.when.observe(facts),
            )
    answer = _verdict(check.expect, facts)
    return CheckResult(
        name=check.name,
        expect=check.expect.text,
        verdict=answer.verdict,
        reason=answer.reason,
        observed=check.expect.observe(facts),
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    verdict: Verdict
    reason: str
    broken: bool = False


def _verdict(expression: Expression, facts: Mapping[str, Any]) -> _Reading:
    answer = expression.evaluate(facts)
    match answer:
        case Holds():
            return _Reading(Verdict.PASS, f"`{expression.text}` holds")
        case Fails():
            return _Reading(Verdict.FAIL, f"`{expression.text}` does not hold")
        case Missing(message=message):
            return _Reading(Verdict.UNKNOWN, message)
        case Broken(message=message):
            return _Reading(Verdict.FAIL, f"`{expression.text}` can't be evaluated: {message}", broken=True)
        case _:
            assert_never(answer)


def _soak(check: SoakCheck, *, below: Below | None, now: datetime) -> CheckResult:
    expect = f"at least {_span(check.at_least)} in the environment below"
    if below is None or below.succeeded_at is None:
        return CheckResult(
            name=check.name,
            expect=expect,
            verdict=Verdict.UNKNOWN,
            reason="no promotion into the environment below is on record, so the time there is not known",
            patient=True,
        )
    ends = below.succeeded_at + check.at_least
    observed = {"in_environment_since": below.succeeded_at.isoformat(), "ends": ends.isoformat()}
    if now >= ends:
        return CheckResult(
            name=check.name,
            expect=expect,
            verdict=Verdict.PASS,
            reason=f"in {below.environment} for {_span(now - below.succeeded_at)}",
            observed=observed,
        )
    return CheckResult(
        name=check.name,
        expect=expect,
        verdict=Verdict.UNKNOWN,
        reason=f"in {below.environment} since {_minute(below.succeeded_at)}; the time is up at {_minute(ends)}",
        observed=observed,
        until=ends,
        patient=True,
    )


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    if seconds >= 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
