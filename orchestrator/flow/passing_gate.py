"""Passing the gate: whose answer let a run through, or that nobody's did.

Approved means an approval that names this environment, given to this attempt of the run. GitHub's list may lag by
some twenty seconds behind a review, so a run past its gate without one is looked at twice.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from orchestrator.flow.recording import record
from orchestrator.flow.world import World
from orchestrator.ports import Review, Stored
from orchestrator.promotion.history import SYSTEM
from orchestrator.promotion.record import GateRecord
from orchestrator.promotion.states import FactKind

_REVIEWS_LAG = timedelta(seconds=30)


class Passage(Enum):
    """How a run came to its gate and past it."""

    APPROVED = auto()
    REJECTED = auto()
    WAITS = auto()
    UNCERTAIN = auto()
    BYPASSED = auto()


@dataclass(frozen=True, slots=True)
class GatePassage:
    """What the reviews said, with the promotion as it was saved meanwhile."""

    passage: Passage
    stored: Stored
    detail: str = ""
    actor: str = SYSTEM


def passage(world: World, stored: Stored, *, past_the_gate: bool, completed: bool) -> GatePassage:
    """Read the reviews of a run and record an approval, or, where it is `past_the_gate` without one, a bypass.

    What is `completed` waits at no gate, whatever a list that lags still says.
    """
    intent, run, gate = stored.promotion.dispatch, stored.promotion.run, stored.promotion.gate
    assert intent is not None and run is not None and gate is not None  # noqa: S101, PT018 - it is followed
    reviews = world.workflows.reviews(intent.target, run.id)
    answer = _answer(reviews, gate, intent.target.environment)
    known = replace(gate, reviews=tuple(_written(review) for review in reviews))
    if answer is not None:
        return _answered(world, stored, known, answer)
    if not past_the_gate:
        return GatePassage(Passage.UNCERTAIN, stored)
    pending = () if completed else world.workflows.pending(intent.target, run.id)
    if any(one.environment.lower() == intent.target.environment.lower() for one in pending):
        return GatePassage(Passage.WAITS, stored)
    return _unapproved(world, stored, known)


def _answered(world: World, stored: Stored, gate: GateRecord, review: Review) -> GatePassage:
    said = f": {review.comment}" if review.comment else ""
    if not review.approved:
        rejected = replace(gate, comment=review.comment, decided_at=world.clock.now())
        saved = world.store.save(stored, replace(stored.promotion, gate=rejected), [])
        return GatePassage(Passage.REJECTED, saved, f"{review.reviewer} rejected it{said}", review.reviewer)
    if gate.approved_by is not None:
        return GatePassage(Passage.APPROVED, stored)
    approved = replace(
        gate,
        approved_by=review.reviewer,
        comment=review.comment,
        decided_at=world.clock.now(),
        unapproved_since=None,
    )
    detail = f"{review.reviewer} approved{said}"
    saved = record(world, stored, FactKind.APPROVED, detail=detail, actor=review.reviewer, gate=approved)
    return GatePassage(Passage.APPROVED, saved)


def _unapproved(world: World, stored: Stored, gate: GateRecord) -> GatePassage:
    if gate.bypassed:
        return GatePassage(Passage.BYPASSED, stored)
    if not gate.required:
        return GatePassage(Passage.UNCERTAIN, stored)
    if gate.unapproved_since is None:
        doubtful = replace(gate, unapproved_since=_store_time(world, stored))
        next_look = world.clock.now() + _REVIEWS_LAG
        saved = world.store.save(stored, replace(stored.promotion, gate=doubtful, next_look_at=next_look), [])
        return GatePassage(Passage.UNCERTAIN, saved)
    if stored.read_at - gate.unapproved_since < _REVIEWS_LAG:
        return GatePassage(Passage.UNCERTAIN, stored)
    saved = record(
        world,
        stored,
        FactKind.GATE_BYPASSED,
        detail="the run passed its gate without an approval on record; nothing above opens until a person accepts it",
        gate=replace(gate, bypassed=True),
    )
    return GatePassage(Passage.BYPASSED, saved)


def _store_time(world: World, stored: Stored) -> datetime:
    """Give the store's time of this moment: the next look may be another worker's, whose clock differs."""
    again = world.store.load(stored.promotion.id)
    return stored.read_at if again is None else again.read_at


def answers_to_earlier_attempts(world: World, stored: Stored, *, attempt: int) -> tuple[str, ...]:
    """Give the answers that cannot count for an `attempt` of the run that was just noticed.

    GitHub lists the answers to all attempts without saying to which they were given. Each attempt gets one at most for
    an environment, so the first ones that were not read yet belong to the attempts before this one. Where one of those
    ended without an answer this takes one too many away: such an attempt looks bypassed, and a person must accept it.
    """
    intent, run, gate = stored.promotion.dispatch, stored.promotion.run, stored.promotion.gate
    assert intent is not None and run is not None and gate is not None  # noqa: S101, PT018 - it is followed
    known = Counter(gate.reviews)
    unanswered = attempt - run.attempt - (1 if gate.decided_at is not None else 0)
    earlier = list(gate.reviews)
    for review in world.workflows.reviews(intent.target, run.id):
        written = _written(review)
        if known[written] > 0:
            known[written] -= 1
        elif unanswered > 0 and _names(review, intent.target.environment):
            unanswered -= 1
            earlier.append(written)
    return tuple(earlier)


def _answer(reviews: tuple[Review, ...], gate: GateRecord, environment: str) -> Review | None:
    """Find the answer for this environment and this attempt: a rejection outweighs approvals."""
    earlier = Counter(gate.earlier_reviews)
    counting: list[Review] = []
    for review in reviews:
        written = _written(review)
        if earlier[written] > 0:
            earlier[written] -= 1
        elif _names(review, environment):
            counting.append(review)
    rejections = [review for review in counting if not review.approved]
    return next(iter(rejections or counting), None)


def _names(review: Review, environment: str) -> bool:
    return environment.lower() in (name.lower() for name in review.environments)


def _written(review: Review) -> str:
    answer = "approved" if review.approved else "rejected"
    return f"{answer} {','.join(review.environments)} {review.reviewer} {review.comment}"
