"""What one path to production costs: requests to GitHub and transactions of the store, counted on the real flow."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from orchestrator.promotion.states import State
from tests.flow.story import telling
from tests.flow.tripwire import Tripwire

STAGING, PROD = "staging:diabetes-clf:7", "prod:diabetes-clf:7"
_WRITES = ("save", "take_due", "postpone", "commit", "put_mark")


@dataclass(frozen=True, slots=True)
class Cost:
    """Per promotion, from the event to success, with a reviewer who answers within ten seconds."""

    dispatches: float
    reads: float
    transactions: float


def cost_of_a_promotion() -> Cost:
    """Follow one version through staging and prod and divide by two."""
    wire = Tripwire()
    with tempfile.TemporaryDirectory() as folder, telling(Path(folder) / "store.db", wrap=wire.around) as story:
        story.register()
        for _ in range(600):
            story.work()
            story.approve_gates()
            if story.is_in(PROD, State.SUCCEEDED)():
                break
            story.clock.pass_by(story.timing.first_look)
        counts, dispatches = story.stand_in.ledger.read()
    total = sum(counts.values())
    transactions = sum(point.startswith("after ") and point.split()[1] in _WRITES for point in wire.points)
    return Cost(len(dispatches) / 2, (total - len(dispatches)) / 2, transactions / 2)
