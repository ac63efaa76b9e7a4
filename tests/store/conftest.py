"""The stores that the contract is checked against: one line in `STORES` each."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.ports import Store
from tests.store.records import NOON


class StoreClock:
    """The store's own clock. It stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        return self.moment

    def pass_by(self, span: timedelta) -> None:
        self.moment += span


@contextmanager
def sqlite_store(folder: Path, clock: StoreClock) -> Iterator[Store]:
    store = SqliteStore(folder / "orchestrator.db", now=clock)
    yield store
    store.close()


STORES: dict[str, Callable[[Path, StoreClock], AbstractContextManager[Store]]] = {"sqlite": sqlite_store}


@pytest.fixture
def clock() -> StoreClock:
    return StoreClock()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: StoreClock) -> Iterator[Store]:
    """An empty store, once for each kind."""
    with STORES[request.param](tmp_path, clock) as empty:
        yield empty
