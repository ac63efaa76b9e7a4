"""What people ask for over the API: done once it is allowed, with a reason and a name on record."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from orchestrator.console.app import create_app
from orchestrator.flow.world import World
from orchestrator.policy.policy import Gate
from orchestrator.promotion.record import Dispatch, GateRecord, Run, Target
from orchestrator.promotion.states import FactKind
from tests.console.listening import listening
from tests.console.test_api import AT, IDENTITY, deliver, let_happen, shown

PERSON = "local:ops-one"
ACTIONS = ("cancel", "retry", "override")
ENOUGH = {"cancel": {"reason": "why"}, "retry": {"reason": "why"}, "override": {"reason": "why", "check": "gate"}}


@pytest.fixture
def people(world: World) -> Iterator[httpx.Client]:
    """A client of a service that knows who asks."""
    config = uvicorn.Config(create_app(world, person=PERSON), ws="none", lifespan="off", log_config=None)
    with listening(config) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client


def ask(client: httpx.Client, action: str, identity: str = IDENTITY, **body: Any) -> httpx.Response:
    return client.post(f"/api/promotions/{identity}/{action}", json=body)


def bypassed(world: World) -> None:
    """The promotion succeeded, and nobody has approved it."""
    target = Target("proseware/diabetes-ml", "promote.yml", "main", "staging")
    let_happen(world, FactKind.INTENT_SAVED, dispatch=Dispatch(target, Gate.REQUIRED, "writer", AT))
    let_happen(world, FactKind.RUN_STARTED, run=Run(4711, "https://github.example/runs/4711"))
    let_happen(
        world, FactKind.GATE_BYPASSED, gate=GateRecord(required=True, reviewers=("reviewer-one",), bypassed=True)
    )
    let_happen(world, FactKind.SUCCEEDED)


def test_a_promotion_is_cancelled_with_a_reason_and_answered_whole(people: httpx.Client) -> None:
    deliver(people)

    answer = ask(people, "cancel", reason="  wrong data ")

    assert answer.status_code == 200
    assert answer.json() == shown(people)
    asked = answer.json()["history"][-1]
    assert (asked["fact"], asked["actor"], asked["detail"]) == ("cancel asked", PERSON, "wrong data")


def test_a_promotion_that_ended_is_tried_again(people: httpx.Client, world: World) -> None:
    deliver(people)
    let_happen(world, FactKind.DECLINED)

    answer = ask(people, "retry", reason="mended")

    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["attempt"]) == ("evaluating", 2)
    assert answer.json()["history"][-1]["actor"] == PERSON


def test_a_bypassed_gate_that_is_accepted_opens_the_next_environment(people: httpx.Client, world: World) -> None:
    deliver(people)
    bypassed(world)

    answer = ask(people, "override", reason="reviewed by phone", check="gate")

    assert answer.status_code == 200
    assert answer.json()["history"][-1]["fact"] == "bypass accepted"
    assert shown(people, "prod:diabetes-clf:7")["state"] == "evaluating"


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("reason", [None, "", "  \n", 7, "x" * 2001])
def test_a_reason_is_required(people: httpx.Client, action: str, reason: object) -> None:
    deliver(people)
    before = shown(people)

    body: dict[str, Any] = ENOUGH[action] | {"reason": reason}
    answer = ask(people, action, **body)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "reason" in answer.json()["detail"]
    assert shown(people) == before


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"[]", b"{}", b'"reason"', b'{"reason": "\\ud800"}', b"\xff", b"[" * 50_000, b"null"],
)
def test_a_body_that_says_nothing_is_answered_with_what_is_allowed(people: httpx.Client, body: bytes) -> None:
    deliver(people)

    answer = people.post(
        f"/api/promotions/{IDENTITY}/cancel", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(shown(people)["history"]) == 1


def test_who_asks_is_not_for_the_body_to_say(people: httpx.Client) -> None:
    deliver(people)

    answer = ask(people, "cancel", reason="why", actor="somebody-else")

    assert answer.status_code == 400
    assert "'actor'" in answer.json()["detail"]


@pytest.mark.parametrize("action", ACTIONS)
def test_what_is_not_there_is_not_found(people: httpx.Client, action: str) -> None:
    answer = ask(people, action, "staging:nothing:1", **ENOUGH[action])

    assert answer.status_code == 404
    assert "staging:nothing:1" in answer.json()["detail"]


@pytest.mark.parametrize(("action", "ended"), [("cancel", True), ("retry", False), ("override", False)])
def test_what_its_state_does_not_allow_is_refused(people: httpx.Client, world: World, action: str, ended: bool) -> None:
    deliver(people)
    if ended:
        let_happen(world, FactKind.DECLINED)

    answer = ask(people, action, **ENOUGH[action])

    assert answer.status_code == 409
    assert IDENTITY in answer.json()["detail"]


def test_only_the_gate_can_be_overridden(people: httpx.Client, world: World) -> None:
    deliver(people)
    bypassed(world)

    answer = ask(people, "override", reason="why", check="accurate enough")

    assert answer.status_code == 409
    assert "only `gate`" in answer.json()["detail"]


def test_an_id_with_slashes_is_found(people: httpx.Client) -> None:
    deliver(people, model="a/cancel", version="1")
    (promotion,) = people.get("/api/promotions").json()["promotions"]

    assert ask(people, "cancel", promotion["id"], reason="why").status_code == 200


@pytest.mark.parametrize("action", ACTIONS)
def test_where_nobody_is_known_nobody_may(client: httpx.Client, action: str) -> None:
    deliver(client)
    before = shown(client)

    answers = [ask(client, action, **ENOUGH[action]), client.post(f"/api/promotions/{IDENTITY}/{action}", content=b"{")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert "log-in" in answers[0].json()["detail"]
    assert shown(client) == before
