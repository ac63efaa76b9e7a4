"""Records as the flow makes them, for tests that only care what becomes of them in a store."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from orchestrator.decide.candidate import Candidate, Registered
from orchestrator.decide.checks import CheckResult, Verdict
from orchestrator.decide.decision import Decision, Outcome
from orchestrator.policy.policy import Gate
from orchestrator.ports import JournalEntry, SignalOutcome
from orchestrator.promotion.history import Fact, chained
from orchestrator.promotion.identity import promotion_id
from orchestrator.promotion.record import (
    Arrived,
    CancelIntent,
    Dispatch,
    GateRecord,
    Intent,
    Promotion,
    Run,
    Slot,
    SlotChampion,
    Target,
    Trouble,
    apply,
)
from orchestrator.promotion.states import FactKind, State

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """A moment, seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def new(
    version: str = "7",
    *,
    model: str = "diabetes-clf",
    environment: str = "staging",
    opened_at: datetime = NOON,
    look: datetime | None = NOON,
    cause: str = "0123456789ab",
) -> tuple[Promotion, Fact]:
    """A promotion that was just opened, and the first fact of its history."""
    identity = promotion_id(environment, model, version)
    fact = chained(
        identity,
        previous="",
        seq=1,
        attempt=1,
        at=opened_at,
        fact=FactKind.OPENED,
        actor="system",
        detail="it was registered",
    )
    promotion = Promotion(
        id=identity,
        intent=Intent.PROMOTE,
        candidate=Candidate(
            workspace="/subscriptions/0000/resourcegroups/dev-ml-rg/workspaces/dev-ml-ws",
            model=model,
            version=version,
            from_environment="dev",
            registered_at=opened_at,
            evidence="0" * 64,
        ),
        environment=environment,
        route=f"to-{environment}",
        state=State.EVALUATING,
        opened_at=opened_at,
        updated_at=opened_at,
        changed_at=opened_at,
        causes=(cause,),
        next_look_at=look,
        last_seq=fact.seq,
        last_hash=fact.hash,
    )
    return promotion, fact


def waits(
    promotion: Promotion, *, look: datetime, detail: str = "waits for metrics.accuracy"
) -> tuple[Promotion, Fact]:
    """The promotion goes on waiting, and looks again later."""
    return apply(promotion, FactKind.WAITS, at=look, detail=detail, waiting_for=detail, next_look_at=look)


def declined(promotion: Promotion, *, moment: datetime = NOON) -> tuple[Promotion, Fact]:
    """The promotion ends."""
    return apply(promotion, FactKind.DECLINED, at=moment, detail="accurate enough: 0.81 is below 0.85")


def full(promotion: Promotion) -> Promotion:
    """The same promotion with every field filled, as after a long life."""
    check = CheckResult(
        name="accurate enough",
        expect="metrics.accuracy >= 0.85",
        verdict=Verdict.UNKNOWN,
        reason="metrics.accuracy is not known",
        observed={"metrics.accuracy": None, "tags": {"größe": "groß"}, "values": [1, 0.1 + 0.2, True, "x"]},
        until=at(3600),
        patient=True,
    )
    return replace(
        promotion,
        candidate=replace(promotion.candidate, run_id="run-1"),
        state=State.GATED,
        attempt=2,
        opened_by="reviewer-one",
        below="dev:diabetes-clf:7",
        waiting_for="a reviewer",
        unknown_since=at(1),
        decision=Decision(Outcome.WAIT, reason="it waits", policy_digest="f" * 64, checks=(check,)),
        dispatch=Dispatch(
            target=Target("proseware/diabetes-ml", workflow="promote.yml", ref="main", environment="staging"),
            gate=Gate.REQUIRED,
            writer="writer-1",
            first_intent_at=at(2.000001),
            since=at(3),
            accepted=True,
        ),
        run=Run(id=2**40, url="https://github.invalid/runs/1", attempt=3),
        gate=GateRecord(required=True, reviewers=("reviewer-one", "reviewer-two"), comment="gut 🩺", decided_at=at(4)),
        arrived=Arrived("/subscriptions/0000/stg-ml-ws", model="diabetes-clf", version="3"),
        cancel=CancelIntent("reviewer-two", reason="not today", at=at(5)),
        trouble=Trouble(count=3, message="KeyError: 'x'"),
        person_needed="grant the app access",
    )


def full_slot(slot: Slot) -> Slot:
    """The same slot with every field filled."""
    return replace(
        slot,
        holder="staging:diabetes-clf:7",
        champion=SlotChampion("staging:diabetes-clf:6", version="6", evidence="e" * 64, at=at(-60)),
        newest_succeeded=Registered(at(-120), version="6"),
        newest_taken=Registered(at(-60), version="7"),
    )


def entry(
    number: int, *, outcome: SignalOutcome = SignalOutcome.PROMOTED, key: str | None = None, raw: str = "{}"
) -> JournalEntry:
    """A journal entry. Its number tells it from others."""
    return JournalEntry(
        id=f"entry-{number}",
        key=f"key-{number}" if key is None else key,
        received_at=at(number),
        outcome=outcome,
        reason="opened staging:diabetes-clf:7",
        type="model-registered",
        source="/subscriptions/0000/dev-ml-ws",
        subject="models/diabetes-clf:7",
        event_id=f"event-{number}",
        event_time=at(number - 1),
        promotions=("staging:diabetes-clf:7",),
        raw=raw,
    )
