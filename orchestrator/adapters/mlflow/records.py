"""MLflow's JSON made into our records. Shapes: https://mlflow.org/docs/latest/api_reference/rest-api.html

Every function raises one of `UNREADABLE` for what is not of that shape.
"""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import nan
from typing import Any

UNREADABLE = (AttributeError, KeyError, OverflowError, TypeError, ValueError)

# MLflow's word, as an expression compares it. A server's own word is passed on in small letters.
_STATUS = {
    "FINISHED": "completed",
    "FAILED": "failed",
    "KILLED": "canceled",
    "RUNNING": "running",
    "SCHEDULED": "running",
}


@dataclass(frozen=True, slots=True)
class MlflowRun:
    """A run. `experiment` is an id, `started` in milliseconds, `metrics` are the newest values of each."""

    id: str
    experiment: str
    status: str
    started: int
    deleted: bool
    tags: dict[str, str]
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a registered model. `run_id` is empty where no run is known to have made it."""

    model: str
    number: str
    registered_at: datetime | None
    run_id: str
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class VersionPage:
    """Versions of one model, newest first. `complete` is False when there are more than one answer holds."""

    versions: tuple[ModelVersion, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class ExperimentPage:
    """Names of experiments by their ids. `complete` is False when there are more than one answer holds."""

    names: dict[str, str]
    complete: bool


def is_number(value: float) -> bool:
    """Tell whether a metric has a value that can be compared.

    A server on a database keeps infinity as the largest double:
    https://mlflow.org/docs/latest/api_reference/python_api/mlflow.html#mlflow.log_metric
    """
    return abs(value) < sys.float_info.max


def read_run(body: Any) -> MlflowRun:
    """Read the answer of `runs/get`."""
    return _run(body["run"])


def read_runs(body: Any) -> tuple[MlflowRun, ...]:
    """Read the answer of `runs/search`, newest first."""
    runs = [_run(one) for one in body.get("runs") or []]
    return tuple(sorted(runs, key=lambda run: run.started, reverse=True))


def read_version(body: Any) -> ModelVersion:
    """Read the answer of `model-versions/get`."""
    return _version(body["model_version"])


def read_versions(body: Any) -> VersionPage:
    """Read the answer of `model-versions/search`."""
    entries = sorted(body.get("model_versions") or [], key=_created, reverse=True)
    return VersionPage(tuple(_version(one) for one in entries), complete=not body.get("next_page_token"))


def read_experiments(body: Any) -> ExperimentPage:
    """Read the answer of `experiments/search`."""
    names = {str(one["experiment_id"]): str(one["name"]) for one in body.get("experiments") or []}
    return ExperimentPage(names, complete=not body.get("next_page_token"))


def read_tracking_uri(body: Any) -> str:
    """Read where a workspace has its MLflow endpoint: https://learn.microsoft.com/rest/api/azureml/workspaces/get"""
    return str(body["properties"]["mlFlowTrackingUri"])


def _run(run: Any) -> MlflowRun:
    info, data = run["info"], run.get("data") or {}
    status = str(info.get("status") or "")
    return MlflowRun(
        id=str(info["run_id"]),
        experiment=str(info["experiment_id"]),
        status=_STATUS.get(status, status.lower()),
        started=int(info.get("start_time") or 0),
        deleted=info.get("lifecycle_stage") == "deleted",
        tags=_tags(data),
        metrics=_metrics(data),
    )


def _version(version: Any) -> ModelVersion:
    created = _created(version)
    return ModelVersion(
        model=str(version["name"]),
        number=str(version["version"]),
        registered_at=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=created) if created else None,
        run_id=str(version.get("run_id") or ""),
        tags=_tags(version),
    )


def _created(version: Any) -> int:
    return int(version.get("creation_timestamp") or 0)


def _tags(owner: Any) -> dict[str, str]:
    return {str(tag["key"]): str(tag.get("value") or "") for tag in owner.get("tags") or []}


def _metrics(data: Any) -> dict[str, float]:
    # Servers give one value for each name. Where one gives more, the last of these is what MLflow calls the latest.
    entries = data.get("metrics") or []
    in_order = sorted(entries, key=lambda metric: (int(metric.get("step") or 0), int(metric.get("timestamp") or 0)))
    return {str(metric["key"]): _number(metric.get("value")) for metric in in_order}


def _number(value: Any) -> float:
    # JSON has no NaN and no infinity: they come as words, or as nothing.
    return nan if value is None else float(value)
