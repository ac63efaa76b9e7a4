"""Promises about how things end: every end has its reason in the world, and in the end everything has one."""

from datetime import timedelta

from orchestrator.ports import RunStatus
from orchestrator.promotion.history import first_broken_link
from orchestrator.promotion.record import Promotion
from orchestrator.promotion.states import FactKind, State
from tests.world.github import SimRun
from tests.world.invariants import on
from tests.world.policies import policy_of
from tests.world.witness import Rested, Saved, Witness

CLOCKS_DIFFER = timedelta(minutes=5)


@on(Saved)
def every_end_has_its_reason(witness: Witness, event: Saved) -> str | None:
    """Every end has its reason in what really happened."""
    if not event.ends or _has_reason(witness, event.after):
        return None
    after = event.after
    run = witness.run_of(after)
    really = "" if run is None else f"; run {run.id} attempt {run.attempt} is {run.last.status} {run.last.conclusion}"
    return f"{after.id} ended {after.state}: {event.facts[-1].detail}{really}"


def _has_reason(witness: Witness, promotion: Promotion) -> bool:
    run = witness.run_of(promotion)
    match promotion.state:
        case State.SUCCEEDED:
            return _conclusion(run, promotion) == "success"
        case State.FAILED:
            return _conclusion(run, promotion) not in {None, "success"}
        case State.REJECTED:
            return (
                run is not None
                and promotion.run is not None
                and any(not one.review.approved and one.attempt == promotion.run.attempt for one in run.answers)
            )
        case State.DECLINED:
            return (
                promotion.shadow
                or "scratch" in witness.stages(promotion)
                or any(witness.ever(promotion.environment, mode) for mode in ("disabled", "gone", "shadow"))
            )
        case State.SUPERSEDED:
            return _newer_was_dispatched(witness, promotion)
        case State.EXPIRED:
            return None in witness.stages(promotion) and promotion.updated_at - promotion.opened_at >= _timeout(witness)
        case State.ERRORED:
            return promotion.marker in witness.refused
        case State.CANCELLED:
            return any(fact.fact is FactKind.CANCEL_ASKED for fact in witness.facts[promotion.id])
        case _:
            return False


def _timeout(witness: Witness) -> timedelta:
    rules = witness.deployed[0]
    return min(route.evidence_timeout for route in policy_of(rules).routes if route.to == "staging") - CLOCKS_DIFFER


def _conclusion(run: SimRun | None, promotion: Promotion) -> str | None:
    """How the attempt of the run that the promotion follows really ended."""
    return None if run is None or promotion.run is None else run.ended(promotion.run.attempt)


def _newer_was_dispatched(witness: Witness, promotion: Promotion) -> bool:
    return any(
        other.slot == promotion.slot
        and witness.newer(other, promotion)
        and any(fact.fact is FactKind.INTENT_SAVED for fact in witness.facts[other.id])
        for other in witness.promotions.values()
    )


@on(Saved)
def an_approval_is_of_this_attempt(witness: Witness, event: Saved) -> str | None:
    """Approved means: a reviewer approved this very attempt of the run."""
    after, run = event.after, witness.run_of(event.after)
    if not event.has(FactKind.APPROVED) or after.gate is None or after.run is None or run is None:
        return None
    if any(one.review.approved and one.attempt == after.run.attempt for one in run.answers):
        return None
    return f"{after.id}: {after.gate.approved_by} is said to have approved attempt {after.run.attempt} of run {run.id}"


@on(Saved)
def a_bypass_is_noticed(witness: Witness, event: Saved) -> str | None:
    """A run that passed its gate without an approval is a bypass, is so recorded, and nothing else is."""
    after, run = event.after, witness.run_of(event.after)
    if after.gate is None or not after.gate.required or run is None or after.run is None:
        return None
    bypassed = run.past_gate.get(after.run.attempt, "").startswith("nobody")
    if event.has(FactKind.GATE_BYPASSED) and not bypassed and not _unclear(run):
        return f"{after.id} is said to be bypassed, and was approved by {run.past_gate.get(after.run.attempt)}"
    if event.has(FactKind.SUCCEEDED) and bypassed and not after.gate.bypassed:
        return f"{after.id} succeeded past its gate by {run.past_gate[after.run.attempt]}, and nobody noticed"
    return None


def _unclear(run: SimRun) -> bool:
    """Whether GitHub's list can't tell to which attempt an answer belongs, since one got none: then a person looks."""
    return run.attempt > 1 and len(run.answers) < run.attempt


@on(Rested)
def a_success_is_recorded(witness: Witness, _: Rested) -> str | None:
    """A run that succeeded made its promotion succeed."""
    for run in witness.github.runs:
        promotion = witness.promotions[run.promotion]
        if run.live or run.last.conclusion != "success" or run.frozen or run.nameless:
            continue
        cancelled = run.again_after_the_end and promotion.state is State.CANCELLED
        if promotion.attempt == run.number and promotion.state is not State.SUCCEEDED and not cancelled:
            return f"run {run.id} succeeded, and {promotion.id} is {promotion.state}: {promotion.waiting_for}"
    return None


@on(Rested)
def everything_ends_or_says_what_it_waits_for(witness: Witness, _: Rested) -> str | None:
    """When the faults are over, each promotion ends in bounded time or names what it really waits for."""
    for promotion in witness.promotions.values():
        if promotion.state.is_open and not _waits_for_good_reason(witness, promotion):
            return (
                f"{promotion.id} is still {promotion.state}, waiting for {promotion.waiting_for!r}, "
                f"person needed: {promotion.person_needed!r}"
            )
    return None


def _waits_for_good_reason(witness: Witness, promotion: Promotion) -> bool:
    run = witness.run_of(promotion)
    said = promotion.waiting_for or promotion.person_needed
    if run is not None and run.live:
        return promotion.state is State.GATED and run.last.status is RunStatus.WAITING and said is not None
    if said is None or run is not None:
        return False
    if promotion.person_needed is not None and witness.github.drops_id:
        return True
    if promotion.state is State.DISPATCHING:
        return False
    below = witness.promotions.get(promotion.below or "")
    holder = (
        witness.promotions.get(witness.slots[promotion.slot].holder or "") if promotion.slot in witness.slots else None
    )
    return (
        None in witness.stages(promotion)
        or not witness.github.reviewers[promotion.environment]
        or (below is not None and (below.state is not State.SUCCEEDED or below.bypass_unaccepted))
        or (holder is not None and holder is not promotion and holder.state.is_open)
    )


@on(Rested)
def every_candidate_was_considered(witness: Witness, _: Rested) -> str | None:
    """What succeeded below was considered above, and every signal reached the journal in the end."""
    missing = [one.id for one in witness.signals.values() if one.id not in witness.acknowledged]
    if missing:
        return f"signal {missing[0]} was never acknowledged"
    stable = all(rules.production == "enabled" for rules in witness.deployed)
    for promotion in list(witness.promotions.values()):
        above = f"prod:{promotion.candidate.model}:{promotion.candidate.version}"
        succeeded = promotion.environment == "staging" and promotion.state is State.SUCCEEDED
        if succeeded and not promotion.bypass_unaccepted and stable and above not in witness.promotions:
            return f"{promotion.id} succeeded, and {above} was never opened"
    return None


@on(Rested)
def the_store_holds_what_happened(witness: Witness, _: Rested) -> str | None:
    """The store holds every fact that was written, and each history verifies."""
    for identity, facts in witness.facts.items():
        history = witness.real.history(identity)
        broken = first_broken_link(identity, history)
        if broken is not None:
            return f"{identity}: {broken}"
        if list(history) != facts:
            return f"{identity} has {len(history)} facts in the store, and {len(facts)} were written"
    return None
