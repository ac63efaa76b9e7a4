"""Nomination: which routes of the policy a signal speaks to. A signal only nominates; nothing is decided here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, assert_never

from orchestrator.decide.candidate import Candidate
from orchestrator.decide.evidence import (
    EventFacts,
    RunFacts,
    SignalEvidence,
    encode_signal_evidence,
    expression_facts,
    gathered,
)
from orchestrator.policy.expressions import Broken, Fails, Holds, Missing
from orchestrator.policy.policy import Environment, Policy, Route, Trigger
from orchestrator.signals.signal import (
    DatasetDriftDetected,
    ModelDeployed,
    ModelRegistered,
    RunCompleted,
    RunStatusChanged,
    Signal,
)

PROMOTION_TAG = "promotion_id"


@dataclass(frozen=True, slots=True)
class Nomination:
    """One candidate for one route, with the evidence that the signal carried (`evidence_body` is its stored form)."""

    route: Route
    candidate: Candidate
    evidence_body: bytes


@dataclass(frozen=True, slots=True)
class Arrival:
    """A version that a promotion's own run registered in its target environment: linked, never nominated."""

    promotion: str
    workspace: str
    model: str
    version: str


@dataclass(frozen=True, slots=True)
class Nominated:
    """What a signal from a known workspace leads to. Both may be empty; `reason` then says why."""

    nominations: tuple[Nomination, ...]
    arrival: Arrival | None
    reason: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """The signal comes from a workspace that the policy does not name."""

    reason: str


def nominate(signal: Signal, policy: Policy) -> Nominated | Foreign:
    """Find the routes that a signal speaks to, the first in file order for each target environment."""
    environments = policy.environments_of(signal.envelope.workspace)
    if not environments:
        return Foreign(
            f"workspace {signal.envelope.source} is not in the policy; "
            f"it names {', '.join(environment.name for environment in policy.environments)}"
        )
    match signal:
        case ModelRegistered():
            return _model_registered(signal, policy, environments)
        case ModelDeployed():
            evidence = SignalEvidence(_event(signal), dict(signal.tags), dict(signal.properties))
            named = [(model.name, model.version) for model in signal.models]
            return _nominated(
                [
                    _for_model(signal, policy, environments, Trigger.MODEL_DEPLOYED, name, version, evidence)
                    for name, version in named
                ]
            )
        case RunCompleted():
            return _run_completed(signal, policy, environments)
        case RunStatusChanged() | DatasetDriftDetected():
            return Nominated((), None, f"no route of the policy listens to {signal.envelope.type}")
        case _:
            assert_never(signal)


def nominate_next(
    policy: Policy, environment: str, candidate: Candidate, evidence: SignalEvidence
) -> tuple[tuple[Route, Candidate], ...]:
    """Find the routes that a promotion's success in `environment` opens, with the candidate they consider.

    `evidence` is what the signal said that nominated the candidate at first.
    """
    moved = replace(candidate, from_environment=environment)
    chosen: dict[str, Route] = {}
    for route in policy.routes_for(Trigger.PROMOTION_SUCCEEDED, environment):
        if route.matches_model(candidate.model) and _only(route, moved, evidence) is None:
            _choose(chosen, route)
    return tuple((route, moved) for route in chosen.values())


def _model_registered(signal: ModelRegistered, policy: Policy, environments: tuple[Environment, ...]) -> Nominated:
    promotion = signal.tags.get(PROMOTION_TAG)
    if promotion:
        return Nominated(
            nominations=(),
            arrival=Arrival(promotion, signal.envelope.workspace, signal.model, signal.version),
            reason=f"registered by the run of promotion {promotion}, to which it is linked",
        )
    evidence = SignalEvidence(_event(signal), dict(signal.tags), dict(signal.properties))
    return _nominated(
        [_for_model(signal, policy, environments, Trigger.MODEL_REGISTERED, signal.model, signal.version, evidence)]
    )


def _for_model(
    signal: Signal,
    policy: Policy,
    environments: tuple[Environment, ...],
    trigger: Trigger,
    name: str,
    version: str,
    evidence: SignalEvidence,
) -> tuple[list[Nomination], list[str]]:
    digest, body = encode_signal_evidence(evidence)
    found: list[Nomination] = []
    reasons: list[str] = []
    for environment in environments:
        routes = policy.routes_for(trigger, environment.name)
        if not routes:
            reasons.append(f"no enabled route from {environment.name} listens to {trigger}")
            continue
        candidate = Candidate(
            workspace=signal.envelope.workspace,
            model=name,
            version=version,
            from_environment=environment.name,
            registered_at=signal.envelope.time,
            evidence=digest,
        )
        matching = [route for route in routes if route.matches_model(name)]
        if not matching:
            patterns = ", ".join(f"{route.name} ({', '.join(route.models)})" for route in routes)
            reasons.append(f"model {name} matches no route from {environment.name}; the routes are {patterns}")
        found += _passing(matching, candidate, evidence, body, reasons)
    return found, reasons


def _run_completed(signal: RunCompleted, policy: Policy, environments: tuple[Environment, ...]) -> Nominated:
    run = RunFacts(signal.run_id, "completed", signal.experiment, dict(signal.tags), dict(signal.properties))
    evidence = SignalEvidence(_event(signal), dict(signal.tags), dict(signal.properties), run)
    digest, body = encode_signal_evidence(evidence)
    found: list[Nomination] = []
    reasons: list[str] = []
    for environment in environments:
        routes = policy.routes_for(Trigger.RUN_COMPLETED, environment.name)
        if not routes:
            reasons.append(f"no enabled route from {environment.name} listens to {Trigger.RUN_COMPLETED}")
        for route in routes:
            if not route.matches_experiment(signal.experiment):
                reasons.append(
                    f"experiment {signal.experiment} does not match {', '.join(route.experiments)} of {route.name}"
                )
                continue
            if not (route.all_runs or signal.is_root):
                reasons.append(f"run {signal.run_id} is part of a larger run, and {route.name} takes root runs only")
                continue
            candidate = Candidate(
                workspace=signal.envelope.workspace,
                model=route.as_name or signal.experiment,
                version=signal.run_id,
                from_environment=environment.name,
                registered_at=signal.envelope.time,
                evidence=digest,
                run_id=signal.run_id,
            )
            found += _passing([route], candidate, evidence, body, reasons)
    return _nominated([(_first_per_target(found), reasons)])


def _passing(
    routes: list[Route], candidate: Candidate, evidence: SignalEvidence, body: bytes, reasons: list[str]
) -> list[Nomination]:
    chosen: dict[str, Route] = {}
    for route in routes:
        refusal = _only(route, candidate, evidence)
        if refusal is None:
            _choose(chosen, route)
        else:
            reasons.append(refusal)
    return [Nomination(route, candidate, body) for route in chosen.values()]


def _only(route: Route, candidate: Candidate, evidence: SignalEvidence) -> str | None:
    if route.only is None:
        return None
    facts: Mapping[str, Any] = expression_facts(
        candidate,
        gathered(evidence, None),
        champion=None,
        environment=route.to,
        now=evidence.event.time,
    )
    answer = route.only.evaluate(facts)
    match answer:
        case Holds():
            return None
        case Fails():
            return f"route {route.name} is only for `{route.only.text}`, which does not hold"
        case Missing(message=message) | Broken(message=message):
            return f"route {route.name} is only for `{route.only.text}`: {message}"
        case _:
            assert_never(answer)


def _choose(chosen: dict[str, Route], route: Route) -> None:
    """Keep the first route in file order for each target; a shadow route never stands in an enabled one's way."""
    chosen.setdefault(f"{route.mode}:{route.name}" if route.mode == "shadow" else route.to, route)


def _first_per_target(found: list[Nomination]) -> list[Nomination]:
    kept: dict[str, Nomination] = {}
    for nomination in found:
        shadow = nomination.route.mode == "shadow"
        kept.setdefault(f"shadow:{nomination.route.name}" if shadow else nomination.route.to, nomination)
    return list(kept.values())


def _nominated(parts: list[tuple[list[Nomination], list[str]]]) -> Nominated:
    nominations = tuple(nomination for found, _ in parts for nomination in found)
    reasons = list(dict.fromkeys(reason for _, given in parts for reason in given))
    if nominations:
        return Nominated(nominations, None, f"nominated by {', '.join(n.route.name for n in nominations)}")
    return Nominated((), None, "; ".join(reasons) or "the event names no model version")


def _event(signal: Signal) -> EventFacts:
    envelope = signal.envelope
    return EventFacts(envelope.id, envelope.type, envelope.source, envelope.subject, envelope.time)
