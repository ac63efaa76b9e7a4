"""The store in one SQLite file. Each part knows its own tables; here they make one `Store`."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestrator.adapters.sqlite.database import Database
from orchestrator.adapters.sqlite.due import Due
from orchestrator.adapters.sqlite.journal import Journal
from orchestrator.adapters.sqlite.listing import list_promotions
from orchestrator.adapters.sqlite.promotions import Promotions
from orchestrator.adapters.sqlite.slots import Slots
from orchestrator.ports import (
    JournalEntry,
    JournalPage,
    PromotionFilter,
    PromotionPage,
    SignalOutcome,
    SlotChange,
    Stored,
    StoredSlot,
)
from orchestrator.promotion.history import Fact
from orchestrator.promotion.record import Promotion

PUT_EVIDENCE = "INSERT INTO evidence (digest, body) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING"
READ_EVIDENCE = "SELECT body FROM evidence WHERE digest = ?"
PUT_MARK = "INSERT INTO marks (key, text) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET text = excluded.text"
READ_MARK = "SELECT text FROM marks WHERE key = ?"


def _system_now() -> datetime:
    return datetime.now(UTC)


class SqliteStore:
    """The durable truth in one file on a local disk, for any number of threads and processes of one machine.

    Opens the file, and makes it and its folder where there is none, when it is first used. `now` is the store's own
    clock; `lock_wait` is how long a write waits for the writers before it.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], datetime] = _system_now,
        lock_wait: timedelta = timedelta(seconds=10),
    ) -> None:
        self._database = Database(path, lock_wait=lock_wait)
        self._due = Due(self._database)
        self._slots = Slots(self._database)
        self._promotions = Promotions(self._database, slots=self._slots, due=self._due, now=now)
        self._journal = Journal(self._database)

    def together(self) -> AbstractContextManager[None]:
        """Make one transaction of the writes inside; reads inside see them, and an exception undoes them all."""
        return self._database.transaction()

    def load(self, identity: str) -> Stored | None:
        """Read a promotion."""
        return self._promotions.load(identity)

    def add(self, promotion: Promotion, fact: Fact) -> bool:
        """Store a new promotion, its first fact and its due row. False: the id is taken."""
        return self._promotions.add(promotion, fact)

    def save(
        self, stored: Stored, promotion: Promotion, facts: Sequence[Fact], *, slot: SlotChange | None = None
    ) -> Stored:
        """Replace what was read, append facts, change the slot and move the due row. Raises `Conflict`."""
        return self._promotions.save(stored, promotion, facts, slot=slot)

    def slot(self, key: str) -> StoredSlot:
        """Read a slot; an unknown one is empty."""
        return self._slots.read(key)

    def open_in_slot(self, key: str) -> tuple[str, ...]:
        """Name the open promotions that stand for a slot, oldest first."""
        return self._promotions.open_in_slot(key)

    def history(self, identity: str) -> tuple[Fact, ...]:
        """Read a promotion's facts, first to last."""
        return self._promotions.history(identity)

    def promotions(self, wanted: PromotionFilter, *, limit: int, cursor: str | None) -> PromotionPage:
        """List promotions, newest first; `limit` is 1 or more. Raises `SenderError` for a foreign cursor."""
        return list_promotions(self._database, wanted, limit=limit, cursor=cursor)

    def take_due(self, *, now: datetime, until: datetime, limit: int) -> tuple[str, ...]:
        """Take promotions whose look is due, earliest first, and postpone each to `until`."""
        return self._due.take(now=now, until=until, limit=limit)

    def postpone(self, identity: str, until: datetime) -> None:
        """Move the due row of a promotion that has one."""
        self._due.postpone(identity, until)

    def forget_due(self, stored: Stored) -> None:
        """Drop the due row of an ended promotion, unless it was opened again since."""
        self._due.forget(stored)

    def put_evidence(self, digest: str, body: bytes) -> None:
        """Store evidence under its sha256. Storing it again changes nothing."""
        self._database.change(PUT_EVIDENCE, (digest, body))

    def evidence(self, digest: str) -> bytes | None:
        """Read evidence."""
        row = self._database.row(READ_EVIDENCE, (digest,))
        return None if row is None else bytes(row[0])

    def journalled(self, keys: Sequence[str]) -> frozenset[str]:
        """Tell which signals the journal already knows."""
        return self._journal.known(keys)

    def write_journal(self, entries: Sequence[JournalEntry]) -> None:
        """Append to the journal, all entries or none."""
        self._journal.append(entries)

    def journal(self, *, outcome: SignalOutcome | None, limit: int, cursor: str | None) -> JournalPage:
        """Read the journal, newest first; `limit` is 1 or more. Raises `SenderError` for a foreign cursor."""
        return self._journal.page(outcome=outcome, limit=limit, cursor=cursor)

    def put_mark(self, key: str, text: str) -> None:
        """Remember one line under a key."""
        self._database.change(PUT_MARK, (key, text))

    def mark(self, key: str) -> str | None:
        """Recall it."""
        row = self._database.row(READ_MARK, (key,))
        return None if row is None else str(row[0])

    def check(self) -> None:
        """Raise `StoreUnavailable` unless the file is there, ours, and lets a writer in."""
        with self._database.transaction():
            pass

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
