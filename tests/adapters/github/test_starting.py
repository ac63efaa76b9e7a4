import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.adapters.github.workflows import GitHubWorkflows
from orchestrator.errors import LostAnswer, NothingHappened, Refused
from orchestrator.local.github.failures import Kind, Rule
from orchestrator.local.github.repository import Settings
from orchestrator.local.github.state import StandIn
from orchestrator.ports import Clock, Order
from orchestrator.promotion.record import Run
from tests.adapters.github.conftest import at, calls
from tests.adapters.github.raw_server import RESET, answer, answering, keeping, raw_answer

STARTED = {"workflow_run_id": 77, "run_url": "http://127.0.0.1/api/77", "html_url": "http://127.0.0.1/77"}
BOUND = 3.0
"""Seconds within which a call of `SHORT` has long ended, on a busy machine too."""

SHORT = timedelta(seconds=1)


def test_one_call_starts_a_run_and_names_it(
    workflows: GitHubWorkflows, stand_in: StandIn, url: str, order: Order
) -> None:
    started = workflows.start(order)

    (sight,) = stand_in.runs()
    assert started == Run(sight.run.id, f"{url}/acme/shop/actions/runs/{sight.run.id}", attempt=1)
    assert sight.run.inputs == order.inputs
    assert sight.run.ref == "main"
    assert order.marker in sight.run.title
    assert calls(stand_in) == {"POST dispatch": 1}


def test_an_order_goes_over_a_connection_of_its_own(order: Order, clock: Clock) -> None:
    with keeping({"GET": [], "POST": STARTED}) as (url, seen):
        workflows = at(url, clock)
        workflows.pending(order.target, 7)
        workflows.start(order)
        workflows.start(order)
        workflows.pending(order.target, 7)

    (first, second), (third, fourth) = ([port for verb, port in seen if verb == one] for one in ("GET", "POST"))
    assert first == second
    assert len({first, third, fourth}) == 3


def test_an_old_server_takes_the_order_without_naming_the_run(
    workflows: GitHubWorkflows, stand_in: StandIn, order: Order
) -> None:
    stand_in.add_repository("acme/shop", Settings(old_server=True))

    assert workflows.start(order) is None
    assert len(stand_in.runs()) == 1
    assert calls(stand_in) == {"POST dispatch": 1}


def test_a_missing_ref_is_refused_in_githubs_words(workflows: GitHubWorkflows, stand_in: StandIn, order: Order) -> None:
    elsewhere = replace(order, target=replace(order.target, ref="release/9"))

    with pytest.raises(Refused) as refused:
        workflows.start(elsewhere)

    assert str(refused.value) == (
        "GitHub refused to start promote.yml of acme/shop on release/9 (422 No ref found for: release/9). Check that "
        "the ref exists, and that the workflow has a workflow_dispatch trigger which declares the inputs"
    )
    assert refused.value.status == 422
    assert calls(stand_in) == {"POST dispatch": 1}


def test_a_missing_workflow_is_refused(workflows: GitHubWorkflows, stand_in: StandIn, order: Order) -> None:
    elsewhere = replace(order, target=replace(order.target, workflow="other.yml"))

    with pytest.raises(Refused, match=r"start other\.yml of acme/shop on main \(404 Not Found\)\. Check the names"):
        workflows.start(elsewhere)

    assert calls(stand_in) == {"POST dispatch": 1}


@pytest.mark.parametrize("code", [500, 502, 503, 504, 408])
@pytest.mark.parametrize("before", [True, False])
def test_a_failing_server_does_not_start_a_second_run(
    workflows: GitHubWorkflows, stand_in: StandIn, order: Order, code: int, *, before: bool
) -> None:
    stand_in.failures.set([Rule("dispatch", Kind.STATUS, code=code, times=1, before=before)])

    with pytest.raises(LostAnswer, match=rf"answered with {code} Server Error: it may have done so or not"):
        workflows.start(order)

    assert calls(stand_in) == {"POST dispatch": 1}
    assert len(stand_in.runs()) == (0 if before else 1)


@pytest.mark.parametrize("before", [True, False])
def test_a_lost_answer_does_not_start_a_second_run(
    workflows: GitHubWorkflows, stand_in: StandIn, order: Order, *, before: bool
) -> None:
    stand_in.failures.set([Rule("dispatch", Kind.DROP, times=1, before=before)])

    with pytest.raises(LostAnswer, match="its answer was lost"):
        workflows.start(order)

    assert calls(stand_in) == {"POST dispatch": 1}
    assert len(stand_in.runs()) == (0 if before else 1)


def test_an_answer_that_comes_too_late_is_lost_in_time(
    workflows: GitHubWorkflows, stand_in: StandIn, order: Order
) -> None:
    stand_in.failures.set([Rule("dispatch", Kind.HANG, seconds=60, before=False)])
    begun = time.monotonic()

    with pytest.raises(LostAnswer):
        workflows.start(replace(order, limit=SHORT))

    assert time.monotonic() - begun < BOUND
    assert calls(stand_in) == {"POST dispatch": 1}
    assert len(stand_in.runs()) == 1


@pytest.mark.parametrize(
    ("code", "headers", "message", "wait"),
    [
        (429, {}, "Too many requests", 60),
        (429, {"retry-after": "7"}, "Too many requests", 7),
        (403, {"retry-after": "30"}, "Forbidden", 30),
        (403, {}, "You have exceeded a secondary rate limit", 60),
        (403, {"x-ratelimit-remaining": "0"}, "API rate limit exceeded for installation ID 1", 60),
    ],
)
def test_a_limit_means_that_nothing_happened_and_is_not_slept_out(
    workflows: GitHubWorkflows,
    stand_in: StandIn,
    order: Order,
    code: int,
    headers: dict[str, str],
    message: str,
    wait: int,
) -> None:
    stand_in.failures.set([Rule("dispatch", Kind.STATUS, code=code, headers=headers, message=message)])
    begun = datetime.now(UTC)

    with pytest.raises(NothingHappened, match="GitHub limits our calls and did not start promote") as limited:
        workflows.start(order)

    assert limited.value.retry_at is not None
    assert timedelta(seconds=wait) <= limited.value.retry_at - begun < timedelta(seconds=wait + BOUND)
    assert calls(stand_in) == {"POST dispatch": 1}


@pytest.mark.parametrize(
    ("code", "message", "advice"),
    [
        (400, "Problems parsing JSON", ""),
        (401, "Bad credentials", "Renew the token"),
        (403, "Resource not accessible by integration", "Actions: write"),
    ],
)
def test_a_refusal_names_what_a_person_must_do(
    workflows: GitHubWorkflows, stand_in: StandIn, order: Order, code: int, message: str, advice: str
) -> None:
    stand_in.failures.set([Rule("dispatch", Kind.STATUS, code=code, message=message)])

    with pytest.raises(Refused, match=rf"\({code} {message}\).*{advice}") as refused:
        workflows.start(order)

    assert refused.value.status == code
    assert calls(stand_in) == {"POST dispatch": 1}


NOT_UNDERSTOOD = {
    "reset after reading": RESET,
    "closed without a word": b"",
    "closed in the first line": b"HTTP/1.1 200 Sa",
    "closed in the body": raw_answer(200, b'{"workflow_run_id": 7', content_length="500"),
    "HTML": raw_answer(200, b"<html>not GitHub</html>", content_length="23"),
    "false gzip": raw_answer(200, b"not gzip", content_length="8", content_encoding="gzip"),
    "200 without a body": answer(200),
    "no run in it": answer(200, {}),
    "a list": answer(200, []),
    "a run without a number": answer(200, {"workflow_run_id": "none", "html_url": ""}),
    "201": answer(201, STARTED),
    "304": answer(304),
}


@pytest.mark.parametrize("said", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD.keys())
def test_whatever_can_not_be_understood_is_a_lost_answer(order: Order, clock: Clock, said: bytes) -> None:
    with answering(said) as server:
        with pytest.raises(LostAnswer):
            at(server.url, clock).start(order)

        assert len(server.calls) == 1


def test_a_refused_connection_means_that_nothing_happened(order: Order, clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    with pytest.raises(NothingHappened, match=r"so nothing was sent: .*Connection refused"):
        at(url, clock).start(order)


def test_a_connection_that_does_not_come_about_means_that_nothing_happened(order: Order, clock: Clock) -> None:
    begun = time.monotonic()

    with full_port() as url, pytest.raises(NothingHappened, match="nothing was sent"):
        at(url, clock).start(replace(order, limit=SHORT))

    assert time.monotonic() - begun < BOUND


@contextmanager
def full_port() -> Iterator[str]:
    """A port whose queue of connections is full: one more waits."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1))
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


class Leaping:
    """A clock on which each look takes two seconds."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        self._seconds += 2
        return self._seconds


@pytest.mark.parametrize("limit", [0, 1])
def test_nothing_is_sent_once_the_time_is_over(stand_in: StandIn, url: str, order: Order, limit: int) -> None:
    with pytest.raises(NothingHappened, match="before anything was sent"):
        at(url, Leaping()).start(replace(order, limit=timedelta(seconds=limit)))

    assert calls(stand_in) == {}
