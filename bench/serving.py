"""Events acknowledged, promotions dispatched, and the time between the two, through the real service over HTTP."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import httpx

from bench.load import Answered, posts
from orchestrator.local.github.server import running
from orchestrator.local.github.state import StandIn
from orchestrator.local.scene import set_scene
from orchestrator.policy.load import parse_policy
from tests.flow.events import model_registered
from tests.flow.story import POLICY
from tests.hosts.service import LOOPBACK, Service, free_port, serving

_PATH = "/runtime/webhooks/eventgrid?functionName=on_ml_event"
_RULES = POLICY.replace("diabetes-*", "model-*")
_DONE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Served:
    """One load on the service. Latencies are seconds from the POST to the dispatch reaching GitHub's stand-in."""

    acknowledged_per_second: float
    bare_per_second: float
    dispatched_per_second: float
    p50: float
    p99: float
    dispatches: int
    reads: int


def serve_load(events: int, *, connections: int) -> Served:
    """Deliver so many events, each a model of its own, and wait until each has its run."""
    bodies = [model_registered(model=f"model-{number}", version="1") for number in range(events)]
    with _bare() as bare:
        yardstick = posts(bare + _PATH, bodies, connections=connections)
    stand_in = StandIn()
    set_scene(stand_in, parse_policy({"policy.yaml": _RULES}), reviewers=["reviewer-one"])
    with (
        tempfile.TemporaryDirectory() as folder,
        running(stand_in) as github,
        serving(Path(folder), github=github, policy=_RULES, patience=120) as service,
    ):
        clock = time.time() - time.perf_counter()
        started = time.perf_counter()
        answered = posts(service.address + _PATH, bodies, connections=connections)
        _wait_for_runs(stand_in, events)
        seconds = time.perf_counter() - started
        counts, dispatches = stand_in.ledger.read()
    assert set(answered.statuses) == {200}
    latencies = _latencies(stand_in, answered, clock)
    cuts = quantiles(latencies, n=100)
    return Served(
        acknowledged_per_second=answered.per_second,
        bare_per_second=yardstick.per_second,
        dispatched_per_second=events / seconds,
        p50=cuts[49],
        p99=cuts[98],
        dispatches=len(dispatches),
        reads=sum(counts.values()) - len(dispatches),
    )


def memory_after(promotions: int) -> tuple[float, float]:
    """Give the resident memory (MiB) of a service before and after so many promotions that a check declines."""
    bodies = [model_registered(model=f"model-{n}", version="1", stage="scratch") for n in range(promotions)]
    stand_in = StandIn()
    set_scene(stand_in, parse_policy({"policy.yaml": _RULES}), reviewers=["reviewer-one"])
    with (
        tempfile.TemporaryDirectory() as folder,
        running(stand_in) as github,
        serving(Path(folder), github=github, policy=_RULES) as service,
    ):
        before = _resident(service)
        posts(service.address + _PATH, bodies, connections=32)
        deadline = time.monotonic() + _DONE_SECONDS
        while _open(service):
            assert time.monotonic() < deadline
            time.sleep(0.5)
        return before, _resident(service)


def _open(service: Service) -> bool:
    answer = httpx.get(f"{service.address}/api/promotions", params={"state": "evaluating", "limit": "1"}, timeout=30)
    return bool(answer.raise_for_status().json()["promotions"])


def _resident(service: Service) -> float:
    for line in Path(f"/proc/{service.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the kernel tells no resident memory here")


def _wait_for_runs(stand_in: StandIn, count: int) -> None:
    deadline = time.monotonic() + _DONE_SECONDS
    while len(stand_in.ledger.read()[1]) < count:
        assert time.monotonic() < deadline, "not every event came to a run"
        time.sleep(0.02)


def _latencies(stand_in: StandIn, answered: Answered, clock: float) -> list[float]:
    created = {sight.run.inputs["model_name"]: sight.run.created_at.timestamp() for sight in stand_in.runs()}
    return [created[f"model-{number}"] - (sent + clock) for number, sent in enumerate(answered.sent_at)]


@contextmanager
def _bare() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.bare_app", str(port)])
    address = f"http://{LOOPBACK}:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(address, timeout=1)
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)
