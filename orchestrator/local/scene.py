"""The scene: a stand-in for GitHub that has what a policy expects to find there."""

from collections.abc import Sequence

from orchestrator.local.github.environment import AutoApprove, Reviewer, Rules
from orchestrator.local.github.repository import Settings, Timings
from orchestrator.local.github.state import StandIn
from orchestrator.local.github.workflow import Workflow, WorkflowInput
from orchestrator.policy.inputs import STANDARD_INPUTS
from orchestrator.policy.policy import Gate, Policy

RUN_NAME = (
    "Promote ${{ inputs.model_name }}:${{ inputs.model_version }} to ${{ inputs.environment }} "
    "[${{ inputs.promotion_id }}#${{ inputs.attempt }}]"
)


def shipped_workflow(file: str) -> Workflow:
    """Model the workflow that users copy: its inputs, its run's name, its first job and its gate."""
    required = {"promotion_id", "attempt", "model_name", "model_version", "environment"}
    inputs = tuple(WorkflowInput(name, required=name in required) for name in STANDARD_INPUTS)
    return Workflow(file, name="Promote a model", run_name=RUN_NAME, inputs=inputs)


def set_scene(
    stand_in: StandIn,
    policy: Policy,
    *,
    reviewers: Sequence[str],
    auto_approve: AutoApprove | None = None,
    run_seconds: float = 0.0,
) -> None:
    """Make every repository, workflow and environment that the policy's routes name."""
    repositories = {route.repository for route in policy.routes}
    for repository in sorted(repositories):
        stand_in.add_repository(repository, Settings(timings=Timings(run_seconds=run_seconds)))
    for repository, workflow in sorted({(route.repository, route.workflow) for route in policy.routes}):
        stand_in.add_workflow(repository, shipped_workflow(workflow))
    for route in policy.routes:
        people = tuple(Reviewer(login) for login in reviewers) if route.gate is Gate.REQUIRED else ()
        rules = Rules(reviewers=people, auto_approve=auto_approve if people else None)
        stand_in.set_environment(route.repository, route.github_environment, rules)
