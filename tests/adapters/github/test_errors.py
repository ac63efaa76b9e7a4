from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from orchestrator.adapters.github_answer import Answer, Broken, Moved, Outcome, Unsent
from orchestrator.adapters.github_errors import before_sending, order_error, read_error
from orchestrator.errors import (
    LostAnswer,
    NotAllowed,
    NotFound,
    NothingHappened,
    OrchestratorError,
    Refused,
    Unreadable,
)

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
ALL_STATUSES = range(100, 600)


def answered(status: int, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, "")


def every_outcome() -> list[Outcome]:
    return [*(answered(status) for status in ALL_STATUSES), Unsent("a"), Broken("b"), Moved("c")]


def test_the_samples_are_of_every_kind_of_outcome() -> None:
    assert {type(outcome) for outcome in every_outcome()} == set(get_args(Outcome))


@pytest.mark.parametrize("headers", [{}, {"retry-after": "5"}, {"x-ratelimit-remaining": "0"}])
def test_every_outcome_of_an_order_has_an_error_and_only_proof_counts_as_proof(headers: dict[str, str]) -> None:
    for bare in every_outcome():
        outcome = Answer(bare.status, headers, "") if isinstance(bare, Answer) else bare
        error = order_error(outcome, "start it", now=NOW)
        match outcome:
            case Answer(status=429):
                assert type(error) is NothingHappened
            case Answer(status=403):
                assert type(error) is (NothingHappened if headers else Refused)
            case Answer(status=status) if 400 <= status < 500 and status != 408:
                assert isinstance(error, Refused)
                assert error.status == status
            case Answer() | Broken():
                assert type(error) is LostAnswer
            case Unsent():
                assert type(error) is NothingHappened
            case Moved():
                assert type(error) is Refused


def test_every_outcome_of_a_read_has_an_error() -> None:
    for outcome in every_outcome():
        error = read_error(outcome, "run 7", now=NOW)
        match outcome:
            case Answer(status=404 | 410):
                assert type(error) is NotFound
            case Answer(status=401 | 403) | Moved():
                assert type(error) is Refused
            case _:
                assert type(error) is Unreadable


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Refused("no"), Refused),
        (NotFound("where"), Refused),
        (NotAllowed("now"), Refused),
        (Unreadable("later", retry_at=NOW), NothingHappened),
        (LostAnswer("hm"), NothingHappened),
    ],
)
def test_what_fails_before_the_order_proves_that_it_was_not_sent(
    error: Refused | NotFound | NotAllowed | Unreadable | LostAnswer, kind: type[OrchestratorError]
) -> None:
    meant = before_sending(error)

    assert type(meant) is kind
    assert getattr(meant, "retry_at", None) == getattr(error, "retry_at", None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "90"}, 90),
        ({"retry-after": "90", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1893499500"}, 90),
        ({"retry-after": "Tue, 01 Jan 2030 12:02:00 GMT"}, 120),
        ({"retry-after": "Tue, 01 Jan 2030 12:02:00 -0000"}, 120),
        ({"retry-after": "soon"}, 60),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "9" * 40}, 3600),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1893499500"}, 300),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1893499000"}, 1),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 40}, 3600),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "never"}, 60),
        ({"x-ratelimit-remaining": "4000", "x-ratelimit-reset": "1893499500"}, 60),
        ({}, 60),
    ],
)
def test_the_next_try_is_at_the_moment_that_github_names(headers: dict[str, str], seconds: int) -> None:
    limited = Answer(429, headers, "")

    order = order_error(limited, "start it", now=NOW)
    read = read_error(limited, "run 7", now=NOW)

    assert isinstance(order, NothingHappened)
    assert isinstance(read, Unreadable)
    assert order.retry_at == read.retry_at == NOW + timedelta(seconds=seconds)


def test_a_server_that_is_down_names_its_moment_too() -> None:
    error = read_error(answered(503, retry_after="20"), "run 7", now=NOW)

    assert isinstance(error, Unreadable)
    assert error.retry_at == NOW + timedelta(seconds=20)


@pytest.mark.parametrize("text", ["", "<html>", "[]", "7", '{"message": null}'])
def test_an_answer_without_a_message_is_told_by_its_status(text: str) -> None:
    assert "(422). Check that" in str(order_error(Answer(422, {}, text), "start it", now=NOW))


def test_a_message_is_told_in_one_line_of_readable_length() -> None:
    answer = Answer(422, {}, '{"message": "Invalid request.\\n\\n' + "x" * 5_000 + '"}')

    assert len(str(order_error(answer, "start it", now=NOW))) < 600
    assert "Invalid request. xxx" in str(order_error(answer, "start it", now=NOW))
