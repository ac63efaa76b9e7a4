import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.adapters.mlflow.address import Address, OneServer
from orchestrator.adapters.mlflow.source import MlflowEvidence
from orchestrator.ports import EvidenceWanted
from tests.mlflow_server import QUIET, serving

if TYPE_CHECKING:
    from mlflow import MlflowClient

WORKSPACE = (
    "/subscriptions/0000/resourceGroups/dev-rg/providers/Microsoft.MachineLearningServices/workspaces/dev-workspace"
)
_numbers = count(1)


class WorldClock:
    """The clock of this machine. `add` lets monotonic time pass."""

    def __init__(self) -> None:
        self._added = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic() + self._added

    def add(self, seconds: float) -> None:
        self._added += seconds


@dataclass
class Registry:
    """A real server, filled through MLflow's own client. Each test has an experiment and models of its own."""

    client: "MlflowClient"
    uri: str
    experiment: str = ""
    starts: Iterator[int] = field(default_factory=lambda: count(1_900_000_000_000, 1_000))

    def __post_init__(self) -> None:
        self.experiment = self.another_experiment()

    def another_experiment(self) -> str:
        name = f"experiment {next(_numbers)}"
        created: str = self.client.create_experiment(name)
        return created

    def run(
        self,
        metrics: dict[str, float] | None = None,
        /,
        *,
        parent: str | None = None,
        status: str = "FINISHED",
        experiment: str | None = None,
        **tags: str,
    ) -> str:
        """Log a run; each starts a second after the one before."""
        nested = {"mlflow.parentRunId": parent} if parent else {}
        run = self.client.create_run(
            experiment or self.experiment, start_time=next(self.starts), tags={**tags, **nested}
        )
        run_id: str = run.info.run_id
        for name, value in (metrics or {}).items():
            self.client.log_metric(run_id, name, value)
        if status != "RUNNING":
            self.client.set_terminated(run_id, status)
        return run_id

    def model(self, name: str | None = None) -> str:
        name = name or f"model-{next(_numbers)}"
        self.client.create_registered_model(name)
        return name

    def register(self, model: str, run_id: str | None = None, **tags: str) -> str:
        version = self.client.create_model_version(model, "s3://bucket/model", run_id, tags=tags, await_creation_for=0)
        return str(version.version)


@pytest.fixture(scope="session")
def mlflow_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("mlflow")) as uri:
        yield uri


@pytest.fixture(scope="session")
def mlflow_client(mlflow_uri: str) -> Iterator["MlflowClient"]:
    with pytest.MonkeyPatch.context() as environment, warnings.catch_warnings():
        for name, value in QUIET.items():
            environment.setenv(name, value)
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        yield MlflowClient(tracking_uri=mlflow_uri)


@pytest.fixture
def registry(mlflow_client: "MlflowClient", mlflow_uri: str) -> Registry:
    return Registry(mlflow_client, mlflow_uri)


@pytest.fixture
def clock() -> WorldClock:
    return WorldClock()


@pytest.fixture
def evidence_at(clock: WorldClock) -> Iterator[Callable[[Address], MlflowEvidence]]:
    """Makes sources, and closes them at the end."""
    made: list[MlflowEvidence] = []

    def make(address: Address) -> MlflowEvidence:
        made.append(MlflowEvidence(address, clock))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def evidence(evidence_at: Callable[[Address], MlflowEvidence], mlflow_uri: str) -> MlflowEvidence:
    return evidence_at(OneServer(mlflow_uri))


def wanted(model: str = "demand", version: str = "7", **others: Any) -> EvidenceWanted:
    return EvidenceWanted(**{"environment": "dev", "workspace": WORKSPACE, "model": model, "version": version} | others)
