"""The due rows: one for each open promotion, at its next look."""

from datetime import datetime

from orchestrator.adapters.sqlite.bodies import micros
from orchestrator.adapters.sqlite.database import Database
from orchestrator.ports import Stored
from orchestrator.promotion.record import Promotion

PUT = "INSERT INTO due (promotion_id, at) VALUES (?, ?) ON CONFLICT (promotion_id) DO UPDATE SET at = excluded.at"
DROP = "DELETE FROM due WHERE promotion_id = ?"
READ_DUE = "SELECT promotion_id FROM due WHERE at <= ? ORDER BY at, promotion_id LIMIT ?"
POSTPONE = "UPDATE due SET at = ? WHERE promotion_id = ?"
FORGET = (
    "DELETE FROM due WHERE promotion_id = ?"
    " AND EXISTS (SELECT 1 FROM promotions WHERE id = ? AND revision = ? AND open = 0)"
)


class Due:
    """Tells whose look is due, and follows the promotions as they are saved."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def follow(self, promotion: Promotion) -> None:
        """Put the row where the promotion's next look is; one that ended, or looks no more, has none."""
        if promotion.state.is_open and promotion.next_look_at is not None:
            self._database.change(PUT, (promotion.id, micros(promotion.next_look_at)))
        else:
            self._database.change(DROP, (promotion.id,))

    def take(self, *, now: datetime, until: datetime, limit: int) -> tuple[str, ...]:
        """Take what is due, earliest first, and postpone it, in one transaction."""
        with self._database.transaction():
            taken = tuple(identity for (identity,) in self._database.rows(READ_DUE, (micros(now), limit)))
            self._database.change_each(POSTPONE, ((micros(until), identity) for identity in taken))
        return taken

    def postpone(self, identity: str, until: datetime) -> None:
        """Move the row of a promotion that has one."""
        self._database.change(POSTPONE, (micros(until), identity))

    def forget(self, stored: Stored) -> None:
        """Drop the row of an ended promotion that is still as it was read."""
        self._database.change(FORGET, (stored.promotion.id, stored.promotion.id, int(stored.revision)))
