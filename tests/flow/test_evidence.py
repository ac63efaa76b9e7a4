"""Evidence from a real MLflow server decides, and stays on record."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.adapters.mlflow.address import OneServer
from orchestrator.adapters.mlflow.source import MlflowEvidence
from orchestrator.flow.world import World
from orchestrator.promotion.states import State
from tests.flow.events import model_registered
from tests.flow.story import POLICY, Story, VirtualClock, telling
from tests.mlflow_server import serving

MEASURED = POLICY.replace(
    """      - {name: marked as candidate, expect: 'tags.stage == "candidate"'}
""",
    """      - {name: accurate enough, expect: metrics.accuracy >= 0.85}
      - {name: beats the champion, when: champion != null, expect: metrics.accuracy > champion.metrics.accuracy}
""",
)


@pytest.fixture(scope="module")
def mlflow_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("mlflow")) as uri:
        yield uri


@pytest.fixture
def story(tmp_path: Path, mlflow_uri: str) -> Iterator[Story]:
    with reading(mlflow_uri, tmp_path) as told:
        yield told


@contextmanager
def reading(uri: str, folder: Path) -> Iterator[Story]:
    """Tell a story whose evidence is read from a server."""
    source = MlflowEvidence(OneServer(uri), VirtualClock())

    def with_evidence(world: World) -> World:
        return replace(world, evidence=source)

    with telling(folder / "orchestrator.db", policy=MEASURED, wrap=with_evidence) as told:
        yield told
    source.close()


def log_metric(uri: str, run_id: str, accuracy: float) -> None:
    from mlflow import MlflowClient  # takes seconds to import

    MlflowClient(uri).log_metric(run_id, "accuracy", accuracy)


def register(uri: str, model: str, accuracy: float | None) -> tuple[str, str]:
    """Train and register a version on the server; give its number and its run."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(uri)
    try:
        client.create_registered_model(model)
    except MlflowException as error:
        assert error.error_code == "RESOURCE_ALREADY_EXISTS"  # noqa: PT017 - the second version of a model
    run = client.create_run("0")
    if accuracy is not None:
        client.log_metric(run.info.run_id, "accuracy", accuracy)
    version = client.create_model_version(model, source=f"runs:/{run.info.run_id}/model", run_id=run.info.run_id)
    return str(version.version), run.info.run_id


def test_measured_metrics_decide_and_the_champion_must_be_beaten(story: Story, mlflow_uri: str) -> None:
    first, _ = register(mlflow_uri, "diabetes-clf", 0.90)
    story.register(first)
    story.wait_until(story.is_in(f"staging:diabetes-clf:{first}", State.GATED))
    story.approve_gates()
    story.wait_until(story.is_in(f"staging:diabetes-clf:{first}", State.SUCCEEDED))

    worse, _ = register(mlflow_uri, "diabetes-clf", 0.88)
    story.register(worse)
    story.wait_until(story.is_in(f"staging:diabetes-clf:{worse}", State.DECLINED))
    decision = story.promotion(f"staging:diabetes-clf:{worse}").decision
    assert decision is not None
    assert decision.checks[1].observed == {"metrics.accuracy": 0.88, "champion.metrics.accuracy": 0.90}

    better, _ = register(mlflow_uri, "diabetes-clf", 0.93)
    story.register(better)
    story.wait_until(story.is_in(f"staging:diabetes-clf:{better}", State.GATED))


def test_a_metric_that_is_not_logged_yet_is_waited_for_and_named(story: Story, mlflow_uri: str) -> None:
    version, run_id = register(mlflow_uri, "diabetes-late", None)
    story.deliver(model_registered(model="diabetes-late", version=version))
    story.wait(timedelta(minutes=1))
    waiting = story.promotion(f"staging:diabetes-late:{version}")
    assert waiting.state is State.WAITING
    assert "accuracy" in (waiting.waiting_for or "")

    log_metric(mlflow_uri, run_id, 0.91)
    story.wait_until(story.is_in(f"staging:diabetes-late:{version}", State.GATED))


def test_a_server_that_can_not_be_reached_is_waited_for(tmp_path: Path) -> None:
    with reading("http://127.0.0.1:9", tmp_path) as story:
        story.register()
        story.work()

        waiting = story.promotion("staging:diabetes-clf:7")
        assert waiting.state is State.WAITING
        assert "127.0.0.1:9" in (waiting.waiting_for or "")
        assert story.stand_in.runs() == []
