"""What every step of the flow works with: the ports, today's policy and the measures of time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from orchestrator.policy.policy import Policy
from orchestrator.ports import Clock, EvidenceSource, Store, Workflows, WorkQueue

log: structlog.stdlib.BoundLogger = structlog.get_logger("orchestrator")


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take and how often they are looked at.

    `patience` is how long a run may take to show up after an answer was lost; `sweep` how often the sweep comes.
    """

    patience: timedelta = timedelta(seconds=120)
    sweep: timedelta = timedelta(seconds=60)

    @property
    def first_look(self) -> timedelta:
        """The shortest time between two looks at one promotion."""
        return min(timedelta(seconds=10), self.sweep)

    @property
    def send_within(self) -> timedelta:
        """How long after saving the intent its writer may still send."""
        return min(timedelta(seconds=20), self.patience / 2)

    @property
    def send_takes(self) -> timedelta:
        """How long the one call that starts a run may take to connect, and then to answer."""
        return min(timedelta(seconds=15), self.patience / 2)

    @property
    def on_its_way(self) -> timedelta:
        """How long after the intent was saved its order may still reach GitHub; patience begins only then."""
        return self.send_within + 2 * self.send_takes


FOLLOWING_CAP = timedelta(minutes=5)
EVIDENCE_CAP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class World:
    """The ports and values that a step needs. `token` makes names that nobody else makes.

    Without a source of `evidence` only the signals speak: enough for a policy that reads nothing else.
    """

    store: Store
    workflows: Workflows
    queue: WorkQueue
    clock: Clock
    policy: Policy
    token: Callable[[], str]
    timing: Timing = field(default_factory=Timing)
    evidence: EvidenceSource | None = None

    def next_look(self, changed_at: datetime, *, cap: timedelta) -> datetime:
        """Look again after a quarter of the time that nothing changed, never sooner than the first look."""
        now = self.clock.now()
        return now + max(self.timing.first_look, min(cap, (now - changed_at) / 4))
