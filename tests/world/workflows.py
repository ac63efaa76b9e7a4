"""GitHub as one worker meets it: answers late, lost or refused, listings that lag, gate answers remembered for 60 s."""

from datetime import datetime, timedelta
from functools import partial

from orchestrator.errors import LostAnswer, NotFound, NothingHappened, Refused, Unreadable
from orchestrator.ports import GateSeen, Order, PendingGate, Review, RunSeen, RunsFound, RunStatus
from orchestrator.promotion.record import Run, Target
from tests.world.chance import HOUR, MINUTE, SECOND, Faults
from tests.world.github import GitHub, SimRun
from tests.world.scene import FROZEN, KILLED, OVER_THE_NET, START, Scene, Worker
from tests.world.witness import GateAsked, Sent, Witness

UNREADABLE, LIMITED, FORBIDDEN, NOT_FOUND = "a read fails", "a rate limit", "a read is refused", "404 on a known run"
REFUSED, UNREACHABLE = "an order is refused", "GitHub is out of reach"
LOST_BEFORE, LOST_AFTER, LATE = "an order is lost", "an answer is lost", "an order arrives late"
KILLED_IN_FLIGHT = "a process dies with its order in flight"
INCOMPLETE, MISSED = "a listing is cut short", "a listing misses a run"

READ: Faults = ((KILLED, 0.002), (FROZEN, 0.003), (UNREADABLE, 0.008), (LIMITED, 0.003), (FORBIDDEN, 0.001))
READ_RUN: Faults = (*READ, (NOT_FOUND, 0.002))
FIND: Faults = (*READ, (INCOMPLETE, 0.05), (MISSED, 0.05))
START_RUN: Faults = (
    (FROZEN, 0.03),
    (KILLED, 0.02),
    (KILLED_IN_FLIGHT, 0.03),
    (LOST_BEFORE, 0.04),
    (LOST_AFTER, 0.04),
    (LATE, 0.04),
    (UNREACHABLE, 0.02),
    (LIMITED, 0.02),
    (REFUSED, 0.008),
)
AFTER: Faults = ((KILLED, 0.02), (FROZEN, 0.02))
CANCEL: Faults = ((KILLED, 0.003), (FROZEN, 0.003), (LOST_BEFORE, 0.02), (LOST_AFTER, 0.02), (UNREACHABLE, 0.01))

REMEMBERED = 60 * SECOND
STALE = 15 * SECOND


class SimulatedWorkflows:
    """One worker's `Workflows`. `old_server`: the answer to an order does not name the run."""

    def __init__(
        self, github: GitHub, worker: Worker, scene: Scene, witness: Witness, *, old_server: bool, slow: bool
    ) -> None:
        self._github = github
        self._worker = worker
        self._scene = scene
        self._witness = witness
        self._old_server = old_server
        self._at_start = ((FROZEN, 0.3), *START_RUN) if slow else START_RUN
        self._gates: dict[str, tuple[int, GateSeen]] = {}

    def gate(self, target: Target) -> GateSeen:
        name = target.environment
        kept = self._gates.get(name)
        if kept is not None and self._scene.now - kept[0] < REMEMBERED:
            self._witness.see(GateAsked(self._worker, name, kept[1].reviewers, kept[0]))
            return kept[1]
        self._read(f"github.gate {name}", READ)
        reviewers = self._github.reviewers[name]
        gate = GateSeen(reviewers, "" if reviewers else f"environment {name} has no required reviewers")
        if reviewers:
            self._gates[name] = self._scene.now, gate
        else:
            self._gates.pop(name, None)
        self._scene.tell(self._worker.name, f"github.gate {name}: {', '.join(reviewers) or 'nobody'}")
        self._witness.see(GateAsked(self._worker, name, reviewers, self._scene.now))
        self._scene.point(self._worker, f"after github.gate {name}", AFTER, takes=OVER_THE_NET)
        return gate

    def start(self, order: Order) -> Run | None:
        called, what = self._scene.now, f"github.start {order.marker}"
        limit = 2 * order.limit // timedelta(microseconds=1)
        self._witness.see(Sent(self._worker, order, called))
        fault = self._scene.point(self._worker, what, self._at_start, takes=OVER_THE_NET)
        luck = self._scene.chance.stream(f"answer {order.marker}")
        if fault is not None:
            self._scene.tell(self._worker.name, f"{what}: {fault}")
        match fault:
            case str() if fault == REFUSED:
                self._witness.refused.add(order.marker)
                raise Refused("GitHub refused the order: 422", status=422)
            case str() if fault == UNREACHABLE:
                raise NothingHappened("GitHub could not be reached")
            case str() if fault == LIMITED:
                raise NothingHappened("GitHub limits our calls", retry_at=self._in(luck.between(SECOND, HOUR)))
            case str() if fault == LOST_BEFORE:
                self._scene.scheduler.pause(luck.between(0, limit))
                raise LostAnswer("GitHub answered with 502")
            case str() if fault in {LATE, KILLED_IN_FLIGHT}:
                left = called + limit - self._scene.now
                self._scene.scheduler.after(
                    luck.between(0, max(0, left)), partial(self._github.carry_out, order, frozen=False)
                )
                if fault == KILLED_IN_FLIGHT:
                    self._scene.die(self._worker, what)
                self._scene.scheduler.pause(luck.between(0, max(0, left)))
                raise LostAnswer("GitHub did not answer in time")
        run = self._github.carry_out(order, frozen=self._scene.now - called > limit)
        if fault == LOST_AFTER:
            self._scene.scheduler.pause(luck.between(0, limit))
            raise LostAnswer("GitHub's answer was cut off")
        self._scene.point(self._worker, f"after {what}", AFTER, takes=OVER_THE_NET)
        return None if self._old_server else run.run

    def find(self, target: Target, marker: str, *, since: datetime) -> RunsFound:
        fault = self._read(f"github.find {marker}", FIND)
        now = self._scene.now
        there = [
            run
            for run in self._github.runs
            if marker in run.title and run.listed_from <= now and self._created(run) >= since
        ]
        found = [self._seen(run) for run in there if not run.is_missed(now, begins=fault == MISSED)]
        complete = fault != INCOMPLETE
        if not complete:
            found = found[: len(found) // 2]
        found.sort(key=lambda one: (one.created_at, one.run.id))
        told = ", ".join(str(one.run.id) for one in found) or "none"
        self._scene.tell(self._worker.name, f"github.find {marker}: {told}" + ("" if complete else ", cut short"))
        return RunsFound(tuple(found), complete=complete)

    def repeated(self, repository: str, *, since: datetime) -> tuple[RunSeen, ...]:
        self._read("github.repeated", READ)
        again = tuple(self._seen(run) for run in self._github.runs if run.attempt > 1 and self._created(run) >= since)
        self._scene.tell(self._worker.name, f"github.repeated: {', '.join(str(one.run.id) for one in again) or 'none'}")
        return again

    def run(self, target: Target, run_id: int) -> RunSeen:
        if self._read(f"github.run {run_id}", READ_RUN) == NOT_FOUND:
            raise NotFound(f"GitHub does not find run {run_id}")
        run = self._known(run_id)
        seen = self._seen(run)
        if seen.status is RunStatus.COMPLETED:
            run.seen_ended = max(run.seen_ended, seen.run.attempt)
        self._scene.tell(self._worker.name, f"github.run {run_id}: {seen.status} {seen.conclusion or ''}".rstrip())
        return seen

    def pending(self, target: Target, run_id: int) -> tuple[PendingGate, ...]:
        self._read(f"github.pending {run_id}", READ)
        run = self._known(run_id)
        if run.last.status is not RunStatus.WAITING:
            return ()
        return (PendingGate(run.target.environment, self._github.reviewers[run.target.environment]),)

    def reviews(self, target: Target, run_id: int) -> tuple[Review, ...]:
        self._read(f"github.reviews {run_id}", READ)
        run = self._known(run_id)
        shown = tuple(one.review for one in run.answers if one.shown_from <= self._scene.now)
        told = ", ".join(f"{one.reviewer} {'approved' if one.approved else 'rejected'}" for one in shown) or "none"
        self._scene.tell(self._worker.name, f"github.reviews {run_id}: {told}")
        return shown

    def cancel(self, target: Target, run_id: int) -> None:
        what = f"github.cancel {run_id}"
        fault = self._scene.point(self._worker, what, CANCEL, takes=OVER_THE_NET)
        if fault == UNREACHABLE:
            raise NothingHappened("GitHub could not be reached")
        if fault != LOST_BEFORE:
            self._github.cancel(self._known(run_id), self._worker.name)
        if fault in {LOST_BEFORE, LOST_AFTER}:
            raise LostAnswer("GitHub's answer was lost")

    def _read(self, what: str, faults: Faults) -> str | None:
        fault = self._scene.point(self._worker, what, faults, takes=OVER_THE_NET)
        if fault is None:
            return None
        self._scene.tell(self._worker.name, f"{what}: {fault}")
        if fault == UNREADABLE:
            raise Unreadable("GitHub answered with 503")
        if fault == LIMITED:
            later = self._scene.chance.stream(what).between(SECOND, 20 * MINUTE)
            raise Unreadable("GitHub limits our calls", retry_at=self._in(later))
        if fault == FORBIDDEN:
            raise Refused("GitHub does not show it: 403", status=403)
        return fault

    def _seen(self, run: SimRun) -> RunSeen:
        """What GitHub shows of a run: it may be some seconds old."""
        luck = self._scene.chance.stream(f"sight {run.id}")
        then = run.at(self._scene.now - (luck.between(0, STALE) if luck.happens(0.3) else 0))
        now = then if then.attempt == run.attempt else run.last
        return RunSeen(
            run=Run(run.id, run.run.url, now.attempt),
            title=run.title,
            status=now.status,
            conclusion=now.conclusion,
            created_at=self._created(run),
        )

    def _created(self, run: SimRun) -> datetime:
        return START + self._github.created_at(run)

    def _known(self, run_id: int) -> SimRun:
        run = self._github.find(run_id)
        if run is None:
            raise NotFound(f"GitHub does not find run {run_id}")
        return run

    def _in(self, span: int) -> datetime:
        return self._worker.flow.clock.now() + timedelta(microseconds=span)
