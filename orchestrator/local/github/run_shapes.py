"""Runs, their jobs, gates and reviews in the shapes of GitHub's REST API."""

from collections.abc import Sequence

from orchestrator.local.github.call import JsonObject
from orchestrator.local.github.repository import Repository
from orchestrator.local.github.run import Decision, JobState, Run
from orchestrator.local.github.shapes import environment_stub, moment, node_id, repository, reviewers, user
from orchestrator.local.github.state import StandIn
from orchestrator.local.github.timeline import Sight, Waiting


def run_url(run: Run, address: str) -> str:
    """Where the REST API shows the run."""
    return f"{address}/repos/{run.repository}/actions/runs/{run.id}"


def run_page(run: Run, address: str) -> str:
    """Where people look at the run."""
    return f"{address}/{run.repository}/actions/runs/{run.id}"


def dispatch_details(run: Run, address: str) -> JsonObject:
    """A `workflow-dispatch-response`."""
    return {"workflow_run_id": run.id, "run_url": run_url(run, address), "html_url": run_page(run, address)}


def run_shape(stand_in: StandIn, home: Repository, sight: Sight, address: str) -> JsonObject:
    """A `workflow-run`."""
    run, state = sight.run, sight.state
    url, suite = run_url(run, address), run.id + 1
    number = run.attempt.number
    shown_repository = repository(stand_in, home, address)
    return {
        "id": run.id,
        "name": run.workflow.title,
        "node_id": node_id("WorkflowRun", run.id),
        "head_branch": run.ref,
        "head_sha": run.sha,
        "path": f"{run.workflow.path}@{run.ref}" if run.ref != home.settings.default_branch else run.workflow.path,
        "display_title": run.title,
        "run_number": run.number,
        "event": "workflow_dispatch",
        "status": state.status,
        "conclusion": state.conclusion,
        "workflow_id": run.workflow.id,
        "check_suite_id": suite,
        "check_suite_node_id": node_id("CheckSuite", suite),
        "url": url,
        "html_url": run_page(run, address),
        "pull_requests": [],
        "created_at": moment(run.created_at),
        "updated_at": moment(state.updated_at),
        "actor": user(stand_in, run.login, address),
        "run_attempt": number,
        "referenced_workflows": [],
        "run_started_at": moment(run.attempt.started_at),
        "triggering_actor": user(stand_in, run.attempt.login, address),
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{address}/repos/{run.repository}/check-suites/{suite}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": f"{url}/attempts/{number - 1}" if number > 1 else None,
        "workflow_url": f"{address}/repos/{run.repository}/actions/workflows/{run.workflow.id}",
        "head_commit": _commit(run),
        "repository": shown_repository,
        "head_repository": shown_repository,
    }


def jobs_shape(sight: Sight, address: str) -> list[JsonObject]:
    """The `job`s of the run's last attempt."""
    return [_job(sight.run, index, job, address) for index, job in enumerate(sight.state.jobs)]


def pending_shape(stand_in: StandIn, home: Repository, sight: Sight, login: str, address: str) -> list[JsonObject]:
    """The `pending-deployment`s of a run: the gate at which it waits, if it does. `login` is who asks."""
    waiting = sight.state.waiting
    if waiting is None:
        return []
    rules = waiting.environment.rules
    return [
        {
            "environment": environment_stub(home, waiting.environment, address),
            "wait_timer": rules.wait_timer,
            "wait_timer_started_at": moment(waiting.since),
            "current_user_can_approve": rules.may_review(login, triggered_by=sight.run.attempt.login),
            "reviewers": reviewers(stand_in, waiting.environment, address),
        }
    ]


def approvals_shape(
    stand_in: StandIn, home: Repository, decisions: Sequence[Decision], address: str
) -> list[JsonObject]:
    """The `environment-approvals` of a run. They bear no time and no attempt."""
    return [
        {
            "environments": [
                environment_stub(home, decision.environment, address)
                | {
                    "created_at": moment(decision.environment.created_at),
                    "updated_at": moment(decision.environment.updated_at),
                }
            ],
            "state": decision.verdict.value,
            "user": user(stand_in, decision.login, address),
            "comment": decision.comment,
        }
        for decision in decisions
    ]


def deployment_shape(stand_in: StandIn, run: Run, waiting: Waiting, address: str) -> JsonObject:
    """The `deployment` that a review decided."""
    number = _job_id(run, waiting.job)
    url = f"{address}/repos/{run.repository}/deployments/{number}"
    return {
        "url": url,
        "id": number,
        "node_id": node_id("Deployment", number),
        "sha": run.sha,
        "ref": run.ref,
        "task": "deploy",
        "payload": {},
        "original_environment": waiting.environment.name,
        "environment": waiting.environment.name,
        "description": None,
        "creator": user(stand_in, run.login, address),
        "created_at": moment(waiting.since),
        "updated_at": moment(stand_in.now()),
        "statuses_url": f"{url}/statuses",
        "repository_url": f"{address}/repos/{run.repository}",
    }


def _job(run: Run, index: int, job: JobState, address: str) -> JsonObject:
    number = _job_id(run, index)
    return {
        "id": number,
        "run_id": run.id,
        "run_url": run_url(run, address),
        "run_attempt": run.attempt.number,
        "node_id": node_id("Job", number),
        "head_sha": run.sha,
        "head_branch": run.ref,
        "workflow_name": run.workflow.title,
        "url": f"{address}/repos/{run.repository}/actions/jobs/{number}",
        "html_url": f"{run_page(run, address)}/job/{number}",
        "status": job.status,
        "conclusion": job.conclusion,
        "created_at": moment(run.attempt.started_at),
        "started_at": moment(job.started_at or run.attempt.started_at),
        "completed_at": moment(job.completed_at) if job.completed_at else None,
        "name": job.name,
        "steps": [],
        "check_run_url": f"{address}/repos/{run.repository}/check-runs/{number}",
        "labels": ["ubuntu-latest"],
        "runner_id": None,
        "runner_name": None,
        "runner_group_id": None,
        "runner_group_name": None,
    }


def _job_id(run: Run, index: int) -> int:
    return (run.id * 100 + run.attempt.number) * 100 + index


def _commit(run: Run) -> JsonObject:
    author = {"name": run.login, "email": f"{run.login}@users.noreply.invalid"}
    return {
        "id": run.sha,
        "tree_id": run.sha,
        "message": f"The newest commit of {run.ref}",
        "timestamp": moment(run.created_at),
        "author": author,
        "committer": author,
    }
