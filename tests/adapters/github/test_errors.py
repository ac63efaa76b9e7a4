import socket
from datetime import UTC, datetime, timedelta

import pytest
import requests
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NameResolutionError, NewConnectionError

from orchestrator.adapters.github.errors import (
    Answer,
    before_sending,
    credential_error,
    order_error,
    read_error,
)
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


CONNECTION = HTTPConnection("127.0.0.1")
UNCONNECTED = [
    NewConnectionError(CONNECTION, "refused"),
    NameResolutionError("nowhere.invalid", CONNECTION, socket.gaierror("unknown")),
    ConnectTimeoutError(CONNECTION, "too late"),
]
BROKEN = [
    requests.ConnectionError("reset"),
    requests.ReadTimeout("too late"),
    requests.exceptions.SSLError("record"),
    requests.exceptions.ChunkedEncodingError("cut"),
    requests.exceptions.ContentDecodingError("false gzip"),
    OSError("down"),
    ValueError("a header"),
]
MOVED = RuntimeError("Github server redirected from host a to b")
REDIRECTS = 301, 302, 307, 308


def wrapped(reason: Exception) -> requests.ConnectionError:
    """An error as requests gives it, with the reason below."""
    inner = MaxRetryError(HTTPConnectionPool("127.0.0.1"), "/", reason)
    outer = requests.ConnectionError(inner)
    inner.__cause__, outer.__context__ = reason, inner
    return outer


@pytest.mark.parametrize("headers", [{}, {"retry-after": "5"}, {"x-ratelimit-remaining": "0"}])
def test_every_answer_to_an_order_has_an_error_and_only_proof_counts_as_proof(headers: dict[str, str]) -> None:
    for status in ALL_STATUSES:
        error = order_error(Answer(status, headers, ""), "start it", now=NOW)
        if status == 429 or (status == 403 and headers):
            assert type(error) is NothingHappened
        elif status in REDIRECTS:
            assert type(error) is Refused
        elif 400 <= status < 500 and status != 408:
            assert isinstance(error, Refused)
            assert error.status == status
        else:
            assert type(error) is LostAnswer


@pytest.mark.parametrize("reason", UNCONNECTED, ids=lambda reason: type(reason).__name__)
def test_only_a_connection_that_never_came_about_proves_that_nothing_was_sent(reason: Exception) -> None:
    assert type(order_error(wrapped(reason), "start it", now=NOW)) is NothingHappened


@pytest.mark.parametrize("failure", BROKEN, ids=lambda failure: type(failure).__name__)
def test_whatever_else_breaks_loses_the_answer(failure: Exception) -> None:
    assert type(order_error(wrapped(failure), "start it", now=NOW)) is LostAnswer
    assert type(order_error(failure, "start it", now=NOW)) is LostAnswer


def test_every_failure_of_a_read_has_an_error() -> None:
    answers = [answered(status) for status in ALL_STATUSES]
    failures: list[Answer | Exception] = [*answers, *map(wrapped, UNCONNECTED), *BROKEN, MOVED]
    for failure in failures:
        error = read_error(failure, "run 7", now=NOW)
        match failure:
            case Answer(status=404 | 410):
                assert type(error) is NotFound
            case Answer(status=401 | 403 | 301 | 302 | 307 | 308) | RuntimeError():
                assert type(error) is Refused
            case _:
                assert type(error) is Unreadable


def test_a_failed_token_never_means_that_something_is_not_there() -> None:
    for status in ALL_STATUSES:
        error = credential_error(answered(status), "a token", now=NOW)
        refused = status in (*REDIRECTS, 401, 403, 404, 410, 422)
        assert type(error) is (Refused if refused else Unreadable)


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
