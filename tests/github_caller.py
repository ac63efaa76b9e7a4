"""A GitHub stand-in on a port, with a caller who holds every call and answer against GitHub's official description."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from orchestrator.local.github.environment import Reviewer, Rules
from orchestrator.local.github.repository import Settings, Timings
from orchestrator.local.github.server import running
from orchestrator.local.github.state import StandIn
from orchestrator.local.github.workflow import Workflow, WorkflowInput
from tests.github_openapi import assert_answer_valid, assert_error_shaped, assert_request_valid

START = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
REPOSITORY = "proseware/models"
HOME = f"/repos/{REPOSITORY}"
PROMOTE = Workflow(
    "promote.yml",
    name="Promote",
    run_name="Promote ${{ inputs.model }} [${{ inputs.promotion_id }}#${{ inputs.attempt }}]",
    inputs=(
        WorkflowInput("promotion_id", required=True),
        WorkflowInput("attempt", default="1"),
        WorkflowInput("model"),
        WorkflowInput("environment", kind="environment"),
        WorkflowInput("intent", kind="choice", options=("promote", "rollback"), default="promote"),
    ),
)
ANY_TOKEN = "any"
TOKENS = {"token-of-reviewer-one": "reviewer-one", "token-of-reviewer-two": "reviewer-two"}


class Caller:
    """Speaks HTTP as the owner of `token` and leaves no answer unjudged."""

    def __init__(self, url: str, *, token: str = ANY_TOKEN) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"} if token else {})

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
        texts = {name: str(value) for name, value in query.items()}
        return self.send("GET", path, query=texts, headers=headers)

    def post(self, path: str, body: object = None, *, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.send("POST", path, body=body, headers=headers)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        answer = self._http.request(method, path, params=query, json=body, headers=headers)
        if path.startswith("/_stand-in"):
            return answer
        if answer.status_code >= 400:
            assert_error_shaped(answer.json())
        elif answer.status_code != 304:
            assert_request_valid(method, path, query or {}, body)
            assert_answer_valid(method, path, answer.status_code, answer.json() if answer.content else None)
        return answer

    def dispatch(self, promotion_id: str = "staging:churn:7", **more: Any) -> httpx.Response:
        """Dispatches PROMOTE; `inputs` adds to the usual ones, the rest goes into the body."""
        inputs = {"promotion_id": promotion_id, "model": "churn", "environment": "prod"} | more.pop("inputs", {})
        body = {"ref": "main", "inputs": inputs, "return_run_details": True} | more
        return self.post(f"{HOME}/actions/workflows/promote.yml/dispatches", body)

    def started(self, promotion_id: str = "staging:churn:7", **more: Any) -> str:
        """Dispatches PROMOTE and gives the path of the run."""
        answer = self.dispatch(promotion_id, **more)
        assert answer.status_code == 200, answer.text
        return f"{HOME}/actions/runs/{answer.json()['workflow_run_id']}"

    def state(self, run: str) -> tuple[str, str | None]:
        """Status and conclusion of the run at this path."""
        shown = self.get(run).json()
        return shown["status"], shown["conclusion"]

    def close(self) -> None:
        self._http.close()


def stand_in_with_a_gate() -> StandIn:
    """A stand-in whose clock stands still: one repository, PROMOTE, and `prod` behind the gate of reviewer-one."""
    stand_in = StandIn(now=lambda: START, tokens=TOKENS)
    timings = Timings(queue_seconds=5, guard_seconds=10, run_seconds=60)
    stand_in.add_repository(REPOSITORY, Settings(refs=("release", "v1"), timings=timings))
    stand_in.add_workflow(REPOSITORY, PROMOTE)
    stand_in.set_environment(REPOSITORY, "prod", Rules(reviewers=(Reviewer("reviewer-one"),)))
    return stand_in


@contextmanager
def calling(stand_in: StandIn, *, token: str = ANY_TOKEN) -> Iterator[Caller]:
    """Serves `stand_in` and gives a caller."""
    with running(stand_in) as url:
        caller = Caller(url, token=token)
        try:
            yield caller
        finally:
            caller.close()
