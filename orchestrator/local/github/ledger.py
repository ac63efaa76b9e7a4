"""What came in: how often each route was called, and every dispatch with its fate."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import RLock


@dataclass(frozen=True, slots=True)
class DispatchCall:
    """A dispatch that reached the stand-in. `fate`: the HTTP status that went out, or `dropped`."""

    at: datetime
    repository: str
    workflow: str
    body: Mapping[str, object]
    login: str
    api_version: str
    fate: str


class Ledger:
    """Counts calls per `METHOD route` and keeps the dispatches in the order of their answers."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._counts: Counter[str] = Counter()
        self._dispatches: list[DispatchCall] = []

    def count(self, method: str, route: str) -> None:
        """One more call."""
        with self._lock:
            self._counts[f"{method} {route}"] += 1

    def add(self, dispatch: DispatchCall) -> None:
        """One more dispatch."""
        with self._lock:
            self._dispatches.append(dispatch)

    def read(self, *, reset: bool = False) -> tuple[dict[str, int], list[DispatchCall]]:
        """The counts and the dispatches so far; with `reset` both begin anew."""
        with self._lock:
            seen = dict(self._counts), list(self._dispatches)
            if reset:
                self._counts.clear()
                self._dispatches.clear()
            return seen
