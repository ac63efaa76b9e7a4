"""The Functions app, indexed and called as the Functions worker does it, on a real store."""

import asyncio
import json
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import azure.functions as func
import pytest
import structlog
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from azure.functions.queue import QueueMessageOutConverter

import function_app
from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.local.github.server import running
from orchestrator.local.github.state import StandIn
from orchestrator.local.scene import set_scene
from orchestrator.policy.load import parse_policy
from orchestrator.ports import JournalEntry, PromotionFilter
from orchestrator.promotion.states import State
from tests.flow.events import model_registered
from tests.flow.story import POLICY

ROOT = Path(__file__).parents[2]
IDENTITY = "staging:diabetes-clf:7"
FUNCTIONS = {str(one.get_function_name()): one for one in function_app.app.get_functions()}  # it indexes only once
CACHES = (function_app._built, function_app._built_console, function_app._settings)


class Output(func.Out[list[str]]):
    """What the worker gives for an output binding."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def set(self, val: list[str]) -> None:
        self.messages = val

    def get(self) -> list[str]:
        return self.messages


@pytest.fixture
def stand_in() -> StandIn:
    stand_in = StandIn()
    set_scene(stand_in, parse_policy({"policy.yaml": POLICY}), reviewers=["reviewer-one"])
    return stand_in


@pytest.fixture
def app(tmp_path: Path, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings of an app that is being developed, on a GitHub of its own."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    monkeypatch.setenv("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    monkeypatch.setenv("ORCHESTRATOR_POLICY", str(tmp_path / "policy.yaml"))
    monkeypatch.setenv("ORCHESTRATOR_STORE", f"sqlite:///{tmp_path / 'orchestrator.db'}")
    monkeypatch.setenv("GITHUB_TOKEN", "any-token")
    with running(stand_in) as github:
        monkeypatch.setenv("GITHUB_API_URL", github)
        yield
    structlog.reset_defaults()
    if function_app._built.cache_info().currsize:
        store().close()
    for cache in CACHES:
        cache.cache_clear()


def store() -> SqliteStore:
    found = function_app._built()[0].store
    assert isinstance(found, SqliteStore)
    return found


def function(name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = FUNCTIONS[name].get_user_function()
    return found


def bindings(name: str) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = json.loads(FUNCTIONS[name].get_function_json())["bindings"]
    return described


def decoded(event: dict[str, Any]) -> func.EventGridEvent | func.CloudEvent:
    return EventGridEventInConverter.decode(Datum(json.dumps(event), "json"), trigger_metadata={})


def the_event() -> dict[str, Any]:
    (event,) = json.loads(model_registered())
    assert isinstance(event, dict)
    return event


def told(event: dict[str, Any]) -> list[str]:
    hints = Output()
    function("on_ml_event")(decoded(event), hints)
    return hints.messages


def journal() -> tuple[JournalEntry, ...]:
    return store().journal(outcome=None, limit=50, cursor=None).entries


def state() -> State:
    stored = store().load(IDENTITY)
    assert stored is not None
    return stored.promotion.state


def test_there_are_the_four_functions_with_their_triggers() -> None:
    triggers = {name: one["type"] for name in FUNCTIONS for one in bindings(name) if "Trigger" in one["type"]}

    assert triggers == {
        "on_ml_event": "eventGridTrigger",
        "advance_promotion": "queueTrigger",
        "sweep": "timerTrigger",
        "console": "httpTrigger",
    }


def test_promotions_are_advanced_from_the_queue() -> None:
    trigger, _ = sorted(bindings("advance_promotion"), key=lambda one: one["direction"])

    assert (trigger["type"], trigger["queueName"], trigger["connection"]) == (
        "queueTrigger",
        "promotions",
        "AzureWebJobsStorage",
    )


@pytest.mark.parametrize("name", ["on_ml_event", "advance_promotion", "sweep"])
def test_hints_leave_through_the_queue_that_promotions_are_advanced_from(name: str) -> None:
    (output,) = (one for one in bindings(name) if one["direction"] == "OUT")

    assert (output["type"], output["queueName"], output["connection"]) == ("queue", "promotions", "AzureWebJobsStorage")


def test_the_sweep_comes_every_minute() -> None:
    (timer,) = (one for one in bindings("sweep") if one["type"] == "timerTrigger")

    assert timer["schedule"] == "0 * * * * *"


def test_the_console_answers_everywhere_and_asks_for_no_key() -> None:
    (http,) = (one for one in bindings("console") if one["type"] == "httpTrigger")

    assert http["route"] == "/{*route}"
    assert http["authLevel"] == "ANONYMOUS"
    assert {"GET", "HEAD", "POST", "DELETE", "OPTIONS"} <= {str(method) for method in http["methods"]}


@pytest.mark.parametrize("name", ["on_ml_event", "advance_promotion", "sweep"])
def test_the_worker_accepts_the_annotations(name: str) -> None:
    """It refuses `Out[list[str]]`, and a union on the trigger, when the function is loaded."""
    hints = typing.get_type_hints(function(name))
    (output,) = typing.get_args(hints["hints"])

    assert QueueMessageOutConverter.check_output_type_annotation(output)
    if name == "on_ml_event":
        assert EventGridEventInConverter.check_input_type_annotation(hints["event"])


def test_an_event_is_stored_and_its_promotion_hinted(app: None) -> None:
    assert told(the_event()) == [IDENTITY]
    assert journal()[0].promotions == (IDENTITY,)
    assert told(the_event()) == []
    assert [entry.outcome for entry in journal()] == ["duplicate", "promoted"]


def test_a_cloud_event_says_the_same(app: None) -> None:
    event = the_event()
    cloud = {
        "specversion": "1.0",
        "id": event["id"],
        "source": event["topic"],
        "type": event["eventType"],
        "subject": event["subject"],
        "time": "2026-03-02T08:07:00.1234567Z",
        "data": event["data"],
    }

    assert told(cloud) == [IDENTITY]
    assert told(event) == []


@pytest.mark.parametrize("missing", ["id", "topic", "eventType", "eventTime", "data"])
def test_half_an_event_is_journalled_and_not_sent_again(app: None, missing: str) -> None:
    event = the_event()
    del event[missing]

    told(event)

    assert len(journal()) == 1


def test_what_could_not_be_stored_raises_so_that_event_grid_sends_again(app: None, tmp_path: Path) -> None:
    told(the_event())
    (tmp_path / "orchestrator.db").rename(tmp_path / "elsewhere.db")

    with pytest.raises(Exception, match=str(tmp_path)):
        told(the_event() | {"id": "another"})


def test_a_promotion_goes_from_the_event_to_its_gate(app: None, stand_in: StandIn) -> None:
    """Whatever is hinted comes back as a message; what is hinted for later is found by the sweep."""
    waiting = told(the_event())
    looks = 0
    while waiting and looks < 20:
        looks += 1
        hints = Output()
        function("advance_promotion")(func.QueueMessage(body=waiting.pop().encode()), hints)
        waiting += hints.messages

    (sight,) = stand_in.runs()
    assert sight.run.inputs["promotion_id"] == IDENTITY
    assert state() is State.QUEUED


def test_the_sweep_hints_what_is_due(app: None) -> None:
    told(the_event())
    stored = store().load(IDENTITY)
    assert stored is not None
    store().postpone(IDENTITY, stored.promotion.opened_at)
    swept = Output()

    function("sweep")(Timer(), swept)

    assert swept.messages == [IDENTITY]


class Timer(func.TimerRequest):
    """A timer that is late, as after a restart."""

    @property
    def past_due(self) -> bool:
        return True

    @property
    def schedule_status(self) -> dict[str, Any]:
        return {}

    @property
    def schedule(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    "body", [b"", b" ", b"\xff\xfe", b"line\nbreak", b"x" * 5000, b"staging:unknown:1", b'{"id": 1}', "模型".encode()]
)
def test_a_message_that_names_no_promotion_is_done_with(app: None, body: bytes) -> None:
    hints = Output()

    function("advance_promotion")(func.QueueMessage(body=body), hints)

    assert hints.messages == []


def asked(path: str, method: str = "GET", body: bytes = b"", **headers: str) -> func.HttpResponse:
    call = func.HttpRequest(method, f"http://localhost:7071{path}", headers=headers, body=body)
    answer = asyncio.run(function("console")(call, None))
    assert isinstance(answer, func.HttpResponse)
    return answer


def test_the_console_is_the_web_app(app: None) -> None:
    told(the_event())

    health = asked("/api/health")
    promotions = json.loads(asked("/api/promotions?state=evaluating").get_body())["promotions"]

    assert (health.status_code, json.loads(health.get_body())["status"]) == (200, "ok")
    assert [one["id"] for one in promotions] == [IDENTITY]
    assert json.loads(asked("/api/promotions/staging%3Adiabetes-clf%3A7").get_body())["id"] == IDENTITY
    assert b"<h1>Promotions</h1>" in asked("/").get_body()
    assert asked("/static/console.css").status_code == 200
    assert asked("/api/github/webhook", "POST", b"{}").status_code == 503
    assert asked("/nothing").status_code == 404
    assert asked("/api/health", "DELETE").status_code == 405


def test_people_are_not_known_there_yet(app: None) -> None:
    told(the_event())

    for action in ("cancel", "retry", "override"):
        answer = asked(f"/api/promotions/{IDENTITY}/{action}", "POST", b'{"reason": "why", "check": "gate"}')
        assert answer.status_code == 403
        assert "log-in" in json.loads(answer.get_body())["detail"]
    assert len(store().history(IDENTITY)) == 1


def test_any_host_is_answered_there(app: None) -> None:
    assert asked("/api/health", host="promotions.example", origin="https://page.example").status_code == 200


def test_wrong_settings_are_said_to_the_log_and_not_to_the_caller(
    app: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("AZURE_FUNCTIONS_ENVIRONMENT")

    answer = asked("/api/health")

    assert answer.status_code == 503
    assert answer.mimetype == "application/problem+json"
    assert json.loads(answer.get_body())["status"] == 503
    assert "ORCHESTRATOR" not in answer.get_body().decode()
    assert "throw-away" in caplog.text


def test_settings_that_were_mended_are_taken_without_a_restart(app: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    assert asked("/api/health").status_code == 503
    monkeypatch.setenv("GITHUB_TOKEN", "any-token")

    assert asked("/api/health").status_code == 200


def test_the_store_is_made_once(app: None) -> None:
    told(the_event())
    first = store()
    asked("/")

    assert store() is first
    assert first.promotions(PromotionFilter(), limit=5, cursor=None).promotions


def test_a_cold_start_costs_at_most_three_times_what_the_functions_library_costs() -> None:
    def seconds(module: str) -> float:
        code = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
        runs = [
            subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
            for _ in range(3)
        ]
        return median(float(run) for run in runs)

    assert seconds("function_app") <= 3 * seconds("azure.functions")
