"""The address that Event Grid delivers to: what it takes, what it refuses, and that it says so."""

import json
import socket
import sqlite3
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from orchestrator.settings import Settings
from tests.console.conftest import RememberedHints
from tests.flow.events import DEV, model_registered

ADDRESS = "/runtime/webhooks/eventgrid?functionName=on_ml_event"
MIB = 1024 * 1024
NOTIFICATION = {"aeg-event-type": "Notification"}


def journal(client: httpx.Client, outcome: str = "") -> list[dict[str, Any]]:
    answer = client.get("/api/events", params={"outcome": outcome})
    assert answer.status_code == 200, answer.text
    events: list[dict[str, Any]] = answer.json()["events"]
    return events


def promotions(client: httpx.Client) -> list[str]:
    return [one["id"] for one in client.get("/api/promotions").json()["promotions"]]


def refusal(answer: httpx.Response, status: int) -> str:
    """The detail of a refusal that is problem details and shows nothing of the inside."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert "Traceback" not in answer.text
    detail: str = answer.json()["detail"]
    return detail


@pytest.fixture
def still_serves(client: httpx.Client) -> Iterator[None]:
    """Whatever came in, the next good event is taken."""
    yield
    assert client.post(ADDRESS, content=model_registered(model="the-next-one")).status_code == 200
    assert "staging:the-next-one:7" in promotions(client)


def test_an_event_is_stored_opens_its_promotion_and_is_hinted_before_it_is_acknowledged(
    client: httpx.Client, queue: RememberedHints
) -> None:
    answer = client.post(ADDRESS, content=model_registered(), headers=NOTIFICATION)

    assert answer.status_code == 200
    assert answer.json()["events"][0]["promotions"] == ["staging:diabetes-clf:7"]
    assert promotions(client) == ["staging:diabetes-clf:7"]
    assert queue.hints == ["staging:diabetes-clf:7"]
    (entry,) = journal(client)
    assert (entry["outcome"], entry["event_id"]) == ("promoted", "registered-diabetes-clf-7")


def test_the_same_event_again_is_a_duplicate_and_opens_nothing(client: httpx.Client) -> None:
    for _ in range(2):
        assert client.post(ADDRESS, content=model_registered()).status_code == 200

    assert [entry["outcome"] for entry in journal(client)] == ["duplicate", "promoted"]
    assert len(promotions(client)) == 1


def test_a_single_cloud_event_is_taken_as_well(client: httpx.Client) -> None:
    (event,) = json.loads(model_registered())
    cloud = {
        "specversion": "1.0",
        "id": "cloud-1",
        "source": event["topic"],
        "type": event["eventType"],
        "time": event["eventTime"],
        "data": event["data"],
    }

    assert client.post(ADDRESS, json=cloud).status_code == 200
    assert promotions(client) == ["staging:diabetes-clf:7"]


@pytest.mark.parametrize(
    "address",
    [
        "/runtime/webhooks/EventGrid?functionName=on_ml_event",
        "/RUNTIME/WEBHOOKS/EVENTGRID?FUNCTIONNAME=on_ml_event",
        "/runtime/webhooks/eventgrid/?code=a-key&functionname=on_ml_event",
    ],
)
def test_letter_case_and_other_parameters_make_no_difference(client: httpx.Client, address: str) -> None:
    assert client.post(address, content=model_registered()).status_code == 200


@pytest.mark.parametrize("query", ["", "?functionName=", "?functionName=on_alert", "?functionName=on_ml_event%00"])
def test_another_function_is_not_found(client: httpx.Client, query: str) -> None:
    answer = client.post(f"/runtime/webhooks/eventgrid{query}", content=model_registered())

    assert "functionName=on_ml_event" in refusal(answer, 404)
    assert promotions(client) == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_told_which_ones_there_are(client: httpx.Client, method: str) -> None:
    answer = client.request(method, ADDRESS)

    refusal(answer, 405)
    assert answer.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'{"id": ',
        b"\xff\xfe",
        b"[]",
        b"null",
        b"42",
        b'"text"',
        b"{}",
        b"[{}]",
        b"[1]",
        b"[" * 900,
    ],
)
def test_what_holds_no_event_at_all_is_refused_and_journalled(
    client: httpx.Client, still_serves: None, body: bytes
) -> None:
    answer = client.post(ADDRESS, content=body, headers=NOTIFICATION)

    assert refusal(answer, 400)
    (entry,) = journal(client, "malformed")
    assert entry["reason"] in answer.json()["detail"]


def test_in_an_array_the_good_events_are_taken_and_the_broken_ones_journalled(client: httpx.Client) -> None:
    (good,) = json.loads(model_registered())
    nameless = good | {"id": "nameless", "data": {"modelVersion": "1"}}

    answer = client.post(ADDRESS, json=[nameless, 1, good])

    assert answer.status_code == 200
    assert promotions(client) == ["staging:diabetes-clf:7"]
    assert [entry["event_id"] for entry in journal(client, "malformed")] == ["", "nameless"]


@pytest.mark.parametrize("missing", ["id", "topic", "eventType", "eventTime"])
def test_an_event_without_a_field_is_journalled_with_what_is_missing(
    client: httpx.Client, still_serves: None, missing: str
) -> None:
    (event,) = json.loads(model_registered())
    del event[missing]

    assert client.post(ADDRESS, json=[event]).status_code == 200
    (entry,) = journal(client, "malformed")
    assert missing in entry["reason"]
    assert promotions(client) == []


@pytest.mark.parametrize(
    "name",
    [
        "bell\x07",
        "line\nbreak",
        "a/b",
        "a#b",
        "a?b",
        'quo"te',
        "it's",
        "a b",
        "x" * 300,
        "модель",
        "模型-🚀",
        "a:b",
        "..",
        "=",
    ],
)
def test_whatever_a_model_is_called_there_is_an_answer_and_an_entry(
    client: httpx.Client, still_serves: None, name: str
) -> None:
    answer = client.post(ADDRESS, content=model_registered(model=name))

    assert answer.status_code == 200
    (entry,) = journal(client)
    if not name.isprintable():
        assert entry["outcome"] == "malformed"
        return
    assert entry["outcome"] == "promoted"
    (identity,) = entry["promotions"]
    shown = client.get(f"/api/promotions/{quote(identity, safe='')}")
    assert shown.json()["model"] == name
    assert client.get(f"/promotions/{quote(identity)}").status_code == 200


@pytest.mark.parametrize("value", [None, 7, [], {"a": 1}, "", True, 1e400], ids=repr)
@pytest.mark.parametrize("field", ["modelName", "modelVersion", "modelTags"])
def test_a_field_of_the_wrong_kind_never_breaks_the_service(
    client: httpx.Client, still_serves: None, field: str, value: object
) -> None:
    (event,) = json.loads(model_registered())
    event["data"][field] = value

    answer = client.post(ADDRESS, content=json.dumps([event]))

    assert answer.status_code == 200
    assert len(journal(client)) == 1


def test_a_foreign_workspace_opens_nothing(client: httpx.Client) -> None:
    assert client.post(ADDRESS, content=model_registered(workspace=f"{DEV}-of-others")).status_code == 200
    assert [entry["outcome"] for entry in journal(client)] == ["foreign"]
    assert promotions(client) == []


def test_a_body_over_one_mebibyte_is_refused(client: httpx.Client, still_serves: None) -> None:
    answer = client.post(ADDRESS, content=b" " * (2 * MIB), headers=NOTIFICATION)

    assert "1,048,576" in refusal(answer, 413)


def test_a_large_body_that_does_not_say_how_large_is_refused(client: httpx.Client, still_serves: None) -> None:
    answer = client.post(ADDRESS, content=(b" " * 65536 for _ in range(32)), headers=NOTIFICATION)

    refusal(answer, 413)


def test_a_body_of_exactly_one_mebibyte_is_taken(client: httpx.Client) -> None:
    body = model_registered()

    assert client.post(ADDRESS, content=body + b" " * (MIB - len(body))).status_code == 200


def test_more_events_than_event_grid_ever_sends_are_refused(client: httpx.Client, still_serves: None) -> None:
    refusal(client.post(ADDRESS, content=b"[" + b"1," * 5000 + b"1]"), 413)
    assert journal(client) == []


def test_a_sender_that_promises_more_than_it_sends_harms_nobody(client: httpx.Client, still_serves: None) -> None:
    parts = urlsplit(str(client.base_url))
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as sender:
        sender.sendall(f"POST {ADDRESS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n[".encode())


def test_the_handshake_gives_the_code_back(client: httpx.Client) -> None:
    event = {
        "id": "1",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "0123-abcd", "validationUrl": "https://eventgrid.example/validate"},
    }

    answer = client.post(ADDRESS, json=[event], headers={"AEG-Event-Type": "subscriptionvalidation"})

    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "0123-abcd"})


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"x", b'[{"eventType": "other"}]'])
def test_a_handshake_without_a_code_is_refused_and_journalled(client: httpx.Client, body: bytes) -> None:
    answer = client.post(ADDRESS, content=body, headers={"aeg-event-type": "SubscriptionValidation"})

    refusal(answer, 400)
    assert len(journal(client, "malformed")) == 1


def test_the_handshake_of_cloud_events_allows_the_origin(client: httpx.Client) -> None:
    answer = client.options(ADDRESS, headers={"WebHook-Request-Origin": "eventgrid.azure.net"})

    assert answer.status_code == 200
    assert answer.headers["webhook-allowed-origin"] == "eventgrid.azure.net"
    assert answer.headers["webhook-allowed-rate"] == "*"


def test_a_handshake_of_cloud_events_without_an_origin_is_refused(client: httpx.Client) -> None:
    assert "WebHook-Request-Origin" in refusal(client.options(ADDRESS), 400)


@pytest.mark.parametrize(("kind", "status"), [("Unsubscribe", 202), ("SubscriptionDeletion", 202), ("Whatever", 400)])
def test_other_kinds_of_calls_store_nothing(client: httpx.Client, kind: str, status: int) -> None:
    answer = client.post(ADDRESS, content=model_registered(), headers={"aeg-event-type": kind})

    assert answer.status_code == status
    assert journal(client) == []


def test_what_could_not_be_stored_must_be_sent_again(client: httpx.Client, settings: Settings) -> None:
    assert client.post(ADDRESS, content=model_registered()).status_code == 200
    with sqlite3.connect(settings.store.path) as another:
        another.execute("ALTER TABLE journal RENAME TO journal_elsewhere")
        another.commit()

        answer = client.post(ADDRESS, content=model_registered(version="8"))
        assert "send it again" in refusal(answer, 503)

        another.execute("ALTER TABLE journal_elsewhere RENAME TO journal")
    another.close()
    assert client.post(ADDRESS, content=model_registered(version="8")).status_code == 200
    assert promotions(client) == ["staging:diabetes-clf:8", "staging:diabetes-clf:7"]
