"""The data of an Azure ML event as a signal.

Azure's page writes `ModelName` and a numeric version (https://learn.microsoft.com/azure/event-grid/event-schema-machine-learning),
the wire and the .NET SDK `modelName` and a text: both are read, as is any other letter case, and the wire's spelling
wins where an event carries both. What the data lacks is taken from the subject; where the two disagree the data wins.
"""

import re
from collections.abc import Callable, Mapping

from orchestrator.signals.fields import (
    MISSING,
    Unfit,
    number,
    optional_moment,
    optional_text,
    pick,
    shown,
    text,
    texts,
    version,
)
from orchestrator.signals.signal import (
    DatasetDriftDetected,
    Envelope,
    ModelDeployed,
    ModelRegistered,
    ModelVersion,
    RunCompleted,
    RunStatusChanged,
    Signal,
)

Data = Mapping[str, object]

# A name may hold a colon, a version may not: the greedy group takes all but the last.
_MODEL = re.compile(r"models/(.*):([^:]*)", re.IGNORECASE | re.DOTALL)
_ENDPOINT = re.compile(r"endpoints/(.*)", re.IGNORECASE | re.DOTALL)
_RUN = re.compile(r"experiments/([^/]*)/runs?/(.*)", re.IGNORECASE | re.DOTALL)
_DRIFT = re.compile(r"datadrifts?/([^/]*)/runs?/(.*)", re.IGNORECASE | re.DOTALL)


def spelled(event_type: str) -> str:
    """The event type as this service writes it, whatever letter case it came in; a foreign type as it is."""
    return _SPELLED.get(event_type.lower(), event_type)


def _model_registered(envelope: Envelope, data: Data) -> ModelRegistered:
    model, number_ = _named_model(envelope, data)
    return ModelRegistered(
        envelope=envelope,
        model=model,
        version=number_,
        tags=texts(pick(data, "modelTags", "ModelTags"), "data.modelTags"),
        properties=texts(pick(data, "modelProperties", "ModelProperties"), "data.modelProperties"),
    )


def _named_model(envelope: Envelope, data: Data) -> tuple[str, str]:
    """Name and version. Half of them comes from the subject only if the subject agrees on the other half."""
    name = pick(data, "modelName", "ModelName")
    number_ = pick(data, "modelVersion", "ModelVersion")
    if (name is MISSING or number_ is MISSING) and (found := _MODEL.fullmatch(envelope.subject)):
        if name is MISSING and number_ is MISSING:
            name, number_ = found[1], found[2]
        elif name == found[1]:
            number_ = found[2]
        elif name is MISSING and version(number_, "data.modelVersion") == found[2]:
            name = found[1]
    if name is MISSING or number_ is MISSING:
        raise Unfit(
            "data.modelName and data.modelVersion are needed, or a subject that says the same as models/NAME:VERSION; "
            f"modelName is {shown(name)}, modelVersion is {shown(number_)}, the subject is {shown(envelope.subject)}"
        )
    return text(name, "data.modelName"), version(number_, "data.modelVersion")


def _model_deployed(envelope: Envelope, data: Data) -> ModelDeployed:
    endpoint = pick(data, "serviceName", "ServiceName")
    if endpoint is MISSING and (found := _ENDPOINT.fullmatch(envelope.subject)):
        endpoint = found[1]
    if endpoint is MISSING:
        raise Unfit(
            f"data.serviceName is needed, or a subject such as endpoints/NAME; the subject is {shown(envelope.subject)}"
        )
    return ModelDeployed(
        envelope=envelope,
        endpoint=text(endpoint, "data.serviceName"),
        compute_type=optional_text(pick(data, "serviceComputeType", "ServiceComputeType"), "data.serviceComputeType"),
        models=_models(pick(data, "modelIds", "ModelIds")),
        tags=texts(pick(data, "serviceTags", "ServiceTags"), "data.serviceTags"),
        properties=texts(pick(data, "serviceProperties", "ServiceProperties"), "data.serviceProperties"),
    )


def _models(value: object) -> tuple[ModelVersion, ...]:
    if value is MISSING or value is None or value == "":
        return ()
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise Unfit(f"data.modelIds must be NAME:VERSION, separated by commas; it is {shown(value)}")
    return tuple(_model(part) for part in parts)


def _model(part: object) -> ModelVersion:
    name, colon, number_ = part.strip().rpartition(":") if isinstance(part, str) else ("", "", "")
    if not colon:
        raise Unfit(f"data.modelIds must be NAME:VERSION, separated by commas; one of them is {shown(part)}")
    return ModelVersion(text(name, "a name in data.modelIds"), text(number_, "a version in data.modelIds"))


def _run_completed(envelope: Envelope, data: Data) -> RunCompleted:
    return RunCompleted(envelope, *_run(envelope, data))


def _run_status_changed(envelope: Envelope, data: Data) -> RunStatusChanged:
    status = text(pick(data, "runStatus", "RunStatus"), "data.runStatus")
    return RunStatusChanged(envelope, *_run(envelope, data), status=status.lower())


def _run(envelope: Envelope, data: Data) -> tuple[str, str, str, str | None, Mapping[str, str], Mapping[str, str]]:
    run_id = pick(data, "runId", "RunId")
    experiment_id = pick(data, "experimentId", "ExperimentId")
    if found := _RUN.fullmatch(envelope.subject):
        experiment_id = found[1] if experiment_id is MISSING else experiment_id
        run_id = found[2] if run_id is MISSING else run_id
    if run_id is MISSING:
        raise Unfit(
            "data.runId is needed, or a subject such as experiments/ID/runs/ID; "
            f"the subject is {shown(envelope.subject)}"
        )
    return (
        text(run_id, "data.runId"),
        optional_text(experiment_id, "data.experimentId"),
        optional_text(pick(data, "experimentName", "ExperimentName"), "data.experimentName"),
        optional_text(pick(data, "runType", "RunType"), "data.runType") or None,
        texts(pick(data, "runTags", "RunTags"), "data.runTags"),
        texts(pick(data, "runProperties", "RunProperties"), "data.runProperties"),
    )


def _drift_detected(envelope: Envelope, data: Data) -> DatasetDriftDetected:
    drift_id = pick(data, "dataDriftId", "DataDriftId")
    run_id = pick(data, "runId", "RunId")
    if found := _DRIFT.fullmatch(envelope.subject):
        drift_id = found[1] if drift_id is MISSING else drift_id
        run_id = found[2] if run_id is MISSING else run_id
    drift_name = optional_text(pick(data, "dataDriftName", "DataDriftName"), "data.dataDriftName")
    if not drift_name and drift_id in (MISSING, None, ""):
        raise Unfit(
            "data.dataDriftName or data.dataDriftId is needed, or a subject such as datadrifts/ID/runs/ID; "
            f"the subject is {shown(envelope.subject)}"
        )
    return DatasetDriftDetected(
        envelope=envelope,
        drift_id=optional_text(drift_id, "data.dataDriftId"),
        drift_name=drift_name,
        run_id=optional_text(run_id, "data.runId"),
        base_dataset=optional_text(pick(data, "baseDatasetId", "BaseDatasetId"), "data.baseDatasetId"),
        target_dataset=optional_text(pick(data, "targetDatasetId", "TargetDatasetId"), "data.targetDatasetId"),
        coefficient=number(pick(data, "driftCoefficient", "DriftCoefficient"), "data.driftCoefficient"),
        start=optional_moment(pick(data, "startTime", "StartTime"), "data.startTime"),
        end=optional_moment(pick(data, "endTime", "EndTime"), "data.endTime"),
    )


READERS: Mapping[str, Callable[[Envelope, Data], Signal]] = {
    "Microsoft.MachineLearningServices.ModelRegistered": _model_registered,
    "Microsoft.MachineLearningServices.ModelDeployed": _model_deployed,
    "Microsoft.MachineLearningServices.RunCompleted": _run_completed,
    "Microsoft.MachineLearningServices.RunStatusChanged": _run_status_changed,
    "Microsoft.MachineLearningServices.DatasetDriftDetected": _drift_detected,
}
_SPELLED = {event_type.lower(): event_type for event_type in READERS}
