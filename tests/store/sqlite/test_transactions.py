"""What one transaction of the SQLite store keeps and undoes, and how threads share the file."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.errors import Conflict, StoreUnavailable
from orchestrator.ports import PromotionFilter, SlotChange
from orchestrator.promotion.history import first_broken_link
from tests.store.records import NOON, at, entry, new, waits


class Thrown(Exception):
    """What a test throws through a transaction."""


def count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as file:
        (rows,) = file.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - a name from below
    return int(rows)


def everything(path: Path) -> dict[str, int]:
    tables = ("promotions", "facts", "causes", "due", "slots", "evidence", "journal", "marks")
    return {table: count(path, table) for table in tables}


def write_one_of_each(store: SqliteStore) -> None:
    store.put_evidence("0" * 64, b"{}")
    store.add(*new())
    stored = store.load("staging:diabetes-clf:7")
    assert stored is not None
    slot = store.slot(stored.promotion.slot)
    store.save(stored, stored.promotion, [], slot=SlotChange(slot, slot.slot))
    store.write_journal([entry(1)])
    store.put_mark("key", "text")


def test_an_exception_undoes_everything_that_belonged_together(store: SqliteStore, path: Path) -> None:
    def fails() -> None:
        with store.together():
            write_one_of_each(store)
            raise Thrown

    with pytest.raises(Thrown):
        fails()
    nothing = everything(path)
    write_one_of_each(store)

    assert set(nothing.values()) == {0}
    assert set(everything(path).values()) == {1}


def test_nobody_sees_half_of_what_belongs_together(store: SqliteStore, path: Path) -> None:
    with store.together():
        write_one_of_each(store)
        half = everything(path)

    assert set(half.values()) == {0}
    assert set(everything(path).values()) == {1}


def test_an_exception_far_inside_undoes_what_was_outside_too(store: SqliteStore, path: Path) -> None:
    def fails() -> None:
        with store.together():
            write_one_of_each(store)
            with store.together():
                store.put_mark("inner", "text")
                raise Thrown

    with pytest.raises(Thrown):
        fails()

    assert set(everything(path).values()) == {0}


def test_half_a_part_is_never_kept_even_when_its_exception_was_caught(store: SqliteStore, path: Path) -> None:
    def fails_inside() -> None:
        with store.together():
            store.put_mark("inner", "text")
            raise Thrown

    def catches() -> None:
        with store.together():
            store.put_mark("before", "text")
            with pytest.raises(Thrown):
                fails_inside()
            store.put_mark("after", "text")

    with pytest.raises(StoreUnavailable, match="undone"):
        catches()
    nothing = count(path, "marks")
    store.put_mark("next", "text")

    assert nothing == 0
    assert count(path, "marks") == 1


def test_a_conflict_over_a_slot_that_was_caught_leaves_nothing_of_the_promotion(store: SqliteStore) -> None:
    store.add(*new("7"))
    store.add(*new("8"))
    first, second = store.load("staging:diabetes-clf:7"), store.load("staging:diabetes-clf:8")
    assert first is not None
    assert second is not None
    empty = store.slot(first.promotion.slot)
    store.save(first, first.promotion, [], slot=SlotChange(empty, replace(empty.slot, holder="first")))
    promotion, fact = waits(second.promotion, look=at(60))

    with store.together():
        with pytest.raises(Conflict):
            store.save(second, promotion, [fact], slot=SlotChange(empty, replace(empty.slot, holder="second")))
        store.put_mark("after", "text")

    assert store.load("staging:diabetes-clf:8") == second
    assert store.slot(first.promotion.slot).slot.holder == "first"
    assert store.mark("after") == "text"


def test_a_history_that_was_written_to_from_behind_is_not_written_over(store: SqliteStore, path: Path) -> None:
    store.add(*new())
    stored = store.load("staging:diabetes-clf:7")
    assert stored is not None
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("INSERT INTO facts VALUES (?, 2, '{}')", (stored.promotion.id,))
    promotion, fact = waits(stored.promotion, look=at(60))

    with pytest.raises(Conflict, match="the same row"):
        store.save(stored, promotion, [fact])

    assert store.load("staging:diabetes-clf:7") == stored


def test_a_due_row_that_an_ended_promotion_still_has_is_dropped(store: SqliteStore, path: Path) -> None:
    store.add(*new())
    stored = store.load("staging:diabetes-clf:7")
    assert stored is not None
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE promotions SET open = 0")

    store.forget_due(stored)

    assert store.take_due(now=NOON, until=at(60), limit=9) == ()


def in_threads(number: int, work: Callable[[int], list[str]]) -> list[list[str]]:
    """What each of some threads brought, all of which started at the same moment."""
    together = threading.Barrier(number)

    def start(which: int) -> list[str]:
        together.wait(timeout=30)
        return work(which)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(start, range(number)))


def test_threads_take_each_look_once_lose_no_save_and_add_an_id_once(path: Path) -> None:
    store = SqliteStore(path)
    for number in range(100):
        store.add(*new(str(number)))

    def work(which: int) -> list[str]:
        taken: list[str] = []
        while identities := store.take_due(now=NOON, until=at(3600), limit=3):
            for identity in identities:
                stored = store.load(identity)
                assert stored is not None
                promotion, fact = waits(stored.promotion, look=at(3600), detail=f"thread {which}")
                store.save(stored, promotion, [fact])
            taken += identities
        return taken + ["added" for number in range(20) if store.add(*new(f"late-{number}", look=at(3600)))]

    brought = [one for each in in_threads(8, work) for one in each]
    listed = store.promotions(PromotionFilter(), limit=1000, cursor=None).promotions
    histories = {promotion.id: store.history(promotion.id) for promotion in listed}
    store.close()

    assert sorted(brought) == sorted([f"staging:diabetes-clf:{number}" for number in range(100)] + ["added"] * 20)
    assert {identity: first_broken_link(identity, history) for identity, history in histories.items()} == dict.fromkeys(
        histories
    )
    assert sum(len(history) for history in histories.values()) == 100 * 2 + 20


def test_a_thread_that_waits_too_long_for_another_says_so(store: SqliteStore) -> None:
    inside, done = threading.Event(), threading.Event()

    def holds() -> None:
        with store.together():
            inside.set()
            done.wait(timeout=30)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(holds)
        inside.wait(timeout=30)
        with pytest.raises(StoreUnavailable, match=r"another writer held it for more than 0\.1 s"):
            store.put_mark("key", "text")
        done.set()
        holding.result(timeout=30)
    store.put_mark("key", "text")

    assert store.mark("key") == "text"


def test_threads_that_ended_leave_no_connection_behind(path: Path) -> None:
    store = SqliteStore(path, lock_wait=timedelta(seconds=10))
    for number in range(20):
        thread = threading.Thread(target=store.put_mark, args=(f"key-{number}", "text"))
        thread.start()
        thread.join()
    kept = len(store._database._opened)
    store.close()

    assert kept == 1
    assert count(path, "marks") == 20
