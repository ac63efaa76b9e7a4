"""Following a run: what GitHub says of it becomes what the promotion is.

A run is an id and an attempt. Looks may skip states. Nothing ends while the run may live: only `completed` ends it.
"""

from dataclasses import replace
from typing import assert_never

from orchestrator.errors import NotFound, Unreadable
from orchestrator.flow.dropped_ids import remember_dropped_id
from orchestrator.flow.ending import end
from orchestrator.flow.looking_for_run import find_runs, run_started, wait_for_run
from orchestrator.flow.passing_gate import Passage, answers_to_earlier_attempts, passage
from orchestrator.flow.recording import record
from orchestrator.flow.succeeding import succeed
from orchestrator.flow.world import FOLLOWING_CAP, World
from orchestrator.ports import RunSeen, RunStatus, SlotChange, Stored
from orchestrator.promotion.identity import last_marker
from orchestrator.promotion.record import Dispatch, GateRecord, Promotion, Run
from orchestrator.promotion.states import FactKind, State


def follow(world: World, stored: Stored) -> Stored:
    """Read the run and record what changed. Reads that fail raise, and are tried again later."""
    _, intent, run, _ = _followed(stored.promotion)
    try:
        seen = world.workflows.run(intent.target, run.id)
    except NotFound:
        if stored.promotion.cancel is None:
            raise
        return _cancelled_without_its_run(world, stored)
    if last_marker(seen.title) != stored.promotion.marker:
        remember_dropped_id(world, intent.target)
    if seen.run.attempt > run.attempt:
        stored = run_again(world, stored, seen)
    if stored.promotion.cancel is not None and seen.status is not RunStatus.COMPLETED:
        world.workflows.cancel(intent.target, run.id)
    match seen.status:
        case RunStatus.QUEUED:
            return _seen(world, stored, State.QUEUED, FactKind.RUN_QUEUED, waiting_for=None)
        case RunStatus.WAITING:
            return _gated(world, stored)
        case RunStatus.RUNNING:
            return _running(world, stored)
        case RunStatus.COMPLETED:
            return _completed(world, stored, seen)
        case _:
            assert_never(seen.status)


def run_again(world: World, stored: Stored, seen: RunSeen, *, slot: SlotChange | None = None) -> Stored:
    """Follow a higher attempt of the run from here on; what reviewers answered before does not count for it."""
    _, _, run, gate = _followed(stored.promotion)
    earlier = answers_to_earlier_attempts(world, stored, attempt=seen.run.attempt)
    promotion = stored.promotion
    fresh = GateRecord(required=gate.required, reviewers=gate.reviewers, reviews=earlier, earlier_reviews=earlier)
    return record(
        world,
        stored,
        FactKind.RUN_AGAIN,
        detail=f"attempt {seen.run.attempt} of run {run.id}; approvals of earlier attempts do not count for it",
        run=seen.run,
        slot=slot,
        gate=fresh,
        # What was cancelled and ended was run again by a person since.
        cancel=promotion.cancel if promotion.state.is_open else None,
        waiting_for=None,
        next_look_at=world.clock.now(),
    )


def _gated(world: World, stored: Stored) -> Stored:
    promotion, intent, run, gate = _followed(stored.promotion)
    if promotion.state is State.GATED and gate.seen:
        return _unchanged(world, stored)
    pending = world.workflows.pending(intent.target, run.id)
    here = [one for one in pending if one.environment.lower() == intent.target.environment.lower()]
    reviewers = here[0].reviewers if here and here[0].reviewers else gate.reviewers
    where = intent.target.environment if here else ", ".join(one.environment for one in pending) or "its environment"
    waiting_for = f"a review for {where}" + (f" by {', '.join(reviewers)}" if here and reviewers else "")
    if promotion.state is State.GATED and promotion.waiting_for == waiting_for:
        return _unchanged(world, stored)
    return record(
        world,
        stored,
        FactKind.RUN_GATED,
        detail=waiting_for,
        waiting_for=waiting_for,
        gate=replace(gate, seen=gate.seen or bool(here), reviewers=reviewers),
        next_look_at=world.clock.now() + world.timing.first_look,
    )


def _running(world: World, stored: Stored) -> Stored:
    promotion, intent, run, gate = _followed(stored.promotion)
    if gate.required and gate.approved_by is None:
        read = passage(world, stored, past_the_gate=gate.seen, completed=False)
        stored = read.stored
        if read.passage is Passage.WAITS:
            return _gated(world, stored)
        if read.passage is Passage.BYPASSED:
            world.workflows.cancel(intent.target, run.id)
    if promotion.state is State.RUNNING:
        return _unchanged(world, stored)
    return _seen(world, stored, State.RUNNING, FactKind.RUN_RUNNING, waiting_for=None)


def _completed(world: World, stored: Stored, seen: RunSeen) -> Stored:
    _, _, _, gate = _followed(stored.promotion)
    success = seen.conclusion == "success"
    if (gate.required and gate.approved_by is None) or not success:
        read = passage(world, stored, past_the_gate=success, completed=True)
        stored = read.stored
        if read.passage is Passage.REJECTED:
            return _end(world, stored, FactKind.REJECTED, read.detail, actor=read.actor)
        if success and gate.required and read.passage is Passage.UNCERTAIN:
            return _unchanged(world, stored)
    if success:
        return succeed(world, stored)
    return _not_successful(world, stored, seen)


def _not_successful(world: World, stored: Stored, seen: RunSeen) -> Stored:
    promotion, intent, run, _ = _followed(stored.promotion)
    if intent.sends > 1:
        unsure = _gives_way(world, stored, seen)
        if unsure is not None:
            return unsure
    detail = f"run {run.id} ended with {seen.conclusion}"
    if promotion.cancel is not None and seen.conclusion == "cancelled":
        why = f"{detail}: {promotion.cancel.reason}"
        return _end(world, stored, FactKind.CANCELLED, why, actor=promotion.cancel.actor)
    return _end(world, stored, FactKind.FAILED, detail)


def _gives_way(world: World, stored: Stored, seen: RunSeen) -> Stored | None:
    """Follow an older run of this attempt, or wait until there certainly is none (None).

    The workflow's first job ends a run when an older one has its id, and the older one may be listed later.
    """
    promotion, _, run, _ = _followed(stored.promotion)
    found = find_runs(world, promotion)
    older = [one.run for one in found.runs if (one.created_at, one.run.id) < (seen.created_at, run.id)]
    if older:
        detail = f"run {run.id} gave way to run {older[0].id} {older[0].url}, which carries the same name"
        return run_started(world, stored, older[0], detail)
    return wait_for_run(world, stored, found, f"an older run named {promotion.marker}, to which this one gave way")


def _end(world: World, stored: Stored, kind: FactKind, detail: str, *, actor: str = "system") -> Stored:
    return end(world, stored, world.store.slot(stored.promotion.slot), kind, detail=detail, actor=actor)


def _cancelled_without_its_run(world: World, stored: Stored) -> Stored:
    """End what a person cancelled and GitHub knows no more. One 404 proves nothing: its list is asked twice, later."""
    promotion, _, run, _ = _followed(stored.promotion)
    found = find_runs(world, promotion)
    if any(one.run.id == run.id for one in found.runs) or promotion.cancel is None:
        raise Unreadable(f"run {run.id} is in GitHub's list, but can't be read by itself just now")
    waits = wait_for_run(world, stored, found, f"run {run.id}, which GitHub does not find")
    if waits is not None:
        return waits
    detail = f"run {run.id} is not on GitHub any more: {promotion.cancel.reason}"
    return _end(world, stored, FactKind.CANCELLED, detail, actor=promotion.cancel.actor)


def _seen(world: World, stored: Stored, state: State, kind: FactKind, *, waiting_for: str | None) -> Stored:
    if stored.promotion.state is state:
        return _unchanged(world, stored)
    return record(
        world,
        stored,
        kind,
        detail=f"GitHub says that run {stored.promotion.run.id if stored.promotion.run else ''} is {state}",
        waiting_for=waiting_for,
        person_needed=None,
        next_look_at=world.clock.now() + world.timing.first_look,
    )


def _unchanged(world: World, stored: Stored) -> Stored:
    promotion, intent, _, _ = _followed(stored.promotion)
    next_look = world.next_look(promotion.changed_at, cap=FOLLOWING_CAP)
    seen = replace(intent, since=None, empty_looks=0)
    return world.store.save(stored, replace(promotion, dispatch=seen, next_look_at=next_look, person_needed=None), [])


def _followed(promotion: Promotion) -> tuple[Promotion, Dispatch, Run, GateRecord]:
    assert promotion.dispatch is not None  # noqa: S101 - a run is followed only after its intent was saved
    assert promotion.run is not None  # noqa: S101
    assert promotion.gate is not None  # noqa: S101
    return promotion, promotion.dispatch, promotion.run, promotion.gate
