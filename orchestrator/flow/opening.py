"""Opening: make sure that the promotion of a candidate exists, once, whatever asks for it and however often."""

from dataclasses import dataclass, replace
from enum import StrEnum

from orchestrator.decide.candidate import Candidate
from orchestrator.errors import Conflict, StoreUnavailable
from orchestrator.flow.recording import tell
from orchestrator.flow.world import World
from orchestrator.policy.policy import Mode, Route
from orchestrator.ports import Stored
from orchestrator.promotion.identity import from_other_environment, promotion_id, shadow_id
from orchestrator.promotion.record import MOST_CAUSES, Cause, Promotion, apply, next_attempt, opened
from orchestrator.promotion.states import ENDED_WITHOUT_A_RUN, RUN_MAY_LIVE, FactKind

_TRIES = 20


class Opening(StrEnum):
    """What an opening came to."""

    OPENED = "opened"
    LOOKS_AGAIN = "looks again"
    NEXT_ATTEMPT = "next attempt"
    KNOWN = "known"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class OpeningResult:
    """The promotion that stands for the candidate, and whether it should look now."""

    promotion: str
    opening: Opening

    @property
    def looks(self) -> bool:
        """Whether the promotion has reason to look now."""
        return self.opening not in {Opening.KNOWN, Opening.ENDED}


def open_promotion(world: World, route: Route, candidate: Candidate, cause: Cause) -> OpeningResult:
    """Open the promotion of a candidate on a route, or let the one that exists know of the new cause.

    A known cause changes nothing. A new one makes an open promotion look again, and opens the next attempt of one
    that ended without a run; after a run only a person does that.
    """
    identity = (
        shadow_id(route.name, route.to, candidate.model, candidate.version)
        if route.mode is Mode.SHADOW
        else promotion_id(route.to, candidate.model, candidate.version)
    )
    for _ in range(_TRIES):
        stored = world.store.load(identity)
        if stored is None:
            if _add(world, identity, route, candidate, cause):
                return OpeningResult(identity, Opening.OPENED)
            continue
        taken_from = stored.promotion.candidate.from_environment
        if taken_from != candidate.from_environment and "@" not in identity:
            identity = from_other_environment(identity, candidate.from_environment)
            continue
        try:
            return _again(world, stored, route, candidate, cause)
        except Conflict:
            continue
    raise StoreUnavailable(f"promotion {identity} changed {_TRIES} times while it was being opened; send it again")


def _add(world: World, identity: str, route: Route, candidate: Candidate, cause: Cause) -> bool:
    now = world.clock.now()
    promotion, fact = opened(
        identity,
        candidate,
        cause,
        environment=route.to,
        route=route.name,
        at=now,
        look_at=now + world.timing.first_look,
    )
    added = world.store.add(promotion, fact)
    if added:
        tell(promotion, fact.fact, cause.why)
    return added


def _again(world: World, stored: Stored, route: Route, candidate: Candidate, cause: Cause) -> OpeningResult:
    promotion = stored.promotion
    if cause.id in promotion.causes or len(promotion.causes) >= MOST_CAUSES:
        return OpeningResult(promotion.id, Opening.KNOWN)
    now = world.clock.now()
    told = _told(promotion, route, candidate, cause)
    kind = FactKind.NOMINATED_AGAIN
    if promotion.state.is_open:
        opening = Opening.LOOKS_AGAIN
        again, fact = apply(told, kind, at=now, detail=cause.why, actor=cause.actor, next_look_at=now)
    elif promotion.state in ENDED_WITHOUT_A_RUN:
        opening = Opening.NEXT_ATTEMPT
        told = replace(told, opened_by=cause.actor)
        again, fact = next_attempt(told, kind, at=now, detail=cause.why, actor=cause.actor)
    else:
        return OpeningResult(promotion.id, Opening.ENDED)
    world.store.save(stored, again, [fact])
    tell(again, kind, cause.why)
    return OpeningResult(promotion.id, opening)


def _told(promotion: Promotion, route: Route, candidate: Candidate, cause: Cause) -> Promotion:
    """Take over what the new cause brings. What was dispatched was decided on what it knew, and keeps it."""
    told = replace(promotion, causes=(*promotion.causes, cause.id))
    if promotion.state in RUN_MAY_LIVE:
        return told
    later = candidate.registered_at >= promotion.candidate.registered_at
    evidence = candidate.evidence if later else promotion.candidate.evidence
    return replace(
        told,
        route=route.name,
        below=cause.below or promotion.below,
        candidate=replace(promotion.candidate, evidence=evidence),
    )
