"""GitHub as the place where runs happen.

The calls are those of https://docs.github.com/rest/actions/workflows, /rest/actions/workflow-runs and
/rest/deployments/environments. Reads need the permission Actions: read, a dispatch and a cancellation Actions: write.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from orchestrator.adapters.github import records
from orchestrator.adapters.github.client import GitHubClient
from orchestrator.adapters.github.errors import parsed
from orchestrator.adapters.github.identity import GitHubIdentity
from orchestrator.adapters.github.listing import PER_PAGE, find_runs
from orchestrator.errors import LostAnswer, NotFound, Unreadable
from orchestrator.ports import Clock, GateSeen, Order, PendingGate, Review, RunSeen, RunsFound
from orchestrator.promotion.identity import last_marker
from orchestrator.promotion.record import Run, Target

GATE_SECONDS = 60.0
CANCEL_WITHIN = timedelta(seconds=10)


class GitHubWorkflows:
    """The `Workflows` of `orchestrator.ports` on GitHub. May be used by any number of threads."""

    def __init__(self, identity: GitHubIdentity, base_url: str, clock: Clock) -> None:
        self._client = GitHubClient(identity, base_url, clock)
        self._clock = clock
        self._gates: dict[tuple[str, str], tuple[float, GateSeen]] = {}

    def gate(self, target: Target) -> GateSeen:
        """Read who must review before a run may touch the environment. Only a gate is remembered, for 60 s."""
        key = target.repository, target.environment
        now = self._clock.monotonic()
        remembered = self._gates.get(key)
        if remembered is not None and now - remembered[0] < GATE_SECONDS:
            return remembered[1]
        gate = self._gate(target)
        if gate.reviewers:
            self._gates[key] = now, gate
        else:
            self._gates.pop(key, None)
        return gate

    def start(self, order: Order) -> Run | None:
        """Start one run with one call that is never repeated. None: taken, but the answer did not name the run."""
        target = order.target
        what = f"start {target.workflow} of {target.repository} on {target.ref}"
        path = f"{_workflow(target)}/dispatches"
        body = {"ref": target.ref, "inputs": order.inputs, "return_run_details": True}
        answer = self._client.send(target.repository, path, body, what=what, within=order.limit, done={200, 204})
        if answer.status == 204:
            return None
        try:
            return parsed(answer, records.started_run, what=f"the order to {what}")
        except Unreadable as error:
            raise LostAnswer(f"{error}; a run may exist") from error

    def find(self, target: Target, marker: str, *, since: datetime) -> RunsFound:
        """Find runs by the bracket in their name, created since a moment.

        A name may hold other brackets too, and a model's name even one of another promotion: the last one counts.
        """
        pages = self._pages(target.repository, f"{_workflow(target)}/runs", of=f"{target.workflow} of ")
        return find_runs(pages, lambda one: last_marker(one.title) == marker, since=since, now=self._clock.now())

    def repeated(self, repository: str, *, since: datetime) -> tuple[RunSeen, ...]:
        """Find the runs of a repository that were run again there, of those created since a moment."""
        pages = self._pages(repository, "/actions/runs")
        return find_runs(pages, lambda one: one.run.attempt > 1, since=since, now=self._clock.now()).runs

    def run(self, target: Target, run_id: int) -> RunSeen:
        """Read one run. A run that did not change costs nothing of the rate limit."""
        path = f"/actions/runs/{run_id}"
        what = _named(target, run_id)
        return self._client.read(target.repository, path, records.run_seen, what=what, remember=True)

    def pending(self, target: Target, run_id: int) -> tuple[PendingGate, ...]:
        """Read the gates that a run waits at."""
        path = f"/actions/runs/{run_id}/pending_deployments"
        what = f"what {_named(target, run_id)} waits for"
        return self._client.read(target.repository, path, records.pending_gates, what=what)

    def reviews(self, target: Target, run_id: int) -> tuple[Review, ...]:
        """Read the answers of reviewers to a run, in the order they were given, of all its attempts."""
        path = f"/actions/runs/{run_id}/approvals"
        what = f"the reviews of {_named(target, run_id)}"
        return self._client.read(target.repository, path, records.reviews, what=what)

    def cancel(self, target: Target, run_id: int) -> None:
        """Ask for the end of a run; one that has ended already stays as it is. Asking again does no harm."""
        path = f"/actions/runs/{run_id}/cancel"
        what = f"cancel {_named(target, run_id)}"
        self._client.send(target.repository, path, {}, what=what, within=CANCEL_WITHIN, done={202, 409})

    def _pages(self, repository: str, path: str, *, of: str = "") -> Callable[[str, int], records.RunPage]:
        what = f"the runs of {of}{repository}"

        def page(created: str, number: int) -> records.RunPage:
            wanted = {"event": "workflow_dispatch", "created": created, "per_page": PER_PAGE, "page": number}
            return self._client.read(repository, f"{path}?{urlencode(wanted)}", records.run_page, what=what)

        return page

    def _gate(self, target: Target) -> GateSeen:
        path = f"/environments/{quote(target.environment, safe='')}"
        what = f"environment {target.environment} of {target.repository}"
        try:
            return self._client.read(target.repository, path, lambda body: records.gate_seen(body, target), what=what)
        except NotFound:
            return GateSeen((), f"environment {target.environment} does not exist in {target.repository}")


def _workflow(target: Target) -> str:
    return f"/actions/workflows/{quote(target.workflow, safe='')}"


def _named(target: Target, run_id: int) -> str:
    return f"run {run_id} of {target.repository}"
