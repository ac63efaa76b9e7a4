"""A workflow run and its attempts: only what happened and when. What state that is now, `timeline` derives."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orchestrator.local.github.environment import Environment
from orchestrator.local.github.workflow import Workflow


class Verdict(StrEnum):
    """What ended the waiting at a gate. An administrator's bypass leaves no approval behind."""

    APPROVED = "approved"
    REJECTED = "rejected"
    BYPASSED = "bypassed"


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided at the gate of the job with index `job`."""

    job: int
    environment: Environment
    verdict: Verdict
    login: str
    comment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job of one attempt: how long it takes, how it ends, and its environment as it was when the attempt began."""

    name: str
    environment: Environment | None
    seconds: float
    conclusion: str


@dataclass(frozen=True, slots=True)
class JobState:
    """A job at one moment, in GitHub's words."""

    name: str
    status: str
    conclusion: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a run. `carried`: jobs that a rerun of failed jobs left as they were."""

    number: int
    login: str
    started_at: datetime
    queue_seconds: float
    planned: tuple[PlannedJob, ...]
    carried: tuple[JobState, ...] = ()
    decisions: tuple[Decision, ...] = ()
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `number` counts the runs of its workflow; `login` is who dispatched it; the last attempt counts."""

    id: int
    number: int
    repository: str
    workflow: Workflow
    title: str
    inputs: Mapping[str, str]
    ref: str
    sha: str
    login: str
    created_at: datetime
    attempts: tuple[Attempt, ...]

    @property
    def attempt(self) -> Attempt:
        """The attempt that counts."""
        return self.attempts[-1]
