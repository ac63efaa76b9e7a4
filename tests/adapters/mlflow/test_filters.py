"""Names that must stay values in the filters of a real MLflow server."""

import pytest

from orchestrator.adapters.mlflow.server import NotAskable, quoted
from orchestrator.adapters.mlflow.source import MlflowEvidence
from tests.adapters.mlflow.conftest import Registry, wanted

ODD = [
    "it's",
    'the "best"',
    "semi;colon",
    "dash -- dash",
    "-- all of it",
    "x' OR '1'='1",
    "' AND tags.model_version = '1",
    "100%_",
    "a and b",
    "`ticked`",
    "{braces} (and others)",
    "Übergröße 模型",
    "two  blanks ",
]


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_finds_its_own_runs_and_versions_only(
    registry: Registry, evidence: MlflowEvidence, name: str
) -> None:
    model = registry.model(name)
    version = registry.register(model, registry.run({"auc": 0.7}), promotion_id=f"staging:{name}")
    registry.run({"auc": 0.1}, model_name="plain", model_version=version)
    registry.run({"auc": 0.9}, model_name=model, model_version=version)

    measured = evidence.read(wanted(model, version, promotion=f"staging:{name}"))

    assert (measured.arrived_version, measured.metrics) == (version, {"auc": 0.9})


@pytest.mark.parametrize("name", ["back\\slash", "both' and \"", "ends in \\", "line\nbreak"])
def test_a_name_that_no_filter_can_hold_is_read_by_its_number_and_that_is_said(
    registry: Registry, evidence: MlflowEvidence, name: str
) -> None:
    model = registry.model(name)
    version = registry.register(model, registry.run({"auc": 0.7}))
    registry.run({"auc": 0.9}, model_name=model, model_version=version)

    measured = evidence.read(wanted(model, version, promotion="staging:odd:1"))

    assert (measured.arrived_version, measured.metrics) == (None, {"auc": 0.7})
    assert any("can't be searched for" in text for text in measured.absent)


@pytest.mark.parametrize("text", ["'\"", "\\", "a\x00b", "a\nb", "a\x7f"])
def test_what_could_break_out_is_not_asked(text: str) -> None:
    with pytest.raises(NotAskable, match="can't be searched for"):
        quoted(text)
