"""Intake: journal every signal and open what it nominates, before anybody is told that it was received.

The order is due row, promotion, journal, answer. A crash between two of these heals when the sender tries again,
because `duplicate` is only a label in the journal and never skips the opening.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from orchestrator.decide.nomination import Arrival, Foreign, Nominated, nominate
from orchestrator.errors import Conflict, StoreUnavailable
from orchestrator.flow.opening import Opening, open_promotion
from orchestrator.flow.recording import record
from orchestrator.flow.world import World, log
from orchestrator.ports import JournalEntry, SignalOutcome
from orchestrator.promotion.identity import shortened
from orchestrator.promotion.record import Arrived, Cause
from orchestrator.promotion.states import FactKind
from orchestrator.signals.delivery import Broken, Item, NotOurs, Ours
from orchestrator.signals.signal import Envelope, Signal

_TRIES = 20


@dataclass(frozen=True, slots=True)
class _Taken:
    outcome: SignalOutcome
    reason: str
    promotions: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


def receive(world: World, items: Sequence[Item]) -> tuple[JournalEntry, ...]:
    """Take signals in. When this returns, all of them are durable; nothing slow has happened.

    Raises `StoreUnavailable` when they could not be stored: then the sender must send all of them again.
    """
    keys = ["" if isinstance(item, Broken) else _envelope(item).key for item in items]
    entries: list[JournalEntry] = []
    hints: list[str] = []
    with world.store.together():
        known = set(world.store.journalled([key for key in keys if key]))
        for item, key in zip(items, keys, strict=True):
            taken = _take(world, item, key)
            entries.append(_entry(world, item, key, taken, duplicate=key in known))
            known |= {key} - {""}
            hints += taken.hints
        world.store.write_journal(entries)
    for entry in entries:
        _tell(entry)
    for identity in hints:
        world.queue.hint(identity)
    return tuple(entries)


def _take(world: World, item: Item, key: str) -> _Taken:
    match item:
        case Ours(signal=signal):
            return _ours(world, signal, key)
        case NotOurs(envelope=envelope, reason=reason):
            if not world.policy.environments_of(envelope.workspace):
                source = envelope.source or "its source"
                return _Taken(SignalOutcome.FOREIGN, f"{source} is not in the policy; {reason}")
            return _Taken(SignalOutcome.UNMATCHED, reason)
        case Broken(reason=reason):
            return _Taken(SignalOutcome.MALFORMED, reason)
        case _:
            assert_never(item)


def _envelope(item: Ours | NotOurs) -> Envelope:
    return item.signal.envelope if isinstance(item, Ours) else item.envelope


def _ours(world: World, signal: Signal, key: str) -> _Taken:
    nominated = nominate(signal, world.policy)
    match nominated:
        case Foreign(reason=reason):
            return _Taken(SignalOutcome.FOREIGN, reason)
        case Nominated(arrival=Arrival() as arrival):
            return _arrived(world, arrival)
        case Nominated(nominations=()):
            return _Taken(SignalOutcome.UNMATCHED, nominated.reason)
        case Nominated():
            return _open(world, signal.envelope, key, nominated)
        case _:
            assert_never(nominated)


def _open(world: World, envelope: Envelope, key: str, nominated: Nominated) -> _Taken:
    results = []
    for nomination in nominated.nominations:
        world.store.put_evidence(nomination.candidate.evidence, nomination.evidence_body)
        why = f"{envelope.type} {envelope.id} nominated it for route {nomination.route.name}"
        results.append(open_promotion(world, nomination.route, nomination.candidate, Cause(shortened(key), why)))
    reason = "; ".join(_sentence(result.promotion, result.opening) for result in results)
    return _Taken(
        SignalOutcome.PROMOTED,
        reason,
        promotions=tuple(result.promotion for result in results),
        hints=tuple(result.promotion for result in results if result.looks),
    )


def _sentence(promotion: str, opening: Opening) -> str:
    match opening:
        case Opening.OPENED:
            return f"opened {promotion}"
        case Opening.LOOKS_AGAIN:
            return f"{promotion} looks again"
        case Opening.NEXT_ATTEMPT:
            return f"opened the next attempt of {promotion}"
        case Opening.KNOWN:
            return f"{promotion} knew of it"
        case Opening.ENDED:
            return f"{promotion} has ended after a run; only a person opens another attempt"
        case _:
            assert_never(opening)


def _arrived(world: World, arrival: Arrival) -> _Taken:
    """Link a version that a promotion's own run registered, if it is in that promotion's environment."""
    for _ in range(_TRIES):
        stored = world.store.load(arrival.promotion)
        environment = None if stored is None else world.policy.environment(stored.promotion.environment)
        if stored is None or environment is None or environment.workspace_key != arrival.workspace:
            return _Taken(
                SignalOutcome.UNMATCHED,
                f"it is tagged as the work of promotion {arrival.promotion}, which has no place in this workspace",
            )
        arrived = Arrived(arrival.workspace, arrival.model, arrival.version)
        if stored.promotion.arrived == arrived:
            return _Taken(SignalOutcome.PROMOTED, f"{arrival.promotion} knew of it", (arrival.promotion,))
        detail = f"registered as {arrival.model}:{arrival.version} in {environment.name}"
        try:
            record(world, stored, FactKind.ARRIVED, detail=detail, arrived=arrived)
        except Conflict:
            continue
        return _Taken(SignalOutcome.PROMOTED, f"{arrival.promotion}: {detail}", (arrival.promotion,))
    raise StoreUnavailable(f"promotion {arrival.promotion} changed {_TRIES} times while it was being linked")


def _entry(world: World, item: Item, key: str, taken: _Taken, *, duplicate: bool) -> JournalEntry:
    if isinstance(item, Broken):
        return JournalEntry(
            id=world.token(),
            key="",
            received_at=world.clock.now(),
            outcome=taken.outcome,
            reason=taken.reason,
            type=item.type or "",
            source=item.source or "",
            subject="",
            event_id=item.id or "",
            event_time=None,
            promotions=(),
            raw=item.raw.decode(),
        )
    envelope = _envelope(item)
    return JournalEntry(
        id=world.token(),
        key=key,
        received_at=world.clock.now(),
        outcome=SignalOutcome.DUPLICATE if duplicate else taken.outcome,
        reason=taken.reason,
        type=envelope.type,
        source=envelope.source,
        subject=envelope.subject,
        event_id=envelope.id,
        event_time=envelope.time,
        promotions=taken.promotions,
        raw=item.raw.decode(),
    )


def _tell(entry: JournalEntry) -> None:
    log.info(
        "signal." + entry.outcome,
        signal_id=entry.event_id,
        signal_type=entry.type,
        source=entry.source,
        promotions=list(entry.promotions),
        reason=entry.reason,
    )
