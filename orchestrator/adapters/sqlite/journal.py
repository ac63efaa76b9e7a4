"""The journal: every signal received, in the order in which it was written."""

from collections.abc import Sequence

from orchestrator.adapters.sqlite.bodies import JOURNAL_ENTRY, decode, encode, micros
from orchestrator.adapters.sqlite.cursors import after_entry, entry_before
from orchestrator.adapters.sqlite.database import Database
from orchestrator.ports import JournalEntry, JournalPage, SignalOutcome

KNOWN = "SELECT 1 FROM journal WHERE key = ? LIMIT 1"
APPEND = "INSERT INTO journal (key, outcome, received_at, body) VALUES (?, ?, ?, ?)"
PAGE = "SELECT position, body FROM journal WHERE position < ? ORDER BY position DESC LIMIT ?"
PAGE_OF_OUTCOME = "SELECT position, body FROM journal WHERE outcome = ? AND position < ? ORDER BY position DESC LIMIT ?"

_NEWEST = 2**63 - 1


class Journal:
    """Appends entries and reads them, newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, keys: Sequence[str]) -> frozenset[str]:
        """Tell which keys have an entry."""
        return frozenset(key for key in keys if self._database.row(KNOWN, (key,)) is not None)

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """Write entries, all or none."""
        self._database.change_each(
            APPEND, ((entry.key, entry.outcome.value, micros(entry.received_at), encode(entry)) for entry in entries)
        )

    def page(self, *, outcome: SignalOutcome | None, limit: int, cursor: str | None) -> JournalPage:
        """Read one page. Raises `SenderError` for a cursor that is not the journal's."""
        before = entry_before(cursor) if cursor is not None else _NEWEST
        rows = (
            self._database.rows(PAGE, (before, limit + 1))
            if outcome is None
            else self._database.rows(PAGE_OF_OUTCOME, (outcome.value, before, limit + 1))
        )
        entries = tuple(decode(JOURNAL_ENTRY, body, of=f"journal entry {position}") for position, body in rows[:limit])
        return JournalPage(entries, after_entry(rows[limit - 1][0]) if len(rows) > limit else None)
