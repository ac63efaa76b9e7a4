"""A world from one seed: the real flow on the real SQLite store, with everything else decided by luck."""

import atexit
import os
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import count
from pathlib import Path

import structlog

from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.flow.world import Timing
from orchestrator.promotion.record import Promotion
from orchestrator.promotion.states import State
from tests.world import invariants, outcomes  # noqa: F401 - they register the promises
from tests.world.chance import HOUR, MINUTE, SECOND, Chance, Stream
from tests.world.crew import Crew, Setting
from tests.world.github import GitHub, SimRun
from tests.world.people import Place, plan_actions
from tests.world.policies import Rules
from tests.world.scene import Scene, moment
from tests.world.senders import EventGrid, signal, webhook
from tests.world.witness import Created, Moved, Rested, Witness

CALM_FOR = 6 * HOUR
VERSIONS = (("8", "9", "10", "11"), ("1", "2", "10", "11"), ("10", "1", "11", "2"))
MODELS = ("diabetes-clf", "diabetes-risk", "diabetes-dose")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one world. `broken` is the promise that did not hold, and how; `fired` are the faults by name."""

    seed: int
    digest: str
    steps: int
    days: float
    faults: Counter[str]
    fired: tuple[str, ...]
    broken: tuple[str, str] | None
    lines: tuple[str, ...]


def play(seed: int, *, off: frozenset[str] = frozenset()) -> Outcome:
    """Let one world happen, without the faults that are switched `off`."""
    scene = Scene(Chance(seed, off=off))
    path = _fresh_file()
    store_skew = timedelta(seconds=scene.chance.stream("store's clock").between(-60, 60))
    real = SqliteStore(path, now=lambda: moment(scene.now) + store_skew)
    try:
        _play(scene, real)
        scene.scheduler.end()
    finally:
        real.close()
        path.unlink()
    return Outcome(
        seed=seed,
        digest=scene.trace.digest,
        steps=scene.steps,
        days=scene.now / (24 * HOUR),
        faults=scene.chance.counts,
        fired=tuple(scene.chance.fired),
        broken=scene.broken,
        lines=tuple(scene.trace.lines),
    )


def _play(scene: Scene, real: SqliteStore) -> None:
    luck = scene.chance.stream("the world")
    scene.chance.storm = luck.pick((0.0, 0.5, 1.0, 1.0, 3.0))
    timing = Timing(patience=timedelta(seconds=luck.pick((60, 120, 120, 300))))
    lag = timing.patience - timedelta(seconds=1)
    drops_id, slow_senders = luck.happens(0.05), luck.happens(0.1)
    github = GitHub(
        scene,
        skew=timedelta(seconds=luck.between(-60, 60)),
        listing_lag=luck.pick(
            (lag // timedelta(microseconds=1), lag // timedelta(microseconds=1) if slow_senders else 5 * SECOND)
        ),
        drops_id=drops_id,
        never_answers=luck.happens(0.05),
    )
    witness = Witness(scene, github, real, timing.send_within // timedelta(microseconds=1))
    setting = Setting(
        rules=_rules(luck),
        timing=timing,
        size=luck.between(2, 4),
        torn=luck.happens(0.5),
        old_server=luck.happens(0.15) or slow_senders,
        slow_senders=slow_senders,
    )
    crew = Crew(scene, github, witness, real, setting)
    grid = EventGrid(scene, crew, witness)
    github.told = lambda run: witness.see(Created(run))
    github.moved = lambda run: _moved(scene, crew, grid, witness, run)
    busy_for = _register_versions(scene, grid)
    plan_actions(Place(scene, crew, github, witness), until=busy_for)
    calm_at = busy_for + luck.between(HOUR, 4 * HOUR)
    scene.scheduler.at(calm_at, lambda: _calm(scene))
    scene.scheduler.run(over=lambda: _at_rest(scene, crew, grid, witness, calm_at))
    if scene.broken is None:
        witness.see(Rested())


def _rules(luck: Stream) -> Rules:
    return Rules(
        staging_gate="none" if luck.happens(0.15) else "required",
        soak="40m" if luck.happens(0.25) else "",
        evidence_timeout="2h" if luck.happens(0.3) else "7d",
    )


def _register_versions(scene: Scene, grid: EventGrid) -> int:
    """People register versions of some models, over minutes or hours; some tag them wrong, or late."""
    luck = scene.chance.stream("versions")
    span = luck.pick((10 * MINUTE, HOUR, 6 * HOUR))
    for model in MODELS[: luck.pick((1, 1, 1, 1, 2, 3))]:
        moments = sorted(luck.between(0, span) for _ in range(luck.pick((1, 2, 2, 3, 4))))
        for version, at in zip(luck.pick(VERSIONS), moments, strict=False):
            name = f"{model}:{version}"
            die = luck.random()
            stage = "candidate" if die < 0.8 else "scratch" if die < 0.9 else None
            tagged_at = at + luck.between(MINUTE, 3 * HOUR)
            if not scene.chance.event(f"{name} is registered", 1.0, kind=None):
                continue
            first = signal(id=f"registered-{name}", model=model, version=version, at=at, stage=stage)
            scene.scheduler.at(at, lambda told=first: grid.tell([told]))  # type: ignore[misc]
            if stage != "candidate" and scene.chance.event(f"{name} is tagged", 0.7, kind="a version is tagged late"):
                again = signal(id=f"tagged-{name}", model=model, version=version, at=at, stage="candidate")
                scene.scheduler.at(tagged_at, lambda told=again: grid.tell([told]))  # type: ignore[misc]
    return span


def _moved(scene: Scene, crew: Crew, grid: EventGrid, witness: Witness, run: SimRun) -> None:
    witness.see(Moved(run))
    webhook(scene, crew, run)
    if not run.live and run.last.conclusion == "success" and run.target.environment == "staging":
        _, model, version = run.promotion.split(":")
        told = signal(
            id=f"arrived-{run.id}", model=model, version=version, at=scene.now, stage=None, link=run.promotion
        )
        scene.scheduler.after(0, lambda: grid.tell([told]))


def _calm(scene: Scene) -> None:
    scene.chance.calm = True
    scene.tell("the world", "is calm from here on")


def _at_rest(scene: Scene, crew: Crew, grid: EventGrid, witness: Witness, calm_at: int) -> bool:
    if scene.now < calm_at:
        return False
    if scene.now > max(calm_at + CALM_FOR, witness.github.last_move + 3 * HOUR, grid.last + 2 * HOUR):
        return True
    if crew.busy or grid.under_way or any(run.live for run in witness.github.runs):
        return False
    return not any(
        promotion.state.is_open or _runs_again(witness, promotion) for promotion in witness.promotions.values()
    )


def _runs_again(witness: Witness, promotion: Promotion) -> bool:
    """Whether its run was run again on GitHub, and nobody has noticed yet."""
    run = witness.run_of(promotion)
    noticed = promotion.run is None or run is None or promotion.run.attempt == run.attempt
    return promotion.state in {State.FAILED, State.REJECTED} and not noticed


_files = count()


def _fresh_file() -> Path:
    """A store of its own for each world: copied, because making the tables takes ten times as long."""
    empty = _empty_store()
    path = empty.with_name(f"world-{next(_files)}.db")
    shutil.copyfile(empty, path)
    return path


@cache
def _empty_store() -> Path:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50), cache_logger_on_first_use=True)
    memory = Path("/dev/shm")  # noqa: S108 - a disk in memory, where there is one
    folder = Path(tempfile.mkdtemp(prefix="world-", dir=memory if os.access(memory, os.W_OK) else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    store = SqliteStore(folder / "empty.db")
    store.check()
    store.close()
    return folder / "empty.db"
