"""Looking for a run whose start was ordered but not confirmed: a crash, a lost answer, or an answer without a name.

Sending again needs patience by the store's clock and two complete looks that found nothing; each repeat doubles the
patience, and after a day it is a person's turn.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.flow.considering import consider
from orchestrator.flow.recording import record
from orchestrator.flow.world import FOLLOWING_CAP, World
from orchestrator.ports import Stored
from orchestrator.promotion.record import Dispatch, Target
from orchestrator.promotion.states import FactKind

_BEFORE_THE_INTENT = timedelta(minutes=5)
_LONGEST_PATIENCE = timedelta(hours=1)
_PERSON_AFTER = timedelta(days=1)
_EMPTY_LOOKS = 2


def look_for_run(world: World, stored: Stored) -> Stored:
    """Find the run by its name; let the order be repeated only when nothing can have come of it."""
    promotion = stored.promotion
    intent = promotion.dispatch
    assert intent is not None  # noqa: S101 - every dispatching promotion has one
    found = world.workflows.find(intent.target, promotion.marker, since=intent.first_intent_at - _BEFORE_THE_INTENT)
    if found.runs:
        run = found.runs[0].run
        return record(
            world,
            stored,
            FactKind.RUN_STARTED,
            detail=f"run {run.id} {run.url}, found by its name",
            run=run,
            waiting_for=None,
            person_needed=None,
            next_look_at=world.clock.now(),
        )
    since = intent.since or stored.stored_at
    left = world.timing.on_its_way + _patience(world, intent) - (stored.read_at - since)
    waiting = replace(intent, since=since)
    if left > timedelta(0):
        soon = world.next_look(promotion.changed_at, cap=FOLLOWING_CAP)
        return _look_again(world, stored, waiting, at=min(soon, world.clock.now() + left))
    person = _turn_of_a_person(world, stored, intent)
    if person is not None:
        return _ask(world, stored, waiting, person)
    if not found.complete:
        return _look_again(world, stored, waiting, at=world.clock.now() + world.timing.first_look)
    if intent.empty_looks + 1 < _EMPTY_LOOKS:
        once_more = replace(waiting, empty_looks=intent.empty_looks + 1)
        return _look_again(world, stored, once_more, at=world.clock.now() + world.timing.first_look)
    nothing = record(
        world,
        stored,
        FactKind.NO_RUN_FOUND,
        detail=f"no run named {promotion.marker} after {_patience(world, intent)}, looked {_EMPTY_LOOKS} times",
        waiting_for="another decision, since no run came of the last one",
        next_look_at=world.clock.now(),
        dispatch=replace(waiting, empty_looks=0),
    )
    return consider(world, nothing)


def dropped_id_mark(target: Target) -> str:
    """Key of the mark that a workflow was seen to drop the promotion's id from its run's name."""
    return f"drops-id:{target.repository}:{target.workflow}"


def _patience(world: World, intent: Dispatch) -> timedelta:
    doubled: timedelta = world.timing.patience * (1 << min(intent.sends - 1, 20))
    return max(world.timing.patience, min(doubled, _LONGEST_PATIENCE))


def _turn_of_a_person(world: World, stored: Stored, intent: Dispatch) -> str | None:
    marker = stored.promotion.marker
    where = f"{intent.target.workflow} of {intent.target.repository}"
    if intent.accepted:
        return (
            f"GitHub took the order, but no run of {where} is named {marker}; give its run-name the promotion's id, "
            f"look at the runs there, and cancel or retry this promotion"
        )
    if world.store.mark(dropped_id_mark(intent.target)) is not None:
        return (
            f"GitHub's answer was lost, and {where} drops the promotion's id from its run's name, so nobody can tell "
            f"whether a run exists; look at the runs there, and cancel or retry this promotion"
        )
    if stored.read_at - intent.first_intent_at > _PERSON_AFTER:
        return f"after a day no run of {where} is named {marker}; look there, and cancel or retry this promotion"
    return None


def _ask(world: World, stored: Stored, intent: Dispatch, person_needed: str) -> Stored:
    later = world.next_look(stored.promotion.changed_at, cap=_LONGEST_PATIENCE)
    if stored.promotion.person_needed == person_needed:
        return _look_again(world, stored, intent, at=later)
    return record(
        world,
        stored,
        FactKind.PERSON_NEEDED,
        detail=person_needed,
        person_needed=person_needed,
        dispatch=intent,
        next_look_at=later,
    )


def _look_again(world: World, stored: Stored, intent: Dispatch, *, at: datetime) -> Stored:
    return world.store.save(stored, replace(stored.promotion, dispatch=intent, next_look_at=at), [])
