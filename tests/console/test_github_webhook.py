"""GitHub's webhook: taken only with a signature, and never more than a hint."""

import hmac
import json
from hashlib import sha256

import httpx
import pytest
import uvicorn

from orchestrator.console.app import create_app
from orchestrator.flow.recording import record
from orchestrator.flow.world import World
from orchestrator.policy.policy import Gate
from orchestrator.promotion.record import Dispatch, Run, Target
from orchestrator.promotion.states import FactKind
from tests.console.conftest import SECRET, RememberedHints
from tests.console.listening import listening
from tests.console.test_api import AT, IDENTITY
from tests.flow.events import model_registered

ADDRESS = "/api/github/webhook"


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), body, sha256).hexdigest()}"}


@pytest.fixture
def followed(client: httpx.Client, world: World, queue: RememberedHints) -> None:
    """A promotion whose run is 4711."""
    client.post("/runtime/webhooks/eventgrid?functionName=on_ml_event", content=model_registered())
    stored = world.store.load(IDENTITY)
    assert stored is not None
    target = Target("proseware/diabetes-ml", "promote.yml", "main", "staging")
    stored = record(
        world, stored, FactKind.INTENT_SAVED, detail="", dispatch=Dispatch(target, Gate.REQUIRED, "writer", AT)
    )
    record(world, stored, FactKind.RUN_STARTED, detail="", run=Run(4711, "https://github.example/runs/4711"))
    queue.hints.clear()


@pytest.mark.parametrize(
    "delivery",
    [
        {"action": "completed", "workflow_run": {"id": 4711}},
        {"action": "queued", "workflow_job": {"id": 1, "run_id": 4711}},
        {"action": "approved", "approver": {}, "workflow_run": {"id": 4711}},
    ],
)
def test_a_signed_delivery_makes_the_promotion_of_its_run_look(
    client: httpx.Client, followed: None, queue: RememberedHints, delivery: dict[str, object]
) -> None:
    body = json.dumps(delivery).encode()

    assert client.post(ADDRESS, content=body, headers=signed(body)).status_code == 202
    assert queue.hints == [IDENTITY]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"payload=%7B%7D",
        b"[]",
        b"{}",
        b'{"workflow_run": 1}',
        b'{"workflow_run": {"id": "4711"}}',
        b'{"workflow_run": {"id": 99999999999999999999}}',
        b'{"workflow_run": {"id": 1}}',
        b"[" * 5000,
    ],
)
def test_what_names_no_run_of_ours_is_taken_and_hints_nothing(
    client: httpx.Client, followed: None, queue: RememberedHints, body: bytes
) -> None:
    assert client.post(ADDRESS, content=body, headers=signed(body)).status_code == 202
    assert queue.hints == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature-256": b"sha256=\xff"},
        {"X-Hub-Signature": "sha1=" + "0" * 40},
        signed(b'{"workflow_run": {"id": 4711}}', "another secret"),
        signed(b'{"workflow_run": {"id": 4711} }'),
    ],
)
def test_nobody_without_the_secret_is_taken(
    client: httpx.Client, followed: None, queue: RememberedHints, headers: dict[str, str]
) -> None:
    answer = client.post(ADDRESS, content=b'{"workflow_run": {"id": 4711}}', headers=headers)

    assert answer.status_code == 401
    assert queue.hints == []


def test_a_body_without_end_is_refused(client: httpx.Client) -> None:
    assert client.post(ADDRESS, content=b" " * 2_000_000).status_code == 413


def test_without_a_secret_nothing_is_taken(world: World) -> None:
    config = uvicorn.Config(create_app(world), ws="none", lifespan="off", log_config=None)
    with listening(config) as url:
        answer = httpx.post(f"{url}{ADDRESS}", content=b"{}", headers=signed(b"{}", ""))

    assert answer.status_code == 503
    assert "GITHUB_WEBHOOK_SECRET" in answer.json()["detail"]
