"""What people may do with a promotion: cancel it, try it again, accept a gate that was passed by. Each says why."""

from collections.abc import Callable
from dataclasses import replace

from orchestrator.errors import Conflict, NotAllowed, NotFound, StoreUnavailable
from orchestrator.flow.recording import record, tell
from orchestrator.flow.succeeding import open_next
from orchestrator.flow.world import World
from orchestrator.ports import Stored
from orchestrator.promotion.record import CancelIntent, Promotion, next_attempt
from orchestrator.promotion.states import FactKind, State

_TRIES = 20


def cancel(world: World, identity: str, *, actor: str, reason: str) -> Promotion:
    """Ask for the end of a promotion. It is cancelled when no run of it can live any more; GitHub has the last word.

    Raises `NotFound`, or `NotAllowed` when it has ended.
    """

    def asked(stored: Stored) -> Stored:
        promotion = stored.promotion
        if not promotion.state.is_open:
            raise NotAllowed(f"{identity} is {promotion.state}; only an open promotion can be cancelled")
        now = world.clock.now()
        return record(
            world,
            stored,
            FactKind.CANCEL_ASKED,
            detail=reason,
            actor=actor,
            cancel=CancelIntent(actor=actor, reason=reason, at=now),
            next_look_at=now,
        )

    return _done(world, identity, asked)


def retry(world: World, identity: str, *, actor: str, reason: str) -> Promotion:
    """Open the next attempt of a promotion that ended without success, through the same checks and gates.

    Raises `NotFound`, or `NotAllowed` when it is open or succeeded.
    """

    def again(stored: Stored) -> Stored:
        promotion = stored.promotion
        if promotion.state.is_open:
            raise NotAllowed(f"{identity} is {promotion.state}; it can be tried again once it has ended")
        if promotion.state is State.SUCCEEDED:
            raise NotAllowed(f"{identity} has succeeded; there is nothing to try again")
        opened, fact = next_attempt(
            replace(promotion, opened_by=actor), FactKind.RETRIED, at=world.clock.now(), detail=reason, actor=actor
        )
        saved = world.store.save(stored, opened, [fact])
        tell(opened, fact.fact, reason)
        return saved

    return _done(world, identity, again)


def accept_bypass(world: World, identity: str, *, actor: str, reason: str) -> Promotion:
    """Accept that a run went past its gate without an approval, so that the next environments open.

    They are opened before the acceptance is recorded: a crash between the two heals when it is accepted again.
    Raises `NotFound`, or `NotAllowed` where no bypass waits for acceptance.
    """

    def accepted(stored: Stored) -> Stored:
        gate = stored.promotion.gate
        if stored.promotion.state is not State.SUCCEEDED or gate is None or not gate.bypassed:
            raise NotAllowed(
                f"{identity} did not succeed past its gate without an approval; there is nothing to accept"
            )
        opened = open_next(world, stored.promotion)
        saved = record(
            world,
            stored,
            FactKind.BYPASS_ACCEPTED,
            detail=reason,
            actor=actor,
            gate=replace(gate, bypass_accepted_by=actor),
        )
        for one in opened:
            world.store.postpone(one, world.clock.now())
            world.queue.hint(one)
        return saved

    return _done(world, identity, accepted)


def _done(world: World, identity: str, act: Callable[[Stored], Stored]) -> Promotion:
    for _ in range(_TRIES):
        stored = world.store.load(identity)
        if stored is None:
            raise NotFound(f"there is no promotion {identity}; `list` shows those there are")
        try:
            saved = act(stored)
        except Conflict:
            continue
        if saved.promotion.state.is_open:
            world.queue.hint(identity)
        return saved.promotion
    raise StoreUnavailable(f"promotion {identity} changed {_TRIES} times meanwhile; try again")
