"""What the product promises, one function for each promise, checked at every step of a world.

Each gives None where its promise holds, and otherwise says how it was broken. A run whose order left a process that
had frozen between its last check and its send is the one known exception; the workflow's first job ends it.
"""

from collections.abc import Callable
from typing import TypeVar

from orchestrator.policy.policy import Gate
from orchestrator.promotion.history import chained
from orchestrator.promotion.identity import slot_of
from orchestrator.promotion.record import Slot
from orchestrator.promotion.states import RUN_MAY_LIVE, FactKind, State
from tests.world.chance import SECOND
from tests.world.witness import PROMISES, Acknowledged, Created, Event, GateAsked, Moved, Saved, Sent, Witness

E = TypeVar("E", bound=Event)
Promise = Callable[[Witness, E], str | None]


def on(event: type[E]) -> Callable[[Promise[E]], Promise[E]]:
    """Check a promise whenever such an event happens."""

    def register(promise: Promise[E]) -> Promise[E]:
        PROMISES[event].append(promise)
        return promise

    return register


@on(Created)
def one_run_for_each_attempt(witness: Witness, event: Created) -> str | None:
    """At most one run is started for each attempt of a promotion."""
    run = event.run
    others = [one for one in witness.runs_of(*run.key) if one is not run and not one.frozen]
    if run.frozen or not others or (run.nameless and not witness.intents[run.key].nameless_known):
        return None
    return f"run {run.id} was started for {run.promotion}#{run.number}, which has run {others[0].id}"


@on(Created)
def one_live_run_in_a_slot(witness: Witness, event: Created) -> str | None:
    """Never do two runs live in one slot."""
    run, slot = event.run, slot_of(event.run.promotion)
    if run.frozen or run.nameless:
        return None
    for other in witness.github.runs:
        if other is run or not other.live or other.frozen or slot_of(other.promotion) != slot:
            continue
        if not (witness.github.is_second(other) or other.again_after_the_end):
            return f"run {run.id} of {run.promotion} and run {other.id} of {other.promotion} both live in {slot}"
    return None


@on(Created)
def nothing_runs_for_what_has_ended(witness: Witness, event: Created) -> str | None:
    """No run is started for an attempt that has ended."""
    run, promotion = event.run, witness.promotions.get(event.run.promotion)
    if run.frozen or (promotion is not None and promotion.attempt == run.number and promotion.state.is_open):
        return None
    return f"run {run.id} was started for {run.promotion}#{run.number}, which is {promotion and promotion.state}"


@on(Moved)
def a_second_run_is_ended_by_the_first_job(witness: Witness, event: Moved) -> str | None:
    """Of the runs of one attempt only one gets past the workflow's first job."""
    run = event.run
    past = [one for one in witness.runs_of(*run.key) if one.past_guard]
    if run.nameless or len(past) < 2:
        return None
    return f"runs {', '.join(str(one.id) for one in past)} of {run.promotion}#{run.number} all got past it"


@on(Saved)
def nothing_ends_while_its_run_lives(witness: Witness, event: Saved) -> str | None:
    """Nothing ends while its run lives."""
    if not event.ends:
        return None
    after = event.after
    live = [
        run
        for run in witness.runs_of(after.id, after.attempt)
        if run.live and not (run.frozen or run.nameless or run.again_after_the_end or witness.github.is_second(run))
    ]
    return f"{after.id} is {after.state}, but run {live[0].id} is {live[0].last.status}" if live else None


@on(Sent)
def only_the_writer_of_the_intent_sends(witness: Witness, event: Sent) -> str | None:
    """Only the writer that saved the intent sends, once, while the intent stands."""
    promotion = witness.promotions.get(event.promotion)
    intent = witness.intents.get((event.promotion, event.attempt))
    if promotion is None or intent is None or promotion.state is not State.DISPATCHING:
        return f"{event.worker.name} sends for {event.promotion}, which is {promotion and promotion.state}"
    if intent.worker is not event.worker:
        return f"{event.worker.name} sends for {event.promotion} on the intent of {intent.worker.name}"
    if intent.writer in witness.sent:
        return f"{event.worker.name} sends for {event.promotion}#{event.attempt} a second time on one intent"
    return None


@on(Sent)
def it_sends_soon(witness: Witness, event: Sent) -> str | None:
    """An order leaves within 20 s of the moment when its intent was saved, and never over half the patience."""
    spent = event.called - witness.intents[event.promotion, event.attempt].at
    if spent <= witness.send_within:
        return None
    return f"the order for {event.promotion} leaves {spent / SECOND:.1f} s after its intent"


@on(GateAsked)
def a_gate_is_remembered_for_a_minute(witness: Witness, event: GateAsked) -> str | None:
    """What is known of a gate is at most 60 s old, and only reviewers are remembered."""
    age = witness.scene.now - event.read_at
    if age <= 60 * SECOND and (event.reviewers or age == 0):
        return None
    return f"what {event.worker.name} knows of {event.environment} is {age / SECOND:.1f} s old"


@on(Sent)
def nothing_is_sent_to_an_open_gate(witness: Witness, event: Sent) -> str | None:
    """Nothing is sent into an environment that needs a gate unless reviewers were there when asked after the intent."""
    dispatch = witness.promotions[event.promotion].dispatch
    if dispatch is None or dispatch.gate is Gate.NONE:
        return None
    environment = event.order.target.environment
    at, asked = witness.asked.get((event.worker.name, environment), (-1, None))
    if asked is None or at < witness.intents[event.promotion, event.attempt].at:
        return f"{event.worker.name} sends {event.promotion} without another look at the gate of {environment}"
    if not asked.reviewers:
        return f"{event.worker.name} sends {event.promotion}, though {environment} has no reviewers"
    return None


@on(Saved)
def nothing_above_without_success_below(witness: Witness, event: Saved) -> str | None:
    """Nothing is dispatched above without recorded success below, through the gate there."""
    after = event.after
    if not event.has(FactKind.INTENT_SAVED) or after.environment != "prod":
        return None
    below = witness.promotions.get(after.below or "")
    if below is None or below.state is not State.SUCCEEDED:
        return f"{after.id} is dispatched, but {after.below} is {below and below.state}"
    if below.bypass_unaccepted:
        return f"{after.id} is dispatched, but {below.id} passed its gate without an approval"
    return None


@on(Saved)
def what_follows_is_open_before_success_is_recorded(witness: Witness, event: Saved) -> str | None:
    """The next environment's promotion is there when success is recorded, unless the gate was bypassed."""
    after = event.after
    if not event.has(FactKind.SUCCEEDED) or after.environment != "staging":
        return None
    above = f"prod:{after.candidate.model}:{after.candidate.version}"
    if after.bypass_unaccepted:
        return f"{above} was opened over a bypassed gate" if above in witness.promotions else None
    if event.worker.rules.production == "enabled" and above not in witness.promotions:
        return f"{after.id} succeeded, but {above} was not opened"
    return None


@on(Saved)
def the_champion_is_what_last_succeeded(witness: Witness, event: Saved) -> str | None:
    """The champion is the version whose run last succeeded, and nothing else changes it."""
    after = event.after
    before = witness.slots.get(after.slot, Slot(after.slot)).champion
    champion = event.slot.champion if event.slot is not None else before
    if event.has(FactKind.SUCCEEDED):
        if champion is None or (champion.promotion, champion.version) != (after.id, after.candidate.version):
            return f"{after.id} succeeded, but the champion of {after.slot} is {champion and champion.promotion}"
    elif champion != before:
        return f"{after.id} made {champion and champion.promotion} champion without having succeeded"
    return None


@on(Saved)
def an_older_version_never_replaces_a_newer_one(witness: Witness, event: Saved) -> str | None:
    """A newer version that succeeded is never replaced by an older one."""
    after, champion = event.after, witness.slots.get(event.after.slot, Slot(event.after.slot)).champion
    run = witness.run_of(after)
    by_person = after.by_person or (run is not None and run.again_after_the_end)
    if champion is None or not event.has(FactKind.SUCCEEDED) or by_person:
        return None
    if witness.newer(witness.promotions[champion.promotion], after):
        return f"{after.id} replaced {champion.promotion}, which was registered later"
    return None


@on(Saved)
def one_promotion_at_a_time(witness: Witness, event: Saved) -> str | None:
    """A promotion whose run may live holds its slot, an ended one does not, and nobody takes it from another."""
    after = event.after
    before = witness.slots.get(after.slot, Slot(after.slot)).holder
    holder = event.slot.holder if event.slot is not None else before
    run = witness.run_of(after)
    by_person = run is not None and run.again_after_the_end
    if after.state in RUN_MAY_LIVE and holder != after.id and not by_person:
        return f"{after.id} is {after.state}, but {after.slot} is held by {holder}"
    if not after.state.is_open and holder == after.id:
        return f"{after.id} is {after.state} and keeps {after.slot}"
    if before not in {None, after.id, holder}:
        return f"{after.id} took {after.slot} from {before}"
    return None


@on(Saved)
def a_write_stands_on_what_was_read(witness: Witness, event: Saved) -> str | None:
    """No write is lost: each stands on the newest state of the record."""
    newest = witness.promotions.get(event.after.id)
    read = event.before
    if (None if newest is None else newest.last_hash) == (None if read is None else read.last_hash):
        return None
    return (
        f"{event.after.id} was written over {newest and newest.last_seq} facts on having read {read and read.last_seq}"
    )


@on(Saved)
def the_history_is_whole(witness: Witness, event: Saved) -> str | None:
    """The history has no gaps, its hashes verify, and the state changes only with a fact."""
    after, facts = event.after, witness.facts[event.after.id]
    previous, seq = (facts[-1].hash, facts[-1].seq) if facts else ("", 0)
    for fact in event.facts:
        again = chained(
            after.id,
            previous=previous,
            seq=seq + 1,
            attempt=fact.attempt,
            at=fact.at,
            fact=fact.fact,
            actor=fact.actor,
            detail=fact.detail,
        )
        if again != fact:
            return f"fact {fact.seq} ({fact.fact}) of {after.id} does not follow fact {seq}"
        previous, seq = fact.hash, fact.seq
    if (after.last_hash, after.last_seq) != (previous, seq):
        return f"{after.id} says that fact {after.last_seq} is its last, and it is {seq}"
    if not event.facts and event.before is not None and event.before.state is not after.state:
        return f"{after.id} became {after.state} without a fact"
    return None


@on(Saved)
def nothing_unexpected_happens(witness: Witness, event: Saved) -> str | None:
    """No look ends in an unexpected error."""
    if event.has(FactKind.TROUBLE):
        return f"{event.after.id}: {event.facts[-1].detail}"
    return None


@on(Saved)
def a_known_cause_changes_nothing(witness: Witness, event: Saved) -> str | None:
    """A cause that is known already changes nothing."""
    if not event.has(FactKind.NOMINATED_AGAIN):
        return None
    again = 1 + sum(fact.fact is FactKind.NOMINATED_AGAIN for fact in witness.facts[event.after.id])
    if again >= len(set(event.after.causes)):
        return f"{event.after.id} was nominated again {again} times by {len(event.after.causes)} causes"
    return None


@on(Acknowledged)
def what_was_acknowledged_is_safe(witness: Witness, event: Acknowledged) -> str | None:
    """Every acknowledged signal is in the journal, and its promotion is open or was."""
    known = witness.real.journalled([signal.key for signal in event.signals])
    for signal in event.signals:
        if signal.key not in known:
            return f"signal {signal.id} was acknowledged and is not in the journal"
        opened = f"staging:{signal.model}:{signal.version}"
        if event.worker.rules.staging == "enabled" and signal.link is None and opened not in witness.promotions:
            return f"signal {signal.id} was acknowledged, and {opened} was not opened"
    return None
