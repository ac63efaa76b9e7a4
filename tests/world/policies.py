"""The policies of a world: one path dev -> staging -> prod, and what people make of it in between."""

from dataclasses import dataclass, replace
from functools import cache

from orchestrator.policy.load import parse_policy
from orchestrator.policy.policy import Policy
from tests.flow.events import DEV, PRD, STG

REPOSITORY = "proseware/diabetes-ml"


@dataclass(frozen=True, slots=True)
class Rules:
    """A policy by what matters here. A route's mode is enabled, disabled, shadow, or gone."""

    staging: str = "enabled"
    production: str = "enabled"
    staging_gate: str = "required"
    soak: str = ""
    evidence_timeout: str = "7d"

    def gate(self, environment: str) -> str:
        """The gate that the policy asks for."""
        return self.staging_gate if environment == "staging" else "required"

    def mode(self, environment: str) -> str:
        """The mode of the route into an environment."""
        return self.staging if environment == "staging" else self.production


def edited(rules: Rules, which: str) -> Rules:
    """The policy after one edit; `restored` takes back what edits did."""
    match which:
        case "staging disabled":
            return replace(rules, staging="disabled")
        case "production disabled":
            return replace(rules, production="disabled")
        case "production gone":
            return replace(rules, production="gone")
        case "production shadow":
            return replace(rules, production="shadow")
        case _:
            return replace(rules, staging="enabled", production="enabled")


EDITS = ("staging disabled", "production disabled", "production gone", "production shadow", "restored")


@cache
def policy_of(rules: Rules) -> Policy:
    """Parse the policy, once in a process."""
    soak = f"      - soak: {rules.soak}\n" if rules.soak else ""
    production = f"""
  - name: to-production
    models: ["diabetes-*"]
    from: staging
    to: prod
    on: [promotion-succeeded]
    workflow: promote.yml
    mode: {rules.production}
    checks:
      - {{name: another one, when: 'champion != null', expect: 'champion.version != model.version'}}
{soak}"""
    text = f"""
version: 1
github: {{repository: {REPOSITORY}, ref: main}}
environments:
  dev: {{workspace: {DEV}}}
  staging: {{workspace: {STG}, gate: {rules.staging_gate}}}
  prod: {{workspace: {PRD}, gate: required}}
promotions:
  - name: to-staging
    models: ["diabetes-*"]
    from: dev
    to: staging
    on: [model-registered]
    workflow: promote.yml
    mode: {rules.staging}
    evidence_timeout: {rules.evidence_timeout}
    checks:
      - {{name: marked as candidate, expect: 'tags.stage == "candidate"'}}
{"" if rules.production == "gone" else production}"""
    return parse_policy({"policy.yaml": text})
