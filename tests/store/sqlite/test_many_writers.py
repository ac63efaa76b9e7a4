"""Several processes on one file: nothing is lost, nothing happens twice, and a killed one leaves the file whole."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.ports import PromotionFilter
from orchestrator.promotion.history import first_broken_link
from orchestrator.promotion.record import Promotion
from tests.store.records import NOON, at, new
from tests.store.sqlite.writer import INCREMENTS, LATE, SHARED

ROOT = Path(__file__).parents[3]
WRITERS = 8
SEEDED = 60


@contextmanager
def writers(role: str, path: Path, numbers: range) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that wait at their start for a line."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.store.sqlite.writer", role, str(path), str(number)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in numbers
    ]
    try:
        for writer in started:
            assert line_of(writer) == "ready"
        for writer in started:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        yield started
    finally:
        for writer in started:
            writer.kill()
            writer.communicate()


def line_of(writer: subprocess.Popen[str]) -> str:
    assert writer.stdout is not None
    return writer.stdout.readline().strip()


def is_whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as file:
        return file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def everything(store: SqliteStore) -> tuple[Promotion, ...]:
    return store.promotions(PromotionFilter(), limit=100_000, cursor=None).promotions


def broken(store: SqliteStore) -> list[str]:
    """Promotions whose history is not what their record says."""
    return [
        promotion.id
        for promotion in everything(store)
        if first_broken_link(promotion.id, history := store.history(promotion.id)) is not None
        or (len(history), history[-1].hash) != (promotion.last_seq, promotion.last_hash)
    ]


@pytest.mark.parametrize("seeded", [0, SEEDED], ids=["a file that none has made yet", "a file in use"])
def test_of_eight_processes_nothing_is_lost_and_nothing_happens_twice(path: Path, seeded: int) -> None:
    if seeded:
        store = SqliteStore(path)
        for number in range(seeded):
            store.add(*new(str(number)))
        store.close()

    with writers("race", path, range(WRITERS)) as started:
        brought = [json.loads(line_of(writer)) for writer in started]
        codes = [writer.wait(timeout=60) for writer in started]

    store = SqliteStore(path)
    taken = [identity for one in brought for identity in one["taken"]]
    taken += store.take_due(now=NOON, until=at(3600), limit=1000)
    added = [version for one in brought for version in one["added"]]
    shared = store.load(SHARED)
    entries = store.journal(outcome=None, limit=100, cursor=None).entries
    mismatched = broken(store)
    promotions = len(everything(store))
    store.close()

    assert codes == [0] * WRITERS
    assert sorted(added) == list(range(LATE))
    expected = [str(number) for number in range(seeded)] + [f"late-{version}" for version in range(LATE)]
    assert sorted(taken) == sorted(f"staging:diabetes-clf:{version}" for version in expected)
    assert shared is not None
    assert shared.promotion.last_seq == 1 + WRITERS * INCREMENTS
    assert mismatched == []
    assert promotions == 1 + LATE + seeded
    assert len(entries) == WRITERS
    assert is_whole(path)


def test_a_process_killed_while_it_writes_loses_nothing_that_it_was_told_is_stored(path: Path) -> None:
    for round_ in range(4):
        with writers("write", path, range(round_ * 2, round_ * 2 + 2)) as started:
            told = [line_of(writer) for _ in range(15 + round_) for writer in started]
            for writer in started:
                writer.kill()
            told += [line for writer in started for line in rest_of(writer)]

        assert is_whole(path)
        store = SqliteStore(path)
        lost = [line for line in told if not keeps(store, line)]
        halves = [one.id for one in everything(store) if not arrived_whole(store, one.id)]
        mismatched = broken(store)
        store.close()
        assert lost == []
        assert halves == []
        assert mismatched == []


def rest_of(writer: subprocess.Popen[str]) -> list[str]:
    """What a killed writer had said; its last line counts only when it is whole."""
    assert writer.stdout is not None
    return [line.strip() for line in writer.stdout if line.endswith("\n")]


def keeps(store: SqliteStore, line: str) -> bool:
    what, identity = line.split()
    history = store.history(identity)
    return len(history) == 2 if what == "saved" else len(history) >= 1


def arrived_whole(store: SqliteStore, identity: str) -> bool:
    return store.evidence(identity) == bytes(5000) and store.journalled([identity]) == {identity}
