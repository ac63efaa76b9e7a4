"""The workflow that users copy: it takes what is sent, its runs are found again, and none of them deploys twice."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from orchestrator.local.scene import RUN_NAME, shipped_workflow
from orchestrator.policy.inputs import STANDARD_INPUTS

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "workflows" / "promote.yml"
BRACKET = "[${{ inputs.promotion_id }}#${{ inputs.attempt }}]"
GUIDE = ROOT / "docs" / "running.md"

GH = """#!/usr/bin/env bash
[[ "$GH_FAILS" == yes ]] && exit 1
[[ "$*" == *"/workflows/"*"/runs"* ]] && cat "$RUNS" && exit
echo 99
"""


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(WORKFLOW.read_text(encoding="utf-8"))
    return content


def test_it_declares_what_is_sent_and_nothing_else(workflow: dict[str, Any]) -> None:
    declared = workflow["on"]["workflow_dispatch"]["inputs"]

    assert tuple(declared) == STANDARD_INPUTS
    assert {one["type"] for one in declared.values()} == {"string"}


def test_the_bracket_stands_last_in_the_name_of_its_runs(workflow: dict[str, Any]) -> None:
    assert workflow["run-name"].endswith(f" {BRACKET}")


def test_the_stand_in_for_github_runs_this_very_workflow(workflow: dict[str, Any]) -> None:
    model = shipped_workflow("promote.yml")
    declared = workflow["on"]["workflow_dispatch"]["inputs"]

    assert workflow["run-name"] == RUN_NAME == model.run_name
    assert workflow["name"] == model.name
    assert {one.name: one.required for one in model.inputs} == {name: one["required"] for name, one in declared.items()}


def test_the_gate_stands_before_the_teams_script_and_after_the_look_for_an_older_run(workflow: dict[str, Any]) -> None:
    once, promote = workflow["jobs"]["once"], workflow["jobs"]["promote"]

    assert "environment" not in once
    assert promote["needs"] == "once"
    assert promote["environment"] == "${{ inputs.environment }}"
    assert promote["concurrency"] == {"group": "promote-${{ inputs.environment }}", "queue": "max"}


def test_a_run_may_do_no_more_than_list_runs(workflow: dict[str, Any]) -> None:
    jobs = workflow["jobs"]

    assert (workflow["permissions"], jobs["once"]["permissions"], jobs["promote"]["permissions"]) == (
        {},
        {"actions": "read"},
        {},
    )


def test_no_input_can_become_a_command_and_no_code_of_others_runs(workflow: dict[str, Any]) -> None:
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]

    assert not any("${{" in step["run"] for step in steps)
    assert not any("uses" in step for step in steps)


def test_every_input_is_described_to_users() -> None:
    text = GUIDE.read_text(encoding="utf-8")

    assert [name for name in STANDARD_INPUTS if f"| `{name}` |" not in text] == []


def ended(workflow: dict[str, Any], folder: Path, runs: str, *, fails: bool = False) -> int:
    """Run the first job's script as run 100 of attempt 1, with these runs listed, and give its exit status."""
    gh = folder / "gh"
    gh.write_text(GH)
    gh.chmod(0o755)
    (folder / "runs").write_text(runs)
    (step,) = workflow["jobs"]["once"]["steps"]
    environ = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "RUNS": str(folder / "runs"),
        "GH_FAILS": "yes" if fails else "no",
        "GITHUB_REPOSITORY": "proseware/diabetes-ml",
        "GITHUB_RUN_ID": "100",
        "BRACKET": "[staging:diabetes-*:7#1]",
    }
    return subprocess.run(["bash", "-e", "-c", step["run"]], env=environ, check=False, timeout=30).returncode


@pytest.mark.parametrize(
    ("runs", "status"),
    [
        ("", 0),
        ("100\tPromote a [staging:diabetes-*:7#1]\n", 0),
        ("101\tPromote a [staging:diabetes-*:7#1]\n100\tPromote a [staging:diabetes-*:7#1]\n", 0),
        ("99\tPromote a [staging:diabetes-*:7#2]\n98\tPromote a [staging:diabetes-x:7#1]\n", 0),
        ("99\tPromote [staging:diabetes-*:7#1] of somebody [else#1]\n", 0),
        ("100\tPromote a [staging:diabetes-*:7#1]\n20\tPromote a [staging:diabetes-*:7#1]\n", 1),
        ("99\t[staging:diabetes-*:7#1]\n", 1),
    ],
)
def test_a_run_ends_where_an_older_one_carries_the_same_bracket(
    workflow: dict[str, Any], tmp_path: Path, runs: str, status: int
) -> None:
    assert ended(workflow, tmp_path, runs) == status


def test_a_run_that_can_t_look_does_not_go_on(workflow: dict[str, Any], tmp_path: Path) -> None:
    assert ended(workflow, tmp_path, "", fails=True) != 0
