"""GitHub's JSON made into our records. Shapes: the OpenAPI description at https://github.com/github/rest-api-description.

Every function raises `AttributeError`, `KeyError`, `TypeError` or `ValueError` for what is not of that shape.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.ports import GateSeen, PendingGate, Review, RunSeen, RunStatus
from orchestrator.promotion.record import Run, Target

# https://docs.github.com/actions/reference/workflows-and-actions/workflow-run-statuses
_STATUS = {
    "requested": RunStatus.QUEUED,
    "queued": RunStatus.QUEUED,
    "pending": RunStatus.QUEUED,
    "waiting": RunStatus.WAITING,
    "action_required": RunStatus.WAITING,
    "in_progress": RunStatus.RUNNING,
    "completed": RunStatus.COMPLETED,
}

_RULES = {"wait_timer": "a wait timer", "branch_policy": "a branch policy"}


@dataclass(frozen=True, slots=True)
class RunPage:
    """One page of a list of runs. `total` counts all pages."""

    total: int
    runs: tuple[RunSeen, ...]


def started_run(body: Any) -> Run:
    """Read the answer to a dispatch that asked for `return_run_details`."""
    return Run(int(body["workflow_run_id"]), str(body["html_url"]))


def run_seen(body: Any) -> RunSeen:
    """Read a `workflow-run`."""
    # A status that GitHub adds one day counts as running: the run is neither over nor surely before its gate, so an
    # approval is asked for.
    status = _STATUS.get(body["status"], RunStatus.RUNNING)
    return RunSeen(
        run=Run(int(body["id"]), str(body["html_url"]), int(body.get("run_attempt") or 1)),
        title=str(body["display_title"]),
        status=status,
        conclusion=body["conclusion"] if status is RunStatus.COMPLETED else None,
        created_at=datetime.fromisoformat(body["created_at"]),
    )


def run_page(body: Any) -> RunPage:
    """Read one page of a list of runs."""
    return RunPage(int(body["total_count"]), tuple(run_seen(one) for one in body["workflow_runs"]))


def gate_seen(body: Any, target: Target) -> GateSeen:
    """Read an `environment`. A rule of required reviewers that names nobody is no gate."""
    rules = body.get("protection_rules") or []
    names = tuple(
        name for rule in rules if rule["type"] == "required_reviewers" for name in _reviewers(rule.get("reviewers"))
    )
    if names:
        return GateSeen(names, "")
    kinds = [rule["type"] for rule in rules if rule["type"] != "required_reviewers"]
    others = " and ".join(_RULES.get(kind, f"the rule {kind}") for kind in kinds)
    there = f"{others}, but no required reviewers" if others else "no required reviewers"
    return GateSeen((), f"environment {target.environment} of {target.repository} has {there}")


def pending_gates(body: Any) -> tuple[PendingGate, ...]:
    """Read the `pending-deployment`s of a run."""
    return tuple(PendingGate(str(one["environment"]["name"]), tuple(_reviewers(one["reviewers"]))) for one in body)


def reviews(body: Any) -> tuple[Review, ...]:
    """Read the `environment-approvals` of a run. `pending` is no answer."""
    return tuple(
        Review(
            environments=tuple(str(environment["name"]) for environment in one["environments"]),
            approved=one["state"] == "approved",
            reviewer=_login(one["user"]),
            comment=str(one["comment"] or ""),
        )
        for one in body
        if one["state"] in ("approved", "rejected")
    )


def _reviewers(entries: Any) -> list[str]:
    return [
        f"team:{entry['reviewer']['slug']}" if entry["type"] == "Team" else _login(entry["reviewer"])
        for entry in entries or []
        if entry["reviewer"] is not None
    ]


def _login(user: Any) -> str:
    # GitHub itself shows a deleted account as ghost.
    return str(user["login"]) if user is not None else "ghost"
