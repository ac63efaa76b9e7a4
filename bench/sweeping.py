"""The sweep costs what is open, not what ever was."""

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.decide.candidate import Candidate
from orchestrator.promotion.record import Cause, apply, opened
from orchestrator.promotion.states import FactKind

_NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_OPEN = 200
_BATCH = 500


def sweep_seconds(finished: int) -> float:
    """Give the median time of taking what is due from a store with 200 open and so many finished promotions."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "store.db", now=lambda: _NOW)
        for start in range(0, finished, _BATCH):
            with store.together():
                for number in range(start, min(start + _BATCH, finished)):
                    _add(store, number, ended=True)
        for number in range(finished, finished + _OPEN):
            _add(store, number, ended=False)
        times = []
        for look in range(31):
            now = _NOW + timedelta(hours=1 + look)
            started = perf_counter()
            due = store.take_due(now=now, until=now + timedelta(minutes=1), limit=_BATCH)
            times.append(perf_counter() - started)
            assert len(due) == _OPEN
        store.close()
        return median(times)


def _add(store: SqliteStore, number: int, *, ended: bool) -> None:
    candidate = Candidate("/workspaces/dev", f"model-{number}", "1", "dev", _NOW, "0" * 64)
    promotion, fact = opened(
        f"staging:model-{number}:1",
        candidate,
        Cause("0" * 12, "opened for the benchmark"),
        environment="staging",
        route="to-staging",
        at=_NOW,
        look_at=_NOW,
    )
    store.add(promotion, fact)
    if ended:
        stored = store.load(promotion.id)
        assert stored is not None
        done, last = apply(replace(promotion), FactKind.DECLINED, at=_NOW, detail="declined for the benchmark")
        store.save(stored, done, [last])
