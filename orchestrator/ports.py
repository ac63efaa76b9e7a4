"""What the flow asks of the world, in the flow's words. Adapters answer; every error they raise is one of ours."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from orchestrator.decide.evidence import Measured
from orchestrator.promotion.history import Fact
from orchestrator.promotion.record import Promotion, Run, Slot, Target
from orchestrator.promotion.states import State


@dataclass(frozen=True, slots=True)
class Stored:
    """A promotion as the store has it; `revision` makes a later save conditional.

    `stored_at` and `read_at` are times of the store's own clock: patience is counted with them, since workers' differ.
    """

    promotion: Promotion
    revision: str
    stored_at: datetime
    read_at: datetime


@dataclass(frozen=True, slots=True)
class StoredSlot:
    """A slot as the store has it. `revision` is None while no row exists."""

    slot: Slot
    revision: str | None


@dataclass(frozen=True, slots=True)
class SlotChange:
    """A slot's new content, on condition that it still is what was read."""

    read: StoredSlot
    slot: Slot


class SignalOutcome(StrEnum):
    """What became of a signal."""

    PROMOTED = "promoted"
    UNMATCHED = "unmatched"
    DUPLICATE = "duplicate"
    FOREIGN = "foreign"
    MALFORMED = "malformed"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One delivery of one signal. `key` is the signal's identity, the same for every delivery of it."""

    id: str
    key: str
    received_at: datetime
    outcome: SignalOutcome
    reason: str
    type: str
    source: str
    subject: str
    event_id: str
    event_time: datetime | None
    promotions: tuple[str, ...]
    raw: str


@dataclass(frozen=True, slots=True)
class PromotionFilter:
    """Which promotions a list shows. `signal` is a cause, `run` the id of a GitHub run."""

    state: State | None = None
    model: str | None = None
    environment: str | None = None
    run: int | None = None
    signal: str | None = None


@dataclass(frozen=True, slots=True)
class PromotionPage:
    """One page of a list, newest first; `next` continues it."""

    promotions: tuple[Promotion, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class JournalPage:
    """One page of the journal, newest first; `next` continues it."""

    entries: tuple[JournalEntry, ...]
    next: str | None


class Store(Protocol):
    """The durable truth. Every write is on disk when the call returns; all raise `StoreUnavailable`.

    Correctness rests on conditional writes alone, so any number of workers may use one store.
    """

    def together(self) -> AbstractContextManager[None]:
        """Let writes inside happen in order; a store that can makes one transaction of them."""

    def load(self, identity: str) -> Stored | None:
        """Read a promotion."""

    def add(self, promotion: Promotion, fact: Fact) -> bool:
        """Store a new promotion and its first fact, its due row before it. False: the id is taken."""

    def save(
        self, stored: Stored, promotion: Promotion, facts: Sequence[Fact], *, slot: SlotChange | None = None
    ) -> Stored:
        """Replace what was read, append facts and change the slot in one transaction; else `Conflict`.

        The due row follows `next_look_at`: an earlier look is written before, a later one or an end after.
        """

    def slot(self, key: str) -> StoredSlot:
        """Read a slot; an unknown one is empty."""

    def open_in_slot(self, key: str) -> tuple[str, ...]:
        """Name the open promotions that stand for a slot."""

    def history(self, identity: str) -> tuple[Fact, ...]:
        """Read a promotion's facts, first to last."""

    def promotions(self, wanted: PromotionFilter, *, limit: int, cursor: str | None) -> PromotionPage:
        """List promotions, newest first. Raises `SenderError` for a cursor that it did not give."""

    def take_due(self, *, now: datetime, until: datetime, limit: int) -> tuple[str, ...]:
        """Take promotions whose look is due, earliest first, and postpone each to `until`: nothing is taken twice."""

    def postpone(self, identity: str, until: datetime) -> None:
        """Move the due row of a promotion that has one."""

    def forget_due(self, stored: Stored) -> None:
        """Drop the due row of an ended promotion, unless it was opened again since."""

    def put_evidence(self, digest: str, body: bytes) -> None:
        """Store evidence under its sha256. Storing it again changes nothing."""

    def evidence(self, digest: str) -> bytes | None:
        """Read evidence."""

    def journalled(self, keys: Sequence[str]) -> frozenset[str]:
        """Tell which signals the journal already knows."""

    def write_journal(self, entries: Sequence[JournalEntry]) -> None:
        """Append to the journal."""

    def journal(self, *, outcome: SignalOutcome | None, limit: int, cursor: str | None) -> JournalPage:
        """Read the journal, newest first. Raises `SenderError` for a cursor that it did not give."""

    def put_mark(self, key: str, text: str) -> None:
        """Remember one line under a key."""

    def mark(self, key: str) -> str | None:
        """Recall it."""

    def check(self) -> None:
        """Raise `StoreUnavailable` when the store can't be used."""


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

    def run(self, target: Target, run_id: int) -> RunSeen:
        """Read one run."""

    def pending(self, target: Target, run_id: int) -> tuple[PendingGate, ...]:
        """Read the gates that a run waits at."""

    def reviews(self, target: Target, run_id: int) -> tuple[Review, ...]:
        """Read the answers of reviewers to a run, in the order they were given, of all its attempts."""

    def cancel(self, target: Target, run_id: int) -> None:
        """Ask for the end of a run. What came of it is seen by reading the run."""


@dataclass(frozen=True, slots=True)
class EvidenceWanted:
    """Whose evidence: a model version in a workspace (Azure resource id), and what else may lead to its runs.

    `promotion` is the promotion that brought it into that environment: its run and its version there carry that id as
    the tag `promotion_id`. `run_id` is the run that made it, where that is known.
    """

    environment: str
    workspace: str
    model: str
    version: str
    promotion: str | None = None
    run_id: str | None = None


class EvidenceSource(Protocol):
    """A place where evidence is kept. Raises `Unreadable` or `Refused`; what is not there is said, not raised."""

    def read(self, wanted: EvidenceWanted) -> Measured:
        """Read what is known of a model version now."""


class WorkQueue(Protocol):
    """Hints which promotion should look; losing all of them loses nothing."""

    def hint(self, identity: str, *, after: timedelta = timedelta(0)) -> None:
        """Ask for a look, now or after a while."""


class Clock(Protocol):
    """Time, as this worker sees it."""

    def now(self) -> datetime:
        """Give the time of day (aware, UTC)."""

    def monotonic(self) -> float:
        """Give seconds that never go back."""
