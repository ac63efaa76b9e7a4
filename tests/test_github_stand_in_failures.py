"""The GitHub stand-in fails on order, tells what it saw, and can be driven from outside and by people."""

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest

from orchestrator.local.github import app, failures
from orchestrator.local.github.failures import Kind, Rule
from orchestrator.local.github.refusal import Refusal
from orchestrator.local.github.state import StandIn
from tests.github_caller import HOME, REPOSITORY, Caller, calling, stand_in_with_a_gate

TO_THE_GATE = 15
SEED: dict[str, Any] = {
    "tokens": {"token-one": "reviewer-one"},
    "repositories": [
        {
            "name": "proseware/forecasts",
            "refs": ["v1"],
            "timings": {"guard_seconds": 1, "run_seconds": 2},
            "conclusions": [{"title_contains": "[b", "conclusion": "failure"}],
            "workflows": [
                {
                    "file": "promote.yml",
                    "run_name": "[${{ inputs.promotion_id }}]",
                    "inputs": [{"name": "promotion_id", "required": True}],
                    "jobs": [{"name": "check", "refuses_repeats": True}, {"name": "promote", "environment": "prod"}],
                }
            ],
            "environments": [
                {
                    "name": "prod",
                    "reviewers": ["reviewer-one", {"team": "leads", "members": ["reviewer-two"]}],
                    "auto_approve": {"login": "reviewer-two", "after_seconds": 3},
                }
            ],
        }
    ],
}


@pytest.fixture
def stand_in() -> StandIn:
    return stand_in_with_a_gate()


@pytest.fixture
def caller(stand_in: StandIn) -> Iterator[Caller]:
    with calling(stand_in) as one:
        yield one


def fates(stand_in: StandIn) -> list[str]:
    return [call.fate for call in stand_in.ledger.read()[1]]


@pytest.mark.parametrize(("before", "started"), [(True, 0), (False, 1)])
def test_a_bad_answer_comes_before_or_after_the_run_was_made(
    caller: Caller, stand_in: StandIn, before: bool, started: int
) -> None:
    headers = {"retry-after": "60", "x-ratelimit-remaining": "0"}
    rule = Rule("dispatch", Kind.STATUS, times=1, before=before, code=503, headers=headers, message="Unavailable")
    stand_in.failures.set([rule])

    answer = caller.dispatch()

    assert (answer.status_code, answer.json()["message"]) == (503, "Unavailable")
    assert (answer.headers["retry-after"], answer.headers["x-ratelimit-remaining"]) == ("60", "0")
    assert len(stand_in.runs()) == started
    assert caller.dispatch("another").status_code == 200


def whole_answer(url: str, body: bytes) -> bytes:
    """What a plain socket receives for a dispatch until the other side closes it."""
    host, port = httpx.URL(url).host, httpx.URL(url).port or 0
    head = (
        f"POST {HOME}/actions/workflows/promote.yml/dispatches HTTP/1.1\r\nHost: {host}:{port}\r\n"
        f"Authorization: Bearer any\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(head.encode() + body)
        received = b""
        try:
            while part := connection.recv(4096):
                received += part
        except ConnectionResetError:
            return received
        return received


@pytest.mark.parametrize(("before", "started"), [(True, 0), (False, 1)])
def test_a_dropped_connection_carries_not_one_byte(
    caller: Caller, stand_in: StandIn, before: bool, started: int
) -> None:
    stand_in.failures.set([Rule("dispatch", Kind.DROP, before=before)])

    answer = whole_answer(caller.url, b'{"ref": "main", "inputs": {"promotion_id": "a"}}')

    assert answer == b""
    assert len(stand_in.runs()) == started
    assert fates(stand_in) == ["dropped"]


def test_a_client_sees_a_dropped_connection_as_a_broken_protocol(caller: Caller, stand_in: StandIn) -> None:
    stand_in.failures.set([Rule("run", Kind.DROP, times=1)])
    run = caller.started()

    with pytest.raises(httpx.RemoteProtocolError):
        caller.get(run)
    assert caller.get(run).status_code == 200


@pytest.mark.parametrize(("before", "started"), [(True, 0), (False, 1)])
def test_an_answer_can_be_held_back_with_and_without_its_effect(
    caller: Caller, stand_in: StandIn, before: bool, started: int
) -> None:
    stand_in.failures.set([Rule("dispatch", Kind.HANG, before=before, seconds=60)])

    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{caller.url}{HOME}/actions/workflows/promote.yml/dispatches",
            json={"ref": "main", "inputs": {"promotion_id": "a"}},
            headers={"authorization": "Bearer any"},
            timeout=0.3,
        )

    assert len(stand_in.runs()) == started


def test_a_held_answer_arrives_in_the_end(caller: Caller, stand_in: StandIn) -> None:
    stand_in.failures.set([Rule("any", Kind.HANG, method="get", times=1, seconds=0.2)])
    before = monotonic()

    assert caller.get(HOME).status_code == 200
    assert monotonic() - before >= 0.2


def test_rules_strike_one_after_the_other_and_every_so_often(caller: Caller, stand_in: StandIn) -> None:
    stand_in.failures.set(
        [
            Rule("repository", Kind.STATUS, times=2, code=500),
            Rule("repository", Kind.STATUS, times=1, code=403),
            Rule("repository", Kind.STATUS, every=3, code=429),
        ]
    )

    assert [caller.get(HOME).status_code for _ in range(8)] == [500, 500, 403, 200, 200, 429, 200, 200]
    assert caller.get("/user").status_code == 200


def test_a_slow_listing_hides_a_young_run_that_its_id_finds(caller: Caller, stand_in: StandIn) -> None:
    stand_in.failures.set([Rule("runs", Kind.SLOW_LISTING, seconds=30)])
    run = caller.started()

    assert caller.get(run).status_code == 200
    assert caller.get(f"{HOME}/actions/runs").json()["total_count"] == 0
    stand_in.advance(30)
    assert caller.get(f"{HOME}/actions/runs").json()["total_count"] == 1


def test_a_listing_can_be_slow_and_then_fail(caller: Caller, stand_in: StandIn) -> None:
    slow, bad = Rule("runs", Kind.SLOW_LISTING, seconds=30), Rule("runs", Kind.STATUS, every=2, code=502)
    stand_in.failures.set([slow, bad])

    assert [caller.get(f"{HOME}/actions/runs").status_code for _ in range(4)] == [200, 502, 200, 502]


def test_every_route_of_github_can_fail() -> None:
    assert {route.name for route in app.ROUTES if route.is_github} | {"unknown"} == failures.ROUTES


def test_failures_are_set_read_and_lifted_from_outside(caller: Caller) -> None:
    rule = {"route": "repository", "kind": "status", "times": 1, "code": 500, "headers": {"retry-after": "1"}}

    assert caller.send("PUT", "/_stand-in/failures", body={"rules": [rule]}).status_code == 204
    assert caller.get(HOME).headers["retry-after"] == "1"
    assert caller.get("/_stand-in/failures").json()["rules"][0]["counted"] == 1
    assert caller.send("PUT", "/_stand-in/failures", body={"rules": []}).status_code == 204
    assert caller.get(HOME).status_code == 200


@pytest.mark.parametrize(
    "rule",
    [
        {"route": "runs"},
        {"route": "runs", "kind": "mood"},
        {"route": "runs", "kind": "drop", "every": 0},
        {"route": "nowhere", "kind": "drop"},
        {"route": "runs", "kind": "hang", "seconds": "9"},
    ],
)
def test_a_rule_that_could_never_strike_is_refused(caller: Caller, rule: dict[str, object]) -> None:
    assert caller.send("PUT", "/_stand-in/failures", body={"rules": [rule]}).status_code == 422


def test_the_ledger_tells_what_came_in(caller: Caller) -> None:
    caller.dispatch("a")
    caller.dispatch("b", ref="gone")
    caller.get(HOME)

    told = caller.get("/_stand-in/requests", reset=1).json()

    assert told["counts"] == {"POST dispatch": 2, "GET repository": 1}
    assert [(one["fate"], one["body"]["inputs"]["promotion_id"]) for one in told["dispatches"]] == [
        ("200", "a"),
        ("422", "b"),
    ]
    assert caller.get("/_stand-in/requests").json() == {"counts": {}, "dispatches": []}


def test_the_runs_tell_what_the_outside_saw(caller: Caller, stand_in: StandIn) -> None:
    caller.dispatch("a")
    stand_in.advance(TO_THE_GATE)
    [waiting] = caller.get("/_stand-in/runs").json()["runs"]

    caller.post(f"/_stand-in/runs/{waiting['id']}/approve", {"login": "reviewer-one", "comment": "fine"})

    [seen] = caller.get("/_stand-in/runs").json()["runs"]
    assert (waiting["status"], waiting["waiting_for"]) == ("waiting", "prod")
    assert (seen["status"], seen["title"], seen["inputs"]["model"]) == ("in_progress", "Promote churn [a#1]", "churn")
    assert [(one["verdict"], one["login"], one["comment"]) for one in seen["decisions"]] == [
        ("approved", "reviewer-one", "fine"),
    ]


def test_a_seed_makes_a_repository_and_a_later_one_changes_it(caller: Caller, stand_in: StandIn) -> None:
    assert caller.post("/_stand-in/seed", SEED).status_code == 204
    path = "/repos/proseware/forecasts/actions"
    body = {"ref": "v1", "inputs": {"promotion_id": "a"}, "return_run_details": True}
    first = caller.post(f"{path}/workflows/promote.yml/dispatches", body).json()["workflow_run_id"]
    caller.post("/_stand-in/clock", {"advance_seconds": 6})
    assert caller.state(f"{path}/runs/{first}") == ("completed", "success")

    change = {"name": "proseware/forecasts", "old_server": True, "environments": [{"name": "prod", "reviewers": []}]}
    assert caller.post("/_stand-in/seed", {"repositories": [change]}).status_code == 204

    body["inputs"] = {"promotion_id": "b"}
    assert caller.post(f"{path}/workflows/promote.yml/dispatches", body).status_code == 204
    stand_in.advance(3)
    assert [sight.state.conclusion for sight in stand_in.runs()] == ["success", "failure"]


@pytest.mark.parametrize("seed", [{"repos": []}, {"repositories": [{}]}, {"repositories": [{"name": "x"}]}])
def test_a_seed_that_cannot_be_read_is_refused(caller: Caller, seed: dict[str, object]) -> None:
    assert caller.post("/_stand-in/seed", seed).status_code == 422


def test_the_runs_can_be_forgotten(caller: Caller) -> None:
    run = caller.started()

    assert caller.send("DELETE", "/_stand-in/runs").status_code == 204
    assert caller.get(run).status_code == 404
    assert caller.started() != run


def test_a_person_approves_on_the_page_of_the_run(caller: Caller, stand_in: StandIn) -> None:
    run = caller.started()
    stand_in.advance(TO_THE_GATE)
    with httpx.Client(base_url=caller.url, follow_redirects=True) as browser:
        [link] = re.findall(r'<td><a href="(.+?)">', browser.get("/").text)
        page = browser.get(link).text
        [form] = re.findall(r'action="(/_stand-in/runs/\d+/approve)"', page)
        after = browser.post(form, data={"login": "reviewer-one"})

    assert f"/repos{link}" == run
    assert "Approve as reviewer-one" in page
    assert after.url.path == link
    assert "reviewer-one approved prod" in after.text
    assert "Approve as" not in after.text


def test_the_page_shows_foreign_text_as_text(caller: Caller) -> None:
    caller.dispatch("<script>alert(1)</script>", inputs={"model": '"><b>'})
    with httpx.Client(base_url=caller.url) as browser:
        overview = browser.get("/")
        [link] = re.findall(r'<td><a href="(.+?)">', overview.text)
        pages = [overview, browser.get(link)]

    for page in pages:
        assert "<script" not in page.text
        assert "<b>" not in page.text
        assert "&lt;script&gt;" in page.text
        assert "script-src" not in page.headers["content-security-policy"]
        assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_page_of_another_site_presses_no_button(caller: Caller, stand_in: StandIn) -> None:
    run = caller.started()
    stand_in.advance(TO_THE_GATE)
    url = f"{caller.url}/_stand-in/runs/{run.rpartition('/')[2]}/approve"

    foreign = httpx.post(url, data={"login": "reviewer-one"}, headers={"origin": "https://example.com"})

    assert foreign.status_code == 403
    assert caller.state(run) == ("waiting", None)


def test_many_threads_start_as_many_runs(stand_in: StandIn) -> None:
    def start(worker: int) -> None:
        for number in range(50):
            inputs = {"promotion_id": f"{worker}:{number}"}
            stand_in.dispatch(REPOSITORY, "promote.yml", ref="main", inputs=inputs)

    threads = [threading.Thread(target=start, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    runs = [sight.run for sight in stand_in.runs()]
    assert len({run.id for run in runs}) == 400
    assert [run.number for run in runs] == list(range(1, 401))


def test_time_goes_forward_only(stand_in: StandIn) -> None:
    with pytest.raises(Refusal):
        stand_in.advance(-1)


def test_the_program_says_where_it_listens_and_ends_when_interrupted(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text('{"repositories": [{"name": "proseware/models"}]}')
    with subprocess.Popen(
        [sys.executable, "-m", "orchestrator.local.github", "--port", "0", "--seed", str(seed)],
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        line = program.stdout.readline()
        url = line.removeprefix("GitHub stand-in on ").strip()
        answer = httpx.get(f"{url}{HOME}", headers={"authorization": "token any"})
        program.send_signal(signal.SIGINT)
        code = program.wait(timeout=10)

    assert re.fullmatch(r"GitHub stand-in on http://127\.0\.0\.1:\d+\n", line)
    assert (answer.status_code, code) == (200, 0)


def test_the_program_says_what_is_wrong_with_its_seed(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text('{"repository": []}')

    ended = subprocess.run(
        [sys.executable, "-m", "orchestrator.local.github", "--seed", str(seed)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert ended.returncode == 2
    assert '"repository" is not a permitted key' in ended.stderr
