"""Deployments, runs and drift: what is taken from where, and what is missed."""

from typing import Any

import pytest

from orchestrator.signals.delivery import Ours
from orchestrator.signals.signal import (
    DatasetDriftDetected,
    ModelDeployed,
    ModelVersion,
    RunCompleted,
    RunStatusChanged,
)
from tests.signals.making import an_event, item_of, reason_of


class TestADeployment:
    @staticmethod
    def deployed(data: object, **envelope: object) -> ModelDeployed:
        item = item_of(an_event(data, kind="ModelDeployed", **envelope))
        assert isinstance(item, Ours), item
        assert isinstance(item.signal, ModelDeployed)
        return item.signal

    def test_takes_its_endpoint_from_the_subject(self) -> None:
        signal = self.deployed({}, subject="endpoints/diabetes-dev")
        assert (signal.endpoint, signal.compute_type, signal.models) == ("diabetes-dev", "", ())

    def test_reads_models_with_spaces_colons_and_as_a_list(self) -> None:
        models = (ModelVersion("a:b", "1"), ModelVersion("c", "2"))
        assert self.deployed({"serviceName": "s", "modelIds": "a:b:1, c:2"}).models == models
        assert self.deployed({"serviceName": "s", "modelIds": ["a:b:1", "c:2"]}).models == models

    @pytest.mark.parametrize("ids", ["no-version", "a:1,,b:2", 7, [7], "a:"])
    def test_with_models_that_cannot_be_told_is_broken(self, ids: object) -> None:
        assert "data.modelIds" in reason_of(an_event({"serviceName": "s", "modelIds": ids}, kind="ModelDeployed"))

    def test_of_nothing_known_is_broken(self) -> None:
        assert "data.serviceName" in reason_of(an_event({}, kind="ModelDeployed"))


class TestARun:
    def test_takes_its_ids_from_the_subject(self) -> None:
        item = item_of(an_event({}, kind="RunCompleted", subject="experiments/e-1/runs/r-1"))
        assert isinstance(item, Ours)
        assert isinstance(item.signal, RunCompleted)
        assert (item.signal.experiment_id, item.signal.run_id, item.signal.experiment) == ("e-1", "r-1", "")

    def test_without_an_id_is_broken(self) -> None:
        assert "experiments/ID/runs/ID" in reason_of(an_event({}, kind="RunCompleted"))

    def test_without_a_status_has_not_changed_it(self) -> None:
        assert reason_of(an_event({"runId": "r"}, kind="RunStatusChanged")).startswith("data.runStatus is missing")

    @pytest.mark.parametrize(
        ("sent", "outcome"),
        [
            ("Failed", "failed"),
            ("Canceled", "canceled"),
            ("COMPLETED", "completed"),
            ("Running", None),
            ("Paused", None),
        ],
    )
    def test_ends_in_one_of_three_ways(self, sent: str, outcome: str | None) -> None:
        item = item_of(an_event({"runId": "r", "runStatus": sent}, kind="RunStatusChanged"))
        assert isinstance(item, Ours)
        assert isinstance(item.signal, RunStatusChanged)
        assert (item.signal.status, item.signal.outcome) == (sent.lower(), outcome)

    @pytest.mark.parametrize(
        ("data", "root"),
        [
            ({}, True),
            ({"runTags": {"mlflow.rootRunId": "r", "mlflow.parentRunId": ""}}, True),
            ({"runType": "azureml.PipelineRun", "runTags": {"azureml.pipelineid": "p"}}, True),
            ({"runTags": {"mlflow.rootRunId": "other"}}, False),
            ({"runTags": {"mlflow.parentRunId": "other"}}, False),
            ({"runProperties": {"azureml.pipelinerunid": "other"}}, False),
            ({"runProperties": {"azureml.runsource": "azureml.StepRun"}}, False),
            ({"runType": "azureml.StepRun"}, False),
            ({"runProperties": {"run_template": "automl_child"}}, False),
        ],
    )
    def test_is_a_root_unless_the_event_says_that_another_run_started_it(
        self, data: dict[str, Any], root: bool
    ) -> None:
        item = item_of(an_event({"runId": "r", **data}, kind="RunCompleted"))
        assert isinstance(item, Ours)
        assert isinstance(item.signal, RunCompleted)
        assert item.signal.is_root is root


class TestDrift:
    @staticmethod
    def drift(data: object, **envelope: object) -> DatasetDriftDetected:
        item = item_of(an_event(data, kind="DatasetDriftDetected", **envelope))
        assert isinstance(item, Ours), item
        assert isinstance(item.signal, DatasetDriftDetected)
        return item.signal

    @pytest.mark.parametrize("subject", ["datadrifts/d-1/runs/r-1", "datadrift/d-1/run/r-1"])
    def test_takes_its_ids_from_the_subject(self, subject: str) -> None:
        signal = self.drift({}, subject=subject)
        assert (signal.drift_id, signal.run_id, signal.coefficient, signal.start) == ("d-1", "r-1", None, None)

    def test_is_not_lost_over_a_window_that_cannot_be_read(self) -> None:
        signal = self.drift({"dataDriftName": "d", "startTime": "monday", "endTime": 7, "driftCoefficient": "0.5"})
        assert (signal.start, signal.end, signal.coefficient) == (None, None, 0.5)

    @pytest.mark.parametrize("sent", [None, "NaN", "Infinity"])
    def test_may_have_no_coefficient(self, sent: object) -> None:
        assert self.drift({"dataDriftName": "d", "driftCoefficient": sent}).coefficient is None

    @pytest.mark.parametrize("sent", [True, "high", {}, 10**400])
    def test_with_a_coefficient_that_is_no_number_is_broken(self, sent: object) -> None:
        data = {"dataDriftName": "d", "driftCoefficient": sent}
        assert "data.driftCoefficient must be a number" in reason_of(an_event(data, kind="DatasetDriftDetected"))

    def test_of_nothing_named_is_broken(self) -> None:
        assert "data.dataDriftName" in reason_of(an_event({}, kind="DatasetDriftDetected"))
