"""Considering a promotion that has not been dispatched: evidence, decision, slot, gate, and then the dispatch."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from orchestrator.decide.checks import Below
from orchestrator.decide.decision import Decision, Outcome, decide
from orchestrator.decide.evidence import Champion, Evidence, expression_facts
from orchestrator.decide.inputs import BrokenInput, MissingInput, dispatch_inputs
from orchestrator.errors import OrchestratorError
from orchestrator.flow.dispatching import Intended, dispatch, standard_inputs
from orchestrator.flow.ending import end
from orchestrator.flow.evidence import gather, keep, kept_evidence
from orchestrator.flow.gate import gate_obstacle
from orchestrator.flow.recording import record
from orchestrator.flow.world import EVIDENCE_CAP, FOLLOWING_CAP, World
from orchestrator.policy.policy import Gate, Mode, Route
from orchestrator.ports import Stored, StoredSlot
from orchestrator.promotion.record import Promotion, SlotChampion, Target
from orchestrator.promotion.states import FactKind


def consider(world: World, stored: Stored) -> Stored:
    """Decide on a promotion with today's policy and today's evidence, and act on the decision."""
    promotion = stored.promotion
    slot = world.store.slot(promotion.slot)
    if promotion.cancel is not None:
        cancel = promotion.cancel
        return end(world, stored, slot, FactKind.CANCELLED, detail=cancel.reason, actor=cancel.actor)
    route = _route(world, promotion)
    if isinstance(route, str):
        return end(world, stored, slot, FactKind.DECLINED, detail=route)
    newer = _newer(promotion, slot)
    if newer is not None:
        return end(world, stored, slot, FactKind.SUPERSEDED, detail=newer)
    evidence = gather(world, promotion)
    facts = _facts(world, promotion, evidence, slot)
    below, now = _below(world, promotion), world.clock.now()
    decision = decide(route, facts, below=below, policy_digest=world.policy.digest, now=now)
    case = _Case(stored, slot, route, evidence, facts, decision)
    match decision.outcome:
        case Outcome.DECLINE:
            return _decline(world, case, decision.reason)
        case Outcome.WAIT:
            return _wait_for_checks(world, case)
        case Outcome.PROMOTE:
            return _promote(world, case)


@dataclass(frozen=True, slots=True)
class _Case:
    """A promotion as it stands now: its place, what is known about its candidate, and what follows from that."""

    stored: Stored
    slot: StoredSlot
    route: Route
    evidence: Evidence
    facts: dict[str, object]
    decision: Decision


def _route(world: World, promotion: Promotion) -> Route | str:
    """Find the promotion's route in today's policy, or say why it has none."""
    for route in world.policy.routes:
        if route.name == promotion.route:
            if route.mode is Mode.DISABLED:
                return f"route {route.name} was disabled in the policy"
            if promotion.shadow is not (route.mode is Mode.SHADOW):
                return f"route {route.name} is now {route.mode}"
            if (route.from_environment, route.to) != (promotion.candidate.from_environment, promotion.environment):
                return (
                    f"route {route.name} now leads from {route.from_environment} to {route.to}, "
                    f"not from {promotion.candidate.from_environment} to {promotion.environment}"
                )
            return route
    return f"route {promotion.route} is no longer in the policy"


def _newer(promotion: Promotion, slot: StoredSlot) -> str | None:
    """Tell which newer version has taken this one's place; a person's own order is not superseded."""
    if promotion.by_person:
        return None
    mine = promotion.candidate.registered
    for newest, what in ((slot.slot.newest_succeeded, "succeeded"), (slot.slot.newest_taken, "was dispatched")):
        if newest is not None and newest.newer_than(mine):
            return f"version {newest.version}, registered later, {what}"
    return None


def _below(world: World, promotion: Promotion) -> Below | None:
    if promotion.below is None:
        return None
    stored = world.store.load(promotion.below)
    if stored is None:
        raise OrchestratorError(f"promotion {promotion.below}, which opened this one, is not in the store")
    below = stored.promotion
    succeeded = below.state == "succeeded"
    return Below(
        promotion=below.id,
        environment=below.environment,
        state=str(below.state),
        succeeded_at=below.changed_at if succeeded else None,
        bypassed=below.bypass_unaccepted,
    )


def _facts(world: World, promotion: Promotion, evidence: Evidence, slot: StoredSlot) -> dict[str, object]:
    return expression_facts(
        promotion.candidate,
        evidence,
        champion=_champion(world, slot.slot.champion),
        environment=promotion.environment,
        now=world.clock.now(),
    )


def _champion(world: World, champion: SlotChampion | None) -> Champion | None:
    if champion is None:
        return None
    evidence = kept_evidence(world, champion.evidence)
    return Champion(version=champion.version, tags=evidence.tags, metrics=evidence.metrics)


def _decline(world: World, case: _Case, why: str) -> Stored:
    return end(world, case.stored, case.slot, FactKind.DECLINED, detail=why, decision=case.decision)


def _wait_for_checks(world: World, case: _Case) -> Stored:
    decision = case.decision
    if decision.lacks_evidence:
        return _wait_for_evidence(world, case, "; ".join([decision.reason, *case.evidence.absent]))
    # Sooner than time alone changes a verdict, because the policy may change, too.
    at_latest = world.clock.now() + EVIDENCE_CAP
    return _wait(world, case, decision.reason, next_look_at=min(decision.until or at_latest, at_latest))


def _wait_for_evidence(world: World, case: _Case, missing: str) -> Stored:
    promotion, now = case.stored.promotion, world.clock.now()
    since = promotion.unknown_since or now
    if now - since >= case.route.evidence_timeout:
        detail = f"evidence did not come within {case.route.evidence_timeout}: {missing}"
        return end(world, case.stored, case.slot, FactKind.EXPIRED, detail=detail, decision=case.decision)
    next_look = world.next_look(promotion.changed_at, cap=EVIDENCE_CAP)
    return _wait(world, case, missing, next_look_at=next_look, unknown_since=since)


def _promote(world: World, case: _Case) -> Stored:
    promotion, route, holder = case.stored.promotion, case.route, case.slot.slot.holder
    if promotion.shadow:
        return _decline(world, case, f"{case.decision.reason}; the route is a shadow, so nothing follows")
    next_look = world.next_look(promotion.changed_at, cap=FOLLOWING_CAP)
    if holder not in {None, promotion.id}:
        why = f"{holder} is on its way into {promotion.environment}; one at a time"
        return _wait(world, case, why, next_look_at=next_look)
    target = Target(route.repository, route.workflow, route.ref, route.github_environment)
    reviewers: tuple[str, ...] = ()
    if route.gate is Gate.REQUIRED:
        gate = world.workflows.gate(target)
        obstacle = gate_obstacle(target, gate)
        if obstacle is not None:
            return _wait(world, case, obstacle, next_look_at=next_look)
        reviewers = gate.reviewers
    try:
        inputs = dispatch_inputs(route, standard_inputs(world, promotion, route, target), case.facts)
    except MissingInput as error:
        return _wait_for_evidence(world, case, str(error))
    except BrokenInput as error:
        return _decline(world, case, str(error))
    order = Intended(case.decision, keep(world, case.evidence), target, route.gate, reviewers, inputs)
    return dispatch(world, case.stored, case.slot, order)


def _wait(
    world: World, case: _Case, waiting_for: str, *, next_look_at: datetime, unknown_since: datetime | None = None
) -> Stored:
    """Wait, saying for what. A look that changed nothing adds no fact."""
    changes: dict[str, Any] = {
        "waiting_for": waiting_for,
        "decision": case.decision,
        "next_look_at": next_look_at,
        "unknown_since": unknown_since,
        "person_needed": None,
    }
    promotion = case.stored.promotion
    if promotion.waiting_for == waiting_for:
        return world.store.save(case.stored, replace(promotion, **changes), [])
    return record(world, case.stored, FactKind.WAITS, detail=waiting_for, **changes)
