"""The pages: what they show is text and nothing else."""

import sqlite3
from datetime import UTC, datetime

import httpx
import pytest

from orchestrator.flow.recording import record
from orchestrator.flow.world import World
from orchestrator.policy.policy import Gate
from orchestrator.promotion.record import Dispatch, GateRecord, Run, Target
from orchestrator.promotion.states import FactKind
from orchestrator.settings import Settings
from tests.flow.events import model_registered

ADDRESS = "/runtime/webhooks/eventgrid?functionName=on_ml_event"
SCRIPT = "<script>alert(1)</script>"


def test_an_empty_service_says_what_to_do(client: httpx.Client) -> None:
    answer = client.get("/")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "/runtime/webhooks/eventgrid?functionName=on_ml_event" in answer.text


def test_promotions_are_listed_and_lead_to_their_pages(client: httpx.Client) -> None:
    client.post(ADDRESS, content=model_registered())

    assert 'href="/promotions/staging%3Adiabetes-clf%3A7"' in client.get("/").text
    page = client.get("/promotions/staging%3Adiabetes-clf%3A7")
    assert page.status_code == 200
    assert "<h1>staging:diabetes-clf:7</h1>" in page.text
    assert "opened" in page.text


def test_what_came_from_outside_is_escaped(client: httpx.Client, world: World) -> None:
    client.post(ADDRESS, content=model_registered(model=SCRIPT, version="1"))
    (promotion,) = client.get("/api/promotions").json()["promotions"]
    stored = world.store.load(promotion["id"])
    assert stored is not None
    record(world, stored, FactKind.WAITS, detail=SCRIPT, waiting_for=SCRIPT)

    for path in ("/", f"/promotions/{promotion['id']}"):
        page = client.get(path).text
        assert SCRIPT not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.parametrize(
    ("url", "is_link"), [("https://github.example/runs/1", True), ("javascript:alert(1)", False), ("", False)]
)
def test_a_run_is_linked_only_where_the_link_leads_to_the_web(
    client: httpx.Client, world: World, url: str, is_link: bool
) -> None:
    client.post(ADDRESS, content=model_registered())
    stored = world.store.load("staging:diabetes-clf:7")
    assert stored is not None
    stored = record(
        world,
        stored,
        FactKind.INTENT_SAVED,
        detail="told to run",
        dispatch=Dispatch(Target("o/r", "w", "main", "staging"), Gate.REQUIRED, "writer", datetime.now(UTC)),
        gate=GateRecord(required=True, reviewers=("reviewer-one",)),
    )
    record(world, stored, FactKind.RUN_STARTED, detail="run 1", run=Run(1, url))

    page = client.get("/promotions/staging:diabetes-clf:7").text

    assert (f'href="{url}"' in page) is is_link
    assert "javascript:" not in page


def test_pages_run_no_script_and_stand_in_no_frame(client: httpx.Client) -> None:
    policy = client.get("/").headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy


def test_the_style_sheet_is_there(client: httpx.Client) -> None:
    assert client.get("/static/console.css").status_code == 200
    assert client.get("/static/../app.py").status_code == 404
    assert client.get("/static/%2e%2e/app.py").status_code == 404


@pytest.mark.parametrize(("path", "status"), [("/promotions/staging:none:1", 404), ("/?cursor=made-up", 400)])
def test_trouble_has_a_page_too(client: httpx.Client, path: str, status: int) -> None:
    answer = client.get(path)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/", "/promotions/staging:diabetes-clf:7"])
def test_a_damaged_record_is_named_on_a_page(client: httpx.Client, settings: Settings, path: str) -> None:
    client.post(ADDRESS, content=model_registered())
    with sqlite3.connect(settings.store.path) as another:
        another.execute("UPDATE promotions SET body = ?", (b"{}",))
    another.close()

    answer = client.get(path)

    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")
    assert "staging:diabetes-clf:7" in answer.text
    assert "backup" in answer.text


def test_older_promotions_are_a_link_away(client: httpx.Client) -> None:
    for number in range(51):
        client.post(ADDRESS, content=model_registered(model=f"model-{number}"))
    first = client.get("/").text
    older = first.split('href="/?cursor=')[1].split('"')[0]

    page = client.get(f"/?cursor={older}").text

    assert "model-50:7" in first
    assert "model-0:7" not in first
    assert "model-0:7" in page
