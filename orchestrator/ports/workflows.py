"""A place where runs happen: gates, orders, runs and what reviewers answered."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from orchestrator.promotion.record import Run, Target


class RunStatus(StrEnum):
    """What a place where runs happen says of a run, in our words."""

    QUEUED = "queued"
    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A run as it was seen. `conclusion` is the other side's own word, once it is completed."""

    run: Run
    title: str
    status: RunStatus
    conclusion: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RunsFound:
    """The runs that carry a marker, oldest first. Only a `complete` look that found none proves anything."""

    runs: tuple[RunSeen, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class GateSeen:
    """Who may approve in an environment; an empty list is no gate. `instead` says what there is in its place."""

    reviewers: tuple[str, ...]
    instead: str


@dataclass(frozen=True, slots=True)
class PendingGate:
    """An environment that a run waits for, and who may approve."""

    environment: str
    reviewers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """A reviewer's recorded answer."""

    environments: tuple[str, ...]
    approved: bool
    reviewer: str
    comment: str


@dataclass(frozen=True, slots=True)
class Order:
    """One run to be started. `marker` is in the name of the run; `limit` bounds connecting, and then the answer."""

    target: Target
    inputs: dict[str, str]
    marker: str
    limit: timedelta


class Workflows(Protocol):
    """A place where runs happen. Reads raise `Unreadable`, `Refused` or `NotFound`."""

    def gate(self, target: Target) -> GateSeen:
        """Read who must review before a run may touch the environment. A good answer may be 60 s old at most."""

    def start(self, order: Order) -> Run | None:
        """Start one run with one call that is never repeated. None: taken, but the answer did not name the run.

        Raises `Refused` (nothing ran, a person must act), `NothingHappened` (nothing ran, try later) or
        `LostAnswer` (a run may exist).
        """

    def find(self, target: Target, marker: str, *, since: datetime) -> RunsFound:
        """Find runs by the bracket in their name, created since a moment."""

    def repeated(self, repository: str, *, since: datetime) -> tuple[RunSeen, ...]:
        """Find the runs of a repository that were run again there, of those created since a moment."""

    def run(self, target: Target, run_id: int) -> RunSeen:
        """Read one run."""

    def pending(self, target: Target, run_id: int) -> tuple[PendingGate, ...]:
        """Read the gates that a run waits at."""

    def reviews(self, target: Target, run_id: int) -> tuple[Review, ...]:
        """Read the answers of reviewers to a run, in the order they were given, of all its attempts."""

    def cancel(self, target: Target, run_id: int) -> None:
        """Ask for the end of a run. What came of it is seen by reading the run."""
