import time
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest

from orchestrator.adapters.github.workflows import GitHubWorkflows
from orchestrator.errors import NotFound, Unreadable
from orchestrator.local.github.state import StandIn
from orchestrator.local.github.workflow import Workflow
from orchestrator.promotion.identity import marker
from orchestrator.promotion.record import Target
from tests.adapters.github.conftest import at, calls, furnished, listed_run, started
from tests.adapters.github.raw_server import answer, answering

SEVEN = marker("prod:demand:7", 1)
NOON = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)


class StandInClock:
    """The stand-in's time, which moves only when it is told to."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in

    def now(self) -> datetime:
        return self._stand_in.now()

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture
def stand_in() -> StandIn:
    return furnished(StandIn(now=lambda: NOON))


@pytest.fixture
def clock(stand_in: StandIn) -> StandInClock:
    return StandInClock(stand_in)


def ids(workflows: GitHubWorkflows, target: Target, since: datetime, wanted: str = SEVEN) -> tuple[list[int], bool]:
    found = workflows.find(target, wanted, since=since)
    return [one.run.id for one in found.runs], found.complete


def test_no_run_is_a_complete_look(workflows: GitHubWorkflows, stand_in: StandIn, target: Target) -> None:
    assert ids(workflows, target, stand_in.now()) == ([], True)
    assert calls(stand_in) == {"GET runs": 1}


def test_the_whole_bracket_is_compared(workflows: GitHubWorkflows, stand_in: StandIn, target: Target) -> None:
    since = stand_in.now()
    one = started(stand_in, "prod:demand:1")
    ten = started(stand_in, "prod:demand:10")
    again = started(stand_in, "prod:demand:1", attempt=2)
    started(stand_in, "eu-prod:demand:1")

    assert ids(workflows, target, since, marker("prod:demand:1", 1)) == ([one.id], True)
    assert ids(workflows, target, since, marker("prod:demand:10", 1)) == ([ten.id], True)
    assert ids(workflows, target, since, marker("prod:demand:1", 2)) == ([again.id], True)


def test_the_bracket_is_found_beside_other_brackets(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target
) -> None:
    since = stand_in.now()
    stand_in.add_workflow("acme/shop", Workflow("promote.yml", run_name=f"[ml] promote {SEVEN} [eu]"))
    run = stand_in.dispatch("acme/shop", "promote.yml", ref="main", inputs={})

    assert ids(workflows, target, since) == ([run.id], True)


def test_runs_come_oldest_first(workflows: GitHubWorkflows, stand_in: StandIn, target: Target) -> None:
    since = stand_in.now()
    runs = []
    for _ in range(3):
        runs.append(started(stand_in).id)
        stand_in.advance(1)

    assert ids(workflows, target, since) == (runs, True)


def test_runs_from_before_and_of_other_workflows_are_left_out(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target
) -> None:
    stand_in.add_workflow("acme/shop", Workflow("other.yml", run_name=f"Promote {SEVEN}"))
    started(stand_in)
    stand_in.advance(5)
    since = stand_in.now()
    stand_in.dispatch("acme/shop", "other.yml", ref="main", inputs={})
    run = started(stand_in)

    assert ids(workflows, target, since) == ([run.id], True)


def test_a_run_on_the_second_of_the_beginning_is_found(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target
) -> None:
    run = started(stand_in)

    assert ids(workflows, target, run.created_at.replace(microsecond=999_999)) == ([run.id], True)


def test_all_pages_are_read(workflows: GitHubWorkflows, stand_in: StandIn, target: Target) -> None:
    since = stand_in.now()
    run = started(stand_in)
    for version in range(250):
        started(stand_in, f"prod:other:{version}")

    assert ids(workflows, target, since) == ([run.id], True)
    assert calls(stand_in).get("GET runs", 0) == 3


def test_a_span_with_more_runs_than_github_lists_is_halved(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target
) -> None:
    since = stand_in.now()
    first = started(stand_in)
    for version in range(2_400):
        if version % 300 == 0:
            stand_in.advance(20)
        started(stand_in, f"prod:other:{version}")
    last = started(stand_in)

    assert ids(workflows, target, since) == ([first.id, last.id], True)


def test_no_second_is_lost_where_a_span_is_halved(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target
) -> None:
    since = stand_in.now()
    runs = []
    for _ in range(2_100):
        runs.append(started(stand_in).id)
        stand_in.advance(1)

    assert ids(workflows, target, since) == (runs, True)


def test_more_runs_in_one_second_than_github_lists_make_the_look_incomplete(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target
) -> None:
    since = stand_in.now()
    stand_in.advance(60)
    for version in range(1_100):
        started(stand_in, f"prod:other:{version}")
    last = started(stand_in)
    stand_in.advance(60)

    assert ids(workflows, target, since) == ([last.id], False)


def test_a_missing_workflow_is_not_found(workflows: GitHubWorkflows, stand_in: StandIn, target: Target) -> None:
    elsewhere = Target("acme/shop", "other.yml", "main", "prod")

    with pytest.raises(NotFound, match=r"does not find the runs of other\.yml of acme/shop"):
        workflows.find(elsewhere, SEVEN, since=stand_in.now())


def page(total: int, *runs: dict[str, object]) -> bytes:
    return answer(200, {"total_count": total, "workflow_runs": list(runs)})


FULL = [listed_run(number) for number in range(1, 100)]
LIMITED = answer(429, retry_after="30")


def test_a_page_that_fails_after_a_find_makes_the_look_incomplete(target: Target, clock: StandInClock) -> None:
    with answering(page(150, *FULL, listed_run(500, SEVEN)), LIMITED) as server:
        workflows = at(server.url, clock)

        assert ids(workflows, target, NOON) == ([500], False)
        assert len(server.calls) == 2


def test_a_page_that_fails_before_any_find_is_told_with_its_moment(target: Target, clock: StandInClock) -> None:
    with answering(page(150, *FULL, listed_run(500)), LIMITED) as server:
        workflows = at(server.url, clock)

        with pytest.raises(Unreadable) as limited:
            workflows.find(target, SEVEN, since=NOON)
        assert limited.value.retry_at == NOON + timedelta(seconds=30)


def test_a_list_that_shows_less_than_it_counts_is_incomplete(target: Target, clock: StandInClock) -> None:
    with answering(page(2, listed_run(500, SEVEN))) as server:
        workflows = at(server.url, clock)

        assert ids(workflows, target, NOON) == ([500], False)


def test_a_list_that_forgets_the_span_is_incomplete_and_not_halved(
    stand_in: StandIn, target: Target, clock: StandInClock
) -> None:
    stand_in.advance(2 * 86_400)
    with answering(page(2_000, *FULL[:29], listed_run(500, SEVEN))) as server:
        workflows = at(server.url, clock)

        assert ids(workflows, target, NOON + timedelta(days=1)) == ([500], False)
        assert len(server.calls) == 1


def test_a_run_that_shifts_the_pages_is_told_once(target: Target, clock: StandInClock) -> None:
    with answering(
        page(101, *FULL, listed_run(500, SEVEN)), page(102, listed_run(500, SEVEN), listed_run(501))
    ) as server:
        workflows = at(server.url, clock)

        assert ids(workflows, target, NOON) == ([500], True)


def test_github_is_asked_for_dispatched_runs_since_a_moment_in_utc(target: Target, clock: StandInClock) -> None:
    with answering(page(0)) as server:
        workflows = at(server.url, clock)
        workflows.find(target, SEVEN, since=NOON.astimezone(timezone(timedelta(hours=2))))

        asked = urlsplit(server.calls[0].line.removeprefix("GET "))
    assert asked.path == "/repos/acme/shop/actions/workflows/promote.yml/runs"
    assert parse_qs(asked.query) == {
        "event": ["workflow_dispatch"],
        "created": [">=2030-01-01T12:00:00Z"],
        "per_page": ["100"],
        "page": ["1"],
    }
