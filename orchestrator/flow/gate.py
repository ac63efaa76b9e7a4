"""The gate: what stands in the way of a dispatch into an environment that must have reviewers."""

from orchestrator.ports import GateSeen
from orchestrator.promotion.record import Target


def gate_obstacle(target: Target, gate: GateSeen) -> str | None:
    """Say why nothing may be sent, or None when reviewers stand at the gate."""
    if gate.reviewers:
        return None
    return (
        f"the policy asks for a gate, but {gate.instead}; set required reviewers for environment "
        f"{target.environment} of {target.repository} on GitHub, and this goes on by itself"
    )
