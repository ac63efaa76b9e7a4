"""Evidence that is stored under its digest."""

from orchestrator.decide.evidence import SignalEvidence, decode_signal_evidence
from orchestrator.errors import OrchestratorError
from orchestrator.flow.world import World


def signal_evidence(world: World, digest: str) -> SignalEvidence:
    """Read what a signal said. It was stored before any record named it."""
    body = world.store.evidence(digest)
    if body is None:
        raise OrchestratorError(f"evidence {digest} is not in the store")
    return decode_signal_evidence(body)
