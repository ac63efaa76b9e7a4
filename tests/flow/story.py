"""A story told by tests: the real flow, a real SQLite file, and the GitHub stand-in over HTTP, in virtual time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from orchestrator.adapters.github.identity import TokenIdentity
from orchestrator.adapters.github.workflows import GitHubWorkflows
from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.flow.advance import advance
from orchestrator.flow.intake import receive
from orchestrator.flow.sweep import sweep
from orchestrator.flow.world import Timing, World
from orchestrator.local.github.server import running
from orchestrator.local.github.state import StandIn
from orchestrator.local.github.timeline import Sight
from orchestrator.local.scene import set_scene
from orchestrator.policy.load import parse_policy
from orchestrator.policy.policy import Policy
from orchestrator.ports import JournalEntry, PromotionFilter, Stored
from orchestrator.promotion.record import Promotion
from orchestrator.promotion.states import State
from orchestrator.signals.delivery import parse_delivery
from tests.flow.events import DEV, PRD, STG, model_registered

REPOSITORY = "proseware/diabetes-ml"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

POLICY = f"""
version: 1
github: {{repository: {REPOSITORY}, ref: main}}
environments:
  dev: {{workspace: {DEV}}}
  staging: {{workspace: {STG}, gate: required}}
  prod: {{workspace: {PRD}, gate: required}}
promotions:
  - name: to-staging
    models: ["diabetes-*"]
    from: dev
    to: staging
    on: [model-registered]
    workflow: promote.yml
    checks:
      - {{name: marked as candidate, expect: 'tags.stage == "candidate"'}}
  - name: to-production
    models: ["diabetes-*"]
    from: staging
    to: prod
    on: [promotion-succeeded]
    workflow: promote.yml
    checks: []
"""


class VirtualClock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self._passed = timedelta(0)

    def now(self) -> datetime:
        return START + self._passed

    def monotonic(self) -> float:
        return self._passed.total_seconds()

    def pass_by(self, span: timedelta) -> None:
        self._passed += span


class Hints:
    """A work queue in memory, on virtual time. Losing it all must lose nothing."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.waiting: list[tuple[datetime, str]] = []

    def hint(self, identity: str, *, after: timedelta = timedelta(0)) -> None:
        self.waiting.append((self._clock.now() + after, identity))

    def take(self) -> str | None:
        due = sorted(one for one in self.waiting if one[0] <= self._clock.now())
        if not due:
            return None
        self.waiting.remove(due[0])
        return due[0][1]


@dataclass
class Story:
    """One service, one GitHub, and what a test lets happen."""

    stand_in: StandIn
    clock: VirtualClock
    path: Path
    github_url: str
    policy: Policy
    timing: Timing = field(default_factory=Timing)
    wrap: Callable[[World], World] = lambda world: world
    world: World = field(init=False)
    hints: Hints = field(init=False)

    def __post_init__(self) -> None:
        self._tokens = count(1)
        self.restart()

    def restart(self) -> None:
        """Start the service anew on what is on disk: nothing in memory survives."""
        self.hints = Hints(self.clock)
        plain = World(
            store=SqliteStore(self.path, now=self.clock.now),
            workflows=GitHubWorkflows(TokenIdentity("a-token"), self.github_url, self.clock),
            queue=self.hints,
            clock=self.clock,
            policy=self.policy,
            token=lambda: f"token-{next(self._tokens)}",
            timing=self.timing,
        )
        self.world = self.wrap(plain)

    def deliver(self, body: bytes) -> tuple[JournalEntry, ...]:
        """Event Grid delivers."""
        return receive(self.world, parse_delivery(body))

    def register(self, version: str = "7", *, stage: str = "candidate") -> tuple[JournalEntry, ...]:
        """A candidate is registered in dev."""
        return self.deliver(model_registered(version=version, stage=stage))

    def work(self) -> None:
        """Advance all that is hinted or due now."""
        while True:
            identity = self.hints.take()
            if identity is None:
                if sweep(self.world) == 0:
                    return
                continue
            advance(self.world, identity)

    def wait(self, span: timedelta, *, step: timedelta = timedelta(seconds=10)) -> None:
        """Let time pass, with the service at work."""
        end = self.clock.now() + span
        self.work()
        while self.clock.now() < end:
            self.clock.pass_by(min(step, end - self.clock.now()))
            self.work()

    def wait_until(self, reached: Callable[[], bool], *, at_most: timedelta = timedelta(hours=3)) -> None:
        """Let time pass until something is so."""
        end = self.clock.now() + at_most
        self.work()
        while not reached():
            assert self.clock.now() < end, f"not reached: {[(p.id, p.state, p.waiting_for) for p in self.promotions()]}"
            self.clock.pass_by(timedelta(seconds=10))
            self.work()

    def stored(self, identity: str) -> Stored:
        """Read a promotion."""
        stored = self.world.store.load(identity)
        assert stored is not None, f"{identity} is not in the store"
        return stored

    def promotion(self, identity: str) -> Promotion:
        """Read a promotion."""
        return self.stored(identity).promotion

    def promotions(self) -> tuple[Promotion, ...]:
        """Read all promotions."""
        return self.world.store.promotions(PromotionFilter(), limit=200, cursor=None).promotions

    def is_in(self, identity: str, *states: State) -> Callable[[], bool]:
        """Ask whether a promotion has come to one of these states."""

        def reached() -> bool:
            stored = self.world.store.load(identity)
            return stored is not None and stored.promotion.state in states

        return reached

    def runs(self, identity: str) -> list[Sight]:
        """All runs on GitHub that carry this promotion's id."""
        return [sight for sight in self.stand_in.runs() if sight.run.inputs.get("promotion_id") == identity]

    def facts(self, identity: str) -> list[str]:
        """The facts of a promotion's history."""
        return [str(fact.fact) for fact in self.world.store.history(identity)]

    def approve_gates(self, login: str = "reviewer-one") -> None:
        """Approve every run that waits."""
        for sight in self.stand_in.runs():
            if sight.state.waiting is not None:
                self.stand_in.approve(sight.run.id, login, "looks good")


@contextmanager
def telling(
    path: Path,
    *,
    policy: str = POLICY,
    timing: Timing | None = None,
    wrap: Callable[[World], World] = lambda world: world,
) -> Iterator[Story]:
    """Set the scene: a GitHub with the shipped workflow and reviewers in staging and prod."""
    clock = VirtualClock()
    stand_in = StandIn(now=clock.now)
    rules = parse_policy({"policy.yaml": policy})
    set_scene(stand_in, rules, reviewers=("reviewer-one", "reviewer-two"))
    with running(stand_in) as url:
        yield Story(stand_in, clock, path, url, rules, timing or Timing(), wrap)
