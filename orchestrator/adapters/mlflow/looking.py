"""One look for the evidence of a model version: which runs may hold it, in the order in which they count.

1. runs tagged with the promotion that brought the model into the environment,
2. runs tagged with its name and version,
3. the run that made it, the root of that run, and its siblings: pipelines measure in one step and register in another.
"""

from datetime import datetime

from orchestrator.adapters.mlflow.measuring import RunFound, measurements
from orchestrator.adapters.mlflow.records import ExperimentPage, MlflowRun, ModelVersion, VersionPage
from orchestrator.adapters.mlflow.server import MOST_ON_A_PAGE, MlflowServer, NotAskable, told
from orchestrator.decide.evidence import Measured, Reading, RunFacts
from orchestrator.decide.nomination import PROMOTION_TAG
from orchestrator.ports import EvidenceWanted

PARENT_TAG = "mlflow.parentRunId"
ROOT_TAG = "mlflow.rootRunId"


class Look:
    """One look; made for one `EvidenceWanted` and used once."""

    def __init__(self, server: MlflowServer, wanted: EvidenceWanted, *, at: datetime) -> None:
        self._server = server
        self._wanted = wanted
        self._at = at
        self._experiments = ExperimentPage({}, complete=True)
        self._readings: list[Reading] = []
        self._absent: list[str] = []

    def measured(self) -> Measured:
        """Look. Raises `Refused` or `Unreadable`."""
        wanted = self._wanted
        self._experiments = self._server.experiments()
        if not self._experiments.complete:
            self._miss(f"of the experiments in {wanted.environment} only {MOST_ON_A_PAGE} were searched for runs")
        delivered = self._delivered()
        arrived = self._arrived(delivered)
        version = arrived or self._version()
        own = self._own_run(version, delivered)
        named = self._named(version, own)
        result = measurements([*delivered, *named, *([own] if own else []), *self._family(own)])
        for text in result.read:
            self._note(text)
        self._absent += result.absent
        if not result.metrics:
            self._miss_metrics(own)
        return Measured(
            tags=version.tags if version else {},
            metrics=result.metrics,
            run=self._facts(result.run) if result.run else None,
            registered_at=version.registered_at if version else None,
            readings=tuple(self._readings),
            absent=tuple(self._absent),
            arrived_version=arrived.number if arrived else None,
        )

    def _delivered(self) -> list[RunFound]:
        if self._wanted.promotion is None:
            return []
        tags = {PROMOTION_TAG: self._wanted.promotion}
        found = self._tagged(tags, None)
        if not found:
            self._miss(f"no run in {self._wanted.environment} is tagged {told(tags)}")
        return found

    def _arrived(self, delivered: list[RunFound]) -> ModelVersion | None:
        """Find what the model became here: the version that carries the promotion's tag, or whose run does."""
        wanted = self._wanted
        if wanted.promotion is None:
            return None
        page = self._versions()
        made_by = {one.run.id for one in delivered}
        tagged = [one for one in page.versions if one.tags.get(PROMOTION_TAG) == wanted.promotion]
        made = [one for one in page.versions if one.run_id in made_by]
        for version in [*tagged, *made]:
            self._note(f"model {wanted.model}:{version.number}, which promotion {wanted.promotion} became here")
            return version
        among = "" if page.complete else f" among the {len(page.versions)} that were read"
        self._miss(
            f"no version of model {wanted.model} in {wanted.environment} is tagged {PROMOTION_TAG} = "
            f"{wanted.promotion}{among}; version {wanted.version} is taken for it"
        )
        return None

    def _versions(self) -> VersionPage:
        try:
            return self._server.versions(self._wanted.model)
        except NotAskable as error:
            self._miss(str(error))
            return VersionPage((), complete=True)

    def _version(self) -> ModelVersion | None:
        wanted = self._wanted
        if wanted.version == wanted.run_id:  # the candidate is a run; nothing is registered under its id
            return None
        version = self._server.version(wanted.model, wanted.version)
        if version is None:
            self._miss(f"model {wanted.model}:{wanted.version} is not registered in {wanted.environment}")
        else:
            self._note(f"model {wanted.model}:{version.number}")
        return version

    def _own_run(self, version: ModelVersion | None, delivered: list[RunFound]) -> RunFound | None:
        wanted = self._wanted
        name = f"model {wanted.model}:{version.number if version else wanted.version}"
        run_id = (version and version.run_id) or wanted.run_id
        if not run_id:
            if version:
                self._miss(f"{name} in {wanted.environment} does not say which run made it")
            return None
        run = next((one.run for one in delivered if one.run.id == run_id), None) or self._server.run(run_id)
        if run is None or run.deleted:
            self._miss(f"run {run_id}, which made {name}, is not in {wanted.environment}")
            return None
        return RunFound(run, f"which made {name}")

    def _named(self, version: ModelVersion | None, own: RunFound | None) -> list[RunFound]:
        number = version.number if version else self._wanted.version
        return self._tagged({"model_name": self._wanted.model, "model_version": number}, own)

    def _family(self, own: RunFound | None) -> list[RunFound]:
        parent = own.run.tags.get(PARENT_TAG) if own else None
        if own is None or not parent or parent == own.run.id:
            return []
        root_id = own.run.tags.get(ROOT_TAG) or parent
        root = self._server.run(root_id) if root_id != own.run.id else None
        siblings = self._tagged({PARENT_TAG: parent}, own)
        family = [RunFound(one.run, f"a sibling of run {own.run.id}") for one in siblings]
        return family if root is None or root.deleted else [RunFound(root, f"the root of run {own.run.id}"), *family]

    def _tagged(self, tags: dict[str, str], own: RunFound | None) -> list[RunFound]:
        experiments = self._experiments.names.keys() | ({own.run.experiment} if own else set())
        try:
            runs = self._server.runs(experiments, tags) if experiments else ()
        except NotAskable as error:
            self._miss(str(error))
            return []
        return [RunFound(run, f"tagged {told(tags)}") for run in runs]

    def _facts(self, run: MlflowRun) -> RunFacts:
        experiment = self._experiments.names.get(run.experiment, run.experiment)
        return RunFacts(run.id, run.status, experiment, run.tags)

    def _miss_metrics(self, own: RunFound | None) -> None:
        if own:
            self._miss(f"run {own.run.id} has no metrics yet")
        else:
            self._miss(f"no run in {self._wanted.environment} with metrics was found for model {self._wanted.model}")

    def _note(self, what: str) -> None:
        self._readings.append(Reading(what, self._server.uri, self._at))

    def _miss(self, what: str) -> None:
        if what not in self._absent:
            self._absent.append(what)
