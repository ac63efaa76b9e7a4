"""The slots: one row per model and environment, changed only as it was read."""

from orchestrator.adapters.sqlite.bodies import SLOT, decode, encode
from orchestrator.adapters.sqlite.database import Database
from orchestrator.errors import Conflict
from orchestrator.ports import StoredSlot
from orchestrator.promotion.record import Slot

READ = "SELECT revision, body FROM slots WHERE key = ?"
READ_REVISION = "SELECT revision FROM slots WHERE key = ?"
PUT = (
    "INSERT INTO slots (key, revision, body) VALUES (?, 1, ?)"
    " ON CONFLICT (key) DO UPDATE SET revision = revision + 1, body = excluded.body"
)


class Slots:
    """Reads slots, and changes them inside the transaction of the promotion that takes or leaves one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, key: str) -> StoredSlot:
        """Read a slot; an unknown one is empty."""
        row = self._database.row(READ, (key,))
        if row is None:
            return StoredSlot(Slot(key=key), revision=None)
        revision, body = row
        return StoredSlot(decode(SLOT, body, of=f"slot {key}"), revision=str(revision))

    def expect(self, read: StoredSlot) -> None:
        """Raise `Conflict` unless the slot is as it was read. Holds until the end of the transaction."""
        row = self._database.row(READ_REVISION, (read.slot.key,))
        if (None if row is None else str(row[0])) != read.revision:
            raise Conflict(f"slot {read.slot.key} changed since it was read: read it again")

    def put(self, slot: Slot) -> None:
        """Write a slot's new content."""
        self._database.change(PUT, (slot.key, encode(slot)))
