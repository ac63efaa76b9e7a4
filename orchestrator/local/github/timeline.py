"""The state of a run at a moment, derived from what happened: nothing runs in the background, nothing sleeps.

Words for status and conclusion: https://docs.github.com/actions/reference/workflows-and-actions/workflow-run-statuses
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orchestrator.local.github.environment import Environment
from orchestrator.local.github.run import Attempt, Decision, JobState, PlannedJob, Run, Verdict


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run stands at the gate of `environment`, which guards the job with index `job`."""

    job: int
    environment: Environment
    since: datetime


@dataclass(frozen=True, slots=True)
class AttemptState:
    """An attempt at one moment. `decisions` are those taken until then, also by reviewers who approve by themselves."""

    status: str
    conclusion: str | None
    updated_at: datetime
    jobs: tuple[JobState, ...]
    decisions: tuple[Decision, ...] = ()
    waiting: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """A run together with the state of its last attempt at the moment it was looked at."""

    run: Run
    state: AttemptState


def state_of(attempt: Attempt, now: datetime) -> AttemptState:
    """The attempt's state at `now`."""
    if attempt.cancelled_at is not None and attempt.cancelled_at <= now:
        return _cancelled(_Walk(attempt, attempt.cancelled_at).state(), attempt.cancelled_at)
    return _Walk(attempt, now).state()


class _Walk:
    """Follows the jobs of one attempt in order, as far as they have come at `now`."""

    def __init__(self, attempt: Attempt, now: datetime) -> None:
        self.attempt = attempt
        self.now = now
        self.time = attempt.started_at + timedelta(seconds=attempt.queue_seconds)
        self.jobs: list[JobState] = []
        self.decisions: list[Decision] = []
        self.waiting: Waiting | None = None
        self.conclusion = "success"

    def state(self) -> AttemptState:
        if self.now < self.time:
            queued = tuple(JobState(job.name, "queued") for job in self.attempt.planned)
            return AttemptState("queued", None, self.attempt.started_at, self.attempt.carried + queued)
        status = "completed"
        for index, job in enumerate(self.attempt.planned, start=len(self.attempt.carried)):
            if status != "completed":
                self.jobs.append(JobState(job.name, "queued"))
                continue
            self.jobs.append(self._follow(index, job))
            status = self.jobs[-1].status
        return AttemptState(
            status=status,
            conclusion=self.conclusion if status == "completed" else None,
            updated_at=self.time,
            jobs=self.attempt.carried + tuple(self.jobs),
            decisions=tuple(self.decisions),
            waiting=self.waiting,
        )

    def _follow(self, index: int, job: PlannedJob) -> JobState:
        if self.conclusion != "success":
            return JobState(job.name, "completed", "skipped", self.time, self.time)
        if job.environment is not None and job.environment.rules.reviewers:
            stopped = self._pass_gate(index, job, job.environment)
            if stopped is not None:
                return stopped
        started, ends = self.time, self.time + timedelta(seconds=job.seconds)
        if self.now < ends:
            return JobState(job.name, "in_progress", None, started)
        self.time, self.conclusion = ends, job.conclusion
        return JobState(job.name, "completed", job.conclusion, started, ends)

    def _pass_gate(self, index: int, job: PlannedJob, environment: Environment) -> JobState | None:
        decision = _decision(self.attempt, index, environment, self.time)
        if decision is None or decision.at > self.now:
            self.waiting = Waiting(index, environment, self.time)
            return JobState(job.name, "waiting")
        self.decisions.append(decision)
        self.time = decision.at
        if decision.verdict is Verdict.REJECTED:
            self.conclusion = "failure"
            return JobState(job.name, "completed", "failure", self.time, self.time)
        return None


def _decision(attempt: Attempt, index: int, environment: Environment, opened: datetime) -> Decision | None:
    for decision in attempt.decisions:
        if decision.job == index:
            return decision
    auto = environment.rules.auto_approve
    if auto is None:
        return None
    at = opened + timedelta(seconds=auto.after_seconds)
    return Decision(index, environment, Verdict.APPROVED, auto.login, auto.comment, at)


def _cancelled(state: AttemptState, at: datetime) -> AttemptState:
    jobs = tuple(
        job
        if job.status == "completed"
        else replace(job, status="completed", conclusion="cancelled", started_at=job.started_at or at, completed_at=at)
        for job in state.jobs
    )
    return replace(state, status="completed", conclusion="cancelled", updated_at=at, jobs=jobs, waiting=None)
