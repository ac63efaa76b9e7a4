"""Proof that the worlds can fail: each mechanism of the protocol, taken away, is missed within so many seeds."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.world.sabotaged import caught, sabotaged
from tests.world.sabotages import SABOTAGES, Edit, Sabotage
from tests.world.tally import Tally

AT_ONCE = 2


def test_every_sabotage_is_caught(tmp_path: Path, record_line: Callable[[str], None]) -> None:
    def play(numbered: tuple[int, Sabotage]) -> Tally:
        number, sabotage = numbered
        return caught(sabotage, tmp_path / str(number))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        tallies = list(pool.map(play, enumerate(SABOTAGES)))

    record_line(f"sabotages: {len(SABOTAGES)}, each with the seeds it took and the promise that broke")
    for sabotage, tally in zip(SABOTAGES, tallies, strict=True):
        promise = tally.broken[0][1] if tally.broken else "not caught"
        record_line(f"  {tally.seeds:5}  {sabotage.name}: {promise}")
    assert [sabotage.name for sabotage, tally in zip(SABOTAGES, tallies, strict=True) if not tally.broken] == []


def test_an_edit_that_no_longer_fits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not once"):
        sabotaged(Sabotage("gone", (Edit("orchestrator/flow/gate.py", "what is not there", ""),)), tmp_path)


def test_a_copy_that_nobody_sabotaged_breaks_no_promise(tmp_path: Path) -> None:
    tally = caught(Sabotage("nothing", (), seeds=20), tmp_path)

    assert (tally.seeds, tally.broken) == (20, [])
