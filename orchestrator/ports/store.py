"""The durable truth: promotions, slots, histories, what is due, evidence and the journal."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from orchestrator.promotion.history import Fact
from orchestrator.promotion.record import Promotion, Slot
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
