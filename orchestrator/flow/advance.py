"""Advancing: one promotion, as far as it will go now.

Trouble stays with the promotion that has it: whatever one look meets, the others go on.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.errors import Conflict, CorruptRecord, PersonError, StoreUnavailable, WaitError
from orchestrator.flow.considering import consider
from orchestrator.flow.following import follow
from orchestrator.flow.looking_for_run import look_for_run, take_up_late_run
from orchestrator.flow.recording import record
from orchestrator.flow.world import FOLLOWING_CAP, World, log
from orchestrator.ports import Stored
from orchestrator.promotion.record import Trouble
from orchestrator.promotion.states import UNDISPATCHED, FactKind, State

_TRIES = 5
_LONGEST_PAUSE = timedelta(hours=1)


def advance(world: World, identity: str) -> None:
    """Let one promotion look at the world and take the steps that are due. Raises `StoreUnavailable` only."""
    for _ in range(_TRIES):
        stored = _loaded(world, identity)
        if stored is None:
            return
        if not stored.promotion.state.is_open:
            world.store.forget_due(stored)
            return
        try:
            after = _look(world, stored)
        except Conflict:
            continue
        _hint_next(world, after)
        return
    log.info("promotion.contended", promotion_id=identity)


def _loaded(world: World, identity: str) -> Stored | None:
    """Read a promotion; one that can't be read keeps no other from advancing, and is reported hour by hour."""
    try:
        stored = world.store.load(identity)
    except CorruptRecord as error:
        log.error("promotion.corrupt", promotion_id=identity, reason=str(error))
        world.store.postpone(identity, world.clock.now() + _LONGEST_PAUSE)
        return None
    if stored is None:
        log.warning("promotion.unknown", promotion_id=identity)
    return stored


def _look(world: World, stored: Stored) -> Stored:
    try:
        after = _step(world, stored)
    except (Conflict, StoreUnavailable):
        raise
    except WaitError as error:
        return _postponed(world, identity=stored.promotion.id, error=error)
    except PersonError as error:
        return _asks_for_a_person(world, identity=stored.promotion.id, error=error)
    except Exception as error:  # noqa: BLE001 - counted on the promotion, logged with its traceback, shown
        return _troubled(world, identity=stored.promotion.id, error=error)
    if after.promotion.trouble is not None and after.promotion.state.is_open:
        return world.store.save(after, replace(after.promotion, trouble=None), [])
    return after


def _step(world: World, stored: Stored) -> Stored:
    state = stored.promotion.state
    if state in UNDISPATCHED:
        return take_up_late_run(world, stored) or consider(world, stored)
    if state is State.DISPATCHING:
        return look_for_run(world, stored)
    return follow(world, stored)


def _hint_next(world: World, stored: Stored) -> None:
    """Look again in time where the sweep would come too late."""
    promotion = stored.promotion
    if not promotion.state.is_open or promotion.next_look_at is None:
        return
    after = promotion.next_look_at - world.clock.now()
    if after < world.timing.sweep:
        world.queue.hint(promotion.id, after=max(after, timedelta(0)))


def _postponed(world: World, *, identity: str, error: WaitError) -> Stored:
    """GitHub or the evidence could not be read: say so, and look again when it was asked for, or later and later."""
    stored = _reloaded(world, identity)
    promotion = stored.promotion
    next_look = error.retry_at or world.next_look(promotion.changed_at, cap=FOLLOWING_CAP)
    return _wait_for(world, stored, str(error), next_look_at=next_look)


def _asks_for_a_person(world: World, *, identity: str, error: PersonError) -> Stored:
    stored = _reloaded(world, identity)
    promotion = stored.promotion
    next_look = world.next_look(promotion.changed_at, cap=_LONGEST_PAUSE)
    if promotion.person_needed == str(error):
        return world.store.save(stored, replace(promotion, next_look_at=next_look), [])
    return record(
        world, stored, FactKind.PERSON_NEEDED, detail=str(error), person_needed=str(error), next_look_at=next_look
    )


def _troubled(world: World, *, identity: str, error: Exception) -> Stored:
    stored = _reloaded(world, identity)
    before = stored.promotion.trouble
    count = (before.count if before else 0) + 1
    pause = min(_LONGEST_PAUSE, world.timing.first_look * 2 ** min(count - 1, 20))
    message = f"{type(error).__name__}: {error}"
    trouble = Trouble(count=count, message=message)
    next_look = world.clock.now() + pause
    log.error("promotion.trouble", promotion_id=identity, count=count, reason=message, exc_info=error)
    if before is not None and before.message == message:
        return world.store.save(stored, replace(stored.promotion, trouble=trouble, next_look_at=next_look), [])
    return record(world, stored, FactKind.TROUBLE, detail=message, trouble=trouble, next_look_at=next_look)


def _wait_for(world: World, stored: Stored, waiting_for: str, *, next_look_at: datetime) -> Stored:
    promotion = stored.promotion
    if promotion.state in UNDISPATCHED and promotion.waiting_for != waiting_for:
        return record(
            world, stored, FactKind.WAITS, detail=waiting_for, waiting_for=waiting_for, next_look_at=next_look_at
        )
    if promotion.state in UNDISPATCHED:
        return world.store.save(stored, replace(promotion, waiting_for=waiting_for, next_look_at=next_look_at), [])
    return world.store.save(stored, replace(promotion, next_look_at=next_look_at), [])


def _reloaded(world: World, identity: str) -> Stored:
    stored = world.store.load(identity)
    if stored is None or not stored.promotion.state.is_open:
        raise Conflict(f"promotion {identity} ended while it was being looked at")
    return stored
