from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from orchestrator.adapters.github.workflows import GitHubWorkflows
from orchestrator.errors import Refused
from orchestrator.local.github.environment import BranchPolicy, Reviewer, Rules
from orchestrator.local.github.failures import Kind, Rule
from orchestrator.local.github.state import StandIn
from orchestrator.ports import Clock, PendingGate, Review
from orchestrator.promotion.record import Target
from tests.adapters.github.conftest import WorldClock, at, calls, started
from tests.adapters.github.raw_server import answer, answering

REVIEWERS = Rules((Reviewer("reviewer-one"), Reviewer("ml-owners", members=("reviewer-two",))))


def test_a_gate_names_its_people_and_teams(workflows: GitHubWorkflows, stand_in: StandIn, target: Target) -> None:
    stand_in.set_environment("acme/shop", "prod", REVIEWERS)

    assert workflows.gate(target).reviewers == ("reviewer-one", "team:ml-owners")


def test_a_name_with_slash_and_space_is_one_name(target: Target, clock: Clock) -> None:
    with answering(answer(200, {"name": "prod/eu 1"})) as server:
        at(server.url, clock).gate(replace(target, environment="prod/eu 1"))

        assert server.calls[0].line == "GET /repos/acme/shop/environments/prod%2Feu%201"


@pytest.mark.parametrize(
    ("rules", "instead"),
    [
        (Rules(), "environment prod of acme/shop has no required reviewers"),
        (
            Rules(wait_timer=30, branch_policy=BranchPolicy(protected_branches=True, custom_branch_policies=False)),
            "environment prod of acme/shop has a wait timer and a branch policy, but no required reviewers",
        ),
    ],
)
def test_an_environment_without_reviewers_is_no_gate(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target, rules: Rules, instead: str
) -> None:
    stand_in.set_environment("acme/shop", "prod", rules)

    seen = workflows.gate(target)

    assert (seen.reviewers, seen.instead) == ((), instead)


def test_reviewers_that_are_nobody_are_no_gate(target: Target, clock: Clock) -> None:
    rules = [{"type": "required_reviewers", "reviewers": []}, {"type": "scanner"}]
    with answering(answer(200, {"name": "prod", "protection_rules": rules})) as server:
        seen = at(server.url, clock).gate(target)

    assert seen.reviewers == ()
    assert seen.instead.endswith("has the rule scanner, but no required reviewers")


def test_a_missing_environment_is_no_gate(workflows: GitHubWorkflows, target: Target) -> None:
    seen = workflows.gate(target)

    assert (seen.reviewers, seen.instead) == ((), "environment prod does not exist in acme/shop")


def test_a_gate_is_remembered_for_a_minute_by_all_threads(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target, clock: WorldClock
) -> None:
    stand_in.set_environment("acme/shop", "prod", REVIEWERS)
    workflows.gate(target)
    stand_in.set_environment("acme/shop", "prod", Rules())

    clock.add(50)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(workflows.gate, target).result().reviewers
    clock.add(11)
    assert not workflows.gate(target).reviewers
    assert calls(stand_in).get("GET environment", 0) == 2


def test_a_missing_gate_is_never_remembered(workflows: GitHubWorkflows, stand_in: StandIn, target: Target) -> None:
    assert not workflows.gate(target).reviewers
    stand_in.set_environment("acme/shop", "prod", REVIEWERS)

    assert workflows.gate(target).reviewers


def test_a_gate_that_can_not_be_read_is_not_a_remembered_one(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target, clock: WorldClock
) -> None:
    stand_in.set_environment("acme/shop", "prod", REVIEWERS)
    workflows.gate(target)
    stand_in.failures.set([Rule("environment", Kind.STATUS, code=403, message="Forbidden")])
    clock.add(61)

    with pytest.raises(Refused, match="does not show environment prod of acme/shop"):
        workflows.gate(target)


def test_a_waiting_run_names_its_gate(workflows: GitHubWorkflows, stand_in: StandIn, target: Target) -> None:
    stand_in.set_environment("acme/shop", "prod", REVIEWERS)
    run = started(stand_in)

    assert workflows.pending(target, run.id) == (PendingGate("prod", ("reviewer-one", "team:ml-owners")),)
    stand_in.approve(run.id, "reviewer-one")
    assert workflows.pending(target, run.id) == ()


def test_reviews_of_all_attempts_are_told_in_their_order(
    workflows: GitHubWorkflows, stand_in: StandIn, target: Target
) -> None:
    stand_in.set_environment("acme/shop", "prod", REVIEWERS)
    run = started(stand_in)
    assert workflows.reviews(target, run.id) == ()

    stand_in.reject(run.id, "reviewer-one", "not on a Friday")
    stand_in.rerun(run.id)
    stand_in.approve(run.id, "reviewer-two", "")

    assert workflows.reviews(target, run.id) == (
        Review(("prod",), approved=False, reviewer="reviewer-one", comment="not on a Friday"),
        Review(("prod",), approved=True, reviewer="reviewer-two", comment=""),
    )


def test_only_an_answer_of_a_reviewer_is_a_review(target: Target, clock: Clock) -> None:
    environments = [{"name": "prod"}, {"name": "prod-eu"}]
    pending = {"environments": environments, "state": "pending", "user": {"login": "reviewer-one"}, "comment": ""}
    deleted = {"environments": environments, "state": "approved", "user": None, "comment": None}
    with answering(answer(200, [pending, deleted])) as server:
        seen = at(server.url, clock).reviews(target, 7)

    assert seen == (Review(("prod", "prod-eu"), approved=True, reviewer="ghost", comment=""),)
