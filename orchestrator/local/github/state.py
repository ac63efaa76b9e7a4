"""The stand-in's state, and everything that can be done to it. The HTTP side only translates."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.local.github.directory import Directory, utc_now
from orchestrator.local.github.dispatching import accepted_inputs
from orchestrator.local.github.failures import FailureScript
from orchestrator.local.github.ledger import Ledger
from orchestrator.local.github.listing import MOST_RESULTS, Page, Wanted
from orchestrator.local.github.rate_limit import RateLimit
from orchestrator.local.github.refusal import Refusal, not_found
from orchestrator.local.github.repository import Repository
from orchestrator.local.github.run import Attempt, Decision, JobState, PlannedJob, Run, Verdict
from orchestrator.local.github.timeline import Sight, Waiting, state_of
from orchestrator.local.github.workflow import Job, Workflow, bracket, fill_in


class StandIn(Directory):
    """GitHub as far as promotions see it. Every method may be called from any thread.

    Whatever GitHub would refuse raises `Refusal`. `failures` scripts trouble, `ledger` keeps what came in over HTTP.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = utc_now,
        tokens: Mapping[str, str] | None = None,
        default_login: str = "dispatcher",
    ) -> None:
        super().__init__(now=now, tokens=tokens, default_login=default_login)
        self._runs: dict[int, Run] = {}
        self.failures = FailureScript(self._lock)
        self.ledger = Ledger(self._lock)
        self.rate_limit = RateLimit()

    def dispatch(
        self, repository: str, workflow: str, *, ref: str, inputs: Mapping[str, object], login: str = ""
    ) -> Run:
        """Starts a run, as `POST .../dispatches` does."""
        with self._lock:
            home = self.repository(repository)
            file = home.workflow(workflow)
            branch = home.branch(ref)
            if not file.dispatchable:
                raise Refusal(422, "Workflow does not have 'workflow_dispatch' trigger")
            return self._start(home, file, branch, accepted_inputs(file, inputs), login or self.default_login)

    def sight(self, run_id: int) -> Sight:
        """The run and its state now. Raises `Refusal` 404."""
        with self._lock:
            try:
                run = self._runs[run_id]
            except KeyError:
                raise not_found() from None
            return Sight(run, state_of(run.attempt, self.now()))

    def runs(self) -> list[Sight]:
        """All runs of all repositories, oldest first."""
        with self._lock:
            return [self.sight(run_id) for run_id in self._runs]

    def list_runs(self, repository: str, wanted: Wanted, *, workflow: str = "", hidden_seconds: float = 0.0) -> Page:
        """One page of a repository's or workflow's runs, newest first, without those younger than `hidden_seconds`."""
        with self._lock:
            home = self.repository(repository)
            ids = home.run_ids_by_workflow.get(home.workflow(workflow).id, []) if workflow else home.run_ids
            ids = self._ids_between(ids, wanted, hidden_seconds)
            if wanted.looks_inside():
                ids = [number for number in ids if wanted.takes(self.sight(number))]
            reach = ids[-MOST_RESULTS:] if wanted.filtered else ids
            first = (wanted.page - 1) * wanted.per_page
            page = reach[::-1][first : first + wanted.per_page]
            return Page(len(reach), tuple(self.sight(number) for number in page))

    def approvals(self, run_id: int) -> list[Decision]:
        """What reviewers decided, in all attempts, oldest first. A bypass is no review."""
        with self._lock:
            now, run = self.now(), self.sight(run_id).run
            taken = [decision for attempt in run.attempts for decision in state_of(attempt, now).decisions]
            return [decision for decision in taken if decision.verdict is not Verdict.BYPASSED]

    def approve(self, run_id: int, login: str, comment: str = "") -> Run:
        """A required reviewer lets the run pass the gate where it waits."""
        return self._review(run_id, Verdict.APPROVED, login, comment)

    def reject(self, run_id: int, login: str, comment: str = "") -> Run:
        """A required reviewer stops the run at the gate where it waits; the run fails."""
        return self._review(run_id, Verdict.REJECTED, login, comment)

    def bypass(self, run_id: int, login: str) -> Run:
        """An administrator starts the waiting job; no approval is recorded."""
        with self._lock:
            return self._decide(run_id, self._gate(run_id), Verdict.BYPASSED, login, "")

    def cancel(self, run_id: int) -> Run:
        """Ends the run now. Raises `Refusal` 409 when it has ended."""
        with self._lock:
            sight = self.sight(run_id)
            if sight.state.status == "completed":
                raise Refusal(409, "Cannot cancel a workflow run that is completed.")
            return self._keep(sight.run, replace(sight.run.attempt, cancelled_at=self.now()))

    def rerun(self, run_id: int, login: str = "", *, failed_only: bool = False) -> Run:
        """Begins the next attempt of a run that has ended; earlier approvals stay listed and open no gate again."""
        with self._lock:
            sight = self.sight(run_id)
            run, state = sight.run, sight.state
            if state.status != "completed":
                raise Refusal(403, "This workflow is already running")
            carried = _succeeded(state.jobs) if failed_only else ()
            if failed_only and len(carried) == len(state.jobs):
                raise Refusal(403, "This workflow run has no failed jobs to run again")
            attempt = self._attempt(run, number=run.attempt.number + 1, login=login or run.login, carried=carried)
            self._runs[run_id] = replace(run, attempts=(*run.attempts, attempt))
            return self._runs[run_id]

    def forget_runs(self) -> None:
        """Removes all runs; repositories, workflows and environments stay."""
        with self._lock:
            self._runs.clear()
            for home in self._repositories.values():
                home.run_ids.clear()
                home.run_ids_by_workflow.clear()
                home.first_with_bracket.clear()

    def _start(self, home: Repository, file: Workflow, ref: str, inputs: dict[str, str], login: str) -> Run:
        ids = home.run_ids_by_workflow.setdefault(file.id, [])
        newest = self._runs[home.run_ids[-1]].created_at if home.run_ids else None
        now = self.now()
        run = Run(
            id=self._next_id(),
            number=len(ids) + 1,
            repository=home.name,
            workflow=file,
            title=file.run_title(inputs),
            inputs=inputs,
            ref=ref,
            sha=home.sha(ref),
            login=login,
            created_at=max(now, newest) if newest else now,
            attempts=(),
        )
        home.first_with_bracket.setdefault((file.id, bracket(run.title)), run.id)
        run = replace(run, attempts=(self._attempt(run, number=1, login=login, carried=()),))
        self._runs[run.id] = run
        home.run_ids.append(run.id)
        ids.append(run.id)
        return run

    def _attempt(self, run: Run, *, number: int, login: str, carried: tuple[JobState, ...]) -> Attempt:
        home = self.repository(run.repository)
        planned = tuple(self._planned(home, run, job) for job in run.workflow.jobs[len(carried) :])
        return Attempt(number, login, self.now(), home.settings.timings.queue_seconds, planned, carried)

    def _planned(self, home: Repository, run: Run, job: Job) -> PlannedJob:
        name = fill_in(job.environment, run.inputs)
        if name and name.casefold() not in home.environments:
            self.set_environment(home.name, name)
        environment = home.environments[name.casefold()] if name else None
        timings, settings = home.settings.timings, home.settings
        if job.refuses_repeats:
            tag = bracket(run.title)
            repeats = bool(tag) and home.first_with_bracket[run.workflow.id, tag] != run.id
            return PlannedJob(job.name, environment, timings.guard_seconds, "failure" if repeats else "success")
        last = job is run.workflow.jobs[-1]
        conclusion = settings.conclusion_of(run.workflow, run.title) if last else "success"
        return PlannedJob(job.name, environment, timings.run_seconds, conclusion)

    def _review(self, run_id: int, verdict: Verdict, login: str, comment: str) -> Run:
        with self._lock:
            gate = self._gate(run_id)
            run = self._runs[run_id]
            if not gate.environment.rules.may_review(login, triggered_by=run.attempt.login):
                raise Refusal(422, f"{login} may not review deployments to {gate.environment.name}.")
            return self._decide(run_id, gate, verdict, login, comment)

    def _gate(self, run_id: int) -> Waiting:
        waiting = self.sight(run_id).state.waiting
        if waiting is None:
            raise Refusal(422, "No pending deployment requests to approve or reject")
        return waiting

    def _decide(self, run_id: int, gate: Waiting, verdict: Verdict, login: str, comment: str) -> Run:
        run = self._runs[run_id]
        decision = Decision(gate.job, gate.environment, verdict, login, comment, self.now())
        return self._keep(run, replace(run.attempt, decisions=(*run.attempt.decisions, decision)))

    def _keep(self, run: Run, attempt: Attempt) -> Run:
        self._runs[run.id] = replace(run, attempts=(*run.attempts[:-1], attempt))
        return self._runs[run.id]

    def _ids_between(self, ids: list[int], wanted: Wanted, hidden_seconds: float) -> list[int]:
        if wanted.shows_none():
            return []
        start, end = 0, len(ids)
        if wanted.since is not None:
            start = bisect_left(ids, wanted.since, key=self._created)
        if wanted.until is not None:
            end = bisect_right(ids, wanted.until, key=self._created)
        if hidden_seconds:
            shown_until = self.now() - timedelta(seconds=hidden_seconds)
            end = min(end, bisect_right(ids, shown_until, key=lambda number: self._runs[number].created_at))
        return ids[start:end]

    def _created(self, run_id: int) -> datetime:
        return self._runs[run_id].created_at.replace(microsecond=0)


def _succeeded(jobs: Iterable[JobState]) -> tuple[JobState, ...]:
    carried: list[JobState] = []
    for job in jobs:
        if job.conclusion != "success":
            break
        carried.append(job)
    return tuple(carried)
