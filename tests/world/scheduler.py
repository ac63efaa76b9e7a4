"""The scheduler: virtual time, and tasks that hand over whenever they touch the world. No threads, no sleeping.

Each task is a greenlet. It runs alone until it pauses; then whatever comes next in time goes on. Time jumps.
"""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from itertools import count

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """The process is gone. No code of the service may catch this."""


class Task:
    """One thing that one worker does: it pauses only inside calls to its ports."""

    def __init__(self, owner: object, act: Callable[[], None], *, over: Callable[[BaseException | None], None]) -> None:
        self.owner = owner
        self._act = act
        self._over = over
        self.greenlet = greenlet(self._run)

    def _run(self) -> None:
        try:
            self._act()
        except BaseException as error:  # noqa: BLE001 - the world looks at every way in which a task can end
            self._over(error)
        else:
            self._over(None)


class Scheduler:
    """Decides who goes on. `now` is in microseconds since the world began."""

    def __init__(self) -> None:
        self.now = 0
        self.stopped = False
        self.current: Task | None = None
        self._hub = getcurrent()
        self._order = count()
        self._coming: list[tuple[int, int, Callable[[], object]]] = []
        self._parked: dict[int, Task] = {}

    def at(self, when: int, act: Callable[[], object]) -> None:
        """Let something happen at a moment."""
        self._push(when, next(self._order), act)

    def after(self, delay: int, act: Callable[[], object]) -> None:
        """Let something happen after a while."""
        self._push(self.now + delay, next(self._order), act)

    def begin(self, task: Task) -> None:
        """Run a task up to its first pause. Called between tasks only."""
        self._switch(task)

    def pause(self, delay: int) -> None:
        """Let time pass for the current task, and others go on meanwhile. Raises `Killed`."""
        then = self.now + delay
        if not self.stopped and (not self._coming or self._coming[0][0] > then):
            self.now = then
            return
        task = self.current
        if task is None:
            raise RuntimeError("only a task can pause")
        mark = next(self._order)
        self._parked[mark] = task
        self._push(then, mark, partial(self._resume, mark))
        self._hub.switch()

    def kill(self, owner: object) -> None:
        """End every paused task of a worker where it stands."""
        for mark, task in [(mark, task) for mark, task in self._parked.items() if task.owner is owner]:
            del self._parked[mark]
            before, self.current = self.current, task
            task.greenlet.throw(Killed)
            self.current = before

    def run(self, *, over: Callable[[], bool]) -> None:
        """Let everything happen, in order of time, until nothing is left or it is `over`."""
        while self._coming and not self.stopped and not over():
            when, _, act = heappop(self._coming)
            self.now = max(self.now, when)
            act()

    def end(self) -> None:
        """Stop the world: nobody goes on."""
        self.stopped = True
        for task in list(self._parked.values()):
            task.greenlet.throw(Killed)
        self._parked.clear()
        self._coming.clear()

    def _push(self, when: int, mark: int, act: Callable[[], object]) -> None:
        heappush(self._coming, (when, mark, act))

    def _resume(self, mark: int) -> None:
        task = self._parked.pop(mark, None)
        if task is not None:
            self._switch(task)

    def _switch(self, task: Task) -> None:
        before, self.current = self.current, task
        task.greenlet.switch()
        self.current = before
