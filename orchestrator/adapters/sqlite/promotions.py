"""The promotions and their histories: added once, then replaced only as they were read."""

from collections.abc import Callable, Sequence
from datetime import datetime

from orchestrator.adapters.sqlite.bodies import FACT, PROMOTION, decode, encode, micros, moment
from orchestrator.adapters.sqlite.database import Database
from orchestrator.adapters.sqlite.due import Due
from orchestrator.adapters.sqlite.slots import Slots
from orchestrator.errors import Conflict
from orchestrator.ports import SlotChange, Stored
from orchestrator.promotion.history import Fact
from orchestrator.promotion.record import Promotion

READ = "SELECT revision, stored_at, body FROM promotions WHERE id = ?"
ADD = (
    "INSERT INTO promotions"
    " (id, slot, environment, model, state, open, opened_at, run_id, revision, stored_at, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?) ON CONFLICT (id) DO NOTHING"
)
REPLACE = (
    "UPDATE promotions SET state = ?, open = ?, run_id = ?, revision = revision + 1, stored_at = ?, body = ?"
    " WHERE id = ? AND revision = ?"
)
REPLACE_WHERE_IT_IS = (
    "UPDATE promotions SET revision = revision + 1, stored_at = ?, body = ? WHERE id = ? AND revision = ?"
)
ADD_CAUSE = "INSERT INTO causes (cause, opened_at, promotion_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
ADD_FACT = "INSERT INTO facts (promotion_id, seq, body) VALUES (?, ?, ?)"
READ_HISTORY = "SELECT seq, body FROM facts WHERE promotion_id = ? ORDER BY seq"
OPEN_IN_SLOT = "SELECT id FROM promotions WHERE slot = ? AND open = 1 ORDER BY opened_at, id"


class Promotions:
    """Reads and writes promotions. `now` is the store's clock: everybody who shares the file shares the machine's."""

    def __init__(self, database: Database, *, slots: Slots, due: Due, now: Callable[[], datetime]) -> None:
        self._database = database
        self._slots = slots
        self._due = due
        self._now = now

    def load(self, identity: str) -> Stored | None:
        """Read a promotion."""
        row = self._database.row(READ, (identity,))
        if row is None:
            return None
        revision, stored_at, body = row
        return Stored(
            decode(PROMOTION, body, of=f"promotion {identity}"),
            revision=str(revision),
            stored_at=moment(stored_at),
            read_at=self._now(),
        )

    def add(self, promotion: Promotion, fact: Fact) -> bool:
        """Store a new promotion with its first fact and its due row. False: the id is taken."""
        with self._database.transaction():
            added = self._database.change(
                ADD,
                (
                    promotion.id,
                    promotion.slot,
                    promotion.environment,
                    promotion.candidate.model,
                    promotion.state.value,
                    int(promotion.state.is_open),
                    micros(promotion.opened_at),
                    promotion.run.id if promotion.run else None,
                    micros(self._now()),
                    encode(promotion),
                ),
            )
            if added:
                self._append(promotion, [fact], new_causes=promotion.causes)
                self._due.follow(promotion)
        return bool(added)

    def save(self, stored: Stored, promotion: Promotion, facts: Sequence[Fact], *, slot: SlotChange | None) -> Stored:
        """Replace what was read, with its facts, slot and due row. Raises `Conflict` when something changed since."""
        before, now = stored.promotion, self._now()
        _continues(before, facts)
        new_causes = [cause for cause in promotion.causes if cause not in before.causes]
        with self._database.transaction():
            if slot is not None:
                self._slots.expect(slot.read)
            self._replace(stored, promotion, now)
            if slot is not None:
                self._slots.put(slot.slot)
            self._append(promotion, facts, new_causes=new_causes)
            self._due.follow(promotion)
        return Stored(promotion, revision=str(int(stored.revision) + 1), stored_at=now, read_at=now)

    def history(self, identity: str) -> tuple[Fact, ...]:
        """Read a promotion's facts, first to last."""
        return tuple(
            decode(FACT, body, of=f"fact {seq} of promotion {identity}")
            for seq, body in self._database.rows(READ_HISTORY, (identity,))
        )

    def open_in_slot(self, key: str) -> tuple[str, ...]:
        """Name the open promotions that stand for a slot, oldest first."""
        return tuple(identity for (identity,) in self._database.rows(OPEN_IN_SLOT, (key,)))

    def _replace(self, stored: Stored, promotion: Promotion, now: datetime) -> None:
        before = stored.promotion
        condition = (before.id, int(stored.revision))
        body, run = encode(promotion), promotion.run.id if promotion.run else None
        if promotion.state is before.state and run == (before.run.id if before.run else None):
            replaced = self._database.change(REPLACE_WHERE_IT_IS, (micros(now), body, *condition))
        else:
            state, is_open = promotion.state.value, int(promotion.state.is_open)
            replaced = self._database.change(REPLACE, (state, is_open, run, micros(now), body, *condition))
        if not replaced:
            raise Conflict(f"promotion {before.id} changed since it was read: read it again")

    def _append(self, promotion: Promotion, facts: Sequence[Fact], *, new_causes: Sequence[str]) -> None:
        opened_at = micros(promotion.opened_at)
        for fact in facts:
            self._database.change(ADD_FACT, (promotion.id, fact.seq, encode(fact)))
        for cause in new_causes:
            self._database.change(ADD_CAUSE, (cause, opened_at, promotion.id))


def _continues(before: Promotion, facts: Sequence[Fact]) -> None:
    """Refuse facts that leave a gap in the history, or say again what it has."""
    for expected, fact in enumerate(facts, start=before.last_seq + 1):
        if fact.seq != expected:
            raise Conflict(f"fact {fact.seq} does not continue the history of {before.id}, whose next is {expected}")
