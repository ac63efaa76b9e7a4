"""The JSON that the outside sees: promotions and the journal, with times in RFC 3339, UTC.

Every field is always there; what is not known is null. Only the history is left out of lists, for its length.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from orchestrator.decide.checks import Verdict
from orchestrator.decide.decision import Decision, Outcome
from orchestrator.ports import JournalEntry, JournalPage, PromotionPage, SignalOutcome
from orchestrator.promotion.history import Fact, rfc3339
from orchestrator.promotion.record import GateRecord, Intent, Promotion
from orchestrator.promotion.states import State

LONGEST_RAW = 4_096

Moment = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class ShownArrived(_Shown):
    """What the candidate became in the environment."""

    workspace: str
    model: str
    version: str


class ShownRun(_Shown):
    """The run on GitHub; "Re-run failed jobs" there keeps its id and raises `attempt`."""

    id: int
    url: str
    attempt: int


class ShownGate(_Shown):
    """What is known of the reviewers' gate."""

    required: bool
    reviewers: tuple[str, ...]
    approved_by: str | None
    comment: str | None
    decided_at: Moment | None
    bypassed: bool


class ShownCheck(_Shown):
    """One check of the policy, with the values that it read."""

    name: str
    expect: str
    verdict: Verdict
    observed: dict[str, Any]
    reason: str


class ShownDecision(_Shown):
    """What the checks came to, when they were last looked at."""

    outcome: Outcome
    policy_digest: str
    checks: tuple[ShownCheck, ...]


class ShownFact(_Shown):
    """One thing that happened; `hash` covers it and all before it."""

    seq: int
    at: Moment
    fact: str
    actor: str
    detail: str
    hash: str


class ShownPromotion(_Shown):
    """One candidate on its way into one environment, as lists show it: without its history."""

    id: str
    model: str
    version: str
    from_: str = Field(alias="from")
    to: str
    route: str
    intent: Intent
    state: State
    attempt: int
    opened_at: Moment
    updated_at: Moment
    next_look_at: Moment | None
    waiting_for: str | None
    arrived: ShownArrived | None
    run: ShownRun | None
    gate: ShownGate | None
    decision: ShownDecision | None


class WholePromotion(ShownPromotion):
    """One candidate on its way into one environment, with everything that happened, first to last."""

    history: tuple[ShownFact, ...]


class ShownPromotions(_Shown):
    """One page of promotions, newest first; `next` is the cursor of the page after it, null on the last."""

    promotions: tuple[ShownPromotion, ...]
    next: str | None


class ShownEvent(_Shown):
    """One delivery of one signal, and what became of it.

    `id` is the journal's own, `event_id` the sender's; `signal` is what `/api/promotions?signal=` takes, empty for
    what was no event of ours. `raw` is the beginning of what was sent.
    """

    id: str
    signal: str
    received_at: Moment
    outcome: SignalOutcome
    reason: str
    type: str
    source: str
    subject: str
    event_id: str
    event_time: Moment | None
    promotions: tuple[str, ...]
    raw: str = Field(max_length=LONGEST_RAW)


class ShownEvents(_Shown):
    """One page of the journal, newest first; `next` is the cursor of the page after it, null on the last."""

    events: tuple[ShownEvent, ...]
    next: str | None


def shown_page(page: PromotionPage) -> ShownPromotions:
    """Show one page of a list."""
    promotions = tuple(ShownPromotion(**_fields(promotion)) for promotion in page.promotions)
    return ShownPromotions(promotions=promotions, next=page.next)


def whole_promotion(promotion: Promotion, history: tuple[Fact, ...]) -> WholePromotion:
    """Show one promotion with its history."""
    facts = tuple(
        ShownFact(seq=fact.seq, at=fact.at, fact=fact.fact, actor=fact.actor, detail=fact.detail, hash=fact.hash)
        for fact in history
    )
    return WholePromotion(**_fields(promotion), history=facts)


def shown_journal(page: JournalPage) -> ShownEvents:
    """Show one page of the journal."""
    return ShownEvents(events=tuple(_event(entry) for entry in page.entries), next=page.next)


def _fields(promotion: Promotion) -> dict[str, Any]:
    candidate, run, arrived = promotion.candidate, promotion.run, promotion.arrived
    return {
        "id": promotion.id,
        "model": candidate.model,
        "version": candidate.version,
        "from": candidate.from_environment,
        "to": promotion.environment,
        "route": promotion.route,
        "intent": promotion.intent,
        "state": promotion.state,
        "attempt": promotion.attempt,
        "opened_at": promotion.opened_at,
        "updated_at": promotion.updated_at,
        "next_look_at": promotion.next_look_at,
        "waiting_for": _waiting_for(promotion),
        "arrived": arrived and ShownArrived(workspace=arrived.workspace, model=arrived.model, version=arrived.version),
        "run": run and ShownRun(id=run.id, url=run.url, attempt=run.attempt),
        "gate": promotion.gate and _gate(promotion.gate),
        "decision": promotion.decision and _decision(promotion.decision),
    }


def _waiting_for(promotion: Promotion) -> str | None:
    """Tell what it waits for; a person who is needed, or an error that nobody expected, comes first."""
    if promotion.trouble is not None:
        return f"an unexpected error to pass, met {promotion.trouble.count} times: {promotion.trouble.message}"
    if promotion.person_needed is not None:
        return f"a person: {promotion.person_needed}"
    return promotion.waiting_for


def _gate(gate: GateRecord) -> ShownGate:
    return ShownGate(
        required=gate.required,
        reviewers=gate.reviewers,
        approved_by=gate.approved_by,
        comment=gate.comment,
        decided_at=gate.decided_at,
        bypassed=gate.bypassed,
    )


def _decision(decision: Decision) -> ShownDecision:
    checks = tuple(
        ShownCheck(
            name=check.name,
            expect=check.expect,
            verdict=check.verdict,
            observed=check.observed,
            reason=check.reason,
        )
        for check in decision.checks
    )
    return ShownDecision(outcome=decision.outcome, policy_digest=decision.policy_digest, checks=checks)


def _event(entry: JournalEntry) -> ShownEvent:
    return ShownEvent(
        id=entry.id,
        signal=entry.key[:12],
        received_at=entry.received_at,
        outcome=entry.outcome,
        reason=entry.reason,
        type=entry.type,
        source=entry.source,
        subject=entry.subject,
        event_id=entry.event_id,
        event_time=entry.event_time,
        promotions=entry.promotions,
        raw=entry.raw[:LONGEST_RAW],
    )
