"""GitHub as the place where runs happen.

The calls are those of https://docs.github.com/rest/actions/workflows, /rest/actions/workflow-runs and
/rest/deployments/environments. Reads need the permission Actions: read, a dispatch and a cancellation Actions: write.
"""

from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from urllib.parse import quote

from orchestrator.adapters.github_client import GitHubClient
from orchestrator.adapters.github_errors import order_error
from orchestrator.adapters.github_identity import GitHubIdentity
from orchestrator.adapters.github_listing import PER_PAGE, Listing
from orchestrator.adapters.github_records import (
    RunPage,
    gate_seen,
    pending_gates,
    reviews,
    run_page,
    run_seen,
    started_run,
)
from orchestrator.errors import LostAnswer, NotFound, Unreadable
from orchestrator.ports import Clock, GateSeen, Order, PendingGate, Review, RunSeen, RunsFound
from orchestrator.promotion.record import Run, Target

GATE_SECONDS = 60.0
CANCEL_WITHIN = timedelta(seconds=10)
_RUNS_REMEMBERED = 256


class GitHubWorkflows:
    """The `Workflows` of `orchestrator.ports` on GitHub. May be used by any number of threads."""

    def __init__(self, identity: GitHubIdentity, base_url: str, clock: Clock) -> None:
        self._client = GitHubClient(identity, base_url, clock)
        self._clock = clock
        self._gates: dict[tuple[str, str], tuple[float, GateSeen]] = {}
        self._runs: dict[tuple[str, int], tuple[str, RunSeen]] = {}
        self._lock = Lock()

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
        """Start one run with one call that is never repeated. None: taken, but the answer did not name the run.

        Raises `Refused`, `NothingHappened` or `LostAnswer`.
        """
        target = order.target
        what = f"start {target.workflow} of {target.repository} on {target.ref}"
        answer = self._client.send(
            target.repository,
            f"{_workflow(target)}/dispatches",
            {"ref": target.ref, "inputs": order.inputs, "return_run_details": True},
            what=what,
            within=order.limit,
        )
        match answer.status:
            case 204:
                return None
            case 200:
                try:
                    return self._client.parsed(answer, started_run, what=f"the order to {what}")
                except Unreadable as error:
                    raise LostAnswer(f"{error}; a run may exist") from error
            case _:
                raise order_error(answer, what, now=self._clock.now())

    def find(self, target: Target, marker: str, *, since: datetime) -> RunsFound:
        """Find runs by the bracket in their name, created since a moment.

        A name may hold other brackets too. The marker's own make it exact, wherever it stands: `:1#1]` is not in
        `:10#1]`. Reading too little would be worse than reading too much, since an overlooked run is started again.
        """
        listing = Listing(partial(self._page, target))
        found: dict[int, RunSeen] = {}
        complete = True
        try:
            for one in listing.runs(since, now=self._clock.now()):
                if marker in one.title:
                    found[one.run.id] = one
        except Unreadable:
            if not found:
                raise
            complete = False
        oldest_first = sorted(found.values(), key=lambda one: (one.created_at, one.run.id))
        return RunsFound(tuple(oldest_first), complete=complete and listing.complete)

    def run(self, target: Target, run_id: int) -> RunSeen:
        """Read one run. A run that did not change costs nothing of the rate limit.

        https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
        """
        what = _named(target, run_id)
        key = target.repository, run_id
        with self._lock:
            etag, before = self._runs.get(key, ("", None))
        answer = self._client.read(target.repository, f"/actions/runs/{run_id}", what=what, etag=etag)
        if answer.status == 304 and before is not None:
            return before
        seen = self._client.parsed(answer, run_seen, what=what)
        self._remember(key, answer.headers.get("etag", ""), seen)
        return seen

    def pending(self, target: Target, run_id: int) -> tuple[PendingGate, ...]:
        """Read the gates that a run waits at."""
        what = f"what {_named(target, run_id)} waits for"
        answer = self._client.read(target.repository, f"/actions/runs/{run_id}/pending_deployments", what=what)
        return self._client.parsed(answer, pending_gates, what=what)

    def reviews(self, target: Target, run_id: int) -> tuple[Review, ...]:
        """Read the answers of reviewers to a run, in the order they were given, of all its attempts."""
        what = f"the reviews of {_named(target, run_id)}"
        answer = self._client.read(target.repository, f"/actions/runs/{run_id}/approvals", what=what)
        return self._client.parsed(answer, reviews, what=what)

    def cancel(self, target: Target, run_id: int) -> None:
        """Ask for the end of a run; one that has ended already stays as it is.

        Raises `Refused`, `NothingHappened` or `LostAnswer`. Asking again does no harm.
        """
        what = f"cancel {_named(target, run_id)}"
        path = f"/actions/runs/{run_id}/cancel"
        answer = self._client.send(target.repository, path, {}, what=what, within=CANCEL_WITHIN)
        if answer.status not in (202, 409):
            raise order_error(answer, what, now=self._clock.now())

    def _gate(self, target: Target) -> GateSeen:
        what = f"environment {target.environment} of {target.repository}"
        path = f"/environments/{quote(target.environment, safe='')}"
        try:
            answer = self._client.read(target.repository, path, what=what)
        except NotFound:
            return GateSeen((), f"environment {target.environment} does not exist in {target.repository}")
        return self._client.parsed(answer, lambda body: gate_seen(body, target), what=what)

    def _page(self, target: Target, created: str, number: int) -> RunPage:
        what = f"the runs of {target.workflow} of {target.repository}"
        wanted = {"event": "workflow_dispatch", "created": created, "per_page": str(PER_PAGE), "page": str(number)}
        answer = self._client.read(target.repository, f"{_workflow(target)}/runs", wanted, what=what)
        return self._client.parsed(answer, run_page, what=what)

    def _remember(self, key: tuple[str, int], etag: str, seen: RunSeen) -> None:
        with self._lock:
            self._runs.pop(key, None)
            if etag:
                self._runs[key] = etag, seen
            if len(self._runs) > _RUNS_REMEMBERED:
                del self._runs[next(iter(self._runs))]


def _workflow(target: Target) -> str:
    return f"/actions/workflows/{quote(target.workflow, safe='')}"


def _named(target: Target, run_id: int) -> str:
    return f"run {run_id} of {target.repository}"
