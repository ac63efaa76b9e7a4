"""The whole story, and what may come between."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.local.github.environment import Reviewer, Rules
from orchestrator.local.github.failures import Kind, Rule
from orchestrator.local.github.repository import Settings
from orchestrator.ports import SignalOutcome
from orchestrator.promotion.history import first_broken_link
from orchestrator.promotion.states import State
from tests.flow.events import model_registered
from tests.flow.story import POLICY, REPOSITORY, Story, telling

STAGING, PROD = "staging:diabetes-clf:7", "prod:diabetes-clf:7"


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with telling(tmp_path / "orchestrator.db") as told:
        yield told


def to_production(story: Story) -> None:
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))
    story.approve_gates()
    story.wait_until(story.is_in(PROD, State.GATED))
    story.approve_gates()
    story.wait_until(story.is_in(PROD, State.SUCCEEDED))


def test_a_registered_candidate_reaches_production_through_both_gates(story: Story) -> None:
    to_production(story)

    assert [len(story.runs(STAGING)), len(story.runs(PROD))] == [1, 1]
    assert story.promotion(STAGING).state is State.SUCCEEDED
    gate = story.promotion(PROD).gate
    assert gate is not None
    assert (gate.approved_by, gate.comment) == ("reviewer-one", "looks good")
    assert story.facts(PROD) == [
        "opened",
        "intent saved",
        "run started",
        "run gated",
        "approved",
        "succeeded",
    ]


def test_the_history_of_every_promotion_is_an_unbroken_chain(story: Story) -> None:
    to_production(story)

    for identity in (STAGING, PROD):
        assert first_broken_link(identity, story.world.store.history(identity)) is None


def test_the_run_is_told_what_to_promote_and_where(story: Story) -> None:
    to_production(story)

    (sight,) = story.runs(PROD)
    assert sight.run.inputs["model_name"] == "diabetes-clf"
    assert sight.run.inputs["model_version"] == "7"
    assert sight.run.inputs["from_environment"] == "staging"
    assert sight.run.inputs["environment"] == "prod"
    assert sight.run.title.endswith("[prod:diabetes-clf:7#1]")


def test_a_candidate_that_fails_a_check_is_declined_with_the_observed_value(story: Story) -> None:
    story.register(stage="scratch")
    story.work()

    promotion = story.promotion(STAGING)
    assert promotion.state is State.DECLINED
    assert promotion.decision is not None
    assert promotion.decision.checks[0].observed == {"tags.stage": "scratch"}
    assert story.stand_in.runs() == []


def test_missing_evidence_is_waited_for_and_expires_after_a_week(story: Story) -> None:
    body = model_registered(version="8").replace(b'"stage": "candidate"', b'"other": "x"')
    story.deliver(body)
    story.work()

    assert story.promotion("staging:diabetes-clf:8").state is State.WAITING
    story.wait(timedelta(days=8), step=timedelta(hours=1))
    assert story.promotion("staging:diabetes-clf:8").state is State.EXPIRED


def test_a_second_signal_reopens_what_was_declined(story: Story) -> None:
    story.register(stage="scratch")
    story.work()
    story.deliver(model_registered(event_id="tagged-again"))
    story.wait_until(story.is_in(STAGING, State.GATED))

    assert story.promotion(STAGING).attempt == 2
    assert story.runs(STAGING)[0].run.title.endswith("[staging:diabetes-clf:7#2]")


def test_five_deliveries_of_one_event_start_one_run(story: Story) -> None:
    outcomes = [story.register()[0].outcome for _ in range(5)]
    story.wait_until(story.is_in(STAGING, State.GATED))
    story.register()
    story.wait(timedelta(minutes=5))

    assert outcomes == [SignalOutcome.PROMOTED] + [SignalOutcome.DUPLICATE] * 4
    assert len(story.runs(STAGING)) == 1


def test_an_environment_without_reviewers_holds_everything_back_until_it_has_some(story: Story) -> None:
    story.stand_in.set_environment(REPOSITORY, "staging", Rules())
    story.register()
    story.wait(timedelta(minutes=2))

    waiting = story.promotion(STAGING)
    assert waiting.state is State.WAITING
    assert "required reviewers" in (waiting.waiting_for or "")
    assert story.stand_in.runs() == []

    story.stand_in.set_environment(REPOSITORY, "staging", Rules(reviewers=(Reviewer("reviewer-two"),)))
    story.wait_until(story.is_in(STAGING, State.GATED))
    assert story.promotion(STAGING).gate is not None


def test_a_rejection_ends_the_path_with_the_reviewers_word(story: Story) -> None:
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))
    story.stand_in.reject(story.runs(STAGING)[0].run.id, "reviewer-two", "not on a Friday")
    story.wait_until(story.is_in(STAGING, State.REJECTED))

    last = story.world.store.history(STAGING)[-1]
    assert (last.actor, "not on a Friday" in last.detail) == ("reviewer-two", True)
    assert story.world.store.load(PROD) is None


def test_a_bypassed_gate_opens_nothing_above(story: Story) -> None:
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))
    story.stand_in.bypass(story.runs(STAGING)[0].run.id, "an-admin")
    story.wait_until(story.is_in(STAGING, State.SUCCEEDED))

    gate = story.promotion(STAGING).gate
    assert gate is not None
    assert gate.bypassed
    assert "gate bypassed" in story.facts(STAGING)
    assert story.world.store.load(PROD) is None


def test_a_lost_answer_does_not_start_a_second_run(story: Story) -> None:
    story.stand_in.failures.set([Rule("dispatch", Kind.DROP, times=1, before=False)])
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))

    assert len(story.runs(STAGING)) == 1
    assert "answer lost" in story.facts(STAGING)


def test_an_order_that_was_lost_before_it_arrived_is_given_again_after_patience(story: Story) -> None:
    story.stand_in.failures.set([Rule("dispatch", Kind.STATUS, times=1, before=True, code=502)])
    story.register()
    story.wait(timedelta(seconds=100))
    assert story.runs(STAGING) == []

    story.wait_until(story.is_in(STAGING, State.GATED))
    assert len(story.runs(STAGING)) == 1
    assert "no run found" in story.facts(STAGING)


def test_a_server_that_does_not_name_the_run_is_followed_by_the_runs_name(tmp_path: Path) -> None:
    with telling(tmp_path / "orchestrator.db") as story:
        story.stand_in.repository(REPOSITORY).settings = Settings(old_server=True)
        story.register()
        story.wait_until(story.is_in(STAGING, State.GATED))
        assert len(story.runs(STAGING)) == 1


def test_a_refusal_ends_as_errored_in_githubs_own_words(tmp_path: Path) -> None:
    with telling(tmp_path / "orchestrator.db", policy=POLICY.replace("ref: main", "ref: gone")) as story:
        story.register()
        story.wait_until(story.is_in(STAGING, State.ERRORED))

        assert "No ref found for: gone" in story.world.store.history(STAGING)[-1].detail
        assert story.world.store.slot("staging:diabetes-clf").slot.holder is None


def test_a_rate_limit_is_waited_out_without_a_second_order(story: Story) -> None:
    story.stand_in.failures.set(
        [Rule("dispatch", Kind.STATUS, times=1, code=429, headers={"retry-after": "600"}, message="slow down")]
    )
    story.register()
    story.wait(timedelta(minutes=9))
    assert story.runs(STAGING) == []

    story.wait_until(story.is_in(STAGING, State.GATED))
    assert len(story.runs(STAGING)) == 1


def test_a_newer_version_waits_behind_one_that_was_dispatched(story: Story) -> None:
    story.register("7")
    story.wait_until(story.is_in(STAGING, State.GATED))
    story.register("8")
    story.wait(timedelta(minutes=10))

    assert story.promotion("staging:diabetes-clf:8").state is State.WAITING
    assert "staging:diabetes-clf:7" in (story.promotion("staging:diabetes-clf:8").waiting_for or "")
    story.approve_gates()
    story.wait_until(story.is_in("staging:diabetes-clf:8", State.GATED))


def test_a_late_event_for_an_older_version_downgrades_nothing(story: Story) -> None:
    story.register("10")
    story.wait_until(story.is_in("staging:diabetes-clf:10", State.GATED))
    story.approve_gates()
    story.wait_until(story.is_in("staging:diabetes-clf:10", State.SUCCEEDED))
    story.register("9")
    story.wait_until(story.is_in("staging:diabetes-clf:9", State.SUPERSEDED))

    assert story.runs("staging:diabetes-clf:9") == []


def test_an_experiment_that_waits_for_evidence_does_not_push_out_a_release(story: Story) -> None:
    story.stand_in.set_environment(REPOSITORY, "staging", Rules())
    story.register("7")
    body = model_registered(version="8").replace(b'"stage": "candidate"', b'"other": "x"')
    story.deliver(body)
    story.wait(timedelta(minutes=2))
    story.stand_in.set_environment(REPOSITORY, "staging", Rules(reviewers=(Reviewer("reviewer-two"),)))

    story.wait_until(story.is_in(STAGING, State.GATED))


def test_a_failed_run_ends_the_path_and_frees_the_slot(story: Story) -> None:
    story.register("7")
    story.wait_until(story.is_in(STAGING, State.GATED))
    story.stand_in.cancel(story.runs(STAGING)[0].run.id)
    story.wait_until(story.is_in(STAGING, State.FAILED))

    assert "cancelled" in story.world.store.history(STAGING)[-1].detail
    assert story.world.store.slot("staging:diabetes-clf").slot.holder is None
