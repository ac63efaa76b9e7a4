"""The real service, killed as a power cut kills: what was acknowledged has exactly one run."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from orchestrator.local.github.failures import Kind, Rule
from orchestrator.local.github.server import running
from orchestrator.local.github.state import StandIn
from orchestrator.local.scene import set_scene
from orchestrator.policy.load import parse_policy
from tests.flow.events import model_registered
from tests.flow.story import POLICY
from tests.hosts.service import Service, eventually

EVENTS = 500
KILLS = 6
END_SECONDS = 120.0


class Moments:
    """Lets one thread wait until so much has happened."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    def happened(self) -> None:
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._count >= count, timeout=END_SECONDS)


@pytest.mark.parametrize("drops_answers", [False, True], ids=["steady GitHub", "every 20th answer dropped"])
def test_what_was_acknowledged_has_exactly_one_run_however_often_the_service_is_killed(
    tmp_path: Path, drops_answers: bool, record_line: Callable[[str], None]
) -> None:
    chance = random.Random(drops_answers)
    stand_in = StandIn()
    policy = POLICY.replace("diabetes-*", "model-*")
    set_scene(stand_in, parse_policy({"policy.yaml": policy}), reviewers=["reviewer-one"])
    if drops_answers:
        stand_in.failures.set([Rule("dispatch", Kind.DROP, every=20, before=False)])
    bodies = {f"model-{n}": _registered(n) for n in range(EVENTS)}
    passing = {f"staging:{name}:1" for n, name in enumerate(bodies) if _passes(n)}

    with running(stand_in) as github:
        service = Service(tmp_path, github=github, policy=policy)
        service.start()
        acknowledged = Moments()
        with ThreadPoolExecutor(8) as senders:
            sent = [senders.submit(_until_acknowledged, service, body, acknowledged) for body in bodies.values()]
            for kill in range(KILLS):
                acknowledged.wait_for(EVENTS * kill // KILLS + chance.randrange(1, EVENTS // KILLS))
                service.kill()
                service.start()
            for one in sent:
                one.result()
        eventually(
            lambda: _states(service).keys() == {"gated", "declined"},
            within=END_SECONDS,
            every=1.0,
            said=lambda: (_states(service), service.said()),
        )
        promotions = service.promotions()
        service.stop()

    runs = Counter(sight.run.inputs["promotion_id"] for sight in stand_in.runs())
    assert set(runs) == passing
    assert set(runs.values()) == {1}
    assert len(promotions) == EVENTS
    assert Counter(one["state"] for one in promotions) == {"gated": len(passing), "declined": EVENTS - len(passing)}
    record_line(
        f"kill -9: {EVENTS} events, {KILLS} kills, {'every 20th answer dropped, ' if drops_answers else ''}"
        f"{len(runs)} promotions that passed, {runs.total()} runs"
    )


def _passes(number: int) -> bool:
    return number % 10 != 9


def _registered(number: int) -> bytes:
    stage = "candidate" if _passes(number) else "experiment"
    return model_registered(model=f"model-{number}", version="1", stage=stage)


def _until_acknowledged(service: Service, body: bytes, acknowledged: Moments) -> None:
    """Deliver as Event Grid does: again and again until it is taken."""
    with httpx.Client(timeout=20) as client:
        eventually(lambda: service.deliver(client, body), within=END_SECONDS, said=service.said)
    acknowledged.happened()


def _states(service: Service) -> Counter[str]:
    return Counter(one["state"] for one in service.promotions())
