"""GitHub as it really is in this world: runs, their guard job, gates, reviewers, administrators and people who cancel.

What workers get to see of it, late, partly or not at all, is the business of `workflows`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from orchestrator.ports import Order, Review, RunStatus
from orchestrator.promotion.record import Run, Target
from tests.world.chance import HOUR, MINUTE, SECOND, Spans, Stream
from tests.world.scene import Scene

QUEUE_TIME: Spans = ((0.8, SECOND, 20 * SECOND), (0.2, 20 * SECOND, 6 * MINUTE))
GUARD_TIME: Spans = ((1.0, 4 * SECOND, 25 * SECOND),)
WORK_TIME: Spans = ((0.3, 2 * SECOND, 20 * SECOND), (0.65, 20 * SECOND, 8 * MINUTE), (0.05, 8 * MINUTE, HOUR))
ANSWER_TIME: Spans = ((0.35, 3 * SECOND, MINUTE), (0.6, MINUTE, 30 * MINUTE), (0.05, 30 * MINUTE, 6 * HOUR))
TO_END: Spans = ((1.0, SECOND, 20 * SECOND),)
TO_RUN_AGAIN: Spans = ((0.6, SECOND, 40 * SECOND), (0.4, 40 * SECOND, 30 * MINUTE))
MISSED_FOR = 8 * SECOND
REVIEWS_LAG = 20 * SECOND
MOST_ATTEMPTS = 3
REVIEWERS: tuple[str, ...] = ("reviewer-one", "reviewer-two")


@dataclass(frozen=True, slots=True)
class Moment:
    """What a run was from a moment on."""

    since: int
    attempt: int
    status: RunStatus
    conclusion: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A reviewer's answer to one attempt of a run, and when GitHub's list shows it."""

    shown_from: int
    attempt: int
    review: Review


@dataclass(eq=False)
class SimRun:
    """A run. `frozen`: its order left a process that had frozen after its last check. `nameless`: its name lacks the
    bracket. `seen_ended` is the highest attempt that a worker has read as completed; `again_after_the_end`: a person
    ran it again after that, so what was recorded then can be true no more.
    """

    id: int
    promotion: str
    number: int
    title: str
    target: Target
    created: int
    listed_from: int
    frozen: bool
    nameless: bool
    attempt: int = 1
    moments: list[Moment] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    past_gate: dict[int, str] = field(default_factory=dict)
    past_guard: bool = False
    seen_ended: int = 0
    again_after_the_end: bool = False
    missed_since: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        """The promotion and its attempt."""
        return self.promotion, self.number

    @property
    def last(self) -> Moment:
        """What it is now."""
        return self.moments[-1]

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.last.status is not RunStatus.COMPLETED

    @property
    def run(self) -> Run:
        """Its name in our words."""
        return Run(self.id, f"https://github.com/runs/{self.id}", self.attempt)

    def is_missed(self, now: int, *, begins: bool) -> bool:
        """Whether listings miss the run, once and for some seconds: two looks that are farther apart see it."""
        if begins and self.missed_since is None:
            self.missed_since = now
        return self.missed_since is not None and now - self.missed_since < MISSED_FOR

    def ended(self, attempt: int) -> str | None:
        """How an attempt ended, or None while it goes on."""
        return next((one.conclusion for one in reversed(self.moments) if one.attempt == attempt), None)

    def at(self, when: int) -> Moment:
        """What it was at a moment."""
        return next((one for one in reversed(self.moments) if one.since <= when), self.moments[0])


class GitHub:
    """All runs and environments, as they are. `reviewers` by environment; `created` and `moved` tell the witness."""

    def __init__(self, scene: Scene, *, skew: timedelta, listing_lag: int, drops_id: bool, never_answers: bool) -> None:
        self.scene = scene
        self.skew = skew
        self.runs: list[SimRun] = []
        self.last_move = 0
        self.reviewers = {"staging": REVIEWERS, "prod": REVIEWERS}
        self.told: Callable[[SimRun], None] = lambda _: None
        self.moved: Callable[[SimRun], None] = lambda _: None
        self._listing_lag = listing_lag
        self.drops_id = drops_id
        self._never_answers = never_answers

    def carry_out(self, order: Order, *, frozen: bool) -> SimRun:
        """Create the run that was ordered."""
        promotion, number = order.inputs["promotion_id"], int(order.inputs["attempt"])
        now = self.scene.now
        name = f"{promotion}#{number}"
        same = sum(run.key == (promotion, number) for run in self.runs)
        luck = self.scene.chance.stream(f"run {name} {same}")
        run = SimRun(
            id=1001 + len(self.runs),
            promotion=promotion,
            number=number,
            title=f"Promote {order.inputs['model_name']}" + ("" if self.drops_id else f" {order.marker}"),
            target=order.target,
            created=now - now % SECOND,
            listed_from=now + luck.between(0, self._listing_lag),
            frozen=frozen,
            nameless=self.drops_id,
        )
        self.runs.append(run)
        self._tell(run, f"created for {name}" + (" by a process that had frozen" if frozen else ""))
        self._queue(run)
        self.told(run)
        return run

    def find(self, run_id: int) -> SimRun | None:
        """The run of an id."""
        index = run_id - 1001
        return self.runs[index] if 0 <= index < len(self.runs) else None

    def cancel(self, run: SimRun, who: str) -> None:
        """End a run early."""
        if run.live:
            self._tell(run, f"{who} cancels it")
            self._later(run, "cancel", TO_END, partial(self._complete, run, "cancelled"))

    def is_second(self, run: SimRun) -> bool:
        """Whether an older run carries the same id: then the first job of this one ends it."""
        return not run.nameless and any(
            one.title == run.title and (one.created, one.id) < (run.created, run.id) for one in self.runs
        )

    def created_at(self, run: SimRun) -> timedelta:
        """GitHub's own clock is a little wrong too."""
        return timedelta(microseconds=run.created) + self.skew

    def _queue(self, run: SimRun) -> None:
        self._move(run, RunStatus.QUEUED)
        self._later(run, "queue", QUEUE_TIME, partial(self._guard, run))

    def _guard(self, run: SimRun) -> None:
        self._move(run, RunStatus.RUNNING)
        if self.is_second(run):
            ended = self._luck(run).pick(("failure", "cancelled"))
            self._later(run, "guard", GUARD_TIME, partial(self._complete, run, ended))
        else:
            self._later(run, "guard", GUARD_TIME, partial(self._reach_gate, run))

    def _reach_gate(self, run: SimRun) -> None:
        run.past_guard = True
        if not self.reviewers[run.target.environment]:
            self._pass(run, "nobody: there were no reviewers")
            return
        self._move(run, RunStatus.WAITING)
        die = self._luck(run).random()
        luck = self.scene.chance
        event = f"{run.promotion}#{run.number}.{run.attempt} at its gate"
        if self._never_answers and die < 0.5:
            return
        if luck.event(f"{event}: an administrator", 0.06, kind="an administrator bypasses a gate"):
            self._later(run, "answer", ANSWER_TIME, partial(self._pass, run, "nobody: an administrator"))
        elif luck.event(f"{event}: cancelled", 0.05, kind="a person cancels a run on GitHub"):
            self._later(run, "answer", ANSWER_TIME, partial(self._end_by_person, run))
        elif luck.event(f"{event}: rejected", 0.08, kind="a reviewer rejects"):
            self._later(run, "answer", ANSWER_TIME, partial(self._answer, run, approved=False))
        else:
            self._later(run, "answer", ANSWER_TIME, partial(self._answer, run, approved=True))

    def _answer(self, run: SimRun, *, approved: bool) -> None:
        luck = self._luck(run)
        reviewer = luck.pick(REVIEWERS)
        review = Review((run.target.environment,), approved, reviewer, luck.pick(("", "looks good", "hm")))
        run.answers.append(Answer(self.scene.now + luck.between(0, REVIEWS_LAG), run.attempt, review))
        self._tell(run, f"{reviewer} {'approves' if approved else 'rejects'} attempt {run.attempt}")
        if approved:
            self._pass(run, reviewer)
        else:
            self._later(run, "reject", TO_END, partial(self._complete, run, "failure"))

    def _pass(self, run: SimRun, who: str) -> None:
        run.past_gate[run.attempt] = who
        self._tell(run, f"passes its gate by {who}")
        self._move(run, RunStatus.RUNNING)
        event = f"{run.promotion}#{run.number}.{run.attempt} at work"
        failed = self.scene.chance.event(event, 0.1, kind="a run fails")
        conclusion = self._luck(run).pick(("failure", "timed_out", "neutral")) if failed else "success"
        self._later(run, "work", WORK_TIME, partial(self._complete, run, conclusion))

    def _end_by_person(self, run: SimRun) -> None:
        self.cancel(run, "a person on GitHub")

    def _complete(self, run: SimRun, conclusion: str) -> None:
        self._move(run, RunStatus.COMPLETED, conclusion)
        event = f"{run.promotion}#{run.number}.{run.attempt} again"
        if conclusion == "success" or run.attempt >= MOST_ATTEMPTS or self.scene.chance.calm:
            return
        if self.scene.chance.event(event, 0.25, kind="a person runs a run again"):
            delay = self._luck(run).span(TO_RUN_AGAIN)
            shown = max((one.shown_from for one in run.answers), default=0) - self.scene.now
            self.scene.scheduler.after(max(delay, shown + SECOND), partial(self._run_again, run))

    def _run_again(self, run: SimRun) -> None:
        run.again_after_the_end |= run.seen_ended >= run.attempt
        run.attempt += 1
        self._tell(run, f"is run again: attempt {run.attempt}")
        self._queue(run)

    def _later(self, run: SimRun, what: str, spans: Spans, act: Callable[[], None]) -> None:
        """Let something happen to this attempt, unless it ended before."""
        attempt = run.attempt

        def happen() -> None:
            if run.attempt == attempt and run.live:
                act()

        self.scene.scheduler.after(self._luck(run).span(spans), happen)

    def _luck(self, run: SimRun) -> Stream:
        return self.scene.chance.stream(f"run {run.id}")

    def _move(self, run: SimRun, status: RunStatus, conclusion: str | None = None) -> None:
        run.moments.append(Moment(self.scene.now, run.attempt, status, conclusion))
        self.last_move = self.scene.now
        self._tell(run, f"is {status}" + (f": {conclusion}" if conclusion else ""))
        self.moved(run)

    def _tell(self, run: SimRun, what: str) -> None:
        self.scene.tell("github", f"run {run.id} {what}")
