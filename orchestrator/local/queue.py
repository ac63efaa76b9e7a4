"""The work queue of one process: hints wait here until their time, and worker threads follow them.

Losing all of it loses nothing: the store is the truth, and the sweep hints again.
"""

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog

from orchestrator.errors import StoreUnavailable

# Deliveries come in bursts, with gaps of milliseconds in them.
SETTLED_AFTER = 0.02
HELD_AT_MOST = 5.0

_log = structlog.get_logger("orchestrator")


class LocalQueue:
    """A `WorkQueue` with its own workers. One id is never advanced by two of them at once.

    A hint for an id that waits already keeps the earlier of both times; one for an id that is being advanced is kept
    for afterwards. `retry_after` is how long an id rests when the store was out of reach.
    """

    def __init__(self, *, workers: int = 8, retry_after: timedelta = timedelta(seconds=5)) -> None:
        self._workers = workers
        self._retry_after = retry_after
        lock = threading.Lock()
        self._hinted = threading.Condition(lock)
        self._ended = threading.Condition(lock)
        self._order: list[tuple[float, int, str]] = []
        self._waiting: dict[str, float] = {}
        self._advancing: dict[str, float | None] = {}
        self._count = 0
        self._holders = 0
        self._settled_at = 0.0
        self._closed = False
        self._threads: list[threading.Thread] = []

    def start(self, advance: Callable[[str], None]) -> None:
        """Start the workers; each hint becomes a call of `advance`, which may raise."""
        self._threads = [
            threading.Thread(target=self._work, args=(advance,), name=f"advance-{number}", daemon=True)
            for number in range(self._workers)
        ]
        for thread in self._threads:
            thread.start()

    def hint(self, identity: str, *, after: timedelta = timedelta(0)) -> None:
        """Ask for a look, now or after a while. Once closed, hints are dropped: the next start sweeps."""
        due = time.monotonic() + max(after.total_seconds(), 0)
        with self._hinted:
            if self._closed:
                return
            if identity in self._advancing:
                kept = self._advancing[identity]
                self._advancing[identity] = due if kept is None else min(kept, due)
            else:
                self._wait(identity, due)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Start no look meanwhile: whoever delivers signals waits for the answer, and nobody waits for a look.

        What has been due for `HELD_AT_MOST` seconds is looked at all the same.
        """
        with self._hinted:
            self._holders += 1
        try:
            yield
        finally:
            with self._hinted:
                self._holders -= 1
                self._settled_at = time.monotonic() + SETTLED_AFTER
                self._hinted.notify()

    def wait_until_idle(self, timeout: timedelta) -> bool:
        """Wait until nothing is being advanced and no hint's time has come. False when that took too long."""
        with self._ended:
            return self._ended.wait_for(self._idle, timeout.total_seconds())

    def close(self, timeout: timedelta = timedelta(seconds=5)) -> bool:
        """Drop what waits and let what is being advanced end. False when that took longer than `timeout`."""
        until = time.monotonic() + timeout.total_seconds()
        with self._hinted:
            self._closed = True
            self._hinted.notify_all()
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self, advance: Callable[[str], None]) -> None:
        while (identity := self._take()) is not None:
            again_at = None
            try:
                advance(identity)
            except StoreUnavailable as error:
                _log.warning("promotion.store_unavailable", promotion_id=identity, reason=str(error))
                again_at = time.monotonic() + self._retry_after.total_seconds()
            except Exception as error:  # noqa: BLE001 - logged with its traceback; the sweep brings the promotion back
                _log.error("promotion.unexpected", promotion_id=identity, reason=repr(error), exc_info=error)
            self._put_back(identity, again_at)

    def _take(self) -> str | None:
        """Wait for the next hint whose time has come; None when the queue is closed."""
        with self._hinted:
            while not self._closed:
                self._forget_replaced()
                now, start_at = time.monotonic(), self._start_at()
                if start_at is not None and start_at <= now:
                    _, _, identity = heapq.heappop(self._order)
                    del self._waiting[identity]
                    self._advancing[identity] = None
                    self._hinted.notify()  # whoever waited for this one must now wait for the next
                    return identity
                self._hinted.wait(None if start_at is None else start_at - now)
            return None

    def _start_at(self) -> float | None:
        """Tell when the first of those that wait may start; None when nothing waits."""
        if not self._order:
            return None
        due = self._order[0][0]
        return min(due + HELD_AT_MOST, max(due, float("inf") if self._holders else self._settled_at))

    def _put_back(self, identity: str, again_at: float | None) -> None:
        with self._hinted:
            hinted = self._advancing.pop(identity)
            due = hinted if again_at is None else again_at
            if due is not None and not self._closed:
                self._wait(identity, due)
            self._ended.notify_all()

    def _wait(self, identity: str, due: float) -> None:
        if identity in self._waiting and self._waiting[identity] <= due:
            return
        self._waiting[identity] = due
        self._count += 1
        heapq.heappush(self._order, (due, self._count, identity))
        self._hinted.notify()

    def _forget_replaced(self) -> None:
        """Drop what an earlier hint for the same id has replaced."""
        while self._order and self._waiting.get(self._order[0][2]) != self._order[0][0]:
            heapq.heappop(self._order)

    def _idle(self) -> bool:
        if self._advancing:
            return False
        return not self._waiting or min(self._waiting.values()) > time.monotonic()
