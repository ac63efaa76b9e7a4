"""The routes of the stand-in. Their names are what failure rules and the counts of calls speak of."""

import asyncio

from starlette import routing
from starlette.types import ASGIApp

from orchestrator.local.github import control, page, repository_endpoints, run_endpoints
from orchestrator.local.github.endpoint import Endpoint, Route
from orchestrator.local.github.state import StandIn

_REPO = "/repos/{owner}/{repo}"
_RUN = _REPO + "/actions/runs/{run_id}"
_CONTROL_RUN = "/_stand-in/runs/{run_id}"

ROUTES = (
    Route("dispatch", "POST", _REPO + "/actions/workflows/{workflow_id}/dispatches", run_endpoints.dispatch),
    Route("run", "GET", _RUN, run_endpoints.run),
    Route("runs", "GET", _REPO + "/actions/workflows/{workflow_id}/runs", run_endpoints.workflow_runs),
    Route("runs", "GET", _REPO + "/actions/runs", run_endpoints.runs),
    Route("approvals", "GET", _RUN + "/approvals", run_endpoints.approvals),
    Route("pending", "GET", _RUN + "/pending_deployments", run_endpoints.pending),
    Route("review", "POST", _RUN + "/pending_deployments", run_endpoints.review),
    Route("jobs", "GET", _RUN + "/jobs", run_endpoints.jobs),
    Route("cancel", "POST", _RUN + "/cancel", run_endpoints.cancel),
    Route("cancel", "POST", _RUN + "/force-cancel", run_endpoints.cancel),
    Route("rerun", "POST", _RUN + "/rerun", run_endpoints.rerun),
    Route("rerun", "POST", _RUN + "/rerun-failed-jobs", run_endpoints.rerun_failed),
    Route("environments", "GET", _REPO + "/environments", repository_endpoints.environments),
    Route("environment", "GET", _REPO + "/environments/{name:path}", repository_endpoints.environment),
    Route("environment", "PUT", _REPO + "/environments/{name:path}", repository_endpoints.put_environment),
    Route("workflows", "GET", _REPO + "/actions/workflows", repository_endpoints.workflows),
    Route("workflow", "GET", _REPO + "/actions/workflows/{workflow_id}", repository_endpoints.workflow),
    Route("contents", "GET", _REPO + "/contents/{path:path}", repository_endpoints.contents),
    Route("repository", "GET", _REPO, repository_endpoints.repository),
    Route("user", "GET", "/user", repository_endpoints.user),
    Route("rate_limit", "GET", "/rate_limit", repository_endpoints.rate_limit),
    Route("page", "GET", "/", page.overview, is_github=False),
    Route("page", "GET", "/{owner}/{repo}/actions/runs/{run_id}", page.run, is_github=False),
    Route("control", "POST", "/_stand-in/seed", control.seed, is_github=False),
    Route("control", "GET", "/_stand-in/runs", control.runs, is_github=False),
    Route("control", "DELETE", "/_stand-in/runs", control.forget_runs, is_github=False),
    Route("control", "POST", _CONTROL_RUN + "/approve", control.approve, is_github=False),
    Route("control", "POST", _CONTROL_RUN + "/reject", control.reject, is_github=False),
    Route("control", "POST", _CONTROL_RUN + "/bypass", control.bypass, is_github=False),
    Route("control", "POST", _CONTROL_RUN + "/cancel", control.cancel, is_github=False),
    Route("control", "POST", _CONTROL_RUN + "/rerun", control.rerun, is_github=False),
    Route("control", "GET", "/_stand-in/requests", control.calls, is_github=False),
    Route("control", "GET", "/_stand-in/failures", control.failures, is_github=False),
    Route("control", "PUT", "/_stand-in/failures", control.set_failures, is_github=False),
    Route("control", "GET", "/_stand-in/clock", control.clock, is_github=False),
    Route("control", "POST", "/_stand-in/clock", control.advance, is_github=False),
)
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def application(stand_in: StandIn, closing: asyncio.Event) -> ASGIApp:
    """The ASGI application. `closing` is set by the server when it stops."""
    routes = [routing.Route(route.path, Endpoint(stand_in, route, closing), methods=[route.method]) for route in ROUTES]
    unknown = Route("unknown", "", "", repository_endpoints.unknown)
    routes.append(routing.Route("/{path:path}", Endpoint(stand_in, unknown, closing), methods=_METHODS))
    return routing.Router(routes)
