"""How the SQLite store treats its file: what it makes, what it refuses, and what it says then."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.errors import StoreUnavailable
from orchestrator.ports import PromotionFilter
from tests.store.records import entry, new

ROOT = Path(__file__).parents[3]
ID = "staging:diabetes-clf:7"


def behind(path: Path, *statements: str) -> None:
    """Change the file behind the store's back."""
    with closing(sqlite3.connect(path)) as file, file:
        for statement in statements:
            file.execute(statement)


def test_the_folder_and_the_file_are_made_when_they_are_first_needed(store: SqliteStore, path: Path) -> None:
    before = path.parent.exists()

    store.check()

    assert not before
    assert path.is_file()


def test_what_was_written_is_there_when_the_file_is_opened_again(store: SqliteStore, path: Path) -> None:
    store.add(*new())
    store.put_mark("key", "text")
    store.close()

    again = SqliteStore(path)
    found = (again.load(ID), again.mark("key"))
    again.close()

    assert found[0] is not None
    assert found[1] == "text"


@pytest.mark.parametrize("name", ["with space?mode=memory#x.db", "hundred%41.db", ":memory:", "größe.db"])
def test_a_path_means_the_file_of_that_name(tmp_path: Path, name: str) -> None:
    store = SqliteStore(tmp_path / name)
    store.put_mark("key", "text")
    store.close()

    assert (tmp_path / name).stat().st_size > 0


def test_every_commit_is_on_disk_when_the_call_returns(store: SqliteStore) -> None:
    store.check()

    assert store._database.row("PRAGMA journal_mode") == ("wal",)
    assert store._database.row("PRAGMA synchronous") == (2,), "2 is FULL"


def test_a_file_of_a_newer_release_is_refused(store: SqliteStore, path: Path) -> None:
    store.put_mark("key", "text")
    behind(path, "PRAGMA user_version = 99")

    with pytest.raises(StoreUnavailable, match=r"newer release \(schema 99; this release knows up to 1\)"):
        SqliteStore(path).check()


def test_the_database_of_another_program_is_refused_and_stays_as_it_was(store: SqliteStore, path: Path) -> None:
    path.parent.mkdir()
    behind(path, "CREATE TABLE guests (name TEXT)", "PRAGMA user_version = 1")
    before = path.read_bytes()

    with pytest.raises(StoreUnavailable, match="database of another program"):
        store.check()

    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_an_empty_file_becomes_a_store(store: SqliteStore, path: Path) -> None:
    path.parent.mkdir()
    path.touch()

    store.put_mark("key", "text")

    assert store.mark("key") == "text"


def test_a_file_that_is_no_database_is_refused(store: SqliteStore, path: Path) -> None:
    path.parent.mkdir()
    path.write_text("version: 1\n" * 100)

    with pytest.raises(StoreUnavailable, match="no SQLite database") as refused:
        store.check()

    assert str(path) in str(refused.value)
    assert "backup" in str(refused.value)


def test_a_damaged_file_is_refused(store: SqliteStore, path: Path) -> None:
    for number in range(200):
        store.add(*new(str(number)))
    store.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    damaged = SqliteStore(path)

    with pytest.raises(StoreUnavailable, match="damaged"):
        damaged.promotions(PromotionFilter(), limit=1000, cursor=None)

    damaged.close()


def test_a_folder_in_the_place_of_the_file_is_refused(store: SqliteStore, path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(StoreUnavailable, match=r"can't be opened.*ORCHESTRATOR_STORE"):
        store.check()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable, match=r"its folder can't be made.*ORCHESTRATOR_STORE"):
        SqliteStore(tmp_path / "file" / "orchestrator.db").check()


@pytest.mark.parametrize(
    "use",
    [
        SqliteStore.check,
        lambda store: store.put_mark("key", "text"),
        lambda store: store.load(ID),
        lambda store: store.promotions(PromotionFilter(), limit=9, cursor=None),
        lambda store: store.write_journal([entry(1)]),
        lambda store: store.together().__enter__(),
    ],
    ids=["check", "put_mark", "load", "promotions", "write_journal", "together"],
)
@pytest.mark.parametrize("opened", [True, False], ids=["in use", "never used"])
def test_a_closed_store_refuses_everything(
    store: SqliteStore, use: Callable[[SqliteStore], object], opened: bool
) -> None:
    if opened:
        store.check()
    store.close()

    with pytest.raises(StoreUnavailable, match="was closed"):
        use(store)


def test_a_store_may_be_closed_twice(store: SqliteStore) -> None:
    store.check()

    store.close()
    store.close()


def test_a_lock_that_is_held_too_long_is_named_and_the_store_goes_on_after(store: SqliteStore, path: Path) -> None:
    store.check()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match=r"another writer held it for more than 0\.1 s"):
            store.add(*new())
        readable = store.load(ID)
        other.execute("ROLLBACK")

    assert readable is None
    assert store.add(*new())


def test_a_lock_on_a_file_that_another_is_just_making_is_waited_for(store: SqliteStore, path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="another writer held it"):
            store.check()
        waited = time.monotonic() - began
        other.execute("ROLLBACK")

    store.check()

    assert waited >= 0.1


def in_another_thread(use: Callable[[], object]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(use).result(timeout=30)


def test_a_file_that_was_removed_takes_no_more_writes(store: SqliteStore, path: Path) -> None:
    store.put_mark("key", "text")
    path.unlink()

    for use in (store.check, lambda: store.put_mark("key", "lost")):
        with pytest.raises(StoreUnavailable, match="removed or replaced"):
            use()


def test_a_file_that_was_removed_is_not_made_again_by_another_thread(store: SqliteStore, path: Path) -> None:
    store.put_mark("key", "text")
    path.unlink()

    with pytest.raises(StoreUnavailable, match="removed or replaced"):
        in_another_thread(lambda: store.mark("key"))

    assert not path.exists()


def test_a_file_that_was_replaced_takes_no_more_writes_from_any_thread(store: SqliteStore, path: Path) -> None:
    store.put_mark("key", "text")
    path.rename(path.with_suffix(".old"))
    backup = SqliteStore(path)
    backup.put_mark("key", "from the backup")
    backup.close()

    with pytest.raises(StoreUnavailable, match="removed or replaced"):
        store.put_mark("key", "lost")
    with pytest.raises(StoreUnavailable, match="removed or replaced"):
        in_another_thread(lambda: store.put_mark("key", "lost"))


FILLS_THE_DISK = """
import resource, sys
from pathlib import Path
from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.errors import StoreUnavailable
from tests.store.records import new

store = SqliteStore(Path(sys.argv[1]))
store.add(*new())
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
kept = 0
try:
    while True:
        store.put_evidence(str(kept), bytes(10_000))
        kept += 1
except StoreUnavailable as error:
    print(kept, error)
try:
    with store.together():
        try:
            store.put_evidence("big", bytes(20_000_000))
        except StoreUnavailable:
            pass
        store.put_mark("stands alone", "text")
    print("kept")
except StoreUnavailable as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.put_mark("room again", "text")
"""


def test_a_disk_that_takes_no_more_is_named_and_nothing_half_is_kept(path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", FILLS_THE_DISK, str(path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    first, second = run.stdout.splitlines()
    store = SqliteStore(path)
    kept = int(first.split()[0])
    evidence = [store.evidence(str(number)) for number in range(kept)]
    marks = (store.mark("stands alone"), store.mark("room again"))
    promotion = store.load(ID)
    store.close()

    assert kept > 0
    assert "disk" in first
    assert str(path) in first
    assert second.startswith(f"store {path}")
    assert evidence == [bytes(10_000)] * kept
    assert marks == (None, "text")
    assert promotion is not None
