"""The signals that this service understands, as frozen records.

What each event carries: https://learn.microsoft.com/azure/event-grid/event-schema-machine-learning. No event carries a
metric, a stage or who caused it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Outcome = Literal["completed", "failed", "canceled"]

_OUTCOMES: Mapping[str, Outcome] = {
    "completed": "completed",
    "failed": "failed",
    "canceled": "canceled",
    "cancelled": "canceled",
}
_STEP_RUNS = frozenset({"azureml.steprun", "azureml.reusedsteprun"})
_RUN_ABOVE = ("azureml.pipelinerunid", "mlflow.parentRunId", "mlflow.rootRunId", "azureml.rootrunid")


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who says that something happened, and when. The same for both schemas of Event Grid.

    `source` is the workspace's Azure resource id as it was sent, `time` the event's own time (aware, UTC).
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime

    @property
    def workspace(self) -> str:
        """The workspace in the one spelling that can be compared: Azure resource ids know no letter case."""
        return self.source.lower().rstrip("/")

    @property
    def key(self) -> str:
        """What is the same for two deliveries of one event: sha256 (hex) of workspace, type and id.

        Each part goes in with its length, so that no two different triples read alike.
        """
        digest = hashlib.sha256()
        for part in (self.workspace, self.type, self.id):
            encoded = part.encode()
            digest.update(b"%d:%b," % (len(encoded), encoded))
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A model's name and version, as the workspace of the signal counts them."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ModelRegistered:
    """A model version was registered in a workspace."""

    envelope: Envelope
    model: str
    version: str
    tags: Mapping[str, str]
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ModelDeployed:
    """Model versions were deployed to an endpoint. `compute_type` is empty when the event does not say."""

    envelope: Envelope
    endpoint: str
    compute_type: str
    models: tuple[ModelVersion, ...]
    tags: Mapping[str, str]
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """What both events about runs carry. `experiment_id` and `experiment` are empty when the event does not say."""

    envelope: Envelope
    run_id: str
    experiment_id: str
    experiment: str
    run_type: str | None
    tags: Mapping[str, str]
    properties: Mapping[str, str]

    @property
    def is_root(self) -> bool:
        """Whether nothing in the event says that another run started this one.

        A child is known by what published events carry:
        - a step of a pipeline: run type or property `azureml.runsource` is `azureml.StepRun`, tag or property
          `azureml.pipelinerunid` names the pipeline's run
          (https://github.com/Azure-Samples/azure-machine-learning-pipeline-observability-sample);
        - a trial of AutoML: property `runTemplate` or `run_template` is `automl_child`
          (https://learn.microsoft.com/azure/event-grid/event-schema-machine-learning);
        - a nested MLflow run: `mlflow.parentRunId` or `mlflow.rootRunId` names another run
          (https://mlflow.org/docs/latest/ml/tracking/#system-tags); a root run may name itself.

        No published event shows a mark on the trials of a sweep: those count as roots here.
        """
        if {(self.run_type or "").lower(), self.properties.get("azureml.runsource", "").lower()} & _STEP_RUNS:
            return False
        if "automl_child" in (self.properties.get("runTemplate"), self.properties.get("run_template")):
            return False
        above = {kept.get(name, "") for kept in (self.tags, self.properties) for name in _RUN_ABOVE}
        return above <= {"", self.run_id}


@dataclass(frozen=True, slots=True)
class RunCompleted(Run):
    """A run ended well."""


@dataclass(frozen=True, slots=True)
class RunStatusChanged(Run):
    """A run went into another status: several of these for each run. `status` is the sender's word in lower case."""

    status: str

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended, or None while it goes on (or for a word that says neither)."""
        return _OUTCOMES.get(self.status)


@dataclass(frozen=True, slots=True)
class DatasetDriftDetected:
    """A dataset monitor of the first generation found drift.

    Texts are empty, and `coefficient`, `start` and `end` are None, when the event does not say (or not readably, for
    the two times). At least one of `drift_id` and `drift_name` is there.
    """

    envelope: Envelope
    drift_id: str
    drift_name: str
    run_id: str
    base_dataset: str
    target_dataset: str
    coefficient: float | None
    start: datetime | None
    end: datetime | None


Signal = ModelRegistered | ModelDeployed | RunCompleted | RunStatusChanged | DatasetDriftDetected
