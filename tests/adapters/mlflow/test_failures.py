"""What becomes of answers that are none."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from orchestrator.adapters.mlflow.address import Address, OneServer
from orchestrator.adapters.mlflow.client import MOST_BYTES
from orchestrator.adapters.mlflow.source import MlflowEvidence
from orchestrator.errors import Refused, Unreadable
from tests.adapters.github.raw_server import RESET, answer, answering, raw_answer
from tests.adapters.mlflow.conftest import WorldClock, wanted

CANARY = "canary-token-that-nobody-may-see"
EXPERIMENTS = answer(200, {"experiments": [{"experiment_id": "1", "name": "training"}]})
VERSION = answer(200, {"model_version": {"name": "demand", "version": "7", "run_id": "r1"}})
INFO = {"run_id": "r1", "experiment_id": "1", "status": "FINISHED"}
RUN = answer(200, {"run": {"info": INFO, "data": {"metrics": [{"key": "auc", "value": 0.9}]}}})
NO_RUNS = answer(200, {})
GOOD = [EXPERIMENTS, VERSION, RUN, NO_RUNS]

Make = Callable[[Address], MlflowEvidence]


def test_a_usual_reading_takes_four_calls(evidence_at: Make) -> None:
    with answering(*GOOD) as server:
        assert evidence_at(OneServer(server.url)).read(wanted()).metrics == {"auc": 0.9}

        assert [call.line.partition("?")[0] for call in server.calls] == [
            "POST /api/2.0/mlflow/experiments/search",
            "GET /api/2.0/mlflow/model-versions/get",
            "GET /api/2.0/mlflow/runs/get",
            "POST /api/2.0/mlflow/runs/search",
        ]


@pytest.mark.parametrize("bad", [answer(500), answer(502), answer(503), answer(429), RESET])
def test_two_short_failures_are_lived_through(evidence_at: Make, bad: bytes) -> None:
    with answering(EXPERIMENTS, bad, bad, VERSION, RUN, NO_RUNS) as server:
        assert evidence_at(OneServer(server.url)).read(wanted()).metrics == {"auc": 0.9}


@pytest.mark.parametrize("bad", [answer(500), answer(429), RESET])
def test_a_third_failure_is_told(evidence_at: Make, bad: bytes) -> None:
    with answering(EXPERIMENTS, bad) as server:
        with pytest.raises(Unreadable, match=r"model demand:7 can't be read.* just now") as caught:
            evidence_at(OneServer(server.url)).read(wanted())

        assert len(server.calls) == 4
    assert caught.value.retry_at is None


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_names_a_moment_is_left_alone_until_then(
    evidence_at: Make, clock: WorldClock, status: int
) -> None:
    with answering(answer(status, {"message": "too many calls"}, retry_after="30")) as server:
        with pytest.raises(Unreadable, match=rf"answered {status} too many calls") as caught:
            evidence_at(OneServer(server.url)).read(wanted())

        assert len(server.calls) == 1
    assert caught.value.retry_at is not None
    assert timedelta(seconds=25) < caught.value.retry_at - clock.now() <= timedelta(seconds=30)


def test_the_moment_may_be_a_date(evidence_at: Make, clock: WorldClock) -> None:
    moment = (clock.now() + timedelta(minutes=5)).replace(microsecond=0)
    with (
        answering(answer(503, retry_after=format_datetime(moment.astimezone(UTC), usegmt=True))) as server,
        pytest.raises(Unreadable) as caught,
    ):
        evidence_at(OneServer(server.url)).read(wanted())

    assert caught.value.retry_at == moment


def test_a_moment_that_is_none_is_left_out(evidence_at: Make) -> None:
    with answering(answer(503, retry_after="soon")) as server, pytest.raises(Unreadable) as caught:
        evidence_at(OneServer(server.url)).read(wanted())

    assert caught.value.retry_at is None


def test_no_server_is_left_alone_for_more_than_an_hour(evidence_at: Make, clock: WorldClock) -> None:
    with answering(answer(503, retry_after="999999999999")) as server, pytest.raises(Unreadable) as caught:
        evidence_at(OneServer(server.url)).read(wanted())

    assert caught.value.retry_at is not None
    assert caught.value.retry_at <= clock.now() + timedelta(hours=1)


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_read_is_told_what_to_check(evidence_at: Make, status: int) -> None:
    with answering(answer(status, {"error_code": "PERMISSION_DENIED", "message": "no access"})) as server:
        with pytest.raises(Refused, match=rf"\({status} no access\)\. Check MLFLOW_TRACKING_TOKEN") as caught:
            evidence_at(OneServer(server.url, CANARY)).read(wanted())

        assert len(server.calls) == 1
    assert caught.value.status == status


def test_a_question_that_the_server_does_not_take_needs_a_person(evidence_at: Make) -> None:
    bad = answer(400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "unsupported filter"})
    with (
        answering(EXPERIMENTS, VERSION, RUN, bad) as server,
        pytest.raises(Refused, match=r"runs tagged model_name = demand .*400 unsupported filter"),
    ):
        evidence_at(OneServer(server.url)).read(wanted())


def test_a_page_that_is_not_there_is_no_model_that_is_not_there(evidence_at: Make) -> None:
    with (
        answering(EXPERIMENTS, answer(404, {"detail": "Not Found"})) as server,
        pytest.raises(Refused, match=r"does not tell model demand:7 \(404\)\. Check the address"),
    ):
        evidence_at(OneServer(server.url)).read(wanted())


def test_the_token_does_not_follow_a_redirect(evidence_at: Make) -> None:
    with answering(NO_RUNS) as elsewhere, answering(answer(302, location=elsewhere.url)) as server:
        with pytest.raises(Refused, match=r"\(302\)\. Check the address"):
            evidence_at(OneServer(server.url, CANARY)).read(wanted())

        assert elsewhere.calls == []


@pytest.mark.parametrize(
    "body",
    [
        b"<html>sign in</html>",
        b"",
        b"[]",
        b"7",
        b'{"experiments": [{"name": "no id"}]}',
        b'{"experiments": 7}',
        b"[" * 100_000,
    ],
)
def test_what_is_not_mlflows_json_is_unreadable(evidence_at: Make, body: bytes) -> None:
    with (
        answering(raw_answer(200, body, content_length=str(len(body)))) as server,
        pytest.raises(Unreadable, match=r"The answer of http.* about the experiments can't be understood"),
    ):
        evidence_at(OneServer(server.url)).read(wanted())


def test_an_endless_answer_is_not_read_to_its_end(evidence_at: Make) -> None:
    with (
        answering(raw_answer(200, b" " * (MOST_BYTES + 1))) as server,
        pytest.raises(Unreadable, match="is longer than"),
    ):
        evidence_at(OneServer(server.url)).read(wanted())


def test_a_reading_ends_after_fifteen_seconds(evidence_at: Make, clock: WorldClock) -> None:
    class SlowClock(WorldClock):
        """Each look at it takes four seconds."""

        def monotonic(self) -> float:
            self.add(4)
            return super().monotonic()

    with answering(*GOOD) as server:
        slow = MlflowEvidence(OneServer(server.url), SlowClock())
        with pytest.raises(Unreadable, match=r"is slow: .* was not read within 15 s"):
            slow.read(wanted())
        slow.close()

        assert len(server.calls) < 4


def test_a_server_that_is_not_there_is_waited_for(evidence_at: Make) -> None:
    with answering(NO_RUNS) as server:
        nobody = server.url
    with pytest.raises(Unreadable, match=r"the experiments can't be read from http://127\.0\.0\.1:\d+ just now"):
        evidence_at(OneServer(nobody)).read(wanted())


def test_experiments_beyond_the_first_thousand_are_said(evidence_at: Make) -> None:
    many = answer(200, {"experiments": [{"experiment_id": "5", "name": "other"}], "next_page_token": "more"})
    with answering(many, VERSION, RUN, NO_RUNS) as server:
        absent = evidence_at(OneServer(server.url)).read(wanted()).absent

        assert '"experiment_ids":["1","5"]' in server.calls[-1].body
    assert absent == ("of the experiments in dev only 1000 were searched for runs",)


def test_versions_beyond_the_first_thousand_are_said(evidence_at: Make) -> None:
    many = answer(200, {"model_versions": [{"name": "demand", "version": "7"}], "next_page_token": "more"})
    with answering(EXPERIMENTS, NO_RUNS, many, VERSION, RUN, NO_RUNS) as server:
        absent = evidence_at(OneServer(server.url)).read(wanted(promotion="staging:demand:7")).absent

    assert any("among the 1 that were read; version 7 is taken for it" in text for text in absent)


def test_runs_that_do_not_carry_the_tags_asked_for_are_not_believed(evidence_at: Make) -> None:
    tags = [{"key": "model_name", "value": "demand"}, {"key": "model_version", "value": "8"}]
    other = {"info": INFO | {"run_id": "r2"}, "data": {"metrics": [{"key": "auc", "value": 1}], "tags": tags}}
    with answering(EXPERIMENTS, VERSION, RUN, answer(200, {"runs": [other]})) as server:
        assert evidence_at(OneServer(server.url)).read(wanted()).metrics == {"auc": 0.9}


def test_versions_of_a_model_with_another_spelling_are_not_believed(evidence_at: Make) -> None:
    tag = {"key": "promotion_id", "value": "staging:demand:7"}
    other = answer(200, {"model_versions": [{"name": "Demand", "version": "9", "tags": [tag]}]})
    with answering(EXPERIMENTS, NO_RUNS, other, VERSION, RUN, NO_RUNS) as server:
        assert evidence_at(OneServer(server.url)).read(wanted(promotion=tag["value"])).arrived_version is None


def test_numbers_as_text_and_nulls_are_read(evidence_at: Make) -> None:
    metrics = [
        {"key": "auc", "value": "0.9", "timestamp": "1700000000000", "step": "3"},
        {"key": "loss", "value": None},
    ]
    run = {"info": INFO | {"start_time": "1700000000000"}, "data": {"metrics": metrics, "tags": None}}
    version = {"name": "demand", "version": 7, "creation_timestamp": "1700000000000", "run_id": None, "tags": None}
    with answering(EXPERIMENTS, answer(200, {"model_version": version}), answer(200, {"run": run}), NO_RUNS) as server:
        measured = evidence_at(OneServer(server.url)).read(wanted(run_id="r1"))

    assert measured.metrics == {"auc": 0.9}
    assert measured.registered_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert measured.absent == ("metric loss of run r1 is no number, so it is left out",)


@pytest.mark.parametrize(
    "bad",
    [
        answer(401, {"message": f"Bearer {CANARY} is not known"}),
        answer(503, {"message": f"Bearer {CANARY} is not known"}),
        answer(418, {"error": {"code": "Teapot", "message": f"{CANARY}"}}),
        answer(200, {"run": {"info": INFO | {"start_time": CANARY}}}),
        RESET,
    ],
)
def test_the_token_is_in_no_error_and_no_log(evidence_at: Make, bad: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with answering(bad) as server:
        server.answers[:0] = [EXPERIMENTS]
        source = evidence_at(OneServer(server.url, CANARY))
        with pytest.raises((Refused, Unreadable)) as caught:
            source.read(wanted("training", "r1", run_id="r1"))

        assert server.calls[0].headers["authorization"] == f"Bearer {CANARY}"
    error: BaseException | None = caught.value
    while error is not None:
        assert CANARY not in f"{error} {error!r} {vars(error)}"
        error = error.__cause__
    assert CANARY not in caplog.text
    assert CANARY not in repr(OneServer(server.url, CANARY))
