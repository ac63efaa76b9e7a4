"""The scene: what every part of a world shares. Time, luck, the trace, and the one place where a point is passed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from orchestrator.flow.world import World
from tests.world.chance import FREEZES, MINUTE, SECOND, Chance, Faults, Spans
from tests.world.policies import Rules
from tests.world.scheduler import Killed, Scheduler
from tests.world.trace import Trace

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MOST_STEPS = 60_000

KILLED = "a process dies"
FROZEN = "a process freezes"

AT_ONCE: Spans = ((0.9, 1_000, 30_000), (0.08, 30_000, SECOND), (0.02, SECOND, 5 * SECOND))
OVER_THE_NET: Spans = ((0.85, 50_000, 600_000), (0.15, 600_000, 4 * SECOND))


def moment(at: int) -> datetime:
    """The true time of day, for microseconds since the world began."""
    return START + timedelta(microseconds=at)


@dataclass(eq=False)
class Worker:
    """One process of the service, with the policy that it was started with. Its clock is wrong by a constant."""

    name: str
    skew: timedelta
    rules: Rules
    gone: bool = False
    tokens: int = 0
    flow: World = field(init=False)

    def token(self) -> str:
        """Make a name that no other worker makes."""
        self.tokens += 1
        return f"{self.name}-{self.tokens}"


@dataclass(eq=False)
class Scene:
    """Shared by all parts. `broken` is what was found: the promise that did not hold, and how."""

    chance: Chance
    scheduler: Scheduler = field(default_factory=Scheduler)
    trace: Trace = field(default_factory=Trace)
    steps: int = 0
    broken: tuple[str, str] | None = None
    lose: Callable[[Worker], None] = field(init=False)

    @property
    def now(self) -> int:
        """Microseconds since the world began."""
        return self.scheduler.now

    def tell(self, who: str, what: str) -> None:
        """Write a line of the trace."""
        self.trace.tell(self.scheduler.now, who, what)

    def violate(self, promise: str, how: str) -> None:
        """A promise did not hold: tell it and stop the world. The first one counts."""
        if self.broken is None:
            self.broken = promise, how
            self.tell("promise broken:", f"{promise}: {how}")
        self.scheduler.stopped = True

    def point(
        self, worker: Worker, what: str, faults: Faults, *, takes: Spans = AT_ONCE, hands_over: bool = True
    ) -> str | None:
        """Pass one point between two things that a worker does: time passes, others go on, or it ends here.

        Gives a fault that the caller must act out. Raises `Killed`.
        """
        self.steps += 1
        if self.steps > MOST_STEPS:
            self.violate("the world comes to rest", f"it went on for {MOST_STEPS} steps")
        fault = self.chance.fault(what, faults)
        if hands_over:
            self.scheduler.pause(self.chance.stream(what).span(takes))
        if fault == KILLED:
            self.die(worker, what)
        if fault == FROZEN:
            if hands_over:
                self.freeze(worker, what)
            return None
        return fault

    def freeze(self, worker: Worker, what: str) -> None:
        """Hold this one task up for seconds to an hour; others go on."""
        span = self.chance.stream(what).span(FREEZES)
        self.tell(worker.name, f"freezes at {what} for {span / SECOND:.1f} s")
        self.scheduler.pause(span)
        self.tell(worker.name, f"goes on at {what}")

    def die(self, worker: Worker, what: str) -> None:
        """End this worker's process, with everything it was doing. Raises `Killed`."""
        self.tell(worker.name, f"dies at {what}")
        self.lose(worker)
        raise Killed(what)


def soon(chance: Chance, what: str) -> int:
    """A delay of mostly seconds, sometimes minutes: how messages travel."""
    return chance.stream(what).span(
        ((0.8, 10_000, 2 * SECOND), (0.15, 2 * SECOND, 20 * SECOND), (0.05, 20 * SECOND, 5 * MINUTE))
    )
