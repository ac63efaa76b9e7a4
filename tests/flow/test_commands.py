"""What people do with promotions."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.errors import NotAllowed, NotFound
from orchestrator.flow.commands import accept_bypass, cancel, retry
from orchestrator.local.github.environment import Rules
from orchestrator.promotion.states import State
from tests.flow.story import REPOSITORY, Story, telling

STAGING, PROD = "staging:diabetes-clf:7", "prod:diabetes-clf:7"


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with telling(tmp_path / "orchestrator.db") as told:
        yield told


def test_a_cancelled_promotion_ends_when_github_says_that_its_run_has(story: Story) -> None:
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))

    asked = cancel(story.world, STAGING, actor="ops-one", reason="wrong data")
    assert asked.state is State.GATED

    story.wait_until(story.is_in(STAGING, State.CANCELLED))
    assert [sight.state.conclusion for sight in story.runs(STAGING)] == ["cancelled"]
    assert story.world.store.history(STAGING)[-1].actor == "ops-one"


def test_a_run_that_succeeds_in_spite_of_a_cancellation_is_recorded_as_succeeded(story: Story) -> None:
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))
    cancel(story.world, STAGING, actor="ops-one", reason="too late")
    story.approve_gates()

    story.wait_until(story.is_in(STAGING, State.SUCCEEDED))


def test_a_promotion_that_waits_is_cancelled_at_once(story: Story) -> None:
    story.stand_in.set_environment(REPOSITORY, "staging", Rules())
    story.register()
    story.work()
    cancel(story.world, STAGING, actor="ops-one", reason="not now")
    story.work()

    assert story.promotion(STAGING).state is State.CANCELLED


def test_a_rejected_promotion_is_tried_again_by_a_person_with_a_run_of_its_own(story: Story) -> None:
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))
    story.stand_in.reject(story.runs(STAGING)[0].run.id, "reviewer-one", "later")
    story.wait_until(story.is_in(STAGING, State.REJECTED))

    retry(story.world, STAGING, actor="ops-one", reason="agreed with the reviewer")
    story.wait_until(story.is_in(STAGING, State.GATED))

    assert [sight.run.title[-3:] for sight in story.runs(STAGING)] == ["#1]", "#2]"]


def test_an_accepted_bypass_opens_the_next_environment(story: Story) -> None:
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))
    story.stand_in.bypass(story.runs(STAGING)[0].run.id, "an-admin")
    story.wait_until(story.is_in(STAGING, State.SUCCEEDED))
    story.wait(timedelta(hours=1))
    assert story.world.store.load(PROD) is None

    accept_bypass(story.world, STAGING, actor="ops-one", reason="reviewed by phone")
    story.wait_until(story.is_in(PROD, State.GATED))


def test_a_failed_run_that_is_run_again_on_github_is_followed_to_its_success(story: Story) -> None:
    story.register()
    story.wait_until(story.is_in(STAGING, State.GATED))
    run = story.runs(STAGING)[0].run.id
    story.stand_in.cancel(run)
    story.wait_until(story.is_in(STAGING, State.FAILED))
    story.stand_in.rerun(run, "ml-engineer", failed_only=True)

    story.wait_until(story.is_in(STAGING, State.GATED), at_most=timedelta(hours=3))
    story.approve_gates()
    story.wait_until(story.is_in(PROD, State.GATED))

    assert "re-run on GitHub" in story.facts(STAGING)
    promotion = story.promotion(STAGING)
    assert promotion.run is not None
    assert (promotion.run.attempt, promotion.gate is not None and promotion.gate.approved_by) == (2, "reviewer-one")
    assert story.world.store.slot("staging:diabetes-clf").slot.holder is None
    assert len(story.runs(PROD)) == 1


def test_what_can_not_be_done_is_refused_with_the_reason(story: Story) -> None:
    with pytest.raises(NotFound, match="there is no promotion"):
        cancel(story.world, "staging:nothing:1", actor="ops-one", reason="-")
    story.register()
    story.work()
    with pytest.raises(NotAllowed, match="once it has ended"):
        retry(story.world, STAGING, actor="ops-one", reason="-")
    with pytest.raises(NotAllowed, match="nothing to accept"):
        accept_bypass(story.world, STAGING, actor="ops-one", reason="-")
