"""Evidence: what a signal said, what the workspace says now, and what a decision was made on."""

from orchestrator.decide.evidence import (
    Evidence,
    SignalEvidence,
    decode_evidence,
    decode_signal_evidence,
    encode_evidence,
    gathered,
)
from orchestrator.errors import OrchestratorError
from orchestrator.flow.world import World
from orchestrator.ports import EvidenceWanted
from orchestrator.promotion.record import Arrived, Promotion


def gather(world: World, promotion: Promotion) -> Evidence:
    """Read what is known of a promotion's candidate now, in the environment it comes from.

    Raises what the source of evidence raises; without one, only the signal speaks.
    """
    candidate = promotion.candidate
    signal = signal_evidence(world, candidate.evidence)
    environment = world.policy.environment(candidate.from_environment)
    if world.evidence is None or environment is None:
        return gathered(signal, None)
    arrived = _arrived(world, promotion)
    wanted = EvidenceWanted(
        environment=environment.name,
        workspace=environment.workspace,
        model=arrived.model if arrived else candidate.model,
        version=arrived.version if arrived else candidate.version,
        promotion=promotion.below,
        run_id=candidate.run_id,
    )
    return gathered(signal, world.evidence.read(wanted))


def _arrived(world: World, promotion: Promotion) -> Arrived | None:
    """Say what the candidate became in the environment below, where that is known: a number belongs to a workspace."""
    below = None if promotion.below is None else world.store.load(promotion.below)
    return None if below is None else below.promotion.arrived


def keep(world: World, evidence: Evidence) -> str:
    """Store the evidence of a decision, and give the digest that the record names it by."""
    digest, body = encode_evidence(evidence)
    world.store.put_evidence(digest, body)
    return digest


def kept_evidence(world: World, digest: str) -> Evidence:
    """Read the evidence of an earlier decision."""
    return decode_evidence(_body(world, digest))


def signal_evidence(world: World, digest: str) -> SignalEvidence:
    """Read what a signal said. It was stored before any record named it."""
    return decode_signal_evidence(_body(world, digest))


def _body(world: World, digest: str) -> bytes:
    body = world.store.evidence(digest)
    if body is None:
        raise OrchestratorError(f"evidence {digest} is not in the store")
    return body
