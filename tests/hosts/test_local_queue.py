"""The work queue of one process: nothing twice at once, nothing forgotten, nothing that stops it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from orchestrator.errors import StoreUnavailable
from orchestrator.local.queue import LocalQueue

SOON = timedelta(seconds=20)
NOW = timedelta(0)


class Advances:
    """What was advanced, in order. `meanwhile` runs inside each."""

    def __init__(self, meanwhile: Callable[[str], object] = lambda _: None) -> None:
        self._meanwhile = meanwhile
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self.seen: list[str] = []
        self.overlapped = False

    def __call__(self, identity: str) -> None:
        with self._lock:
            self.overlapped |= identity in self._running
            self._running.add(identity)
            self.seen.append(identity)
        try:
            self._meanwhile(identity)
        finally:
            with self._lock:
                self._running.discard(identity)


@contextmanager
def working(advance: Callable[[str], None], *, workers: int = 4, retry_after: timedelta = NOW) -> Iterator[LocalQueue]:
    queue = LocalQueue(workers=workers, retry_after=retry_after)
    queue.start(advance)
    try:
        yield queue
    finally:
        assert queue.close(SOON)


def test_every_hint_is_followed() -> None:
    advances = Advances()
    with working(advances) as queue:
        for number in range(200):
            queue.hint(str(number))
        assert queue.wait_until_idle(SOON)

    assert sorted(advances.seen) == sorted(str(number) for number in range(200))


def test_hints_for_one_id_that_wait_are_one() -> None:
    advances = Advances()
    queue = LocalQueue(workers=1)
    for _ in range(5):
        queue.hint("a")
    queue.hint("b")
    queue.start(advances)

    assert queue.wait_until_idle(SOON)
    assert queue.close(SOON)
    assert advances.seen == ["a", "b"]


def test_the_earlier_of_two_hints_counts() -> None:
    advances = Advances()
    with working(advances) as queue:
        queue.hint("a", after=timedelta(hours=1))
        queue.hint("a")
        queue.hint("a", after=timedelta(hours=2))
        assert queue.wait_until_idle(SOON)

    assert advances.seen == ["a"]


def test_a_hint_for_later_waits_for_its_time() -> None:
    advanced = threading.Event()
    with working(Advances(lambda _: advanced.set())) as queue:
        queue.hint("tomorrow", after=timedelta(days=1))
        assert queue.wait_until_idle(SOON)
        assert not advanced.is_set()
        queue.hint("soon", after=timedelta(milliseconds=30))
        assert advanced.wait(SOON.total_seconds())


def test_a_hint_during_a_look_is_followed_afterwards_and_never_at_once() -> None:
    looking, go_on = threading.Event(), threading.Event()

    def wait_at_first(_: str) -> None:
        if not go_on.is_set():
            looking.set()
            assert go_on.wait(SOON.total_seconds())

    advances = Advances(wait_at_first)
    with working(advances) as queue:
        queue.hint("a")
        assert looking.wait(SOON.total_seconds())
        queue.hint("a", after=timedelta(hours=1))
        queue.hint("a")
        queue.hint("a")
        assert not queue.wait_until_idle(timedelta(milliseconds=20))
        go_on.set()
        assert queue.wait_until_idle(SOON)

    assert advances.seen == ["a", "a"]
    assert not advances.overlapped


def test_a_look_that_fails_stops_nobody() -> None:
    def fail(identity: str) -> None:
        if identity == "broken":
            raise ZeroDivisionError

    advances = Advances(fail)
    with working(advances, workers=1) as queue:
        for identity in ("broken", "a", "broken", "b"):
            queue.hint(identity)
        assert queue.wait_until_idle(SOON)

    assert advances.seen == ["broken", "a", "b"]


def test_a_store_out_of_reach_is_tried_again() -> None:
    failures = iter([True, True, False])

    def fail_twice(_: str) -> None:
        if next(failures):
            raise StoreUnavailable("the disk is full")

    advances = Advances(fail_twice)
    with working(advances) as queue:
        queue.hint("a")
        assert queue.wait_until_idle(SOON)

    assert advances.seen == ["a", "a", "a"]


def test_one_id_hinted_from_many_threads_is_never_advanced_twice_at_once() -> None:
    advances = Advances(lambda _: time.sleep(0.001))  # a look takes its time, so that another one could begin

    def hint_all() -> None:
        for number in range(300):
            queue.hint(str(number % 3))

    with working(advances, workers=8) as queue:
        hinting = [threading.Thread(target=hint_all) for _ in range(4)]
        for thread in hinting:
            thread.start()
        for thread in hinting:
            thread.join()
        assert queue.wait_until_idle(SOON)

    assert set(advances.seen) == {"0", "1", "2"}
    assert not advances.overlapped


def test_while_signals_are_stored_no_look_begins() -> None:
    advances = Advances()
    with working(advances) as queue:
        with queue.held():
            queue.hint("a")
            assert not queue.wait_until_idle(timedelta(milliseconds=50))
            assert advances.seen == []
        assert queue.wait_until_idle(SOON)

    assert advances.seen == ["a"]


def test_signals_without_end_do_not_hold_a_look_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.local.queue.HELD_AT_MOST", 0.05)
    advances = Advances()
    with working(advances) as queue, queue.held():
        queue.hint("a")
        assert queue.wait_until_idle(SOON)
        assert advances.seen == ["a"]


def test_closing_drops_what_waits_and_lets_a_look_end() -> None:
    looking, go_on = threading.Event(), threading.Event()

    def wait(_: str) -> None:
        looking.set()
        assert go_on.wait(SOON.total_seconds())

    advances = Advances(wait)
    queue = LocalQueue(workers=1)
    queue.start(advances)
    queue.hint("a")
    assert looking.wait(SOON.total_seconds())
    queue.hint("b")

    assert not queue.close(timedelta(milliseconds=10))
    go_on.set()
    assert queue.close(SOON)
    queue.hint("c")
    assert advances.seen == ["a"]
