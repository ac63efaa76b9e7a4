"""The JSON API: the promised fields, pages and filters; and clear words for what can't be answered."""

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest
import uvicorn
from jsonschema import Draft202012Validator

from orchestrator.console.app import create_app
from orchestrator.console.problems import Problem
from orchestrator.decide.checks import CheckResult, Verdict
from orchestrator.decide.decision import Decision, Outcome
from orchestrator.flow.advance import advance
from orchestrator.flow.recording import record
from orchestrator.flow.world import World
from orchestrator.policy.policy import Gate
from orchestrator.ports import Store
from orchestrator.promotion.history import chained
from orchestrator.promotion.record import Arrived, Dispatch, GateRecord, Run, Target
from orchestrator.promotion.states import FactKind
from orchestrator.settings import Settings
from tests.console.listening import listening
from tests.flow.events import STG, model_registered

ADDRESS = "/runtime/webhooks/eventgrid?functionName=on_ml_event"
IDENTITY = "staging:diabetes-clf:7"
AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
FIELDS = """
    id model version from to route intent state attempt opened_at updated_at next_look_at waiting_for arrived run gate
    decision
""".split()


def deliver(client: httpx.Client, **event: str) -> None:
    assert client.post(ADDRESS, content=model_registered(**event)).status_code == 200  # type: ignore[arg-type]


def shown(client: httpx.Client, identity: str = IDENTITY) -> dict[str, Any]:
    answer = client.get(f"/api/promotions/{identity}")
    assert answer.status_code == 200, answer.text
    promotion: dict[str, Any] = answer.json()
    return promotion


def ids(client: httpx.Client, **parameters: str) -> list[str]:
    answer = client.get("/api/promotions", params=parameters)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["promotions"]]


def let_happen(world: World, kind: FactKind, identity: str = IDENTITY, **changes: Any) -> None:
    stored = world.store.load(identity)
    assert stored is not None
    record(world, stored, kind, detail="as the test wants it", **changes)


def dispatched(world: World) -> None:
    """The promotion has a run that waits at its gate, and its decision."""
    check = CheckResult("marked", 'tags.stage == "candidate"', Verdict.PASS, "it holds", {"tags.stage": "candidate"})
    target = Target("proseware/diabetes-ml", "promote.yml", "main", "staging")
    let_happen(
        world,
        FactKind.INTENT_SAVED,
        decision=Decision(Outcome.PROMOTE, "its check passed", "digest-of-the-policy", (check,)),
        dispatch=Dispatch(target, Gate.REQUIRED, "writer", AT),
        gate=GateRecord(required=True, reviewers=("reviewer-one", "reviewer-two")),
    )
    let_happen(world, FactKind.RUN_STARTED, run=Run(4711, "https://github.example/runs/4711"))
    let_happen(world, FactKind.RUN_GATED)


def test_a_promotion_has_exactly_the_promised_fields(client: httpx.Client) -> None:
    deliver(client)

    promotion = shown(client)

    assert list(promotion) == [*FIELDS, "history"]
    assert (promotion["model"], promotion["version"]) == ("diabetes-clf", "7")
    assert (promotion["from"], promotion["to"], promotion["route"]) == ("dev", "staging", "to-staging")
    assert (promotion["intent"], promotion["state"], promotion["attempt"]) == ("promote", "evaluating", 1)
    nothing_yet = [promotion[field] for field in ("waiting_for", "arrived", "run", "gate", "decision")]
    assert nothing_yet == [None] * 5


def test_what_became_of_a_promotion_is_shown_whole(client: httpx.Client, world: World) -> None:
    deliver(client)
    dispatched(world)
    let_happen(world, FactKind.ARRIVED, arrived=Arrived(STG.lower(), "diabetes-clf", "3"))

    promotion = shown(client)

    assert promotion["state"] == "gated"
    assert promotion["run"] == {"id": 4711, "url": "https://github.example/runs/4711", "attempt": 1}
    assert promotion["arrived"] == {"workspace": STG.lower(), "model": "diabetes-clf", "version": "3"}
    assert promotion["gate"] == {
        "required": True,
        "reviewers": ["reviewer-one", "reviewer-two"],
        "approved_by": None,
        "comment": None,
        "decided_at": None,
        "bypassed": False,
    }
    assert promotion["decision"] == {
        "outcome": "promote",
        "policy_digest": "digest-of-the-policy",
        "checks": [
            {
                "name": "marked",
                "expect": 'tags.stage == "candidate"',
                "verdict": "pass",
                "observed": {"tags.stage": "candidate"},
                "reason": "it holds",
            }
        ],
    }


def test_the_shown_history_is_enough_to_recompute_its_hashes(client: httpx.Client, world: World) -> None:
    deliver(client)
    dispatched(world)

    previous = ""
    for fact in shown(client)["history"]:
        again = chained(
            IDENTITY,
            previous=previous,
            seq=fact["seq"],
            attempt=1,
            at=datetime.fromisoformat(fact["at"]),
            fact=FactKind(fact["fact"]),
            actor=fact["actor"],
            detail=fact["detail"],
        )
        assert fact["hash"] == again.hash
        previous = again.hash
    assert previous


def test_times_are_rfc_3339_in_utc(client: httpx.Client) -> None:
    deliver(client)

    promotion = shown(client)

    for field in ("opened_at", "updated_at", "next_look_at"):
        assert promotion[field].endswith("Z")
        assert datetime.fromisoformat(promotion[field]).tzinfo is not None


def test_who_is_needed_is_shown_before_what_is_waited_for(client: httpx.Client, world: World) -> None:
    deliver(client)
    let_happen(world, FactKind.WAITS, waiting_for="the gate to be readable")
    let_happen(world, FactKind.PERSON_NEEDED, person_needed="give the App access")

    assert shown(client)["waiting_for"] == "a person: give the App access"


def test_lists_leave_the_history_out(client: httpx.Client) -> None:
    deliver(client)

    (promotion,) = client.get("/api/promotions").json()["promotions"]

    assert list(promotion) == FIELDS


def test_lists_are_filtered(client: httpx.Client, world: World) -> None:
    deliver(client)
    deliver(client, model="other", stage="experiment")
    dispatched(world)
    advance(world, "staging:other:7")
    signal = client.get("/api/events").json()["events"][1]["signal"]

    assert ids(client) == ["staging:other:7", IDENTITY]
    assert ids(client, state="gated") == [IDENTITY]
    assert ids(client, state="declined") == ["staging:other:7"]
    assert ids(client, model="other") == ["staging:other:7"]
    assert ids(client, environment="staging") == ["staging:other:7", IDENTITY]
    assert ids(client, environment="prod") == []
    assert ids(client, run="4711") == [IDENTITY]
    assert ids(client, signal=signal) == [IDENTITY]
    assert ids(client, state="", model="", environment="", run="", signal="", limit="", cursor="") == ids(client)


@pytest.mark.parametrize("path", ["promotions", "events"])
def test_pages_follow_one_another_without_a_gap(client: httpx.Client, path: str) -> None:
    for number in range(5):
        deliver(client, model=f"model-{number}")
    seen: list[str] = []
    cursor = None
    while True:
        page = client.get(f"/api/{path}", params={"limit": "2"} | ({"cursor": cursor} if cursor else {})).json()
        seen += [one["id"] for one in page[path]]
        cursor = page["next"]
        if cursor is None:
            break

    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("promotions?state=done", "'succeeded'"),
        ("promotions?limit=0", "limit"),
        ("promotions?limit=201", "200"),
        ("promotions?limit=many", "limit"),
        ("promotions?run=first", "run"),
        ("promotions?run=99999999999999999999", "run"),
        ("promotions?cursor=made-up", "cursor"),
        ("promotions?stat=gated", "'stat'"),
        ("events?outcome=lost", "'malformed'"),
        ("events?cursor=%F0%9F%9A%80", "cursor"),
        ("events?limit=-1", "limit"),
    ],
)
def test_a_wrong_parameter_is_answered_with_what_is_allowed(client: httpx.Client, query: str, said: str) -> None:
    answer = client.get(f"/api/{query}")

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/promotions/staging:nothing:1",
        "/api/promotions/",
        "/api/promotions/..%2f..",
        "/api/promotions/%00",
        "/nothing",
    ],
)
def test_what_is_not_there_is_not_found(client: httpx.Client, path: str) -> None:
    answer = client.get(f"/api/{path}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/promotions", "/api/events", "/api/health", f"/api/promotions/{IDENTITY}"])
def test_a_wrong_method_is_told_the_right_one(client: httpx.Client, path: str) -> None:
    answer = client.delete(path)

    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert client.head("/api/health").status_code == 200


def test_an_id_with_escapes_is_found_as_it_is_written(client: httpx.Client) -> None:
    deliver(client, model="a/b c", version="1")
    deliver(client, model="x" * 300, version="1")

    for identity in ids(client):
        assert shown(client, identity)["id"] == identity
        assert shown(client, httpx.URL(path=f"/{identity}").raw_path.decode()[1:])["id"] == identity


def test_health_is_ok_while_the_store_can_be_written(client: httpx.Client) -> None:
    answer = client.get("/api/health")

    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_health_says_why_when_the_store_is_out_of_reach(client: httpx.Client, settings: Settings) -> None:
    assert client.get("/api/health").status_code == 200
    settings.store.path.rename(settings.store.path.with_suffix(".elsewhere"))

    answer = client.get("/api/health")

    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    assert str(settings.store.path) in answer.json()["reason"]


def test_a_damaged_record_is_said_to_be_one_and_shows_nothing_of_the_inside(
    client: httpx.Client, settings: Settings
) -> None:
    deliver(client)
    with sqlite3.connect(settings.store.path) as another:
        another.execute("UPDATE promotions SET body = ?", (b"{}",))
    another.close()

    for path in ("/api/promotions", f"/api/promotions/{IDENTITY}"):
        answer = client.get(path)
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert IDENTITY in answer.json()["detail"]
        assert "Traceback" not in answer.text
    assert client.get("/api/health").status_code == 200


def test_the_api_answers_as_it_describes_itself(client: httpx.Client, world: World) -> None:
    deliver(client)
    dispatched(world)
    description = client.get("/openapi.json").json()
    problem = Draft202012Validator(Problem.model_json_schema())

    for path, url in (
        ("/api/promotions", "/api/promotions"),
        ("/api/promotions/{id}", f"/api/promotions/{IDENTITY}"),
        ("/api/events", "/api/events"),
        ("/api/health", "/api/health"),
    ):
        responses = description["paths"][path]["get"]["responses"]
        schema = responses["200"]["content"]["application/json"]["schema"]
        Draft202012Validator(schema | {"components": description["components"]}).validate(client.get(url).json())
        assert responses["default"]["content"].keys() == {"application/problem+json"}
    problem.validate(client.get("/api/events?limit=x").json())
    assert "422" not in json.dumps(description)
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404


class StoreWithABug:
    """Breaks in a way that no port allows."""

    def promotions(self, *_: object, **__: object) -> None:
        raise RuntimeError("the password is 1234")


def test_an_error_that_nobody_foresaw_is_answered_without_the_inside(world: World) -> None:
    app = create_app(replace(world, store=cast("Store", StoreWithABug())))
    config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None)
    with listening(config) as url:
        answers = [httpx.get(f"{url}/api/promotions"), httpx.get(f"{url}/")]

    assert [answer.status_code for answer in answers] == [500, 500]
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers)
    assert not any("1234" in answer.text or "RuntimeError" in answer.text for answer in answers)
