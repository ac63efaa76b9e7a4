import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.adapters.github.identity import TokenIdentity
from orchestrator.adapters.github.workflows import GitHubWorkflows
from orchestrator.local.github.run import Run
from orchestrator.local.github.server import running
from orchestrator.local.github.state import StandIn
from orchestrator.local.github.workflow import Workflow, WorkflowInput
from orchestrator.ports import Clock, Order
from orchestrator.promotion.record import Target


class WorldClock:
    """The clock of this machine. `add` lets monotonic time pass."""

    def __init__(self) -> None:
        self._added = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic() + self._added

    def add(self, seconds: float) -> None:
        self._added += seconds


@pytest.fixture
def clock() -> WorldClock:
    return WorldClock()


@pytest.fixture
def target() -> Target:
    return Target("acme/shop", "promote.yml", "main", "prod")


@pytest.fixture
def order(target: Target) -> Order:
    inputs = {"promotion_id": "prod:demand:7", "attempt": "1", "environment": "prod"}
    return Order(target, inputs, "[prod:demand:7#1]", timedelta(seconds=5))


@pytest.fixture
def stand_in() -> StandIn:
    return furnished(StandIn())


def furnished(stand_in: StandIn) -> StandIn:
    inputs = tuple(WorkflowInput(name) for name in ("promotion_id", "attempt", "environment"))
    run_name = "Promote ${{ inputs.promotion_id }} [${{ inputs.promotion_id }}#${{ inputs.attempt }}]"
    stand_in.add_repository("acme/shop")
    stand_in.add_workflow("acme/shop", Workflow("promote.yml", run_name=run_name, inputs=inputs))
    return stand_in


@pytest.fixture
def url(stand_in: StandIn) -> Iterator[str]:
    with running(stand_in) as url:
        yield url


@pytest.fixture
def workflows(url: str, clock: WorldClock) -> GitHubWorkflows:
    return at(url, clock)


def at(url: str, clock: Clock) -> GitHubWorkflows:
    return GitHubWorkflows(TokenIdentity("secret-token"), url, clock)


def started(stand_in: StandIn, promotion: str = "prod:demand:7", attempt: int = 1) -> Run:
    inputs = {"promotion_id": promotion, "attempt": str(attempt), "environment": "prod"}
    return stand_in.dispatch("acme/shop", "promote.yml", ref="main", inputs=inputs)


def calls(stand_in: StandIn) -> dict[str, int]:
    """How often each `METHOD route` was called."""
    return stand_in.ledger.read()[0]


def listed_run(number: int, title: str = "Promote") -> dict[str, object]:
    return {
        "id": number,
        "html_url": f"http://127.0.0.1/{number}",
        "display_title": title,
        "status": "queued",
        "conclusion": None,
        "created_at": "2030-01-01T12:00:00Z",
    }
