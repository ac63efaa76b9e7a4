"""Considering a promotion that has not been dispatched: evidence, decision, slot, gate, and then the dispatch."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from orchestrator.decide.checks import Below
from orchestrator.decide.decision import Decision, Outcome, decide
from orchestrator.decide.evidence import Champion, Evidence, expression_facts
from orchestrator.decide.inputs import BrokenInput, MissingInput, dispatch_inputs
from orchestrator.errors import OrchestratorError
from orchestrator.flow.dispatching import dispatch, standard_inputs
from orchestrator.flow.ending import end
from orchestrator.flow.evidence import signal_evidence
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
        return end(world, stored, slot, FactKind.CANCELLED, detail=promotion.cancel.reason)
    route = _route(world, promotion)
    if isinstance(route, str):
        return end(world, stored, slot, FactKind.DECLINED, detail=route)
    newer = _newer(promotion, slot)
    if newer is not None:
        return end(world, stored, slot, FactKind.SUPERSEDED, detail=newer)
    facts = _facts(world, promotion, slot)
    now = world.clock.now()
    decision = decide(route, facts, below=_below(world, promotion), policy_digest=world.policy.digest, now=now)
    match decision.outcome:
        case Outcome.DECLINE:
            return end(world, stored, slot, FactKind.DECLINED, detail=decision.reason, decision=decision)
        case Outcome.WAIT:
            return _wait_for_checks(world, stored, slot, route, decision, now)
        case Outcome.PROMOTE:
            return _promote(world, stored, slot, route, decision, facts)


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


def _facts(world: World, promotion: Promotion, slot: StoredSlot) -> dict[str, object]:
    signal = signal_evidence(world, promotion.candidate.evidence)
    evidence = Evidence(signal=signal, tags=signal.tags, properties=signal.properties)
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
    signal = signal_evidence(world, champion.evidence)
    return Champion(version=champion.version, tags=signal.tags)


def _wait_for_checks(
    world: World, stored: Stored, slot: StoredSlot, route: Route, decision: Decision, now: datetime
) -> Stored:
    if decision.lacks_evidence:
        return _wait_for_evidence(world, stored, slot, route, decision, decision.reason)
    # Sooner than time alone changes a verdict, because the policy may change, too.
    next_look = min(decision.until or now + EVIDENCE_CAP, now + EVIDENCE_CAP)
    return wait(world, stored, decision.reason, decision=decision, next_look_at=next_look)


def _wait_for_evidence(
    world: World, stored: Stored, slot: StoredSlot, route: Route, decision: Decision, missing: str
) -> Stored:
    promotion, now = stored.promotion, world.clock.now()
    since = promotion.unknown_since or now
    if now - since >= route.evidence_timeout:
        detail = f"evidence did not come within {route.evidence_timeout}: {missing}"
        return end(world, stored, slot, FactKind.EXPIRED, detail=detail, decision=decision)
    next_look = world.next_look(promotion.changed_at, cap=EVIDENCE_CAP)
    return wait(world, stored, missing, decision=decision, next_look_at=next_look, unknown_since=since)


def _promote(
    world: World, stored: Stored, slot: StoredSlot, route: Route, decision: Decision, facts: dict[str, object]
) -> Stored:
    promotion = stored.promotion
    if promotion.shadow:
        detail = f"{decision.reason}; the route is a shadow, so nothing follows"
        return end(world, stored, slot, FactKind.DECLINED, detail=detail, decision=decision)
    next_look = world.next_look(promotion.changed_at, cap=FOLLOWING_CAP)
    if slot.slot.holder not in {None, promotion.id}:
        why = f"{slot.slot.holder} is on its way into {promotion.environment}; one at a time"
        return wait(world, stored, why, decision=decision, next_look_at=next_look)
    target = Target(route.repository, route.workflow, route.ref, route.github_environment)
    reviewers: tuple[str, ...] = ()
    if route.gate is Gate.REQUIRED:
        gate = world.workflows.gate(target)
        obstacle = gate_obstacle(target, gate)
        if obstacle is not None:
            return wait(world, stored, obstacle, decision=decision, next_look_at=next_look)
        reviewers = gate.reviewers
    try:
        inputs = dispatch_inputs(route, standard_inputs(world, promotion, route, target), facts)
    except MissingInput as error:
        return _wait_for_evidence(world, stored, slot, route, decision, str(error))
    except BrokenInput as error:
        return end(world, stored, slot, FactKind.DECLINED, detail=str(error), decision=decision)
    return dispatch(world, stored, slot, route, target, decision=decision, inputs=inputs, reviewers=reviewers)


def wait(
    world: World,
    stored: Stored,
    waiting_for: str,
    *,
    decision: Decision,
    next_look_at: datetime,
    unknown_since: datetime | None = None,
) -> Stored:
    """Wait, saying for what. A look that changed nothing adds no fact."""
    promotion = stored.promotion
    changes: dict[str, Any] = {
        "waiting_for": waiting_for,
        "decision": decision,
        "next_look_at": next_look_at,
        "unknown_since": unknown_since,
        "person_needed": None,
    }
    if promotion.waiting_for == waiting_for:
        return world.store.save(stored, replace(promotion, **changes), [])
    return record(world, stored, FactKind.WAITS, detail=waiting_for, **changes)
