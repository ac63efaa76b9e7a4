"""Every published shape of an Azure ML event, read as a signal."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.signals.delivery import Item, NotOurs, Ours, parse_delivery
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

EVENTS = Path(__file__).parent / "events"
WORKSPACE = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/ml-dev"
    "/providers/Microsoft.MachineLearningServices/workspaces/dev-ml-ws"
)
NAMES = ["model-registered", "model-deployed", "run-completed", "run-status-changed", "dataset-drift-detected"]
SCHEMAS = ["eventgrid", "cloudevents"]


def read(file: str) -> bytes:
    return (EVENTS / file).read_bytes()


def only(body: bytes) -> Item:
    (item,) = parse_delivery(body)
    return item


def signal_of(body: bytes) -> Signal:
    item = only(body)
    assert isinstance(item, Ours), item
    return item.signal


def with_data(file: str) -> bytes:
    """An Event Grid event around a file that holds the data alone."""
    (event,) = json.loads(read("run-status-changed.eventgrid.json"))
    return json.dumps(event | {"data": json.loads(read(file))}).encode()


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_registered_model_is_read_whole(schema: str) -> None:
    assert signal_of(read(f"model-registered.{schema}.json")) == ModelRegistered(
        envelope=Envelope(
            id="a1c0e5d2-0001-4f6e-9d3a-5b7c9e1f0001",
            source=WORKSPACE,
            type="Microsoft.MachineLearningServices.ModelRegistered",
            subject="models/diabetes-clf:7",
            time=datetime(2026, 3, 2, 9, 15, 27, 408291, tzinfo=UTC),
        ),
        model="diabetes-clf",
        version="7",
        tags={"area": "diabetes", "accuracy": "0.91"},
        properties={"framework": "scikit-learn"},
    )


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_deployment_names_its_endpoint_and_every_model(schema: str) -> None:
    signal = signal_of(read(f"model-deployed.{schema}.json"))
    assert isinstance(signal, ModelDeployed)
    assert (signal.endpoint, signal.compute_type) == ("diabetes-dev", "ACI")
    assert signal.models == (ModelVersion("diabetes-clf", "6"), ModelVersion("diabetes-clf", "7"))
    assert (signal.tags, signal.properties) == ({"area": "diabetes"}, {"kind": "trial"})


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_completed_automl_trial_is_read_and_known_as_a_child(schema: str) -> None:
    signal = signal_of(read(f"run-completed.{schema}.json"))
    assert isinstance(signal, RunCompleted)
    assert signal.run_id == "AutoML_5e0d3c1b-bbbb-4c6d-9e8f-1a2b3c4d5e02_4"
    assert signal.experiment_id == "7d1f0c1e-aaaa-4b8b-8c0e-2f4d6a8b0c01"
    assert signal.experiment == "diabetes-training"
    assert signal.run_type is None
    assert signal.properties["pipeline_spec"] == '{"objects": []}'
    assert not signal.is_root


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_changed_status_carries_the_monitors_tag_and_an_outcome(schema: str) -> None:
    signal = signal_of(read(f"run-status-changed.{schema}.json"))
    assert isinstance(signal, RunStatusChanged)
    assert (signal.status, signal.outcome) == ("completed", "completed")
    assert signal.tags["azureml_modelmonitor_threshold_breached"].endswith("metric thresholds.\n[]")
    assert signal.run_type == "azureml.PipelineRun"
    assert signal.is_root


@pytest.mark.parametrize("schema", SCHEMAS)
def test_detected_drift_carries_its_coefficient_and_its_window_in_utc(schema: str) -> None:
    signal = signal_of(read(f"dataset-drift-detected.{schema}.json"))
    assert isinstance(signal, DatasetDriftDetected)
    assert signal.drift_name == "diabetes-inputs"
    assert signal.drift_id == "0b1d2f3a-cccc-4d5e-8f90-6a7b8c9d0e03"
    assert signal.run_id == "0b1d2f3a-cccc-4d5e-8f90-6a7b8c9d0e03_1772409600000"
    assert signal.base_dataset == "2c3d4e5f-dddd-4e6f-9a0b-7c8d9e0f1a04"
    assert signal.target_dataset == "3d4e5f6a-eeee-4f7a-8b1c-8d9e0f1a2b05"
    assert signal.coefficient == 0.7350349068479208
    assert signal.start == datetime(2026, 3, 1, tzinfo=UTC)
    assert signal.end == datetime(2026, 3, 2, tzinfo=UTC)


def test_a_run_that_has_not_started_has_no_outcome_yet() -> None:
    signal = signal_of(with_data("run-status-changed.not-started.data.json"))
    assert isinstance(signal, RunStatusChanged)
    assert (signal.status, signal.outcome, signal.is_root) == ("notstarted", None, True)


def test_a_pipelines_step_is_known_as_a_child() -> None:
    signal = signal_of(with_data("run-status-changed.step.data.json"))
    assert isinstance(signal, RunStatusChanged)
    assert (signal.outcome, signal.is_root) == ("failed", False)


def test_a_dead_lettered_event_is_the_signal_that_was_lost() -> None:
    assert signal_of(read("model-registered.dead-letter.json")) == signal_of(read("model-registered.eventgrid.json"))


def test_an_event_of_another_service_is_not_ours_and_says_so() -> None:
    item = only(read("blob-created.dead-letter.json"))
    assert isinstance(item, NotOurs)
    assert item.envelope.type == "Microsoft.Storage.BlobCreated"
    assert "'Microsoft.Storage.BlobCreated'" in item.reason
    assert json.loads(item.raw)["data"]["api"] == "PutBlob"


@pytest.mark.parametrize("name", NAMES)
def test_both_schemas_of_one_event_say_the_same(name: str) -> None:
    documented, wire = (signal_of(read(f"{name}.{schema}.json")) for schema in SCHEMAS)
    assert documented == wire
    assert documented.envelope.key == wire.envelope.key


@pytest.mark.parametrize("respell", [str.lower, str.upper, str.swapcase, str.title])
@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("name", NAMES)
def test_letter_case_of_keys_makes_no_difference(name: str, schema: str, respell: Callable[[str], str]) -> None:
    body = read(f"{name}.{schema}.json")
    content = json.loads(body)
    event = content[0] if isinstance(content, list) else content
    other = {respell(key): value for key, value in event.items() if key != "data"}
    other[respell("data")] = {respell(key): value for key, value in event["data"].items()}
    assert signal_of(json.dumps(other).encode()) == signal_of(body)


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("name", NAMES)
def test_the_raw_text_of_an_item_reads_as_the_same_item_again(name: str, schema: str) -> None:
    item = only(read(f"{name}.{schema}.json"))
    assert isinstance(item, Ours)
    assert only(item.raw) == item
