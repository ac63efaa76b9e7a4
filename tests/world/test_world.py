"""Whole worlds, each decided by one seed: whatever happens in them, every promise holds."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.world.shrink import shrunk
from tests.world.story import story
from tests.world.tally import ROOT, shared_out
from tests.world.world import play

SEEDS = 2000
JOBS = 2
REGRESSIONS = [
    int(line.split()[0])
    for line in (ROOT / "tests/world/regressions.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


def test_every_promise_holds_in_two_thousand_worlds(record_line: Callable[[str], None]) -> None:
    tally = shared_out(0, SEEDS, jobs=JOBS)

    for line in tally.lines():
        record_line(line)
    assert tally.seeds == SEEDS
    assert not tally.broken, "\n\n".join(story(shrunk(play(seed))) for seed, *_ in tally.broken[:2])


@pytest.mark.parametrize("seed", REGRESSIONS)
def test_what_once_broke_a_promise_does_so_no_more(seed: int) -> None:
    outcome = play(seed)

    assert outcome.broken is None, story(shrunk(outcome))


def test_a_seed_gives_the_same_world_byte_for_byte() -> None:
    here = "".join(f"{seed} {play(seed).digest}\n" for seed in range(10))
    elsewhere = [
        subprocess.run(
            [sys.executable, "-m", "tests.world", "--seeds", "10", "--digests"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "4711")
    ]

    assert elsewhere == [here, here]


def test_every_kind_of_fault_and_every_state_is_met() -> None:
    ends = ("succeeded", "failed", "rejected", "declined", "superseded", "cancelled", "errored", "expired")
    wanted = {state: (f" {state} {state}: ", f" {state} refused: ") for state in ends} | {
        sight: (sight,)
        for sight in (
            "freezes at",
            "dies at",
            "conflict,",
            "out of reach",
            "order arrives late",
            "no run found",
            "bypassed",
        )
    }
    for seed in range(SEEDS):
        text = "\n".join(play(seed).lines)
        wanted = {what: forms for what, forms in wanted.items() if not any(form in text for form in forms)}
        if not wanted:
            break

    assert wanted == {}
