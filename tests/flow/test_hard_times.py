"""What goes wrong twice, late or half: nothing is lost, nothing runs twice, and a person can always end it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.flow.commands import cancel, retry
from orchestrator.flow.dropped_ids import dropped_id_mark
from orchestrator.local.github.environment import Reviewer, Rules
from orchestrator.local.github.failures import Kind, Rule
from orchestrator.policy.load import parse_policy
from orchestrator.promotion.record import Target
from orchestrator.promotion.states import State
from tests.flow.events import REGISTERED, STG, model_registered
from tests.flow.story import POLICY, REPOSITORY, Story, telling

STAGING, PROD, NEWER = "staging:diabetes-clf:7", "prod:diabetes-clf:7", "staging:diabetes-clf:8"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with telling(tmp_path / "orchestrator.db") as told:
        yield told


def to_staging(story: Story) -> None:
    story.wait_until(story.is_in(STAGING, State.GATED))
    story.approve_gates()
    story.wait_until(story.is_in(STAGING, State.SUCCEEDED))


def holder(story: Story) -> str | None:
    return story.world.store.slot("staging:diabetes-clf").slot.holder


def refused(times: int | None = None) -> Rule:
    return Rule("dispatch", Kind.STATUS, times=times, code=422, message="No ref found for: main")


def limited(times: int) -> Rule:
    return Rule("dispatch", Kind.STATUS, times=times, code=429, message="secondary rate limit")


LOST_AFTER_THE_RUN_WAS_MADE = Rule("dispatch", Kind.DROP, times=1, before=False)
LOST_BEFORE = Rule("dispatch", Kind.DROP, times=1, before=True)


def test_a_refusal_after_a_lost_answer_ends_nothing_and_the_late_run_is_followed(story: Story) -> None:
    story.stand_in.failures.set([LOST_AFTER_THE_RUN_WAS_MADE, Rule("runs", Kind.SLOW_LISTING, seconds=3600), refused()])
    story.register()
    story.wait(timedelta(minutes=30))

    waiting = story.promotion(STAGING)
    assert waiting.state is State.WAITING
    assert "No ref found" in (waiting.person_needed or "")
    assert holder(story) == STAGING

    story.register("8")
    story.wait_until(story.is_in(STAGING, State.GATED))
    assert len(story.runs(STAGING)) == 1
    assert story.runs(NEWER) == []


def test_a_promotion_whose_answer_was_lost_does_not_end_while_its_run_may_live(story: Story) -> None:
    story.stand_in.failures.set([LOST_AFTER_THE_RUN_WAS_MADE, Rule("runs", Kind.SLOW_LISTING, seconds=600), refused()])
    story.register()
    story.wait(timedelta(minutes=9))
    story.policy = parse_policy({"policy.yaml": POLICY.replace("name: to-staging", "name: renamed")})
    story.restart()
    story.stand_in.failures.set([])

    story.wait_until(story.is_in(STAGING, State.GATED))


def test_a_person_can_cancel_what_nobody_can_tell_about(story: Story) -> None:
    target = Target(REPOSITORY, "promote.yml", "main", "staging")
    story.world.store.put_mark(dropped_id_mark(target), "seen")
    story.stand_in.failures.set([LOST_BEFORE])
    story.register()
    story.wait(timedelta(minutes=20))
    assert "cancel this promotion" in (story.promotion(STAGING).person_needed or "")

    cancel(story.world, STAGING, actor="ops-one", reason="there is no run")
    story.wait_until(story.is_in(STAGING, State.CANCELLED))
    assert holder(story) is None


def test_a_person_can_cancel_what_was_deleted_on_github(story: Story) -> None:
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))
    story.stand_in.forget_runs()
    story.wait(HOUR)
    assert story.promotion(STAGING).state is State.GATED
    assert story.promotion(STAGING).person_needed is not None

    cancel(story.world, STAGING, actor="ops-one", reason="its run was deleted")
    story.wait_until(story.is_in(STAGING, State.CANCELLED))
    assert holder(story) is None


def test_orders_that_were_turned_away_do_not_count_as_sent(story: Story) -> None:
    story.stand_in.failures.set([limited(8)])
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))
    dispatch = story.promotion(STAGING).dispatch
    assert dispatch is not None
    assert dispatch.sends == 1

    story.stand_in.cancel(story.runs(STAGING)[0].run.id)
    story.wait_until(story.is_in(STAGING, State.FAILED), at_most=timedelta(minutes=10))


def test_an_order_that_was_turned_away_days_ago_does_not_make_a_fresh_one_a_persons_turn(story: Story) -> None:
    story.stand_in.failures.set([limited(1)])
    story.register()
    story.work()
    story.stand_in.set_environment(REPOSITORY, "staging", Rules())
    story.wait(2 * DAY, step=timedelta(minutes=30))
    story.stand_in.set_environment(REPOSITORY, "staging", Rules(reviewers=(Reviewer("reviewer-one"),)))
    story.stand_in.failures.set([LOST_BEFORE])

    story.wait_until(story.is_in(STAGING, State.GATED))
    assert len(story.runs(STAGING)) == 1


def test_a_github_that_can_not_be_reached_is_asked_less_and_less_often(tmp_path: Path) -> None:
    ungated = POLICY.replace(f"{{workspace: {STG}, gate: required}}", f"{{workspace: {STG}, gate: none}}")
    with telling(tmp_path / "orchestrator.db", policy=ungated) as story:
        story.github_url = "http://127.0.0.1:9"
        story.restart()
        story.register()
        story.wait(HOUR)

        assert len(story.facts(STAGING)) < 80


def test_a_soak_that_the_policy_no_longer_asks_for_holds_nothing_back(tmp_path: Path) -> None:
    soaking = POLICY.replace("    checks: []", "    checks:\n      - soak: 30d")
    with telling(tmp_path / "orchestrator.db", policy=soaking) as story:
        story.register()
        to_staging(story)
        story.wait(timedelta(minutes=5))
        assert story.promotion(PROD).state is State.WAITING

        story.policy = parse_policy({"policy.yaml": POLICY})
        story.restart()
        story.wait_until(story.is_in(PROD, State.GATED))


def test_a_renamed_route_promotes_what_it_once_declined(story: Story) -> None:
    story.register(stage="scratch")
    story.work()
    story.policy = parse_policy({"policy.yaml": POLICY.replace("to-staging", "into-staging")})
    story.restart()
    story.deliver(model_registered(event_id="tagged-again"))

    story.wait_until(story.is_in(STAGING, State.GATED))
    assert story.promotion(STAGING).route == "into-staging"


def test_a_promotion_that_was_open_before_the_one_below_succeeded_learns_of_it(tmp_path: Path) -> None:
    both = POLICY.replace("on: [promotion-succeeded]", "on: [model-deployed, promotion-succeeded]")
    with telling(tmp_path / "orchestrator.db", policy=both.replace("checks: []", "checks:\n      - soak: 1h")) as story:
        story.deliver(_deployed())
        story.work()
        story.register()
        to_staging(story)

        story.wait_until(story.is_in(PROD, State.GATED))
        assert story.promotion(PROD).below == STAGING


def test_a_persons_retry_does_not_let_later_signals_bring_an_old_version_in(story: Story) -> None:
    story.register("7", stage="scratch")
    story.work()
    retry(story.world, STAGING, actor="ops-one", reason="look once more")
    story.work()
    story.register("8")
    story.wait_until(story.is_in(NEWER, State.GATED))
    story.approve_gates()
    story.wait_until(story.is_in(NEWER, State.SUCCEEDED))
    story.deliver(model_registered(version="7", event_id="tagged-again"))

    story.wait_until(story.is_in(STAGING, State.SUPERSEDED))


def test_a_refused_version_does_not_push_out_the_one_before_it(story: Story) -> None:
    story.stand_in.set_environment(REPOSITORY, "staging", Rules())
    story.register("7")
    story.work()
    story.stand_in.set_environment(REPOSITORY, "staging", Rules(reviewers=(Reviewer("reviewer-one"),)))
    story.stand_in.failures.set([refused(times=1)])
    story.register("8")
    story.work()
    assert story.promotion(NEWER).state is State.ERRORED

    story.wait_until(story.is_in(STAGING, State.GATED))


def test_evidence_of_an_older_event_does_not_replace_what_a_newer_one_said(story: Story) -> None:
    story.deliver(model_registered(event_id="new", stage="scratch", at=REGISTERED + HOUR))
    story.work()
    story.deliver(model_registered(event_id="old", stage="candidate", at=REGISTERED))
    story.work()

    assert story.promotion(STAGING).state is State.DECLINED
    assert story.stand_in.runs() == []


def test_an_input_that_reads_a_missing_tag_is_waited_for_and_expires(tmp_path: Path) -> None:
    templated = POLICY.replace(
        "    workflow: promote.yml\n    checks:\n      - {name: marked",
        '    workflow: promote.yml\n    inputs: {endpoint: "clf-${tags.region}"}\n    checks:\n      - {name: marked',
    )
    with telling(tmp_path / "orchestrator.db", policy=templated) as story:
        story.register()
        story.work()
        assert "region" in (story.promotion(STAGING).waiting_for or "")

        story.wait(8 * DAY, step=HOUR)
        assert story.promotion(STAGING).state is State.EXPIRED


def test_a_bypass_that_the_list_of_pending_gates_still_hides_opens_nothing(story: Story) -> None:
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))
    behind = story.world.workflows
    before = behind.pending(story.promotion(STAGING).dispatch.target, story.runs(STAGING)[0].run.id)  # type: ignore[union-attr]

    class Lagging:
        def __getattr__(self, name: str) -> object:
            return (lambda *_: before) if name == "pending" else getattr(behind, name)

    story.world = replace(story.world, workflows=Lagging())  # type: ignore[arg-type]
    story.stand_in.bypass(story.runs(STAGING)[0].run.id, "an-admin")
    story.wait_until(story.is_in(STAGING, State.SUCCEEDED))

    assert story.promotion(STAGING).bypass_unaccepted
    assert story.world.store.load(PROD) is None


def test_a_model_named_after_another_promotions_run_is_not_taken_for_it(story: Story) -> None:
    story.deliver(model_registered(model=f"diabetes-x [{STAGING}#1]", version="1"))
    story.work()
    story.stand_in.failures.set([LOST_BEFORE])
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))

    run = story.promotion(STAGING).run
    assert run is not None
    assert [sight.run.id for sight in story.runs(STAGING)] == [run.id]


def test_two_versions_that_are_turned_away_do_not_wake_each_other(story: Story) -> None:
    wait = {"retry-after": "600"}
    story.stand_in.failures.set([Rule("dispatch", Kind.STATUS, code=429, headers=wait, message="slow down")])
    story.register("7")
    story.register("8")
    story.wait(timedelta(minutes=30))

    assert len(story.stand_in.ledger.read()[1]) < 15


def test_an_order_with_another_gate_is_not_given_while_a_run_of_the_first_may_live(story: Story) -> None:
    story.stand_in.failures.set([LOST_AFTER_THE_RUN_WAS_MADE, Rule("runs", Kind.SLOW_LISTING, seconds=3600)])
    story.register()
    story.wait(timedelta(seconds=30))
    ungated = POLICY.replace(f"{{workspace: {STG}, gate: required}}", f"{{workspace: {STG}, gate: none}}")
    story.policy = parse_policy({"policy.yaml": ungated})
    story.restart()
    story.wait(timedelta(minutes=30))
    assert len(story.runs(STAGING)) == 1
    assert "has since changed" in (story.promotion(STAGING).person_needed or "")

    story.wait_until(story.is_in(STAGING, State.GATED))
    story.stand_in.bypass(story.runs(STAGING)[0].run.id, "an-admin")
    story.wait_until(story.is_in(STAGING, State.SUCCEEDED))
    assert story.promotion(STAGING).bypass_unaccepted
    assert story.world.store.load(PROD) is None


def test_a_person_can_cancel_what_was_ordered_from_a_workflow_that_is_gone(story: Story) -> None:
    story.stand_in.failures.set([LOST_BEFORE])
    story.register()
    story.work()
    del story.stand_in.repository(REPOSITORY).workflows["promote.yml"]
    story.wait(HOUR)
    assert story.promotion(STAGING).state is State.DISPATCHING

    cancel(story.world, STAGING, actor="ops-one", reason="the workflow was renamed")
    story.wait_until(story.is_in(STAGING, State.CANCELLED))
    assert holder(story) is None


def test_what_is_cancelled_between_the_intent_and_the_order_is_not_sent(story: Story) -> None:
    behind, plain, asked = story.world.workflows, story.world, []

    class Cancelling:
        def __getattr__(self, name: str) -> object:
            if name == "gate":
                asked.append(name)
                if len(asked) == 2:
                    cancel(plain, STAGING, actor="ops-one", reason="at the last moment")
            return getattr(behind, name)

    story.world = replace(plain, workflows=Cancelling())  # type: ignore[arg-type]
    story.register()
    story.wait_until(story.is_in(STAGING, State.CANCELLED))

    assert story.stand_in.runs() == []


def test_a_cancellation_of_old_does_not_stop_what_a_person_runs_again_on_github(story: Story) -> None:
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))
    run = story.runs(STAGING)[0].run.id
    story.stand_in.reject(run, "reviewer-one", "no")
    cancel(story.world, STAGING, actor="ops-one", reason="not now")
    story.wait_until(story.is_in(STAGING, State.REJECTED))
    story.stand_in.rerun(run, "ml-engineer")

    story.wait_until(story.is_in(STAGING, State.GATED))
    story.wait(HOUR)
    assert story.promotion(STAGING).state is State.GATED


def test_a_read_that_failed_does_not_hide_who_must_review(story: Story) -> None:
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))
    story.stand_in.failures.set([Rule("run", Kind.STATUS, times=9, code=502)])
    story.wait(HOUR)

    assert "reviewer-one" in (story.promotion(STAGING).waiting_for or "")


def _deployed() -> bytes:
    event = {
        "topic": STG,
        "subject": "endpoints/diabetes",
        "eventType": "Microsoft.MachineLearningServices.ModelDeployed",
        "eventTime": REGISTERED.isoformat(),
        "id": "deployed",
        "data": {"serviceName": "diabetes", "modelIds": "diabetes-clf:7"},
    }
    return json.dumps(event).encode()
