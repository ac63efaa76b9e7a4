"""The door of the local host: web pages of others get nothing done and read nothing."""

from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from orchestrator.local.person import os_user
from orchestrator.local.server import running
from orchestrator.settings import GitHubToken, Settings, SqliteFile
from tests.flow.events import model_registered
from tests.flow.story import POLICY

ADDRESS = "/runtime/webhooks/eventgrid?functionName=on_ml_event"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    (tmp_path / "policy.yaml").write_text(POLICY)
    settings = Settings(
        policy=tmp_path / "policy.yaml",
        store=SqliteFile(tmp_path / "orchestrator.db"),
        github_api_url="http://127.0.0.1:9",
        github=GitHubToken("any-token"),
        webhook_secret=None,
        sweep=timedelta(seconds=60),
        patience=timedelta(seconds=120),
        mlflow=None,
    )
    with running(settings) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client


@pytest.mark.parametrize(
    "host",
    [
        *("rebound.example", "rebound.example:7071", "127.0.0.1.rebound.example", "192.0.2.1:7071", ""),
        *("localhost@rebound.example", "127.0.0.1:7071:1", "[::1", "127.0.0.1/", "localhost.rebound.example:1"),
    ],
)
def test_a_name_that_was_made_to_lead_here_reads_nothing(client: httpx.Client, host: str) -> None:
    for path in ("/api/promotions", "/", "/openapi.json", "/static/console.css"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == 421
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3:80", "localhost:7071", "LOCALHOST", "[::1]:7071", "[::1]"])
def test_every_name_of_this_machine_is_answered(client: httpx.Client, host: str) -> None:
    assert client.get("/api/health", headers={"host": host}).status_code == 200
    assert client.post(ADDRESS, content=model_registered(), headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://page.example", "http://127.0.0.1", "http://localhost:7071", "null", ""])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_page_of_somebody_else_changes_nothing(client: httpx.Client, origin: str, method: str) -> None:
    answers = [
        client.request(method, path, content=model_registered(), headers={"origin": origin})
        for path in (ADDRESS, "/api/promotions/staging:diabetes-clf:7/cancel", "/nothing")
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert client.get("/api/events").json()["events"] == []


def test_a_page_of_this_service_and_a_program_may(client: httpx.Client) -> None:
    own = str(client.base_url).rstrip("/")

    assert client.post(ADDRESS, content=model_registered(), headers={"origin": own}).status_code == 200
    assert client.post(ADDRESS, content=model_registered()).status_code == 200


def test_the_handshake_of_cloud_events_stays_open(client: httpx.Client) -> None:
    answer = client.options(
        ADDRESS, headers={"webhook-request-origin": "grid.example", "origin": "https://grid.example"}
    )

    assert answer.status_code == 200
    assert answer.headers["webhook-allowed-origin"] == "grid.example"


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1", "rebound.example"], ["rebound.example", "127.0.0.1"]])
def test_exactly_one_host_must_be_named(client: httpx.Client, hosts: list[str]) -> None:
    called = HTTPConnection(client.base_url.host, client.base_url.port, timeout=20)
    called.putrequest("GET", "/api/health", skip_host=True)
    for host in hosts:
        called.putheader("Host", host)
    called.endheaders()

    assert called.getresponse().status in {400, 421}
    called.close()


def test_who_asks_on_this_machine_goes_on_record(client: httpx.Client) -> None:
    client.post(ADDRESS, content=model_registered())

    answer = client.post("/api/promotions/staging:diabetes-clf:7/cancel", json={"reason": "not now"})

    (asked,) = [fact for fact in answer.json()["history"] if fact["fact"] == "cancel asked"]
    assert asked["actor"] == f"local:{os_user()}"
