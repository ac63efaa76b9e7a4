"""The local host as a program: started, asked and ended as people do it."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from orchestrator.errors import PersonError
from orchestrator.local.github.environment import AutoApprove
from orchestrator.local.github.repository import Settings as RepositorySettings
from orchestrator.local.github.repository import Timings
from orchestrator.local.github.server import running as github_running
from orchestrator.local.github.state import StandIn
from orchestrator.local.scene import set_scene
from orchestrator.local.server import running, serve
from orchestrator.policy.load import parse_policy
from orchestrator.settings import GitHubToken, Settings, SqliteFile
from tests.flow.events import model_registered
from tests.flow.story import POLICY, REPOSITORY
from tests.hosts.service import eventually

ROOT = Path(__file__).parents[2]
ADDRESS = "/runtime/webhooks/eventgrid?functionName=on_ml_event"
NOBODY_LISTENS = "http://127.0.0.1:9"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "policy.yaml").write_text(POLICY)
    return Settings(
        policy=tmp_path / "policy.yaml",
        store=SqliteFile(tmp_path / "orchestrator.db"),
        github_api_url=NOBODY_LISTENS,
        github=GitHubToken("any-token"),
        webhook_secret=None,
        sweep=timedelta(seconds=0.5),
        patience=timedelta(seconds=2),
        mlflow=None,
    )


def started(folder: Path, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
    (folder / "policy.yaml").write_text(POLICY)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "ORCHESTRATOR_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "serve", "--port", "0", *arguments],
        cwd=folder,
        env=clean | {"PYTHONPATH": str(ROOT), "GITHUB_TOKEN": "any-token", "GITHUB_API_URL": NOBODY_LISTENS} | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_program_says_where_it_listens_survives_bad_input_and_ends_with_zero(
    tmp_path: Path, how: signal.Signals
) -> None:
    program = started(tmp_path)
    assert program.stdout is not None
    said = program.stdout.readline()
    assert said.startswith("Promotion orchestrator on http://127.0.0.1:")
    with httpx.Client(base_url=said.split()[-1], timeout=20) as client:
        statuses = [
            client.post(ADDRESS, content=body).status_code
            for body in (b"not json", b"[" * 100_000, b" " * 2_000_000, b'[{"id": "\\ud800"}]', model_registered())
        ]
        health = client.get("/api/health").json()

    program.send_signal(how)
    out, errors = program.communicate(timeout=30)

    assert statuses == [400, 400, 413, 400, 200]
    assert health["status"] == "ok"
    assert program.returncode == 0, errors
    assert out == ""
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        ([], {"GITHUB_TOKEN": "", "ORCHESTRATOR_SWEEP_SECONDS": "x"}, ["GITHUB_TOKEN", "ORCHESTRATOR_SWEEP_SECONDS"]),
        (["--host", "0.0.0.0"], {}, ["this machine only"]),  # noqa: S104 - what is refused
        ([], {"ORCHESTRATOR_STORE": "tables"}, ["ORCHESTRATOR_STORE"]),
    ],
)
def test_a_start_that_can_t_be_ends_with_a_sentence(
    tmp_path: Path, arguments: list[str], environ: dict[str, str], said: list[str]
) -> None:
    program = started(tmp_path, *arguments, **environ)
    out, errors = program.communicate(timeout=30)

    assert program.returncode == 1
    assert out == ""
    assert all(word in errors for word in said)
    assert "Traceback" not in errors


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])  # noqa: S104 - what is refused
def test_others_can_t_be_let_in(settings: Settings, host: str) -> None:
    with pytest.raises(PersonError, match="this machine only"):
        serve(settings, host=host, port=0, on_ready=print)


def test_a_port_that_is_taken_is_said_to_be(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PersonError, match=str(port)), running(settings, port=port):
            pass


def test_an_event_goes_all_the_way_to_production(settings: Settings, tmp_path: Path) -> None:
    stand_in = StandIn()
    approved = AutoApprove("reviewer-one", 0)
    set_scene(stand_in, parse_policy({"policy.yaml": POLICY}), reviewers=["reviewer-one"], auto_approve=approved)
    stand_in.add_repository(REPOSITORY, RepositorySettings(timings=Timings(0, 0, 0)))
    with github_running(stand_in) as github, running(replace(settings, github_api_url=github)) as url:
        assert httpx.post(url + ADDRESS, content=model_registered()).status_code == 200
        states = eventually(lambda: _both_succeeded(url), within=60, every=0.1)

    assert states == {"staging:diabetes-clf:7": "succeeded", "prod:diabetes-clf:7": "succeeded"}
    assert len(stand_in.runs()) == 2


def _both_succeeded(url: str) -> dict[str, str]:
    """The states of both promotions, once both have succeeded."""
    states = {one["id"]: one["state"] for one in httpx.get(f"{url}/api/promotions").json()["promotions"]}
    return states if list(states.values()) == ["succeeded", "succeeded"] else {}


def test_a_sweep_that_can_t_reach_the_store_says_so_without_a_traceback(tmp_path: Path) -> None:
    program = started(tmp_path, ORCHESTRATOR_SWEEP_SECONDS="0.1")
    assert program.stdout is not None
    assert program.stderr is not None
    url = program.stdout.readline().split()[-1]
    assert httpx.get(f"{url}/api/health").status_code == 200
    (tmp_path / "var" / "orchestrator.db").rename(tmp_path / "var" / "elsewhere.db")
    said = ""
    for said in program.stderr:
        if "sweep." in said and "sweep.finished" not in said:
            break

    program.terminate()
    _, errors = program.communicate(timeout=30)

    assert '"sweep.store_unavailable"' in said
    assert '"level":"warning"' in said
    assert "orchestrator.db" in said
    assert "Traceback" not in errors
