"""Many deliveries, many processes: the same end."""

import random
from collections import Counter
from pathlib import Path

import httpx

from orchestrator.local.github.environment import AutoApprove
from orchestrator.local.github.server import running
from orchestrator.local.github.state import StandIn
from orchestrator.local.scene import set_scene
from orchestrator.policy.load import parse_policy
from tests.flow.events import model_registered
from tests.flow.story import POLICY
from tests.hosts.service import Service, eventually, serving

MODELS, VERSIONS, COPIES, PROCESSES = 12, 3, 5, 8
END_SECONDS = 120.0


def test_each_event_five_times_in_any_order_comes_to_the_same_end(tmp_path: Path) -> None:
    ends = []
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        events = [_registered(model, version) for model in range(MODELS) for version in range(1, VERSIONS + 1)]
        deliveries = events * COPIES
        random.Random(seed).shuffle(deliveries)
        stand_in = _github()
        with (
            running(stand_in) as github,
            serving(folder, github=github, policy=POLICY) as service,
            httpx.Client(timeout=20) as client,
        ):
            for body in deliveries:
                assert service.deliver(client, body)
            _wait_until_newest_is_in_production([service])
            ends.append(_champions(service))
        _assert_no_run_twice(stand_in)

    assert ends[0] == ends[1] == {f"diabetes-{model}": str(VERSIONS) for model in range(MODELS)}


def test_eight_processes_on_one_store_start_no_run_twice(tmp_path: Path) -> None:
    stand_in = _github()
    with running(stand_in) as github, httpx.Client(timeout=60) as client:
        services = [Service(tmp_path, github=github, policy=POLICY) for _ in range(PROCESSES)]
        try:
            for service in services:
                service.start()
            for number in range(MODELS * COPIES):
                body = _registered(number % MODELS, 1)
                assert services[number % PROCESSES].deliver(client, body), services[number % PROCESSES].said()
            _wait_until_newest_is_in_production(services, versions=1)
        finally:
            for service in services:
                service.stop()

    runs = Counter(sight.run.inputs["promotion_id"] for sight in stand_in.runs())
    assert runs == {f"{place}:diabetes-{model}:1": 1 for model in range(MODELS) for place in ("staging", "prod")}


def _github() -> StandIn:
    stand_in = StandIn()
    rules = parse_policy({"policy.yaml": POLICY})
    set_scene(stand_in, rules, reviewers=["reviewer-one"], auto_approve=AutoApprove("reviewer-one"))
    return stand_in


def _registered(model: int, version: int) -> bytes:
    return model_registered(model=f"diabetes-{model}", version=str(version))


def _champions(service: Service) -> dict[str, str]:
    arrived = [one for one in service.promotions() if one["to"] == "prod" and one["state"] == "succeeded"]
    newest = sorted(arrived, key=lambda one: int(one["version"]))
    return {one["model"]: one["version"] for one in newest}


def _assert_no_run_twice(stand_in: StandIn) -> None:
    runs = Counter((sight.run.inputs["promotion_id"], sight.run.inputs["attempt"]) for sight in stand_in.runs())
    assert set(runs.values()) == {1}


def _wait_until_newest_is_in_production(services: list[Service], *, versions: int = VERSIONS) -> None:
    wanted = {f"prod:diabetes-{model}:{versions}" for model in range(MODELS)}

    def all_arrived() -> bool:
        return wanted <= {one["id"] for one in services[0].promotions() if one["state"] == "succeeded"}

    def said() -> object:
        return [(one["id"], one["state"], one["waiting_for"]) for one in services[0].promotions()]

    eventually(all_arrived, within=END_SECONDS, every=0.3, said=said)
