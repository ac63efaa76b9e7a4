"""The store as workers meet it: the real SQLite store, in a world where others write first and processes die.

`together` is one transaction, as SQLite makes one, or, where `torn`, what a store without transactions does: each
write stands alone, and a process may die between two of them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TypeVar

from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.errors import Conflict, StoreUnavailable
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
from tests.world.chance import Faults
from tests.world.scene import FROZEN, KILLED, Scene, Worker
from tests.world.witness import Saved, Witness

T = TypeVar("T")

OUTAGE = "the store is out of reach"
ANSWER_LOST = "the store's answer is lost"
CONFLICT = "somebody else writes first"

READ: Faults = ((KILLED, 0.001), (FROZEN, 0.002), (OUTAGE, 0.004))
BEFORE: Faults = ((KILLED, 0.003), (FROZEN, 0.005), (OUTAGE, 0.006))
BEFORE_SAVE: Faults = (*BEFORE, (CONFLICT, 0.012))
AFTER: Faults = ((KILLED, 0.005), (FROZEN, 0.005), (ANSWER_LOST, 0.005))


class WatchedStore:
    """One worker's store. Every call passes points; every durable write is shown to the witness."""

    def __init__(self, real: SqliteStore, worker: Worker, scene: Scene, witness: Witness, *, torn: bool) -> None:
        self._real = real
        self._worker = worker
        self._scene = scene
        self._witness = witness
        self._torn = torn
        self._inside = False
        self._unseen: list[Saved] = []

    def together(self) -> AbstractContextManager[None]:
        return self._each_alone() if self._torn else self._transaction()

    @contextmanager
    def _each_alone(self) -> Iterator[None]:
        yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._scene.point(self._worker, "store.together", ())
        self._inside = True
        try:
            with self._real.together():
                yield
        except BaseException:
            self._unseen.clear()
            raise
        finally:
            self._inside = False
        self._scene.tell(self._worker.name, "store commits")
        self._show()
        self._after("store.commit")

    def load(self, identity: str) -> Stored | None:
        return self._read("store.load", identity, lambda: self._real.load(identity))

    def add(self, promotion: Promotion, fact: Fact) -> bool:
        def act() -> bool:
            added = self._real.add(promotion, fact)
            if added:
                self._unseen.append(Saved(self._worker, None, promotion, (fact,), None))
            return added

        return self._write("store.add", promotion.id, act, says=lambda added: f"{added} {fact.detail}")

    def save(
        self, stored: Stored, promotion: Promotion, facts: Sequence[Fact], *, slot: SlotChange | None = None
    ) -> Stored:
        def act() -> Stored:
            saved = self._real.save(stored, promotion, facts, slot=slot)
            self._unseen.append(
                Saved(self._worker, stored.promotion, promotion, tuple(facts), slot.slot if slot else None)
            )
            return saved

        told = "; ".join(f"{fact.fact}: {fact.detail}" for fact in facts)
        return self._write(
            "store.save", promotion.id, act, before=BEFORE_SAVE, says=lambda _: f"{promotion.state} {told}".rstrip()
        )

    def slot(self, key: str) -> StoredSlot:
        return self._read("store.slot", key, lambda: self._real.slot(key))

    def open_in_slot(self, key: str) -> tuple[str, ...]:
        return self._read("store.open_in_slot", key, lambda: self._real.open_in_slot(key))

    def history(self, identity: str) -> tuple[Fact, ...]:
        return self._read("store.history", identity, lambda: self._real.history(identity))

    def promotions(self, wanted: PromotionFilter, *, limit: int, cursor: str | None) -> PromotionPage:
        return self._read("store.promotions", "", lambda: self._real.promotions(wanted, limit=limit, cursor=cursor))

    def take_due(self, *, now: datetime, until: datetime, limit: int) -> tuple[str, ...]:
        return self._write(
            "store.take_due", "", lambda: self._real.take_due(now=now, until=until, limit=limit), says=", ".join
        )

    def postpone(self, identity: str, until: datetime) -> None:
        self._write("store.postpone", identity, lambda: self._real.postpone(identity, until))

    def forget_due(self, stored: Stored) -> None:
        self._write("store.forget_due", stored.promotion.id, lambda: self._real.forget_due(stored))

    def put_evidence(self, digest: str, body: bytes) -> None:
        self._write("store.put_evidence", digest[:8], lambda: self._real.put_evidence(digest, body))

    def evidence(self, digest: str) -> bytes | None:
        return self._read("store.evidence", digest[:8], lambda: self._real.evidence(digest))

    def journalled(self, keys: Sequence[str]) -> frozenset[str]:
        return self._read("store.journalled", "", lambda: self._real.journalled(keys))

    def write_journal(self, entries: Sequence[JournalEntry]) -> None:
        told = "; ".join(f"{entry.event_id} {entry.outcome}: {entry.reason}" for entry in entries)
        self._write("store.write_journal", "", lambda: self._real.write_journal(entries), says=lambda _: told)

    def journal(self, *, outcome: SignalOutcome | None, limit: int, cursor: str | None) -> JournalPage:
        return self._read("store.journal", "", lambda: self._real.journal(outcome=outcome, limit=limit, cursor=cursor))

    def put_mark(self, key: str, text: str) -> None:
        self._write("store.put_mark", key, lambda: self._real.put_mark(key, text))

    def mark(self, key: str) -> str | None:
        return self._read("store.mark", key, lambda: self._real.mark(key))

    def check(self) -> None:
        self._read("store.check", "", self._real.check)

    def _read(self, name: str, where: str, act: Callable[[], T]) -> T:
        what = f"{name} {where}"
        if self._scene.point(self._worker, what, READ, hands_over=not self._inside) == OUTAGE:
            raise self._out_of_reach(what)
        return act()

    def _write(
        self,
        name: str,
        where: str,
        act: Callable[[], T],
        *,
        before: Faults = BEFORE,
        says: Callable[[T], str] = lambda _: "",
    ) -> T:
        what = f"{name} {where}"
        fault = self._scene.point(self._worker, what, before, hands_over=not self._inside)
        if fault == OUTAGE:
            raise self._out_of_reach(what)
        if fault == CONFLICT and not self._inside:
            self._somebody_else_writes(where)
        try:
            answer = act()
        except Conflict as error:
            self._scene.tell(self._worker.name, f"{what}: conflict, {error}")
            raise
        self._scene.tell(self._worker.name, f"{what} {says(answer)}".rstrip())
        if not self._inside:
            self._show()
            self._after(what)
        return answer

    def _after(self, what: str) -> None:
        if self._scene.point(self._worker, f"after {what}", AFTER) == ANSWER_LOST:
            raise self._out_of_reach(f"after {what}")

    def _show(self) -> None:
        """Show what is durable now to the witness."""
        shown, self._unseen[:] = list(self._unseen), []
        for saved in shown:
            self._witness.see(saved)
        self._witness.look_at_due()

    def _somebody_else_writes(self, identity: str) -> None:
        """Another write gets in first; it changes nothing, but what was read is old now."""
        stored = self._real.load(identity)
        if stored is not None:
            self._real.save(stored, stored.promotion, [])
            self._scene.tell("somebody", f"writes {identity} first")

    def _out_of_reach(self, what: str) -> StoreUnavailable:
        self._scene.tell(self._worker.name, f"{what}: the store is out of reach")
        return StoreUnavailable("the store is out of reach")
