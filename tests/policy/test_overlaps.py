"""Two routes that may want the same model in the same environment are pointed out."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.policy.load import check_policy
from orchestrator.policy.overlaps import patterns_meet

WORKSPACES = "/subscriptions/1/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces"
HEAD = f"""\
version: 1
github: {{repository: proseware/churn-ml}}
environments:
  dev: {{workspace: {WORKSPACES}/dev, gate: none}}
  prod: {{workspace: {WORKSPACES}/prod, gate: required}}
promotions:
  - {{name: first, models: ["churn-*"], from: dev, to: prod, on: [model-registered], workflow: promote.yml}}
"""


def warnings_of(route: str) -> list[str]:
    checked = check_policy({"policy.yaml": HEAD + f"  - {{{route}}}\n"})
    assert checked.policy is not None
    return [warning.what for warning in checked.warnings]


def test_a_second_route_for_the_same_models_is_pointed_out_with_the_one_that_opens() -> None:
    told = warnings_of('name: second, models: ["*-eu"], from: dev, to: prod, on: [model-deployed], workflow: p.yml')

    assert len(told) == 1
    assert '"first" (policy.yaml:7) and "second"' in told[0]
    assert '"first", opens' in told[0]


def test_a_run_completed_route_counts_with_the_name_that_it_gives() -> None:
    route = "name: second, experiments: [train], {}from: dev, to: prod, on: [run-completed], workflow: p.yml"

    assert len(warnings_of(route.format("as: churn-model, "))) == 1
    assert warnings_of(route.format("")) == []


@pytest.mark.parametrize(
    "route",
    [
        'name: second, models: ["sales-*"], from: dev, to: prod, on: [model-registered], workflow: p.yml',
        'name: second, models: ["churn-*"], from: prod, to: dev, on: [model-registered], workflow: p.yml',
        'name: second, models: ["churn-*"], from: dev, to: prod, on: [model-registered], workflow: p.yml, mode: shadow',
    ],
    ids=["other models", "another environment", "in shadow"],
)
def test_routes_that_do_not_meet_give_no_warning(route: str) -> None:
    assert warnings_of(route) == []


@given(
    st.text(st.sampled_from("ab*?"), max_size=6),
    st.text(st.sampled_from("ab*?"), max_size=6),
    st.text(st.sampled_from("ab"), max_size=6),
)
def test_patterns_that_fit_one_name_meet(first: str, second: str, name: str) -> None:
    if fnmatch.fnmatchcase(name, first) and fnmatch.fnmatchcase(name, second):
        assert patterns_meet(first, second)


@pytest.mark.parametrize(
    ("first", "second", "meet"),
    [
        ("a*b", "*c", False),
        ("a*", "*b", True),
        ("a?", "ab", True),
        ("a?", "abc", False),
        ("a[xy]", "az", True),
        ("[", "[", True),
        ("", "", True),
        ("", "*", True),
        ("*" * 255, "a" * 255, True),
    ],
)
def test_patterns_meet_or_do_not(first: str, second: str, *, meet: bool) -> None:
    assert patterns_meet(first, second) is meet
    assert patterns_meet(second, first) is meet
