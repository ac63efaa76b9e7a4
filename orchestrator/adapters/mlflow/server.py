"""What is asked of an MLflow server: https://mlflow.org/docs/latest/api_reference/rest-api.html

Each question is put as MLflow's own client puts it, since that is what Azure ML answers. In a filter of runs it takes
tags joined by AND; a filter of versions holds the name alone, and their tags are compared here.
https://learn.microsoft.com/azure/machine-learning/how-to-track-experiments-mlflow#support-matrix-for-querying-runs-and-experiments
"""

import re
from collections.abc import Collection, Mapping

from orchestrator.adapters.mlflow.client import Caller
from orchestrator.adapters.mlflow.records import (
    ExperimentPage,
    MlflowRun,
    ModelVersion,
    VersionPage,
    read_experiments,
    read_run,
    read_runs,
    read_version,
    read_versions,
)

MOST_RUNS = 20
MOST_ON_A_PAGE = 1_000

_API = "/api/2.0/mlflow"
_UNQUOTABLE = re.compile(r"[\\\x00-\x1f\x7f]")


class NotAskable(ValueError):
    """A text that MLflow's filters have no way to write."""


class MlflowServer:
    """The questions of one reading. All raise `Unreadable` or `Refused`; `NotAskable` where it is said."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    @property
    def uri(self) -> str:
        """The address that is asked."""
        return self._caller.uri

    def version(self, model: str, number: str) -> ModelVersion | None:
        """Read one version of a registered model."""
        wanted = {"name": model, "version": number}
        return self._caller.look_up(f"{_API}/model-versions/get", wanted, read_version, what=f"model {model}:{number}")

    def versions(self, model: str) -> VersionPage:
        """Read all versions of a registered model, up to 1,000. Raises `NotAskable`."""
        wanted = {"filter": f"name = {quoted(model)}", "max_results": MOST_ON_A_PAGE}
        what = f"the versions of model {model}"
        page = self._caller.search("GET", f"{_API}/model-versions/search", wanted, read_versions, what=what)
        # Some databases below MLflow compare without letter case.
        return VersionPage(tuple(one for one in page.versions if one.model == model), page.complete)

    def run(self, run_id: str) -> MlflowRun | None:
        """Read one run."""
        return self._caller.look_up(f"{_API}/runs/get", {"run_id": run_id}, read_run, what=f"run {run_id}")

    def experiments(self) -> ExperimentPage:
        """Read which experiments there are, up to 1,000: as many as MLflow's own client asks for at once."""
        wanted = {"max_results": MOST_ON_A_PAGE, "view_type": "ACTIVE_ONLY"}
        return self._caller.search(
            "POST", f"{_API}/experiments/search", wanted, read_experiments, what="the experiments"
        )

    def runs(self, experiments: Collection[str], tags: Mapping[str, str]) -> tuple[MlflowRun, ...]:
        """Read the runs that carry all these tags, newest first, up to 20. Raises `NotAskable`."""
        wanted = {
            "experiment_ids": sorted(experiments),
            "filter": " AND ".join(f"tags.{key} = {quoted(value)}" for key, value in tags.items()),
            "run_view_type": "ACTIVE_ONLY",
            "max_results": MOST_RUNS,
            "order_by": ["start_time DESC"],
        }
        what = f"the runs tagged {told(tags)}"
        found = self._caller.search("POST", f"{_API}/runs/search", wanted, read_runs, what=what)
        # A server that reads a filter in another way must not give one model the measurements of another.
        return tuple(run for run in found if tags.items() <= run.tags.items() and not run.deleted)


def quoted(text: str) -> str:
    """Write a text as a value in a filter. There is no escape: one kind of quotes must be free. Raises `NotAskable`."""
    for quote in "'\"":
        if quote not in text and not _UNQUOTABLE.search(text):
            return f"{quote}{text}{quote}"
    raise NotAskable(f"{text!r} can't be searched for: MLflow's filters take no backslash and no two kinds of quotes")


def told(tags: Mapping[str, str]) -> str:
    """Name tags and their values for people."""
    return " and ".join(f"{key} = {value}" for key, value in tags.items())
