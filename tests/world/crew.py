"""The crew: the workers, and how messages, timers and deliveries become tasks of one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.errors import StoreUnavailable
from orchestrator.flow.advance import advance
from orchestrator.flow.sweep import sweep
from orchestrator.flow.world import Timing, World
from tests.world.chance import HOUR, MINUTE, SECOND, Faults, Spans
from tests.world.github import GitHub
from tests.world.policies import Rules, policy_of
from tests.world.scene import Scene, Worker, moment, soon
from tests.world.scheduler import Killed, Task
from tests.world.storage import WatchedStore
from tests.world.witness import Witness
from tests.world.workflows import SimulatedWorkflows

LOST, TWICE = "a hint is lost", "a hint comes twice"
HINTS: Faults = ((LOST, 0.04), (TWICE, 0.04))
OVERLAP: Faults = (("two sweeps overlap", 0.1), ("a sweep is left out", 0.05))
COMES_AGAIN: Spans = ((1.0, 20 * SECOND, 10 * MINUTE),)
EARLIEST_DUE = "SELECT min(at) FROM due"
WRONGEST = 90


@dataclass(frozen=True, slots=True)
class WorkerClock:
    """Time as one worker sees it: the time of day is wrong by a constant, seconds are right."""

    scene: Scene
    skew: timedelta

    def now(self) -> datetime:
        """Tell the time of day."""
        return moment(self.scene.now) + self.skew

    def monotonic(self) -> float:
        """Tell seconds."""
        return self.scene.now / SECOND


@dataclass(frozen=True, slots=True)
class Setting:
    """How a world is set up.

    `torn`: the store has no transactions. `old_server`: GitHub does not name new runs. `slow_senders`: processes often
    freeze between their last check and their send.
    """

    rules: Rules
    timing: Timing
    size: int
    torn: bool
    old_server: bool
    slow_senders: bool


class Crew:
    """The workers of one world, and the queue and the timer that give them work."""

    def __init__(self, scene: Scene, github: GitHub, witness: Witness, real: SqliteStore, setting: Setting) -> None:
        self.scene = scene
        self.busy = 0
        self.rules = setting.rules
        self._github = github
        self._witness = witness
        self._real = real
        self._setting = setting
        self._hired = 0
        self._tick_at: int | None = None
        self._last_tick = 0
        witness.deployed.append(setting.rules)
        self.workers = [self._hire() for _ in range(setting.size)]
        scene.lose = self._lose

    def deploy(self, rules: Rules) -> None:
        """Roll a new policy out: worker by worker starts anew with it, over some minutes."""
        self.rules = rules
        self._witness.deployed.append(rules)
        luck = self.scene.chance.stream(f"deploy {len(self._witness.deployed)}")
        for worker in self.workers:
            self.scene.scheduler.after(luck.between(0, 3 * MINUTE), partial(self._restart, worker))

    def work(
        self, name: str, act: Callable[[Worker], None], *, over: Callable[[Worker, bool], None] = lambda *_: None
    ) -> None:
        """Let one of the workers do something. `over` is told whether it came to its end."""
        luck = self.scene.chance.stream(f"who does {name}")
        worker = luck.pick(self.workers)

        def ended(error: BaseException | None) -> None:
            self.busy -= 1
            if error is not None and not isinstance(error, (Killed, StoreUnavailable)):
                self.scene.violate("Only an outage of the store leaves the flow.", f"{name}: {error!r}")
            if self.scene.broken is None and not self.scene.scheduler.stopped:
                over(worker, error is None)
                self.watch_the_time()

        self.busy += 1
        self.scene.scheduler.begin(Task(worker, lambda: act(worker), over=ended))

    def hint(self, identity: str, *, after: timedelta = timedelta(0)) -> None:
        """Put a message on the work queue: it may be lost, come twice, or come late."""
        what = f"hint {identity}"
        fault = self.scene.chance.fault(what, HINTS)
        if fault is not None:
            self.scene.tell("queue", f"{identity}: {fault}")
        for _ in range({LOST: 0, TWICE: 2}.get(fault or "", 1)):
            self._deliver(identity, after // timedelta(microseconds=1) + soon(self.scene.chance, what), tries=3)

    def watch_the_time(self) -> None:
        """Set the timer: each minute, but minutes with nothing due are skipped, since a sweep would find nothing.

        Once an hour it looks for runs that were run again, whatever is due.
        """
        ((earliest,),) = self._real._database.rows(EARLIEST_DUE)
        due = self._last_tick + HOUR
        if earliest is not None:
            due = min(due, earliest - _EPOCH - WRONGEST * SECOND)
        minute = max(due, self._last_tick + 1, self.scene.now) // MINUTE * MINUTE + MINUTE
        if self._tick_at is None or minute < self._tick_at:
            self._tick_at = minute
            self.scene.scheduler.at(minute, partial(self._tick, minute))

    def _tick(self, minute: int) -> None:
        if self._tick_at != minute:
            return
        self._tick_at, self._last_tick = None, minute
        fault = self.scene.chance.fault("timer", OVERLAP)
        for _ in range({"two sweeps overlap": 2, "a sweep is left out": 0}.get(fault or "", 1)):
            self.work("sweep", _swept)
        self.watch_the_time()

    def _deliver(self, identity: str, delay: int, *, tries: int) -> None:
        def again(worker: Worker, done: bool) -> None:
            if not done and tries > 1:
                delay = self.scene.chance.stream(f"again {identity}").span(COMES_AGAIN)
                self._deliver(identity, delay, tries=tries - 1)

        def take() -> None:
            self.work(f"advance {identity}", lambda worker: advance(worker.flow, identity), over=again)

        self.scene.scheduler.after(delay, take)

    def _hire(self) -> Worker:
        self._hired += 1
        luck = self.scene.chance.stream(f"worker {self._hired}")
        skew = timedelta(seconds=luck.between(-WRONGEST, WRONGEST))
        worker = Worker(f"worker-{self._hired}", skew, self.rules)
        worker.flow = World(
            store=WatchedStore(self._real, worker, self.scene, self._witness, torn=self._setting.torn),
            workflows=SimulatedWorkflows(
                self._github,
                worker,
                self.scene,
                self._witness,
                old_server=self._setting.old_server,
                slow=self._setting.slow_senders,
            ),
            queue=self,
            clock=WorkerClock(self.scene, skew),
            policy=policy_of(self.rules),
            token=worker.token,
            timing=self._setting.timing,
        )
        self.scene.tell(worker.name, f"starts, its clock {skew.total_seconds():+.0f} s, {self.rules}")
        return worker

    def _lose(self, worker: Worker) -> None:
        """A process is gone: all that it was doing ends where it stands, and a fresh one takes its place."""
        if worker.gone:
            return
        worker.gone = True
        self.scene.scheduler.at(self.scene.now, partial(self.scene.scheduler.kill, worker))
        if worker in self.workers:
            self.workers[self.workers.index(worker)] = self._hire()

    def _restart(self, worker: Worker) -> None:
        """Start a worker anew with today's policy; what the old one has begun it ends."""
        if worker in self.workers:
            self.workers[self.workers.index(worker)] = self._hire()


def _swept(worker: Worker) -> None:
    sweep(worker.flow)


_EPOCH = (moment(0) - datetime.fromisoformat("1970-01-01T00:00:00+00:00")) // timedelta(microseconds=1)
