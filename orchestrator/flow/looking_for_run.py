"""Looking for a run whose start was ordered but not confirmed: a crash, a lost answer, or an answer without a name.

Sending again needs patience by the store's clock and two complete looks that found nothing; each repeat doubles the
patience, and after a day it is a person's turn.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.errors import NotFound, Unreadable
from orchestrator.flow.considering import consider
from orchestrator.flow.dropped_ids import drops_ids, nobody_can_tell
from orchestrator.flow.ending import end
from orchestrator.flow.recording import record
from orchestrator.flow.world import FOLLOWING_CAP, World
from orchestrator.policy.policy import Gate
from orchestrator.ports import RunsFound, Stored
from orchestrator.promotion.record import Dispatch, GateRecord, Promotion, Run
from orchestrator.promotion.states import FactKind

_BEFORE_THE_INTENT = timedelta(minutes=5)
_LONGEST_PATIENCE = timedelta(hours=1)
_PERSON_AFTER = timedelta(days=1)
_EMPTY_LOOKS = 2


def look_for_run(world: World, stored: Stored) -> Stored:
    """Find the run by its name; let the order be repeated only when nothing can have come of it."""
    promotion = stored.promotion
    found = find_runs(world, promotion)
    if found.runs:
        run = found.runs[0].run
        return run_started(world, stored, run, f"run {run.id} {run.url}, found by its name")
    early = _still_patient(world, stored)
    if early is not None:
        return early
    person = _turn_of_a_person(world, stored)
    if person is not None and promotion.cancel is None:
        return _ask(world, stored, person)
    again = _look_twice(world, stored, found)
    if again is not None:
        return again
    if person is not None and promotion.cancel is not None:
        detail = f"{promotion.cancel.reason}; nobody can tell whether a run named {promotion.marker} exists"
        slot = world.store.slot(promotion.slot)
        return end(world, stored, slot, FactKind.CANCELLED, detail=detail, actor=promotion.cancel.actor)
    patience = _patience(world, _intent(stored))
    nothing = record(
        world,
        stored,
        FactKind.NO_RUN_FOUND,
        detail=f"no run named {promotion.marker} after {patience}, looked {_EMPTY_LOOKS} times",
        waiting_for="another decision, since no run came of the last one",
        next_look_at=world.clock.now(),
        dispatch=replace(_since(stored), empty_looks=0, lost=max(1, _intent(stored).lost)),
    )
    return consider(world, nothing)


def take_up_late_run(world: World, stored: Stored) -> Stored | None:
    """Find a run that shows up after it was given up; None: no order of this attempt was lost, or no run came of it.

    Raises `Unreadable` when that can't be told now: nothing may end and nothing more be sent before it is known.
    """
    intent = stored.promotion.dispatch
    if intent is None or intent.lost == 0:
        return None
    found = find_runs(world, stored.promotion)
    if found.runs:
        run = found.runs[0].run
        return run_started(world, stored, run, f"run {run.id} {run.url}, which showed up late, found by its name")
    if not found.complete:
        raise Unreadable(f"GitHub's list of runs is not complete now, and a run named {stored.promotion.marker} may be")
    return None


def find_runs(world: World, promotion: Promotion) -> RunsFound:
    """Look for the runs of this attempt by their name. GitHub's clock may be some minutes behind the store's.

    Where the workflow or its repository is gone, a promotion that a person cancelled finds none there.
    """
    intent = promotion.dispatch
    assert intent is not None  # noqa: S101 - every promotion that may have a run has one
    try:
        return world.workflows.find(intent.target, promotion.marker, since=intent.first_intent_at - _BEFORE_THE_INTENT)
    except NotFound:
        if promotion.cancel is None:
            raise
        return RunsFound((), complete=True)


def run_started(world: World, stored: Stored, run: Run, detail: str) -> Stored:
    """Record which run is followed from here on. What is waited for next is waited for from this moment.

    It is followed from its first attempt on: when it was run again before it was found, that is noticed next. What
    reviewers answered to another run does not count for it.
    """
    reviewers = stored.promotion.gate.reviewers if stored.promotion.gate else ()
    return record(
        world,
        stored,
        FactKind.RUN_STARTED,
        detail=detail,
        run=replace(run, attempt=1),
        dispatch=replace(_intent(stored), since=None, empty_looks=0),
        gate=GateRecord(required=_intent(stored).gate is Gate.REQUIRED, reviewers=reviewers),
        waiting_for=None,
        person_needed=None,
        next_look_at=world.clock.now(),
    )


def wait_for_run(world: World, stored: Stored, found: RunsFound, what: str) -> Stored | None:
    """Wait for another run that may show up, or give None when certainly none does."""
    return _still_patient(world, stored, what) or _look_twice(world, stored, found, what)


def _still_patient(world: World, stored: Stored, what: str | None = None) -> Stored | None:
    """Wait for as long as a run may take to show up, counted from the last moment at which its order could arrive."""
    intent = _since(stored)
    assert intent.since is not None  # noqa: S101 - set a moment ago
    left = world.timing.on_its_way + _patience(world, intent) - (stored.read_at - intent.since)
    if left <= timedelta(0):
        return None
    soon = world.next_look(stored.promotion.changed_at, cap=FOLLOWING_CAP)
    return _look_again(world, stored, intent, what, at=min(soon, world.clock.now() + left))


def _look_twice(world: World, stored: Stored, found: RunsFound, what: str | None = None) -> Stored | None:
    """Ask for two complete looks that found nothing, some seconds apart: looks may come at the same moment."""
    intent, soon = _since(stored), world.clock.now() + world.timing.first_look
    if not found.complete:
        return _look_again(world, stored, intent, what, at=soon)
    if intent.empty_looks + 1 < _EMPTY_LOOKS:
        return _look_again(world, stored, replace(intent, empty_looks=intent.empty_looks + 1), what, at=soon)
    if stored.read_at - stored.stored_at >= world.timing.first_look:
        return None
    # Saving would start the seconds anew; the caller looks again when they are over.
    return replace(stored, promotion=replace(stored.promotion, next_look_at=soon))


def _intent(stored: Stored) -> Dispatch:
    intent = stored.promotion.dispatch
    assert intent is not None  # noqa: S101 - every promotion that may have a run has one
    return intent


def _since(stored: Stored) -> Dispatch:
    """Give the intent with the moment from which patience counts."""
    intent = _intent(stored)
    return replace(intent, since=intent.since or stored.stored_at)


def _patience(world: World, intent: Dispatch) -> timedelta:
    doubled: timedelta = world.timing.patience * (1 << min(intent.sends - 1, 20))
    return max(world.timing.patience, min(doubled, _LONGEST_PATIENCE))


def _turn_of_a_person(world: World, stored: Stored) -> str | None:
    intent, marker = _intent(stored), stored.promotion.marker
    where = f"{intent.target.workflow} of {intent.target.repository}"
    if intent.accepted:
        return (
            f"GitHub took the order, but no run of {where} is named {marker}; give its run-name the promotion's id, "
            f"look at the runs there, and cancel this promotion once none is left"
        )
    if drops_ids(world, intent.target):
        return nobody_can_tell(intent.target)
    if stored.read_at - intent.first_intent_at > _PERSON_AFTER:
        return (
            f"after a day no run of {where} is named {marker}; look there, and cancel this promotion once none is left"
        )
    return None


def _ask(world: World, stored: Stored, person_needed: str) -> Stored:
    later = world.next_look(stored.promotion.changed_at, cap=_LONGEST_PATIENCE)
    if stored.promotion.person_needed == person_needed:
        return _look_again(world, stored, _since(stored), at=later)
    return record(
        world,
        stored,
        FactKind.PERSON_NEEDED,
        detail=person_needed,
        person_needed=person_needed,
        dispatch=_since(stored),
        next_look_at=later,
    )


def _look_again(world: World, stored: Stored, intent: Dispatch, what: str | None = None, *, at: datetime) -> Stored:
    promotion = stored.promotion
    waits = replace(promotion, dispatch=intent, next_look_at=at, waiting_for=what or promotion.waiting_for)
    return world.store.save(stored, waits, [])
