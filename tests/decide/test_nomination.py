"""Which routes a signal speaks to, and why the others stay silent."""

import json

import pytest

from orchestrator.decide.evidence import decode_signal_evidence
from orchestrator.decide.nomination import Foreign, Nominated, nominate, nominate_next
from orchestrator.policy.load import parse_policy
from orchestrator.policy.policy import Policy
from orchestrator.signals.delivery import Ours, parse_delivery
from orchestrator.signals.signal import Signal
from tests.flow.events import DEV, PRD, STG, model_registered

_HEAD = f"""
version: 1
github: {{repository: proseware/diabetes-ml}}
environments:
  dev: {{workspace: {DEV}}}
  staging: {{workspace: {STG}, gate: required}}
  prod: {{workspace: {PRD}, gate: required}}
promotions:
"""


def policy(*routes: str) -> Policy:
    return parse_policy({"policy.yaml": _HEAD + "".join(f"  - {route}\n" for route in routes)})


def to_staging(name: str = "to-staging", *, on: str = "model-registered", more: str = 'models: ["diabetes-*"]') -> str:
    return f"{{name: {name}, {more}, from: dev, to: staging, on: [{on}], workflow: promote.yml, checks: []}}"


def signal(body: bytes) -> Signal:
    (item,) = parse_delivery(body)
    assert isinstance(item, Ours)
    return item.signal


def run_completed(*, experiment: str = "nightly", run_id: str = "run-1", **properties: str) -> bytes:
    event = {
        "id": f"completed-{run_id}",
        "topic": DEV,
        "subject": f"experiments/0/runs/{run_id}",
        "eventType": "Microsoft.MachineLearningServices.RunCompleted",
        "eventTime": "2026-03-02T08:00:00Z",
        "data": {"experimentId": "0", "experimentName": experiment, "runId": run_id, "runProperties": properties},
    }
    return json.dumps(event).encode()


def nominated(body: bytes, rules: Policy) -> Nominated:
    found = nominate(signal(body), rules)
    assert isinstance(found, Nominated)
    return found


def test_a_registration_nominates_for_the_matching_route() -> None:
    found = nominated(model_registered(), policy(to_staging()))

    (one,) = found.nominations
    assert (one.route.name, one.candidate.model, one.candidate.version) == ("to-staging", "diabetes-clf", "7")
    assert one.candidate.from_environment == "dev"


def test_a_workspace_that_the_policy_does_not_name_is_foreign() -> None:
    found = nominate(signal(model_registered(workspace=DEV.replace("dev-ml-ws", "other-ws"))), policy(to_staging()))

    assert isinstance(found, Foreign)
    assert "it names dev, staging, prod" in found.reason


def test_workspaces_compare_without_letter_case() -> None:
    assert nominated(model_registered(workspace=DEV.upper()), policy(to_staging())).nominations


def test_a_model_that_matches_no_route_is_told_which_there_are() -> None:
    found = nominated(model_registered(model="churn"), policy(to_staging()))

    assert found.nominations == ()
    assert found.reason == "model churn matches no route from dev; the routes are to-staging (diabetes-*)"


def test_of_several_routes_into_one_environment_the_first_in_the_file_opens() -> None:
    found = nominated(model_registered(), policy(to_staging("first"), to_staging("second")))

    assert [one.route.name for one in found.nominations] == ["first"]


def test_a_shadow_route_stands_beside_an_enabled_one() -> None:
    shadow = to_staging("strict").replace("checks: []", "checks: [], mode: shadow")
    found = nominated(model_registered(), policy(shadow, to_staging("lenient")))

    assert [one.route.name for one in found.nominations] == ["strict", "lenient"]


@pytest.mark.parametrize(("stage", "nominates"), [("candidate", True), ("scratch", False)])
def test_a_route_takes_only_what_its_condition_lets_in(stage: str, *, nominates: bool) -> None:
    rules = policy(to_staging().replace("checks: []", "only: 'tags.stage != \"scratch\"', checks: []"))

    assert bool(nominated(model_registered(stage=stage), rules).nominations) is nominates


def test_a_condition_on_a_name_that_is_missing_lets_nothing_in() -> None:
    rules = policy(to_staging().replace("checks: []", "only: 'tags.team == \"a\"', checks: []"))

    assert "team" in nominated(model_registered(), rules).reason


def test_a_version_that_a_promotions_run_registered_is_linked_and_nominates_nothing() -> None:
    found = nominated(model_registered(promotion_id="staging:diabetes-clf:7"), policy(to_staging()))

    assert found.nominations == ()
    assert found.arrival is not None


def test_a_completed_root_run_nominates_itself_under_the_routes_name() -> None:
    rules = policy(to_staging(on="run-completed", more='experiments: ["night*"], as: assistant'))

    (one,) = nominated(run_completed(), rules).nominations
    assert (one.candidate.model, one.candidate.version, one.candidate.run_id) == ("assistant", "run-1", "run-1")


def test_a_part_of_a_larger_run_nominates_only_where_the_route_takes_all_runs() -> None:
    child = run_completed(runTemplate="automl_child")
    rooted = to_staging(on="run-completed", more='experiments: ["night*"]')

    assert nominated(child, policy(rooted)).nominations == ()
    assert nominated(child, policy(rooted.replace("checks: []", "runs: all, checks: []"))).nominations


def test_success_in_an_environment_nominates_for_the_route_above() -> None:
    above = (
        '{name: up, models: ["diabetes-*"], from: staging, to: prod, on: [promotion-succeeded], '
        "workflow: promote.yml, checks: []}"
    )
    rules = policy(to_staging(), above)
    (one,) = nominated(model_registered(), rules).nominations

    evidence = decode_signal_evidence(one.evidence_body)
    ((route, candidate),) = nominate_next(rules, "staging", one.candidate, evidence)
    assert (route.name, candidate.from_environment, candidate.version) == ("up", "staging", "7")
    assert nominate_next(rules, "prod", one.candidate, evidence) == ()


def test_the_condition_of_a_route_holds_for_what_comes_from_below_too() -> None:
    above = (
        '{name: up, models: ["diabetes-*"], from: staging, to: prod, on: [promotion-succeeded], '
        "only: 'tags.region == \"eu\"', workflow: promote.yml, checks: []}"
    )
    rules = policy(to_staging(), above)

    for region, opens in (("us", False), ("eu", True)):
        (one,) = nominated(model_registered(region=region), rules).nominations
        evidence = decode_signal_evidence(one.evidence_body)
        assert bool(nominate_next(rules, "staging", one.candidate, evidence)) is opens
