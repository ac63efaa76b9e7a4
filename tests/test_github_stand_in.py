"""The GitHub stand-in behaves like GitHub where promotions look, and its answers fit GitHub's official description."""

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from github import Auth, Github
from ruamel.yaml import YAML

from orchestrator.local.github.environment import AutoApprove, Reviewer, Rules
from orchestrator.local.github.repository import Settings, TitledConclusion
from orchestrator.local.github.state import StandIn
from orchestrator.local.github.workflow import Workflow
from tests.github_caller import HOME, PROMOTE, REPOSITORY, START, Caller, calling, stand_in_with_a_gate

DISPATCHES = f"{HOME}/actions/workflows/promote.yml/dispatches"
QUEUE, GUARD, RUN = 5, 10, 60
TO_THE_GATE = QUEUE + GUARD


@pytest.fixture
def stand_in() -> StandIn:
    return stand_in_with_a_gate()


@pytest.fixture
def caller(stand_in: StandIn) -> Iterator[Caller]:
    with calling(stand_in) as one:
        yield one


@pytest.fixture
def reviewer(caller: Caller) -> Iterator[Caller]:
    one = Caller(caller.url, token="token-of-reviewer-one")
    yield one
    one.close()


def review(caller: Caller, run: str, state: str, comment: str = "looked at it") -> httpx.Response:
    waiting = caller.get(f"{run}/pending_deployments").json()
    ids = [one["environment"]["id"] for one in waiting] or [1]
    body = {"environment_ids": ids, "state": state, "comment": comment}
    return caller.post(f"{run}/pending_deployments", body)


def test_a_dispatch_tells_the_run_when_asked_to(caller: Caller) -> None:
    details = caller.dispatch().json()

    shown = caller.get(f"{HOME}/actions/runs/{details['workflow_run_id']}").json()
    assert (shown["url"], shown["html_url"]) == (details["run_url"], details["html_url"])
    assert shown["display_title"] == "Promote churn [staging:churn:7#1]"
    assert shown["event"] == "workflow_dispatch"


def test_a_dispatch_answers_nothing_when_not_asked(caller: Caller, stand_in: StandIn) -> None:
    answer = caller.dispatch(return_run_details=False)

    assert (answer.status_code, answer.content) == (204, b"")
    assert len(stand_in.runs()) == 1


def test_the_newest_version_of_the_api_always_tells_the_run(caller: Caller) -> None:
    body = {"ref": "main", "inputs": {"promotion_id": "a"}}

    assert caller.post(DISPATCHES, body, headers={"x-github-api-version": "2026-03-10"}).status_code == 200
    assert caller.post(DISPATCHES, body, headers={"x-github-api-version": "2022-11-28"}).status_code == 204
    assert caller.post(DISPATCHES, body, headers={"x-github-api-version": "1999-01-01"}).status_code == 400


def test_an_old_server_never_tells_the_run(caller: Caller, stand_in: StandIn) -> None:
    stand_in.add_repository(REPOSITORY, Settings(old_server=True))

    assert caller.dispatch().status_code == 204
    assert len(stand_in.runs()) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ref": "gone"}, "No ref found for: gone"),
        ({"ref": None}, '"ref" wasn\'t supplied'),
        ({"speed": 3}, '"speed" is not a permitted key'),
        ({"inputs": {"promotion_id": "a", "size": "1"}}, 'Unexpected inputs provided: ["size"]'),
        ({"inputs": {"model": "churn"}}, "Required input 'promotion_id' not provided"),
        (
            {"inputs": {"promotion_id": "a", "intent": "hope"}},
            "value 'hope' for input 'intent' not in the list of allowed",
        ),
        ({"inputs": {f"input{n}": "" for n in range(26)}}, "No more than 25 properties are allowed"),
        ({"inputs": {"promotion_id": "x" * 65_536}}, "inputs are too large"),
        ({"inputs": {"promotion_id": ["a"]}}, "Invalid value for input 'promotion_id'"),
    ],
)
def test_what_github_refuses_starts_nothing(
    caller: Caller, stand_in: StandIn, change: dict[str, object], message: str
) -> None:
    answer = caller.post(DISPATCHES, {"ref": "main", "inputs": {"promotion_id": "a"}} | change)

    assert answer.status_code == 422
    assert message in answer.json()["message"]
    assert stand_in.runs() == []


def test_a_workflow_without_the_trigger_cannot_be_dispatched(caller: Caller, stand_in: StandIn) -> None:
    stand_in.add_workflow(REPOSITORY, replace(PROMOTE, dispatchable=False))

    answer = caller.dispatch()

    assert answer.status_code == 422
    assert answer.json()["message"] == "Workflow does not have 'workflow_dispatch' trigger"


@pytest.mark.parametrize(
    "path", [f"{HOME}/actions/workflows/other.yml/dispatches", "/repos/proseware/gone/actions/workflows/1/dispatches"]
)
def test_what_is_not_there_is_not_found(caller: Caller, path: str) -> None:
    assert caller.post(path, {"ref": "main"}).status_code == 404


def test_a_workflow_goes_by_its_file_and_by_its_id(caller: Caller, stand_in: StandIn) -> None:
    number = caller.get(f"{HOME}/actions/workflows/promote.yml").json()["id"]
    caller.post(f"{HOME}/actions/workflows/{number}/dispatches", {"ref": "v1", "inputs": {"promotion_id": 7}})

    assert [sight.run.inputs["promotion_id"] for sight in stand_in.runs()] == ["7"]
    assert caller.get(f"{HOME}/actions/workflows/{number}/runs").json()["total_count"] == 1


def test_without_a_token_nothing_is_answered(caller: Caller) -> None:
    nobody = Caller(caller.url, token="")

    assert nobody.get(HOME).status_code == 401
    nobody.close()


def test_a_run_walks_from_the_queue_to_its_end(caller: Caller, reviewer: Caller, stand_in: StandIn) -> None:
    run = caller.started()
    seen = [caller.state(run)]
    for seconds in (QUEUE, GUARD):
        stand_in.advance(seconds)
        seen.append(caller.state(run))
    review(reviewer, run, "approved")
    seen.append(caller.state(run))
    stand_in.advance(RUN)
    seen.append(caller.state(run))

    going = [("queued", None), ("in_progress", None), ("waiting", None), ("in_progress", None)]
    assert seen == [*going, ("completed", "success")]


def test_the_gate_shows_who_may_open_it(caller: Caller, reviewer: Caller, stand_in: StandIn) -> None:
    run = caller.started()
    assert caller.get(f"{run}/pending_deployments").json() == []

    stand_in.advance(TO_THE_GATE)

    [of_others] = caller.get(f"{run}/pending_deployments").json()
    [own] = reviewer.get(f"{run}/pending_deployments").json()
    assert of_others["environment"]["name"] == "prod"
    assert [one["reviewer"]["login"] for one in of_others["reviewers"]] == ["reviewer-one"]
    assert (of_others["current_user_can_approve"], own["current_user_can_approve"]) == (False, True)


def test_an_approval_is_kept_with_its_person_and_comment(caller: Caller, reviewer: Caller, stand_in: StandIn) -> None:
    run = caller.started()
    stand_in.advance(TO_THE_GATE)

    review(reviewer, run, "approved", "numbers are fine")

    [kept] = caller.get(f"{run}/approvals").json()
    assert (kept["state"], kept["user"]["login"], kept["comment"]) == ("approved", "reviewer-one", "numbers are fine")
    assert [one["name"] for one in kept["environments"]] == ["prod"]


def test_a_rejection_fails_the_run(caller: Caller, reviewer: Caller, stand_in: StandIn) -> None:
    run = caller.started()
    stand_in.advance(TO_THE_GATE)

    review(reviewer, run, "rejected")

    assert caller.state(run) == ("completed", "failure")
    assert [one["state"] for one in caller.get(f"{run}/approvals").json()] == ["rejected"]


def test_who_is_no_reviewer_opens_no_gate(caller: Caller, stand_in: StandIn) -> None:
    run = caller.started()
    stand_in.advance(TO_THE_GATE)

    assert review(caller, run, "approved").status_code == 422
    assert caller.state(run) == ("waiting", None)


def test_nobody_decides_a_gate_before_the_run_stands_at_it(caller: Caller, reviewer: Caller) -> None:
    run = caller.started()

    assert review(reviewer, run, "approved").status_code == 422
    assert caller.get(f"{run}/approvals").json() == []


def test_who_started_the_run_may_not_review_it_where_that_is_forbidden(caller: Caller, stand_in: StandIn) -> None:
    reviewers = (Reviewer("dispatcher"), Reviewer("leads", members=("reviewer-two",)))
    stand_in.set_environment(REPOSITORY, "prod", Rules(reviewers, prevent_self_review=True))
    run = caller.started()
    stand_in.advance(TO_THE_GATE)

    assert review(caller, run, "approved").status_code == 422
    of_the_team = Caller(caller.url, token="token-of-reviewer-two")
    assert review(of_the_team, run, "approved").status_code == 200
    of_the_team.close()


def test_a_bypass_passes_the_gate_and_leaves_no_approval(caller: Caller, stand_in: StandIn) -> None:
    run = caller.started()
    stand_in.advance(TO_THE_GATE)

    answer = caller.post(f"/_stand-in/runs/{run.rpartition('/')[2]}/bypass", {"login": "administrator"})

    assert answer.status_code == 200
    assert caller.state(run) == ("in_progress", None)
    assert caller.get(f"{run}/approvals").json() == []


def test_a_reviewer_can_approve_by_itself_after_a_while(caller: Caller, stand_in: StandIn) -> None:
    auto = AutoApprove("reviewer-one", after_seconds=30, comment="by itself")
    stand_in.set_environment(REPOSITORY, "prod", Rules((Reviewer("reviewer-one"),), auto_approve=auto))
    run = caller.started()

    stand_in.advance(TO_THE_GATE + 29)
    assert caller.state(run) == ("waiting", None)
    stand_in.advance(1)
    assert caller.state(run) == ("in_progress", None)
    assert [one["comment"] for one in caller.get(f"{run}/approvals").json()] == ["by itself"]


def test_an_environment_that_is_not_there_is_made_without_a_gate(caller: Caller, stand_in: StandIn) -> None:
    run = caller.started(inputs={"environment": "sandbox"})
    stand_in.advance(TO_THE_GATE + RUN)

    assert caller.state(run) == ("completed", "success")
    assert caller.get(f"{HOME}/environments/sandbox").json()["protection_rules"] == []


def test_a_gate_that_comes_later_does_not_stop_a_run_on_its_way(caller: Caller, stand_in: StandIn) -> None:
    run = caller.started(inputs={"environment": "sandbox"})
    stand_in.set_environment(REPOSITORY, "sandbox", Rules((Reviewer("reviewer-one"),)))
    stand_in.advance(TO_THE_GATE + RUN)

    assert caller.state(run) == ("completed", "success")


@pytest.mark.parametrize(("second", "conclusion"), [("1", "failure"), ("2", "success")])
def test_the_first_job_ends_a_run_whose_bracket_was_seen_before(
    caller: Caller, stand_in: StandIn, second: str, conclusion: str
) -> None:
    first = caller.started(inputs={"attempt": "1", "environment": "sandbox"})
    repeat = caller.started(inputs={"attempt": second, "environment": "sandbox"})
    stand_in.advance(TO_THE_GATE + RUN)

    assert caller.state(first) == ("completed", "success")
    assert caller.state(repeat) == ("completed", conclusion)
    [guard, promote] = caller.get(f"{repeat}/jobs").json()["jobs"]
    assert guard["conclusion"] == conclusion
    assert promote["conclusion"] == ("skipped" if conclusion == "failure" else "success")


def test_a_run_ends_as_scripted(caller: Caller, stand_in: StandIn) -> None:
    titled = (TitledConclusion("[staging:churn:8", "timed_out"),)
    stand_in.add_repository(REPOSITORY, Settings(conclusion="failure", titled_conclusions=titled))
    ended = [caller.state(caller.started(f"staging:churn:{n}", inputs={"environment": "dev"})) for n in (7, 8)]

    assert ended == [("completed", "failure"), ("completed", "timed_out")]


@pytest.mark.parametrize("how", ["cancel", "force-cancel"])
def test_a_cancelled_run_ends_once(caller: Caller, stand_in: StandIn, how: str) -> None:
    run = caller.started()
    stand_in.advance(TO_THE_GATE)

    assert caller.post(f"{run}/{how}").status_code == 202
    assert caller.state(run) == ("completed", "cancelled")
    assert caller.get(f"{run}/pending_deployments").json() == []
    assert caller.post(f"{run}/{how}").status_code == 409


def test_a_rerun_waits_at_the_gate_again_and_keeps_the_earlier_approval(
    caller: Caller, reviewer: Caller, stand_in: StandIn
) -> None:
    stand_in.add_workflow(REPOSITORY, replace(PROMOTE, conclusion="failure"))
    run = caller.started()
    stand_in.advance(TO_THE_GATE)
    review(reviewer, run, "approved")
    assert caller.post(f"{run}/rerun").status_code == 403
    stand_in.advance(RUN)

    assert caller.post(f"{run}/rerun-failed-jobs").status_code == 201

    stand_in.advance(QUEUE)
    shown = caller.get(run).json()
    assert (shown["run_attempt"], shown["status"]) == (2, "waiting")
    assert len(caller.get(f"{run}/approvals").json()) == 1
    assert [job["run_attempt"] for job in caller.get(f"{run}/jobs").json()["jobs"]] == [2, 2]


def test_a_rerun_of_everything_begins_at_the_first_job(caller: Caller, stand_in: StandIn) -> None:
    run = caller.started(inputs={"environment": "sandbox"})
    stand_in.advance(TO_THE_GATE + RUN)

    assert caller.post(f"{run}/rerun-failed-jobs").status_code == 403
    assert caller.post(f"{run}/rerun").status_code == 201
    stand_in.advance(QUEUE)
    assert [job["status"] for job in caller.get(f"{run}/jobs").json()["jobs"]] == ["in_progress", "queued"]


def test_a_run_that_did_not_change_is_not_sent_again(caller: Caller, stand_in: StandIn) -> None:
    run = caller.started()
    tag = caller.get(run).headers["etag"]

    assert caller.get(run, headers={"if-none-match": tag}).status_code == 304
    stand_in.advance(QUEUE)
    assert caller.get(run, headers={"if-none-match": tag}).status_code == 200


def titles(answer: httpx.Response) -> list[str]:
    return [run["display_title"].partition("[")[2].rstrip("]") for run in answer.json()["workflow_runs"]]


@pytest.mark.parametrize(
    ("created", "found"),
    [
        (">=2026-03-02T09:01:00Z", ["c", "b"]),
        (">2026-03-02T09:01:00+00:00", ["c"]),
        ("<=2026-03-02T09:01:00Z", ["b", "a"]),
        ("<2026-03-02T09:01:00Z", ["a"]),
        ("2026-03-02T09:00:30Z..2026-03-02T09:01:30Z", ["b"]),
        ("*..2026-03-02T09:01:00Z", ["b", "a"]),
        ("2026-03-02", ["c", "b", "a"]),
        (">2026-03-02", []),
    ],
)
def test_a_list_can_be_narrowed_by_time(caller: Caller, stand_in: StandIn, created: str, found: list[str]) -> None:
    for promotion_id in "abc":
        caller.dispatch(promotion_id)
        stand_in.advance(60)

    answer = caller.get(f"{HOME}/actions/workflows/promote.yml/runs", created=created, event="workflow_dispatch")

    assert titles(answer) == [f"{one}#1" for one in found]
    assert answer.json()["total_count"] == len(found)


def test_a_list_can_be_narrowed_by_state_event_branch_and_actor(caller: Caller, stand_in: StandIn) -> None:
    caller.dispatch("a", inputs={"environment": "sandbox"})
    stand_in.advance(TO_THE_GATE + RUN)
    caller.dispatch("b", ref="release")
    runs = f"{HOME}/actions/runs"

    assert titles(caller.get(runs, status="success")) == ["a#1"]
    assert titles(caller.get(runs, status="queued")) == ["b#1"]
    assert titles(caller.get(runs, branch="release")) == ["b#1"]
    assert titles(caller.get(runs, actor="Dispatcher")) == ["b#1", "a#1"]
    assert titles(caller.get(runs, event="push")) == []
    assert caller.get(runs, created="yesterday").status_code == 422


def test_a_filtered_list_ends_at_a_thousand_and_an_unfiltered_one_does_not(caller: Caller, stand_in: StandIn) -> None:
    for number in range(1_001):
        stand_in.dispatch(REPOSITORY, "promote.yml", ref="main", inputs={"promotion_id": str(number)})
    runs = f"{HOME}/actions/runs"

    assert caller.get(runs, per_page=1).json()["total_count"] == 1_001
    filtered = caller.get(runs, per_page=100, page=10, event="workflow_dispatch")
    assert filtered.json()["total_count"] == 1_000
    assert titles(filtered)[-1] == "1#1"
    assert "next" not in filtered.links


def test_the_links_lead_through_every_page(caller: Caller) -> None:
    for promotion_id in "abcde":
        caller.dispatch(promotion_id)

    answer = caller.get(f"{HOME}/actions/runs", per_page=2, created=">=2026-03-02T09:00:00+00:00")
    seen = titles(answer)
    while "next" in answer.links:
        query = {name: str(text) for name, text in httpx.URL(answer.links["next"]["url"]).params.items()}
        answer = caller.send("GET", f"{HOME}/actions/runs", query=query)
        seen += titles(answer)

    assert seen == ["e#1", "d#1", "c#1", "b#1", "a#1"]


def test_an_environment_takes_the_rules_that_it_is_given(caller: Caller) -> None:
    path = f"{HOME}/environments/prod%2Feu"
    number = caller.get(f"{HOME}/environments/prod").json()["protection_rules"][0]["reviewers"][0]["reviewer"]["id"]
    policy = {"protected_branches": True, "custom_branch_policies": False}
    rules = {"wait_timer": 5, "prevent_self_review": True, "reviewers": [{"type": "User", "id": number}]}

    answer = caller.send("PUT", path, body=rules | {"deployment_branch_policy": policy})

    assert answer.json() == caller.get(path).json()
    assert answer.json()["name"] == "prod/eu"
    assert [rule["type"] for rule in answer.json()["protection_rules"]] == [
        *("wait_timer", "required_reviewers", "branch_policy"),
    ]
    assert answer.json()["deployment_branch_policy"] == policy
    assert caller.get(f"{HOME}/environments").json()["total_count"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {"reviewers": [{"type": "User", "id": 1}]},
        {"prevent_self_review": True, "reviewers": []},
        {"wait_timer": 43_201},
        {"deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": True}},
        {"can_admins_bypass": False},
    ],
)
def test_rules_that_github_refuses_change_nothing(caller: Caller, body: dict[str, object]) -> None:
    before = caller.get(f"{HOME}/environments/prod").json()

    assert caller.send("PUT", f"{HOME}/environments/prod", body=body).status_code == 422
    assert caller.get(f"{HOME}/environments/prod").json() == before


def test_a_plan_without_reviewers_refuses_even_their_absence(caller: Caller, stand_in: StandIn) -> None:
    stand_in.add_repository(REPOSITORY, Settings(private=True, reviewers_allowed=False))

    assert caller.send("PUT", f"{HOME}/environments/dev", body={"reviewers": []}).status_code == 422
    assert caller.send("PUT", f"{HOME}/environments/dev").status_code == 200


def test_a_workflow_file_can_be_read(caller: Caller, stand_in: StandIn) -> None:
    stand_in.add_workflow(REPOSITORY, Workflow("own.yml", source="name: own\n"))

    made = caller.get(f"{HOME}/contents/.github/workflows/promote.yml", ref="main").json()
    own = caller.get(f"{HOME}/contents/.github/workflows/own.yml").json()

    text = YAML(typ="safe").load(b64decode(made["content"]))
    assert text["run-name"] == PROMOTE.run_name
    assert set(text["on"]["workflow_dispatch"]["inputs"]) == {one.name for one in PROMOTE.inputs}
    assert b64decode(own["content"]) == b"name: own\n"
    assert caller.get(f"{HOME}/contents/README.md").status_code == 404


def test_a_token_learns_whose_it_is(caller: Caller, reviewer: Caller) -> None:
    assert caller.get("/user").json()["login"] == "dispatcher"
    assert reviewer.get("/user").json()["login"] == "reviewer-one"


def test_each_answer_says_what_is_left_of_the_rate_limit(caller: Caller) -> None:
    first, second = caller.get(HOME).headers, caller.get(HOME).headers

    assert int(second["x-ratelimit-remaining"]) == int(first["x-ratelimit-remaining"]) - 1
    assert caller.get("/rate_limit").json()["rate"]["limit"] == int(first["x-ratelimit-limit"])
    assert int(first["x-ratelimit-reset"]) > START.timestamp()


def test_what_the_stand_in_does_not_know_is_not_found(caller: Caller) -> None:
    assert caller.get("/nothing/here").status_code == 404
    assert caller.get(f"{HOME}/actions/workflows").json()["total_count"] == 1


def test_pygithub_dispatches_follows_and_reruns(caller: Caller, stand_in: StandIn) -> None:
    client = Github(
        base_url=caller.url,
        auth=Auth.Token("any"),
        retry=None,
        lazy=True,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
    repository = client.get_repo(REPOSITORY)
    run = repository.get_workflow("promote.yml").create_dispatch(
        "main", {"promotion_id": "a", "environment": "sandbox"}, throw=True, return_run_details=True
    )
    assert not isinstance(run, bool)

    assert run.status == "queued"
    assert run.update() is False
    stand_in.advance(TO_THE_GATE + RUN)
    assert run.update() is True
    assert (run.status, run.conclusion) == ("completed", "success")
    assert run.rerun() is True
    assert run.cancel() is True
    assert [job.name for job in run.jobs()] == ["guard", "promote"]
    found = repository.get_workflow("promote.yml").get_runs(event="workflow_dispatch", created=">=2026-03-02")
    assert [one.id for one in found] == [run.id]
    rules = repository.get_environment("prod").protection_rules
    assert [getattr(one.reviewer, "login", None) for one in rules[0].reviewers or []] == ["reviewer-one"]
    client.close()
