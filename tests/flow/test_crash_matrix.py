"""Kill the process before and after everything it does outside, start it again, and look at what GitHub saw."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from orchestrator.promotion.history import first_broken_link
from orchestrator.promotion.states import State
from tests.flow.story import Story, telling
from tests.flow.tripwire import Killed, Tripwire

STAGING, PROD = "staging:diabetes-clf:7", "prod:diabetes-clf:7"
STEP = timedelta(seconds=10)


def play(story: Story) -> None:
    """Register, approve both gates, reach production; Event Grid sends again what was not acknowledged."""
    delivered = False
    for _ in range(600):
        try:
            if not delivered:
                story.register()
                delivered = True
            story.work()
            story.approve_gates()
        except Killed:
            story.restart()
        if story.is_in(PROD, State.SUCCEEDED)():
            return
        story.clock.pass_by(STEP)
    raise AssertionError(f"stuck: {[(p.id, p.state, p.waiting_for, p.trouble) for p in story.promotions()]}")


def test_killed_anywhere_each_environment_gets_exactly_one_run(
    tmp_path: Path, record_line: Callable[[str], None]
) -> None:
    wire = Tripwire()
    with telling(tmp_path / "whole.db", wrap=wire.around) as story:
        play(story)
        points = list(wire.points)

    for fatal, point in enumerate(points):
        wire = Tripwire(fatal=fatal)
        with telling(tmp_path / f"{fatal}.db", wrap=wire.around) as story:
            play(story)
            _assert_once(story, f"killed at {fatal} {point}")
    record_line(
        f"crash matrix: killed at {len(points)} points of one path dev -> staging -> prod, one run each, always"
    )


def _assert_once(story: Story, where: str) -> None:
    counts = {identity: len(story.runs(identity)) for identity in (STAGING, PROD)}
    assert counts == {STAGING: 1, PROD: 1}, where
    assert len(story.stand_in.runs()) == 2, where
    for identity in (STAGING, PROD):
        assert story.promotion(identity).state is State.SUCCEEDED, where
        assert first_broken_link(identity, story.world.store.history(identity)) is None, where
    assert story.world.store.slot("prod:diabetes-clf").slot.champion is not None, where
