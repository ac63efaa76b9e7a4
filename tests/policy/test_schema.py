"""The JSON Schema says about single keys what the loader says."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from orchestrator.policy.keys import FILE, LATER_KEYS, Key
from orchestrator.policy.schema import policy_schema

BROKEN = Path(__file__).parent / "broken"
SAMPLE = Path(__file__).parents[2] / "policy.yaml"
VALIDATOR = jsonschema.Draft202012Validator(policy_schema())


def read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text())


def test_the_schema_is_a_schema_and_takes_the_sample() -> None:
    jsonschema.Draft202012Validator.check_schema(policy_schema())

    assert list(VALIDATOR.iter_errors(read(SAMPLE))) == []


@pytest.mark.parametrize(
    "case",
    """unknown_key_at_the_top unknown_key_in_a_route unknown_key_in_an_environment unknown_key_in_github
    unknown_key_in_a_check windows_not_in_this_version trigger_not_in_this_version misspelt_trigger no_trigger
    trigger_not_in_a_list version_missing version_of_the_future gate_of_another_kind environment_without_a_workspace
    workspace_that_is_no_id environment_name_with_a_space environments_as_a_list route_name_with_a_slash
    models_not_in_a_list workflow_missing workflow_with_a_path repository_without_an_owner ref_is_a_commit
    ref_is_a_number_for_yaml mode_misspelt transfer_of_another_kind timeout_without_a_unit soak_in_words
    checks_not_in_a_list expression_missing input_with_a_bad_name a_list_at_the_top text_at_the_top""".split(),
)
def test_the_schema_refuses_what_is_wrong_at_a_single_key(case: str) -> None:
    assert list(VALIDATOR.iter_errors(read(BROKEN / f"{case}.yaml")))


def test_every_key_is_described_and_none_is_promised_for_later() -> None:
    def walk(keys: tuple[Key, ...]) -> list[Key]:
        return [each for key in keys for each in (key, *walk(key.of))]

    assert all(key.says.endswith(".") for key in walk(FILE))
    assert not {key.name for key in walk(FILE)} & set(LATER_KEYS)
