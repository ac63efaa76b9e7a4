"""Dispatching: the intent is saved, then GitHub is called, then what it said is saved.

Only the writer that saved the intent sends, once, and soon. An answer that was lost is never answered by sending
again: `looking_for_run` looks first.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from orchestrator.decide.candidate import Registered
from orchestrator.decide.decision import Decision
from orchestrator.errors import Conflict, LostAnswer, NothingHappened, PersonError, Refused, WaitError
from orchestrator.flow.dropped_ids import drops_ids, nobody_can_tell
from orchestrator.flow.ending import wake_those_waiting
from orchestrator.flow.gate import gate_obstacle
from orchestrator.flow.recording import record
from orchestrator.flow.world import FOLLOWING_CAP, World
from orchestrator.policy.policy import Gate, Route
from orchestrator.ports import Order, SlotChange, Stored, StoredSlot
from orchestrator.promotion.record import Dispatch, GateRecord, Promotion, Slot, Target
from orchestrator.promotion.states import FactKind, State


@dataclass(frozen=True, slots=True)
class Intended:
    """What a decision to promote comes to: where the run happens, who reviews it, and what it is told.

    `decided_on` is the digest of the evidence that the decision was made on.
    """

    decision: Decision
    decided_on: str
    target: Target
    gate: Gate
    reviewers: tuple[str, ...]
    inputs: dict[str, str]


def dispatch(world: World, stored: Stored, slot: StoredSlot, intended: Intended) -> Stored:
    """Save the intent, taking the slot; look at the gate once more; send; save what came of it.

    Raises `PersonError` before anything is saved, `Conflict` when another worker was first.
    """
    promotion, target = stored.promotion, intended.target
    _nothing_lost_for_good(world, promotion, intended)
    before = _Before(promotion, slot.slot.newest_taken)
    started = world.clock.monotonic()
    saved = _save_intent(world, stored, slot, intended)
    obstacle = _gate_obstacle_now(world, target, intended.gate)
    if obstacle is not None:
        return _let_go(world, saved, before, obstacle, next_look_at=_soon(world))
    if not _still_wanted(world, saved):
        return _let_go(world, saved, before, "a person cancelled it before it was sent", next_look_at=_soon(world))
    spent = world.clock.monotonic() - started
    if spent >= world.timing.send_within.total_seconds():
        why = f"sending was held up for {spent:.0f} s; deciding again"
        return _let_go(world, saved, before, why, next_look_at=_soon(world))
    return _send(world, saved, before, Order(target, intended.inputs, promotion.marker, world.timing.send_takes))


def _save_intent(world: World, stored: Stored, slot: StoredSlot, intended: Intended) -> Stored:
    target, decision = intended.target, intended.decision
    return record(
        world,
        stored,
        FactKind.INTENT_SAVED,
        detail=f"{decision.reason}; {target.workflow} of {target.repository} is told to run",
        slot=SlotChange(slot, _taken(slot.slot, stored.promotion)),
        decision=decision,
        decided_on=intended.decided_on,
        dispatch=_intent(world, stored, target, intended.gate),
        gate=GateRecord(required=intended.gate is Gate.REQUIRED, reviewers=intended.reviewers),
        waiting_for=None,
        unknown_since=None,
        person_needed=None,
        next_look_at=world.clock.now() + _first_recovery(world),
    )


@dataclass(frozen=True, slots=True)
class _Before:
    """What the intent replaced, put back where nothing came of it."""

    promotion: Promotion
    newest_taken: Registered | None

    @property
    def lost(self) -> bool:
        """Whether the answer to an earlier order of this attempt was lost, so that a run of it may live."""
        return self.promotion.dispatch is not None and self.promotion.dispatch.lost > 0


def _nothing_lost_for_good(world: World, promotion: Promotion, intended: Intended) -> None:
    """Raise `PersonError` where a run of an earlier order could not be found by its name, or would be another kind."""
    before = promotion.dispatch
    if before is None or before.lost == 0:
        return
    if drops_ids(world, before.target):
        raise PersonError(nobody_can_tell(before.target))
    if (before.target, before.gate) != (intended.target, intended.gate):
        raise PersonError(
            f"GitHub's answer to an order for {before.target.workflow} of {before.target.repository} was lost, and the "
            f"policy has since changed where it goes or its gate; look for its run there, cancel this promotion, and "
            f"retry it"
        )


def _still_wanted(world: World, saved: Stored) -> bool:
    """Tell whether nobody cancelled it meanwhile.

    Raises `Conflict` when somebody found a run: an order that was held up for long may still arrive.
    """
    again = world.store.load(saved.promotion.id)
    if again is None or _writer(again.promotion) != _writer(saved.promotion):
        raise Conflict(f"promotion {saved.promotion.id} was changed by another worker before its order was sent")
    return again.promotion.cancel is None


def _gate_obstacle_now(world: World, target: Target, gate: Gate) -> str | None:
    if gate is Gate.NONE:
        return None
    try:
        return gate_obstacle(target, world.workflows.gate(target))
    except (PersonError, WaitError) as error:
        return str(error)


def _send(world: World, saved: Stored, before: _Before, order: Order) -> Stored:
    intent = saved.promotion.dispatch
    assert intent is not None  # noqa: S101 - saved a moment ago
    try:
        run = world.workflows.start(order)
    except Refused as error:
        return _refused(world, saved, before, str(error))
    except NothingHappened as error:
        return _let_go(world, saved, before, str(error), next_look_at=error.retry_at or _later(world, saved))
    except LostAnswer as error:
        return _settled(
            world,
            saved,
            FactKind.ANSWER_LOST,
            detail=f"{error}; a run may exist, so it is looked for before anything is sent again",
            dispatch=replace(intent, lost=intent.lost + 1, since=None, empty_looks=0),
            waiting_for=f"a run named {order.marker}, whose start was ordered but not confirmed",
            next_look_at=_soon(world),
        )
    if run is None:
        return _settled(
            world,
            saved,
            FactKind.ACCEPTED,
            detail="GitHub took the order without naming the run",
            dispatch=replace(intent, accepted=True),
            waiting_for=f"a run named {order.marker} to show up",
            next_look_at=_soon(world),
        )
    return _settled(
        world, saved, FactKind.RUN_STARTED, detail=f"run {run.id} {run.url}", run=run, next_look_at=_soon(world)
    )


def _settled(world: World, saved: Stored, kind: FactKind, *, detail: str, **changes: Any) -> Stored:
    """Save what happened outside; it happened, so a conflict is met by reading again and saving on top.

    A record that has moved on, or whose intent is another writer's, is left to them: they have looked for the run.
    """
    writer = _writer(saved.promotion)
    while True:
        try:
            return record(world, saved, kind, detail=detail, **changes)
        except Conflict:
            again = world.store.load(saved.promotion.id)
            if again is None or _writer(again.promotion) != writer:
                raise
            saved = again


def _let_go(
    world: World, saved: Stored, before: _Before, why: str, *, next_look_at: datetime, person_needed: str | None = None
) -> Stored:
    """Nothing was sent and nobody else may send: decide again later."""
    return _nothing_runs(
        world,
        saved,
        before,
        FactKind.NOTHING_SENT,
        detail=why,
        dispatch=before.promotion.dispatch,
        gate=before.promotion.gate,
        decided_on=before.promotion.decided_on,
        waiting_for=why,
        next_look_at=next_look_at,
        person_needed=person_needed,
    )


def _refused(world: World, saved: Stored, before: _Before, why: str) -> Stored:
    """End as errored, which says that nothing runs; where an earlier answer was lost, nobody can say that."""
    if before.lost:
        return _let_go(world, saved, before, why, next_look_at=_later(world, saved), person_needed=why)
    return _nothing_runs(world, saved, before, FactKind.REFUSED, detail=why)


def _nothing_runs(
    world: World, saved: Stored, before: _Before, kind: FactKind, *, detail: str, **changes: Any
) -> Stored:
    """Record that nothing came of the order. The slot goes back, unless an earlier answer of this attempt was lost.

    Where time must mend it, the others of the slot come at their own time: woken, they would take turns at once.
    """
    writer = _writer(saved.promotion)
    while True:
        slot = world.store.slot(saved.promotion.slot)
        change = None if before.lost else SlotChange(slot, _given_back(slot.slot, saved.promotion, before))
        try:
            ended = record(world, saved, kind, detail=detail, slot=change, **changes)
        except Conflict:
            again = world.store.load(saved.promotion.id)
            if again is None or _writer(again.promotion) != writer:
                raise
            saved = again
            continue
        if kind is FactKind.REFUSED:
            wake_those_waiting(world, slot.slot.key, behind=saved.promotion.id)
        return ended


def _given_back(slot: Slot, promotion: Promotion, before: _Before) -> Slot:
    mine = slot.newest_taken == promotion.candidate.registered
    return replace(slot, holder=None, newest_taken=before.newest_taken if mine else slot.newest_taken)


def _later(world: World, saved: Stored) -> datetime:
    """Look again later and later: each intent is a change, so the time since the opening is what grows."""
    return world.next_look(saved.promotion.opened_at, cap=FOLLOWING_CAP)


def _writer(promotion: Promotion) -> str | None:
    """Name who may send, while the order is open."""
    if promotion.state is not State.DISPATCHING or promotion.dispatch is None:
        return None
    return promotion.dispatch.writer


def _intent(world: World, stored: Stored, target: Target, gate: Gate) -> Dispatch:
    before = stored.promotion.dispatch
    return Dispatch(
        target=target,
        gate=gate,
        writer=world.token(),
        first_intent_at=before.first_intent_at if before else stored.read_at,
        sends=before.sends + 1 if before else 1,
        lost=before.lost if before else 0,
    )


def _taken(slot: Slot, promotion: Promotion) -> Slot:
    mine = promotion.candidate.registered
    newest = mine if slot.newest_taken is None or mine.newer_than(slot.newest_taken) else slot.newest_taken
    return replace(slot, holder=promotion.id, newest_taken=newest)


def _soon(world: World) -> datetime:
    return world.clock.now() + world.timing.first_look


def _first_recovery(world: World) -> timedelta:
    """When somebody else looks for the run of a writer that was never heard of again."""
    return min(timedelta(seconds=30), world.timing.patience / 2)


def standard_inputs(world: World, promotion: Promotion, route: Route, target: Target) -> dict[str, str]:
    """Lay out what every workflow is told; all of it is text."""
    candidate = promotion.candidate
    source = world.policy.environment(candidate.from_environment)
    destination = world.policy.environment(promotion.environment)
    return {
        "promotion_id": promotion.id,
        "attempt": str(promotion.attempt),
        "intent": str(promotion.intent),
        "transfer": str(route.transfer),
        "model_name": candidate.model,
        "model_version": candidate.version,
        "source_version": candidate.version,
        "source_run_id": candidate.run_id or "",
        "commit": "",
        "from_environment": candidate.from_environment,
        "environment": target.environment,
        "source_workspace": source.workspace if source else candidate.workspace,
        "target_workspace": destination.workspace if destination else "",
    }
