"""The witness: what really and durably happened, in the order in which it did. The promises are checked against it."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.flow.dropped_ids import dropped_id_mark
from orchestrator.ports import Order
from orchestrator.promotion.history import Fact
from orchestrator.promotion.record import Promotion, Slot
from orchestrator.promotion.states import FactKind
from tests.world.github import GitHub, SimRun
from tests.world.policies import Rules
from tests.world.scene import Scene, Worker


@dataclass(frozen=True, slots=True)
class Signal:
    """An event that Azure ML told once. `stage` is the tag that the check reads, or None where it is missing."""

    id: str
    key: str
    model: str
    version: str
    at: int
    stage: str | None
    link: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Saved:
    """A write of a promotion that is durable. `before` is what its writer had read, None for an opening."""

    worker: Worker
    before: Promotion | None
    after: Promotion
    facts: tuple[Fact, ...]
    slot: Slot | None

    def has(self, kind: FactKind) -> bool:
        """Whether this write recorded a fact of a kind."""
        return any(fact.fact is kind for fact in self.facts)

    @property
    def ends(self) -> bool:
        """Whether this write ended the promotion."""
        return bool(self.facts) and not self.after.state.is_open and (self.before is None or self.before.state.is_open)


@dataclass(frozen=True, slots=True)
class GateAsked:
    """A worker learned who reviews in an environment; GitHub was really asked at `read_at`."""

    worker: Worker
    environment: str
    reviewers: tuple[str, ...]
    read_at: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A worker is about to send an order: its last check is behind it."""

    worker: Worker
    order: Order
    called: int

    @property
    def promotion(self) -> str:
        """Whose run is ordered."""
        return self.order.inputs["promotion_id"]

    @property
    def attempt(self) -> int:
        """Of which attempt."""
        return int(self.order.inputs["attempt"])


@dataclass(frozen=True, slots=True)
class Created:
    """A run exists."""

    run: SimRun


@dataclass(frozen=True, slots=True)
class Moved:
    """A run became something else."""

    run: SimRun


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The sender was told that its signals are safe."""

    worker: Worker
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class Rested:
    """The faults are over for long; nothing more is to come."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A saved intent: when, by whom, and whether it was known then that the workflow drops ids."""

    at: int
    worker: Worker
    writer: str
    nameless_known: bool


Event = Saved | GateAsked | Sent | Created | Moved | Acknowledged | Rested
PROMISES: dict[type, list[Callable[["Witness", Any], str | None]]] = defaultdict(list)

LACKS_A_LOOK = (
    "SELECT id FROM promotions WHERE open = 1 AND NOT EXISTS (SELECT 1 FROM due WHERE promotion_id = promotions.id)"
)


@dataclass(eq=False)
class Witness:
    """Sees every event, asks the promises about it, then remembers it."""

    scene: Scene
    github: GitHub
    real: SqliteStore
    send_within: int
    signals: dict[str, Signal] = field(default_factory=dict)
    deployed: list[Rules] = field(default_factory=list)
    promotions: dict[str, Promotion] = field(default_factory=dict)
    facts: dict[str, list[Fact]] = field(default_factory=lambda: defaultdict(list))
    slots: dict[str, Slot] = field(default_factory=dict)
    intents: dict[tuple[str, int], Intent] = field(default_factory=dict)
    asked: dict[tuple[str, str], tuple[int, GateAsked]] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def see(self, event: Event) -> None:
        """Check what was promised about such an event."""
        if self.scene.broken is not None:
            return
        for holds in PROMISES[type(event)]:
            how = holds(self, event)
            if how is not None:
                self.scene.violate(" ".join((holds.__doc__ or "").split()), how)
                return
        self._remember(event)

    def look_at_due(self) -> None:
        """Check that no open promotion lacks its look."""
        if self.scene.broken is None:
            row = self.real._database.row(LACKS_A_LOOK)
            if row is not None:
                self.scene.violate("The due index never lacks an open promotion.", f"{row[0]} is open and never due")

    def runs_of(self, promotion: str, attempt: int) -> list[SimRun]:
        """All runs that were created for an attempt."""
        return [run for run in self.github.runs if run.key == (promotion, attempt)]

    def run_of(self, promotion: Promotion) -> SimRun | None:
        """The run that a promotion follows, as it really is."""
        return None if promotion.run is None else self.github.find(promotion.run.id)

    def ever(self, environment: str, mode: str) -> bool:
        """Whether any policy so far had the route into an environment in this mode."""
        return any(rules.mode(environment) == mode for rules in self.deployed)

    def newer(self, one: Promotion, other: Promotion) -> bool:
        """Whether one candidate really was registered after another, whatever their records say."""
        return self._registered(one) > self._registered(other)

    def _registered(self, promotion: Promotion) -> int:
        mine = (promotion.candidate.model, promotion.candidate.version)
        return next(one.at for one in self.signals.values() if (one.model, one.version) == mine)

    def stages(self, promotion: Promotion) -> set[str | None]:
        """What the signals about a candidate said of it so far."""
        mine = (promotion.candidate.model, promotion.candidate.version)
        return {one.stage for one in self.signals.values() if (one.model, one.version) == mine and one.link is None}

    def _remember(self, event: Event) -> None:
        match event:
            case Saved(after=after):
                self.promotions[after.id] = after
                self.facts[after.id] += event.facts
                if event.slot is not None:
                    self.slots[event.slot.key] = event.slot
                if event.has(FactKind.INTENT_SAVED) and after.dispatch is not None:
                    known = self.real.mark(dropped_id_mark(after.dispatch.target)) is not None
                    intent = Intent(self.scene.now, event.worker, after.dispatch.writer, known)
                    self.intents[after.id, after.attempt] = intent
            case GateAsked():
                self.asked[event.worker.name, event.environment] = self.scene.now, event
            case Sent():
                self.sent.add(self.intents[event.promotion, event.attempt].writer)
            case Acknowledged():
                self.acknowledged |= {signal.id for signal in event.signals}
            case _:
                pass
