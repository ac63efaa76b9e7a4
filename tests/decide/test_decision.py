"""From checks to a decision."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.decide.candidate import Candidate
from orchestrator.decide.checks import Below, Verdict
from orchestrator.decide.decision import Decision, Outcome, decide
from orchestrator.decide.evidence import Champion, EventFacts, Evidence, SignalEvidence, expression_facts
from orchestrator.policy.load import parse_policy
from orchestrator.policy.policy import Route
from tests.flow.events import DEV, STG

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_POLICY = f"""
version: 1
github: {{repository: proseware/diabetes-ml}}
environments:
  dev: {{workspace: {DEV}}}
  staging: {{workspace: {STG}, gate: required}}
promotions:
  - name: to-staging
    models: ["*"]
    from: dev
    to: staging
    on: [model-registered]
    workflow: promote.yml
    checks:
"""


def route(*checks: str) -> Route:
    lines = "".join(f"      - {check}\n" for check in checks)
    return parse_policy({"policy.yaml": _POLICY + (lines or "      []\n")}).routes[0]


def decided(
    *checks: str, tags: dict[str, str] | None = None, champion: Champion | None = None, below: Below | None = None
) -> Decision:
    event = EventFacts("1", "Microsoft.MachineLearningServices.ModelRegistered", DEV, "models/churn:7", NOW)
    evidence = Evidence(SignalEvidence(event, tags or {}), tags or {})
    candidate = Candidate(DEV.lower(), "churn", "7", "dev", NOW, "0" * 64)
    facts = expression_facts(candidate, evidence, champion=champion, environment="staging", now=NOW)
    return decide(route(*checks), facts, below=below, policy_digest="d", now=NOW)


def test_all_checks_passed_is_a_promotion() -> None:
    decision = decided("{name: tagged, expect: 'tags.a == \"1\"'}", tags={"a": "1"})

    assert (decision.outcome, decision.reason) == (Outcome.PROMOTE, "its check passed")


def test_one_failed_check_declines_whatever_else_is_unknown() -> None:
    decision = decided(
        "{name: tagged, expect: 'tags.a == \"1\"'}", "{name: measured, expect: metrics.auc > 0.5}", tags={"a": "2"}
    )

    assert decision.outcome is Outcome.DECLINE
    assert [check.verdict for check in decision.checks] == [Verdict.FAIL, Verdict.UNKNOWN]
    assert decision.checks[0].observed == {"tags.a": "2"}


def test_a_missing_name_is_unknown_and_named() -> None:
    decision = decided("{name: measured, expect: metrics.auc > 0.5}")

    assert decision.outcome is Outcome.WAIT
    assert decision.lacks_evidence
    assert "auc" in decision.reason


def test_a_check_whose_condition_is_false_is_not_asked() -> None:
    check = "{name: beats the champion, when: champion != null, expect: metrics.auc >= champion.metrics.auc}"
    decision = decided(check)

    assert decision.outcome is Outcome.PROMOTE
    assert "not asked here" in decision.checks[0].reason


def test_with_a_champion_the_condition_holds_and_the_check_is_asked() -> None:
    check = "{name: beats the champion, when: champion != null, expect: metrics.auc >= champion.metrics.auc}"
    decision = decided(check, champion=Champion("6", metrics={"auc": 0.9}))

    assert decision.outcome is Outcome.WAIT


def test_a_tag_that_is_no_number_declines_with_the_reason() -> None:
    decision = decided("{name: accurate, expect: double(tags.accuracy) >= 0.85}", tags={"accuracy": "high"})

    assert decision.outcome is Outcome.DECLINE
    assert "can't be evaluated" in decision.reason


def test_soak_time_is_waited_for_to_the_minute_and_never_expires() -> None:
    below = Below("dev:churn:7", "dev", "succeeded", NOW - timedelta(hours=1), bypassed=False)
    decision = decided("soak: 24h", below=below)

    assert decision.outcome is Outcome.WAIT
    assert decision.until == NOW + timedelta(hours=23)
    assert not decision.lacks_evidence


def test_soak_time_that_is_over_passes() -> None:
    below = Below("dev:churn:7", "dev", "succeeded", NOW - timedelta(hours=24), bypassed=False)

    assert decided("soak: 24h", below=below).outcome is Outcome.PROMOTE


def test_nothing_is_promoted_above_a_promotion_that_has_not_succeeded_or_was_bypassed() -> None:
    running = Below("dev:churn:7", "dev", "running", None, bypassed=False)
    bypassed = Below("dev:churn:7", "dev", "succeeded", NOW, bypassed=True)

    assert decided(below=running).outcome is Outcome.WAIT
    assert "a person must accept" in decided(below=bypassed).reason


@given(st.dictionaries(st.sampled_from("abc"), st.sampled_from("01"), max_size=3))
def test_a_further_failing_check_never_turns_a_decline_into_a_promotion(tags: dict[str, str]) -> None:
    checks = ["{name: one, expect: 'tags.a == \"1\"'}", "{name: two, expect: 'tags.b == \"1\"'}"]
    before = decided(*checks, tags=tags)
    after = decided(*checks, "{name: three, expect: 1 == 2}", tags=tags)

    assert after.outcome is Outcome.DECLINE
    assert before == decided(*checks, tags=tags)
