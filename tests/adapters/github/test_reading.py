import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.adapters.github.workflows import GitHubWorkflows
from orchestrator.errors import LostAnswer, NotFound, NothingHappened, Refused, Unreadable
from orchestrator.local.github.environment import Reviewer, Rules
from orchestrator.local.github.failures import Kind, Rule
from orchestrator.local.github.repository import Settings, Timings
from orchestrator.local.github.state import StandIn
from orchestrator.ports import Clock, RunStatus
from orchestrator.promotion.record import Target
from tests.adapters.github.conftest import at, calls, listed_run, started
from tests.adapters.github.raw_server import answer, answering, keeping, raw_answer

REVIEWERS = Rules((Reviewer("reviewer-one"), Reviewer("ml-owners", members=("reviewer-two",))))
RUN = listed_run(7)


def test_a_run_is_seen_on_its_way(workflows: GitHubWorkflows, stand_in: StandIn, target: Target) -> None:
    stand_in.add_repository("acme/shop", Settings(timings=Timings(queue_seconds=10, run_seconds=10)))
    stand_in.set_environment("acme/shop", "prod", REVIEWERS)
    run = started(stand_in)

    queued = workflows.run(target, run.id)
    stand_in.advance(10)
    waiting = workflows.run(target, run.id)
    stand_in.approve(run.id, "reviewer-one")
    running = workflows.run(target, run.id)
    stand_in.advance(10)
    done = workflows.run(target, run.id)

    assert [one.status for one in (queued, waiting, running, done)] == [
        RunStatus.QUEUED,
        RunStatus.WAITING,
        RunStatus.RUNNING,
        RunStatus.COMPLETED,
    ]
    assert [one.conclusion for one in (queued, waiting, running, done)] == [None, None, None, "success"]
    assert (done.run.id, done.run.attempt, done.title) == (run.id, 1, "Promote prod:demand:7 [prod:demand:7#1]")
    assert done.created_at == run.created_at.replace(microsecond=0)


def test_a_run_that_runs_again_shows_its_attempt(workflows: GitHubWorkflows, stand_in: StandIn, target: Target) -> None:
    run = started(stand_in)
    stand_in.rerun(run.id)

    assert workflows.run(target, run.id).run.attempt == 2


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("requested", RunStatus.QUEUED),
        ("queued", RunStatus.QUEUED),
        ("pending", RunStatus.QUEUED),
        ("waiting", RunStatus.WAITING),
        ("action_required", RunStatus.WAITING),
        ("in_progress", RunStatus.RUNNING),
        ("completed", RunStatus.COMPLETED),
        ("a new word", RunStatus.RUNNING),
    ],
)
def test_each_word_for_a_status_has_ours(target: Target, clock: Clock, word: str, status: RunStatus) -> None:
    with answering(answer(200, RUN | {"status": word})) as server:
        assert at(server.url, clock).run(target, 7).status is status


def test_a_run_that_did_not_change_costs_nothing(workflows: GitHubWorkflows, stand_in: StandIn, target: Target) -> None:
    run = started(stand_in)
    first = workflows.run(target, run.id)
    used = stand_in.rate_limit.shape(stand_in.now())["used"]

    with ThreadPoolExecutor(1) as other:
        again = other.submit(workflows.run, target, run.id).result()

    assert again == first
    assert calls(stand_in).get("GET run", 0) == 2
    assert stand_in.rate_limit.shape(stand_in.now())["used"] == used


def test_a_run_that_changed_is_read_anew(workflows: GitHubWorkflows, stand_in: StandIn, target: Target) -> None:
    stand_in.add_repository("acme/shop", Settings(timings=Timings(queue_seconds=10)))
    run = started(stand_in)
    workflows.run(target, run.id)

    stand_in.advance(10)

    assert workflows.run(target, run.id).status is RunStatus.COMPLETED


def test_only_so_many_runs_are_remembered(target: Target, clock: Clock) -> None:
    with answering(answer(200, RUN, etag='"a"')) as server:
        workflows = at(server.url, clock)
        for number in range(1, 258):
            workflows.run(target, number)
        workflows.run(target, 1)
        workflows.run(target, 257)

        asked = [call.headers.get("if-none-match") for call in server.calls[-2:]]
    assert asked == [None, '"a"']


def test_a_run_of_nobody_is_not_found(workflows: GitHubWorkflows, target: Target) -> None:
    with pytest.raises(NotFound, match=r"does not find run 7 of acme/shop \(404 Not Found\)"):
        workflows.run(target, 7)


@pytest.mark.parametrize("kind", [Kind.STATUS, Kind.DROP])
def test_a_read_is_tried_three_times(workflows: GitHubWorkflows, stand_in: StandIn, target: Target, kind: Kind) -> None:
    run = started(stand_in)
    stand_in.failures.set([Rule("run", kind, times=2)])
    assert workflows.run(target, run.id).run.id == run.id
    assert calls(stand_in).get("GET run", 0) == 3

    stand_in.failures.set([Rule("run", kind)])
    begun = time.monotonic()
    with pytest.raises(Unreadable, match=f"run {run.id} of acme/shop can't be read"):
        workflows.run(target, run.id)
    assert calls(stand_in).get("GET run", 0) == 6
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("code", "headers", "wait"),
    [
        (429, {"retry-after": "40"}, 40),
        (403, {"retry-after": "40"}, 40),
        (403, {"x-ratelimit-remaining": "0"}, 60),
        (503, {"retry-after": "40"}, 40),
    ],
)
def test_a_limited_read_is_not_tried_again_before_its_moment(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target, code: int, headers: dict[str, str], wait: int
) -> None:
    stand_in.failures.set([Rule("run", Kind.STATUS, code=code, headers=headers)])
    begun = datetime.now(UTC)

    with pytest.raises(Unreadable) as limited:
        workflows.run(target, 7)

    assert limited.value.retry_at is not None
    assert timedelta(seconds=wait) <= limited.value.retry_at - begun < timedelta(seconds=wait + 3)
    assert calls(stand_in).get("GET run", 0) == 1


@pytest.mark.parametrize("code", [401, 403])
def test_a_read_that_is_refused_needs_a_person(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target, code: int
) -> None:
    stand_in.failures.set([Rule("run", Kind.STATUS, code=code, message="No")])

    with pytest.raises(Refused) as refused:
        workflows.run(target, 7)

    assert refused.value.status == code
    assert calls(stand_in).get("GET run", 0) == 1


NOT_A_RUN = {
    "HTML": raw_answer(200, b"<html>", content_length="6"),
    "a list": answer(200, []),
    "no title": answer(200, {name: value for name, value in RUN.items() if name != "display_title"}),
    "no date": answer(200, RUN | {"created_at": "yesterday"}),
    "no content": answer(204),
    "304 unasked": answer(304),
}


@pytest.mark.parametrize("said", NOT_A_RUN.values(), ids=NOT_A_RUN.keys())
def test_an_answer_that_is_no_run_is_unreadable(target: Target, clock: Clock, said: bytes) -> None:
    with answering(said) as server, pytest.raises(Unreadable, match="run 7 of acme/shop"):
        at(server.url, clock).run(target, 7)


def test_a_run_is_cancelled_once_and_an_ended_one_stays_as_it_is(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target
) -> None:
    stand_in.set_environment("acme/shop", "prod", REVIEWERS)
    run = started(stand_in)

    workflows.cancel(target, run.id)
    workflows.cancel(target, run.id)

    assert workflows.run(target, run.id).conclusion == "cancelled"
    assert calls(stand_in).get("POST cancel", 0) == 2


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (Rule("cancel", Kind.STATUS, code=404, message="Not Found"), Refused),
        (Rule("cancel", Kind.STATUS, code=429), NothingHappened),
        (Rule("cancel", Kind.STATUS, code=502), LostAnswer),
        (Rule("cancel", Kind.DROP), LostAnswer),
    ],
)
def test_a_cancellation_that_fails_is_not_repeated(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target, rule: Rule, kind: type[Exception]
) -> None:
    run = started(stand_in)
    stand_in.failures.set([rule])

    with pytest.raises(kind, match=f"cancel run {run.id} of acme/shop"):
        workflows.cancel(target, run.id)

    assert calls(stand_in).get("POST cancel", 0) == 1


def test_each_thread_reads_over_a_connection_of_its_own(target: Target, clock: Clock) -> None:
    with keeping({"GET": []}) as (url, seen), ThreadPoolExecutor(1) as other:
        workflows = at(url, clock)
        for _ in range(2):
            workflows.pending(target, 7)
            other.submit(workflows.pending, target, 7).result()

    ours, theirs, ours_again, theirs_again = seen
    assert ours == ours_again != theirs == theirs_again


def test_each_thread_gets_its_own_answers(workflows: GitHubWorkflows, stand_in: StandIn, target: Target) -> None:
    numbers = [started(stand_in, f"prod:demand:{version}").id for version in range(40)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            seen = list(threads.map(lambda number: workflows.run(target, number).run.id, numbers * 5))
    finally:
        sys.setswitchinterval(before)

    assert seen == numbers * 5
    assert calls(stand_in).get("GET run", 0) == len(seen)
