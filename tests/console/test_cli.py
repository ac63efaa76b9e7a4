"""The command line, as a program: data on standard output, a sentence and an exit code for what went wrong."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.flow.intake import receive
from orchestrator.flow.recording import record
from orchestrator.flow.world import World
from orchestrator.policy.policy import Gate
from orchestrator.promotion.record import Dispatch, GateRecord, Run, Target
from orchestrator.promotion.states import FactKind
from orchestrator.settings import Settings
from orchestrator.signals.delivery import parse_delivery
from tests.console.test_api import AT, IDENTITY, let_happen
from tests.flow.events import model_registered
from tests.flow.story import POLICY

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def orchestrator(folder: Path, *arguments: str, **environ: str) -> Ended:
    ended = subprocess.run(
        [sys.executable, "-m", "orchestrator", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in ended.stderr
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture
def folder(tmp_path: Path, settings: Settings, world: World) -> Path:
    """A folder with a policy, a store that holds something, and a file that says where both are."""
    receive(world, parse_delivery(model_registered()))
    receive(world, parse_delivery(model_registered(model="esc\u200bape", version="1")))
    receive(world, parse_delivery(b'[{"id": "broken"}]'))
    stored = world.store.load(IDENTITY)
    assert stored is not None
    target = Target("proseware/diabetes-ml", "promote.yml", "main", "staging")
    intent = Dispatch(target, Gate.REQUIRED, "writer", AT)
    stored = record(world, stored, FactKind.INTENT_SAVED, detail="told to run", dispatch=intent)
    record(world, stored, FactKind.RUN_STARTED, detail="run 4711", run=Run(4711, "https://github.example/runs/4711"))
    values = {"ORCHESTRATOR_STORE": "sqlite:///orchestrator.db", "ORCHESTRATOR_POLICY": "policy.yaml"}
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    return tmp_path


def test_promotions_are_listed_for_people_and_for_programs(folder: Path) -> None:
    table = orchestrator(folder, "list")
    listed = orchestrator(folder, "list", "--json", "--model", "diabetes-clf", "--state", "queued")

    assert (table.code, table.errors) == (0, "")
    assert any(IDENTITY in line and "dev -> staging" in line and "queued" in line for line in table.out.splitlines())
    assert [one["id"] for one in listed.json["promotions"]] == [IDENTITY]
    assert listed.json["next"] is None
    assert orchestrator(folder, "list", "--json", "--limit", "1").json["next"]


def test_one_promotion_is_shown_by_its_id_and_by_its_run(folder: Path) -> None:
    by_id = orchestrator(folder, "show", IDENTITY, "--json")
    by_run = orchestrator(folder, "show", "--run", "4711", "--json")

    assert by_id.json == by_run.json
    assert [fact["fact"] for fact in by_id.json["history"]] == ["opened", "intent saved", "run started"]
    assert "https://github.example/runs/4711" in orchestrator(folder, "show", IDENTITY).out


def test_the_journal_is_read_newest_first_and_by_outcome(folder: Path) -> None:
    events = orchestrator(folder, "events", "--json").json["events"]

    assert [event["outcome"] for event in events] == ["malformed", "promoted", "promoted"]
    malformed = orchestrator(folder, "events", "--outcome", "malformed", "--json").json["events"]
    assert [event["event_id"] for event in malformed] == ["broken"]
    assert "malformed" in orchestrator(folder, "events").out


def test_what_could_act_on_a_terminal_is_not_printed(folder: Path) -> None:
    assert "\u200b" not in orchestrator(folder, "events").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "staging:nothing:1"], 3, "staging:nothing:1"),
        (["show", "--run", "1"], 3, "run 1"),
        (["show"], 2, "--run"),
        (["show", IDENTITY, "--run", "4711"], 2, "--run"),
        (["list", "--state", "done"], 2, "gated"),
        (["list", "--limit", "500"], 2, "200"),
        (["list", "--cursor", "made-up"], 1, "cursor"),
        (["promote"], 2, "promote"),
        (["cancel", IDENTITY], 2, "--reason"),
        (["cancel", IDENTITY, "--reason", " "], 2, "say why"),
        (["retry", IDENTITY, "--reason", "x" * 2001], 2, "2,000"),
        (["cancel", "staging:nothing:1", "--reason", "why"], 3, "staging:nothing:1"),
        (["retry", IDENTITY, "--reason", "why"], 1, "once it has ended"),
        (["override", IDENTITY, "--check", "gate", "--reason", "why"], 1, "nothing to accept"),
        (["override", IDENTITY, "--check", "accuracy", "--reason", "why"], 1, "only `gate`"),
        (["override", IDENTITY, "--reason", "why"], 2, "--check"),
    ],
)
def test_what_can_t_be_done_ends_in_a_sentence_and_an_exit_code(
    folder: Path, arguments: list[str], code: int, said: str
) -> None:
    ended = orchestrator(folder, *arguments)

    assert ended.code == code
    assert said in ended.errors
    assert ended.out == ""


def test_people_act_without_credentials_and_go_on_record(folder: Path, world: World) -> None:
    cancelled = orchestrator(folder, "cancel", IDENTITY, "--reason", " wrong data ", "--json", LOGNAME="ops-one")
    let_happen(world, FactKind.FAILED)
    again = orchestrator(folder, "retry", IDENTITY, "--reason", "mended", LOGNAME="ops-two")
    shown = orchestrator(folder, "show", IDENTITY, "--json").json

    asked = cancelled.json["history"][-1]
    assert (asked["fact"], asked["actor"], asked["detail"]) == ("cancel asked", "ops-one", "wrong data")
    assert (again.code, shown["attempt"]) == (0, 2)
    assert IDENTITY in again.out
    assert (shown["history"][-1]["actor"], shown["history"][-1]["detail"]) == ("ops-two", "mended")


def test_a_broken_policy_stops_nobody_from_cancelling(folder: Path) -> None:
    (folder / "policy.yaml").write_text("version: 0")

    assert orchestrator(folder, "cancel", IDENTITY, "--reason", "wrong data").code == 0
    assert orchestrator(folder, "override", IDENTITY, "--check", "gate", "--reason", "why").code == 1


def test_a_bypassed_gate_is_accepted_and_the_next_environment_opens(folder: Path, world: World) -> None:
    let_happen(world, FactKind.GATE_BYPASSED, gate=GateRecord(required=True, reviewers=(), bypassed=True))
    let_happen(world, FactKind.SUCCEEDED)

    accepted = orchestrator(
        folder, "override", IDENTITY, "--check", "gate", "--reason", "reviewed by phone", "--json", LOGNAME="ops-one"
    )

    last = accepted.json["history"][-1]
    assert (last["fact"], last["actor"], last["detail"]) == ("bypass accepted", "ops-one", "reviewed by phone")
    assert orchestrator(folder, "show", "prod:diabetes-clf:7", "--json").json["state"] == "evaluating"


def test_the_environment_wins_over_the_file(folder: Path) -> None:
    ended = orchestrator(folder, "list", ORCHESTRATOR_STORE="sqlite:///elsewhere.db")

    assert ended.code == 1
    assert "elsewhere.db" in ended.errors
    assert not (folder / "elsewhere.db").exists()


def test_a_store_that_is_none_is_said_to_be(folder: Path) -> None:
    (folder / "text.db").write_text("this is no database, whatever its name says, and it is long enough to tell")

    ended = orchestrator(folder, "list", ORCHESTRATOR_STORE="sqlite:///text.db")

    assert ended.code in {1, 4}
    assert "text.db" in ended.errors


def test_a_good_policy_is_checked_with_zero(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)

    assert orchestrator(tmp_path, "check").code == 0
    assert orchestrator(tmp_path, "check", "policy.yaml", "--json").json == {"ok": True, "mistakes": [], "warnings": []}


def test_every_mistake_of_a_policy_is_printed(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(
        POLICY.replace("gate: required", "gate: perhaps").replace("models:", "modles:")
    )

    ended = orchestrator(tmp_path, "check", "other.yaml")
    found = orchestrator(tmp_path, "check", "other.yaml", "--json")

    assert ended.code == found.code == 1
    assert "perhaps" in ended.out
    assert "modles" in ended.out
    assert found.json["ok"] is False
    assert {mistake["file"] for mistake in found.json["mistakes"]} == {"other.yaml"}
    assert all(mistake["line"] and mistake["what"] for mistake in found.json["mistakes"])


def test_a_policy_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    named = orchestrator(tmp_path, "check", "nowhere.yaml")
    default = orchestrator(tmp_path, "check")

    assert named.code == default.code == 1
    assert "nowhere.yaml: there is no policy here" in named.out
    assert "policy.yaml: there is no policy here" in default.out
    assert "check PATH" in default.out
    (mistake,) = orchestrator(tmp_path, "check", "--json").json["mistakes"]
    assert mistake["what"] == "there is no policy here"
