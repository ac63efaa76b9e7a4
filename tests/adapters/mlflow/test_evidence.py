"""What is read from a real MLflow server."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.adapters.mlflow.address import Address, OneServer
from orchestrator.adapters.mlflow.source import MlflowEvidence
from orchestrator.errors import Refused
from tests.adapters.mlflow.conftest import Registry, wanted

PROMOTION = "staging:demand:7"


def test_the_run_that_made_a_version_gives_its_metrics(registry: Registry, evidence: MlflowEvidence) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    model, run_id = registry.model(), registry.run({"auc": 0.91, "loss": 2}, team="pricing")
    version = registry.register(model, run_id, stage="candidate")

    measured = evidence.read(wanted(model, version))

    assert measured.metrics == {"auc": 0.91, "loss": 2.0}
    assert measured.tags == {"stage": "candidate"}
    assert measured.run is not None
    assert (measured.run.id, measured.run.status) == (run_id, "completed")
    assert measured.run.experiment == registry.client.get_experiment(registry.experiment).name
    assert measured.run.tags["team"] == "pricing"
    assert measured.registered_at is not None
    assert before < measured.registered_at < datetime.now(UTC) + timedelta(seconds=2)
    assert [reading.what for reading in measured.readings] == [
        f"model {model}:{version}",
        f"run {run_id}, which made model {model}:{version} (completed): auc, loss",
    ]
    assert {reading.where for reading in measured.readings} == {registry.uri}
    assert measured.absent == ()
    assert measured.arrived_version is None


def test_the_newest_value_of_a_metric_counts(registry: Registry, evidence: MlflowEvidence) -> None:
    model, run_id = registry.model(), registry.run({"auc": 0.5})
    registry.client.log_metric(run_id, "auc", 0.9, step=2)
    registry.client.log_metric(run_id, "auc", 0.7, step=1)

    assert evidence.read(wanted(model, registry.register(model, run_id))).metrics == {"auc": 0.9}


def test_a_run_tagged_with_name_and_version_comes_before_the_run_that_made_it(
    registry: Registry, evidence: MlflowEvidence
) -> None:
    model, made = registry.model(), registry.run({"auc": 0.7, "loss": 3.0})
    version = registry.register(model, made)
    older = registry.run({"auc": 0.8, "recall": 0.4}, model_name=model, model_version=version)
    newer = registry.run({"auc": 0.9}, model_name=model, model_version=version)
    registry.run({"auc": 0.1}, model_name=model, model_version="99")
    registry.run({"auc": 0.2}, model_name="another", model_version=version)

    measured = evidence.read(wanted(model, version))

    assert measured.metrics == {"auc": 0.9, "recall": 0.4, "loss": 3.0}
    assert measured.run is not None
    assert measured.run.id == newer
    tags = f"tagged model_name = {model} and model_version = {version} (completed)"
    assert [reading.what for reading in measured.readings][1:] == [
        f"run {newer}, {tags}: auc",
        f"run {older}, {tags}: recall",
        f"run {made}, which made model {model}:{version} (completed): loss",
    ]


def test_a_run_of_the_promotion_comes_first_whatever_its_experiment(
    registry: Registry, evidence: MlflowEvidence
) -> None:
    model, made = registry.model(), registry.run({"auc": 0.7})
    version = registry.register(model, made)
    promotion = f"staging:{model}:{version}"
    elsewhere = registry.another_experiment()
    tested = registry.run({"auc": 0.95}, promotion_id=promotion, experiment=elsewhere)
    registry.run({"auc": 0.8}, model_name=model, model_version=version)

    measured = evidence.read(wanted(model, version, promotion=promotion))

    assert measured.metrics == {"auc": 0.95}
    assert measured.readings[-1].what == f"run {tested}, tagged promotion_id = {promotion} (completed): auc"


def test_a_pipeline_measures_in_one_step_and_registers_in_another(registry: Registry, evidence: MlflowEvidence) -> None:
    model, root = registry.model(), registry.run({"cost": 4.0, "auc": 0.1})
    sibling = registry.run({"auc": 0.2, "recall": 0.8}, parent=root)
    registers = registry.run({"size": 12.0}, parent=root)
    registry.run({"foreign": 1.0}, parent="0" * 32)
    version = registry.register(model, registers)

    measured = evidence.read(wanted(model, version))

    assert measured.metrics == {"size": 12.0, "cost": 4.0, "auc": 0.1, "recall": 0.8}
    assert [reading.what for reading in measured.readings][1:] == [
        f"run {registers}, which made model {model}:{version} (completed): size",
        f"run {root}, the root of run {registers} (completed): auc, cost",
        f"run {sibling}, a sibling of run {registers} (completed): recall",
    ]


def test_the_root_is_the_one_that_the_run_names(registry: Registry, evidence: MlflowEvidence) -> None:
    root = registry.run({"cost": 4.0})
    parent = registry.run({"auc": 0.1}, parent=root)
    registers = registry.run(parent=parent, **{"mlflow.rootRunId": root})
    model = registry.model()

    assert evidence.read(wanted(model, registry.register(model, registers))).metrics == {"cost": 4.0}


def test_what_the_promotion_brought_is_measured_under_its_own_number(
    registry: Registry, evidence: MlflowEvidence
) -> None:
    model = registry.model()
    registry.register(model, registry.run({"auc": 0.1}))
    made = registry.run({"auc": 0.9})
    arrived = registry.register(model, made, promotion_id=PROMOTION)
    registry.register(model, registry.run({"auc": 0.2}))

    measured = evidence.read(wanted(model, "1", promotion=PROMOTION))

    assert measured.arrived_version == arrived == "2"
    assert measured.metrics == {"auc": 0.9}
    assert measured.tags == {"promotion_id": PROMOTION}
    assert measured.readings[0].what == f"model {model}:2, which promotion {PROMOTION} became here"
    assert measured.absent == (f"no run in dev is tagged promotion_id = {PROMOTION}",)


def test_the_newest_of_several_versions_of_a_promotion_is_what_arrived(
    registry: Registry, evidence: MlflowEvidence
) -> None:
    model = registry.model()
    for _ in range(2):
        registry.register(model, promotion_id=PROMOTION)

    assert evidence.read(wanted(model, "1", promotion=PROMOTION)).arrived_version == "2"


def test_a_tag_on_the_run_that_made_a_version_also_tells_what_arrived(
    registry: Registry, evidence: MlflowEvidence
) -> None:
    model, promotion = registry.model(), "staging:demand:8"
    registry.register(model, registry.run({"auc": 0.1}))
    arrived = registry.register(model, registry.run({"auc": 0.9}, promotion_id=promotion))

    measured = evidence.read(wanted(model, "1", promotion=promotion))

    assert (measured.arrived_version, measured.metrics) == (arrived, {"auc": 0.9})
    assert measured.absent == ()


def test_where_nothing_is_tagged_the_same_number_is_used_and_that_is_said(
    registry: Registry, evidence: MlflowEvidence
) -> None:
    model = registry.model()
    version = registry.register(model, registry.run({"auc": 0.9}))

    measured = evidence.read(wanted(model, version, promotion="staging:nothing:1"))

    assert (measured.arrived_version, measured.metrics) == (None, {"auc": 0.9})
    assert (
        f"no version of model {model} in dev is tagged promotion_id = staging:nothing:1; version 1 is taken for it"
        in measured.absent
    )


def test_a_version_that_is_not_registered_is_said_and_not_raised(registry: Registry, evidence: MlflowEvidence) -> None:
    measured = evidence.read(wanted("nothing-of-that-name", "7"))

    assert measured.absent == (
        "model nothing-of-that-name:7 is not registered in dev",
        "no run in dev with metrics was found for model nothing-of-that-name",
    )
    assert (measured.metrics, measured.tags, measured.run, measured.registered_at) == ({}, {}, None, None)


def test_a_version_that_can_be_no_number_is_not_registered(registry: Registry, evidence: MlflowEvidence) -> None:
    model = registry.model()

    assert f"model {model}:abc is not registered in dev" in evidence.read(wanted(model, "abc")).absent


def test_a_run_as_candidate_is_read_by_its_id(registry: Registry, evidence: MlflowEvidence) -> None:
    run_id = registry.run({"auc": 0.9})

    measured = evidence.read(wanted("training", run_id, run_id=run_id))

    assert (measured.metrics, measured.absent) == ({"auc": 0.9}, ())


def test_the_run_that_the_signal_named_is_read_where_the_version_names_none(
    registry: Registry, evidence: MlflowEvidence
) -> None:
    model = registry.model()
    version = registry.register(model)

    assert evidence.read(wanted(model, version, run_id=registry.run({"auc": 0.9}))).metrics == {"auc": 0.9}


def test_missing_metrics_are_said(registry: Registry, evidence: MlflowEvidence) -> None:
    model, run_id = registry.model(), registry.run(status="RUNNING")

    measured = evidence.read(wanted(model, registry.register(model, run_id)))

    assert measured.absent == (f"run {run_id} has no metrics yet",)
    assert measured.run is not None
    assert measured.run.status == "running"


def test_a_version_without_a_run_is_said(registry: Registry, evidence: MlflowEvidence) -> None:
    model = registry.model()
    version = registry.register(model)

    absent = evidence.read(wanted(model, version)).absent
    assert f"model {model}:{version} in dev does not say which run made it" in absent


def test_deleted_runs_are_no_evidence(registry: Registry, evidence: MlflowEvidence) -> None:
    model, run_id = registry.model(), registry.run({"auc": 0.9})
    version = registry.register(model, run_id)
    tagged = registry.run({"auc": 0.8}, model_name=model, model_version=version)
    for one in (run_id, tagged):
        registry.client.delete_run(one)

    measured = evidence.read(wanted(model, version))

    assert measured.metrics == {}
    assert f"run {run_id}, which made model {model}:{version}, is not in dev" in measured.absent


@pytest.mark.parametrize(
    ("value", "said"), [(float("nan"), "no number"), (float("inf"), "infinite"), (float("-inf"), "infinite")]
)
def test_what_is_no_number_is_left_out_and_no_older_value_stands_for_it(
    registry: Registry, evidence: MlflowEvidence, value: float, said: str
) -> None:
    model, made = registry.model(), registry.run({"auc": 0.99, "recall": 0.5})
    version = registry.register(model, made)
    tested = registry.run({"auc": value}, model_name=model, model_version=version)

    measured = evidence.read(wanted(model, version))

    assert measured.metrics == {"recall": 0.5}
    assert measured.absent == (f"metric auc of run {tested} is {said}, so it is left out",)


@pytest.mark.parametrize(("theirs", "ours"), [("FINISHED", "completed"), ("FAILED", "failed"), ("KILLED", "canceled")])
def test_the_status_of_a_run_is_in_our_words(
    registry: Registry, evidence: MlflowEvidence, theirs: str, ours: str
) -> None:
    run_id = registry.run({"auc": 0.9}, status=theirs)

    run = evidence.read(wanted("training", run_id, run_id=run_id)).run

    assert run is not None
    assert run.status == ours


def test_many_metrics_are_counted_not_listed(registry: Registry, evidence: MlflowEvidence) -> None:
    run_id = registry.run({f"m{number:02}": 1.0 for number in range(15)})

    measured = evidence.read(wanted("training", run_id, run_id=run_id))

    assert len(measured.metrics) == 15
    assert measured.readings[0].what.endswith("m10, m11 and 3 more")


def test_an_address_where_no_mlflow_answers_needs_a_person(
    registry: Registry, evidence_at: Callable[[Address], MlflowEvidence]
) -> None:
    with pytest.raises(Refused, match=r"does not tell the experiments \(404\)\. Check the address"):
        evidence_at(OneServer(f"{registry.uri}/nowhere")).read(wanted())
