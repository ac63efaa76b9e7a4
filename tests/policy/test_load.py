"""Policies that are good, policies in several files, and text that is anything at all."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from orchestrator.policy.load import check_policy, load_policy, parse_policy
from orchestrator.policy.mistakes import PolicyMistakes
from orchestrator.policy.policy import ExpressionCheck, Gate, Mode, Policy, SoakCheck, Transfer, Trigger

SAMPLE = Path(__file__).parents[2] / "policy.yaml"
WORKSPACES = "/subscriptions/1/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces"
ENVIRONMENTS = f"""\
version: 1
github: {{repository: proseware/churn-ml}}
environments:
  dev: {{workspace: {WORKSPACES}/Dev-ws}}
  staging: {{workspace: {WORKSPACES}/stg-ws, gate: none}}
  prod:
    workspace: {WORKSPACES}/prd-ws/
    gate: required
    github: {{repository: proseware/serving, environment: churn prod}}
"""
ROUTE = """\
promotions:
  - name: up
    models: ["churn-*"]
    from: dev
    to: prod
    on: [model-registered]
    workflow: promote.yml
"""


def policy_of(text: str) -> Policy:
    return parse_policy({"policy.yaml": text})


def test_the_sample_policy_is_good_and_leads_from_dev_to_prod() -> None:
    policy = load_policy(SAMPLE)

    assert [environment.name for environment in policy.environments] == ["dev", "staging", "prod"]
    assert [(route.from_environment, route.to, route.gate) for route in policy.routes] == [
        ("dev", "staging", Gate.REQUIRED),
        ("staging", "prod", Gate.REQUIRED),
    ]
    assert check_policy({"policy.yaml": SAMPLE.read_text()}).warnings == ()


def test_a_route_says_everything_that_a_dispatch_needs() -> None:
    route = policy_of(ENVIRONMENTS + ROUTE).routes[0]

    assert (route.repository, route.ref, route.workflow) == ("proseware/serving", "main", "promote.yml")
    assert (route.github_environment, route.gate) == ("churn prod", Gate.REQUIRED)
    assert (route.mode, route.transfer, route.evidence_timeout) == (Mode.ENABLED, Transfer.COPY, timedelta(days=7))


def test_what_a_route_says_goes_before_its_target_and_that_before_the_top() -> None:
    own = ROUTE + "    github: {repository: team-b/fraud, ref: release, environment: fraud-prod}\n"
    to_staging = ROUTE.replace("to: prod", "to: staging")
    top_ref = ENVIRONMENTS.replace("repository: proseware/churn-ml", "repository: proseware/churn-ml, ref: next")

    route = policy_of(ENVIRONMENTS + own).routes[0]
    assert (route.repository, route.ref, route.github_environment) == ("team-b/fraud", "release", "fraud-prod")
    route = policy_of(top_ref + to_staging).routes[0]
    assert (route.repository, route.ref, route.github_environment) == ("proseware/churn-ml", "next", "staging")


def test_an_environment_states_only_its_own_repository() -> None:
    policy = policy_of(ENVIRONMENTS + ROUTE)

    dev, prod = policy.environment("dev"), policy.environment("prod")
    assert dev is not None
    assert prod is not None
    assert (dev.repository, dev.ref, dev.gate, dev.github_environment) == (None, None, None, "dev")
    assert (prod.repository, prod.ref) == ("proseware/serving", None)
    assert policy.environment("nowhere") is None


def test_a_workspace_is_recognised_whatever_its_letter_case() -> None:
    policy = policy_of(ENVIRONMENTS + ROUTE)

    assert [e.name for e in policy.environments_of(f"{WORKSPACES}/DEV-WS/".upper())] == ["dev"]
    assert [e.name for e in policy.environments_of(f"{WORKSPACES}/prd-ws")] == ["prod"]
    assert policy.environments_of(f"{WORKSPACES}/other") == ()


def test_a_run_completed_route_names_experiments_and_may_name_the_model() -> None:
    text = ROUTE.replace('models: ["churn-*"]', 'experiments: ["train-*"]\n    as: churn-model\n    runs: all')
    route = policy_of(ENVIRONMENTS + text.replace("model-registered", "run-completed")).routes[0]

    assert route.matches_experiment("train-weekly")
    assert not route.matches_experiment("tune-weekly")
    assert not route.matches_model("train-weekly")
    assert (route.as_name, route.all_runs, route.models) == ("churn-model", True, ())


def test_patterns_count_letter_case() -> None:
    route = policy_of(ENVIRONMENTS + ROUTE).routes[0]

    assert route.matches_model("churn-model")
    assert not route.matches_model("Churn-model")
    assert not route.matches_model("my-churn-model")


def test_checks_keep_their_order_and_a_soak_time_is_named_after_itself() -> None:
    checks = """\
    checks:
      - soak: 24h
      - {name: good, expect: metrics.auc > 0.5, when: champion != null}
      - soak: 90m
"""
    first, second, third = policy_of(ENVIRONMENTS + ROUTE + checks).routes[0].checks

    assert first == SoakCheck("soak 24h", timedelta(hours=24))
    assert isinstance(second, ExpressionCheck)
    assert (second.name, second.expect.text) == ("good", "metrics.auc > 0.5")
    assert second.when is not None
    assert third == SoakCheck("soak 90m", timedelta(minutes=90))


def test_inputs_keep_their_templates_and_name_what_they_drop() -> None:
    text = ROUTE + '    inputs: {endpoint: "churn-${environment}", replicas: 3, commit: null}\n'
    inputs = policy_of(ENVIRONMENTS + text).routes[0].inputs

    rendered = [(name, template and template.render({"environment": "prod"})) for name, template in inputs]
    assert rendered == [("endpoint", "churn-prod"), ("replicas", "3"), ("commit", None)]


def test_a_disabled_route_is_kept_but_opens_nothing() -> None:
    shadow = ROUTE + "    mode: shadow\n"
    policy = policy_of(
        ENVIRONMENTS + shadow + ROUTE.replace("promotions:\n", "").replace("up", "off") + "    mode: disabled\n"
    )

    assert [route.name for route in policy.routes] == ["up", "off"]
    assert [route.name for route in policy.routes_for(Trigger.MODEL_REGISTERED, "dev")] == ["up"]
    assert policy.routes_for(Trigger.MODEL_DEPLOYED, "dev") == ()
    assert policy.routes_for(Trigger.MODEL_REGISTERED, "prod") == ()


def test_environments_without_routes_from_them_may_share_a_workspace() -> None:
    shared = ENVIRONMENTS.replace("stg-ws", "prd-ws")

    assert len(policy_of(shared + ROUTE).environments_of(f"{WORKSPACES}/prd-ws")) == 2


def test_the_digest_ignores_layout_comments_defaults_and_file_names() -> None:
    one = policy_of(ENVIRONMENTS + ROUTE).digest
    commented = "# a comment\n" + ENVIRONMENTS + "\n\n" + ROUTE.replace('["churn-*"]', "\n    - 'churn-*'  # all")
    split = {"a.yaml": ENVIRONMENTS, "b.yaml": "version: 1\ngithub: {repository: proseware/churn-ml}\n" + ROUTE}

    assert len(one) == 64
    assert policy_of(commented).digest == one
    assert policy_of(ENVIRONMENTS + ROUTE + "    mode: enabled\n    evidence_timeout: 7d\n").digest == one
    assert parse_policy(split).digest == one


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("auc) > 0.5", "auc) > 0.6"),
        ("churn-$", "fraud-$"),
        ("churn-*", "churn-?"),
        ("promote.yml", "deploy.yml"),
        ("gate: required", "gate: none"),
        ("Dev-ws", "dev2-ws"),
    ],
)
def test_the_digest_changes_with_the_meaning(old: str, new: str) -> None:
    text = ENVIRONMENTS + ROUTE + "    only: double(tags.auc) > 0.5\n    inputs: {endpoint: 'churn-${environment}'}\n"

    assert policy_of(text.replace(old, new)).digest != policy_of(text).digest


def test_an_anchor_may_save_writing_the_same_thing_twice() -> None:
    text = (
        ENVIRONMENTS
        + ROUTE.replace('["churn-*"]', '&ours ["churn-*"]')
        + ("  - {name: second, models: *ours, from: dev, to: staging, on: [model-registered], workflow: promote.yml}\n")
    )

    assert [route.models for route in policy_of(text).routes] == [("churn-*",), ("churn-*",)]


def test_a_folder_is_one_policy_and_each_file_has_its_own_defaults(tmp_path: Path) -> None:
    (tmp_path / "10-environments.yaml").write_text(ENVIRONMENTS)
    team = "version: 1\ngithub: {repository: team-b/fraud, ref: stable}\n" + ROUTE.replace("prod", "staging")
    (tmp_path / "20-team-b.yaml").write_text(team)
    (tmp_path / "README.md").write_text("not a policy")

    route = load_policy(tmp_path).routes[0]

    assert (route.repository, route.ref) == ("team-b/fraud", "stable")


def test_names_are_unique_across_files_and_the_mistake_names_both(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ENVIRONMENTS + ROUTE)
    (tmp_path / "b.yaml").write_text("version: 1\n" + ROUTE.replace("prod", "staging").replace("up", "up"))

    with pytest.raises(PolicyMistakes) as refused:
        load_policy(tmp_path)

    assert f"{tmp_path / 'b.yaml'}:3:11" in str(refused.value)
    assert f"the first is {tmp_path / 'a.yaml'}:11" in str(refused.value)


def test_a_file_that_would_not_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ENVIRONMENTS + ROUTE)
    (tmp_path / "b.yml").write_text("version: 1\n")

    with pytest.raises(PolicyMistakes, match=r"b\.yml: this file would not be read"):
        load_policy(tmp_path)


def test_a_missing_file_an_empty_folder_and_a_broken_encoding_are_told_apart(tmp_path: Path) -> None:
    (latin := tmp_path / "latin.yaml").write_bytes(b"version: 1\n# caf\xe9\n")
    (empty := tmp_path / "empty").mkdir()

    with pytest.raises(PolicyMistakes, match="cannot be read: No such file"):
        load_policy(tmp_path / "none.yaml")
    with pytest.raises(PolicyMistakes, match="the folder holds no policy"):
        load_policy(empty)
    with pytest.raises(PolicyMistakes, match=r"latin\.yaml:2:6: byte 0xe9 is not UTF-8"):
        load_policy(latin)
    with pytest.raises(PolicyMistakes, match="cannot be read: "):
        load_policy(tmp_path / "nul\0.yaml")
    with pytest.raises(PolicyMistakes, match="there is no file"):
        parse_policy({})


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(PolicyMistakes, match="the file holds 300,000 characters"):
        policy_of("#" * 300_000)


def test_a_byte_order_mark_and_windows_line_ends_are_taken(tmp_path: Path) -> None:
    (path := tmp_path / "policy.yaml").write_bytes(
        b"\xef\xbb\xbf" + (ENVIRONMENTS + ROUTE).replace("\n", "\r\n").encode()
    )

    assert load_policy(path).digest == policy_of(ENVIRONMENTS + ROUTE).digest


YAML_SIGNS = st.text(st.sampled_from(list("abn01 \t\n\r:-,?*&!|>'\"%@`[]{}#~<.=$\\\x00\x85\u2028\ud800é")), max_size=60)


@settings(max_examples=150)
@given(st.one_of(st.text(), YAML_SIGNS))
def test_any_text_is_a_policy_or_mistakes(text: str) -> None:
    checked = check_policy({"policy.yaml": text})

    assert (checked.policy is None) == bool(checked.mistakes)
    assert "\x1b" not in "".join(map(str, checked.mistakes))


@settings(max_examples=60)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_policy_or_mistakes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "policy.yaml"
    path.write_bytes(content)

    with pytest.raises(PolicyMistakes):
        load_policy(path)


RICH = (
    ENVIRONMENTS
    + ROUTE
    + """\
    only: tags.stage != "scratch"
    inputs: {endpoint: "churn-${environment}", commit: null}
    checks:
      - name: good
        expect: |
          metrics.auc > 0.5 &&
          double(tags.accuracy) >= 0.5
      - soak: 24h
"""
)


@settings(max_examples=150)
@given(st.data())
def test_a_policy_cut_about_loses_no_route_in_silence(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(RICH)))
    end = data.draw(st.integers(start, min(len(RICH), start + 40)))
    text = RICH[:start] + data.draw(YAML_SIGNS.map(lambda signs: signs[:4])) + RICH[end:]

    policy = check_policy({"policy.yaml": text}).policy

    if policy is not None:
        stated = YAML(typ="safe", pure=True).load(text)
        assert len(policy.routes) == len(stated.get("promotions", []))
        assert len(policy.environments) == len(stated["environments"])
