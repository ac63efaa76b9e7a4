"""A store in a file that the tests also open from behind."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.adapters.sqlite.store import SqliteStore
from tests.store.conftest import StoreClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "orchestrator.db"


@pytest.fixture
def store(path: Path, clock: StoreClock) -> Iterator[SqliteStore]:
    """A store that soon gives up waiting for a lock."""
    store = SqliteStore(path, now=clock, lock_wait=timedelta(milliseconds=100))
    yield store
    store.close()
