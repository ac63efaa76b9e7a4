"""The policy as frozen data: where models may go, which signal asks for it, and what must be true."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from orchestrator.policy.expressions import Expression
from orchestrator.policy.templates import Template


class Gate(StrEnum):
    """Whether people must approve in GitHub before anything enters an environment."""

    REQUIRED = "required"
    NONE = "none"


class Mode(StrEnum):
    """How much a route does: nothing, deciding and recording only, or everything."""

    DISABLED = "disabled"
    SHADOW = "shadow"
    ENABLED = "enabled"


class Trigger(StrEnum):
    """The signals that can ask for a promotion."""

    MODEL_REGISTERED = "model-registered"
    MODEL_DEPLOYED = "model-deployed"
    RUN_COMPLETED = "run-completed"
    PROMOTION_SUCCEEDED = "promotion-succeeded"


class Transfer(StrEnum):
    """How the model gets to the next environment: trained again, copied, or shared through a registry."""

    RETRAIN = "retrain"
    COPY = "copy"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class Environment:
    """One Azure ML workspace and one GitHub environment. `repository` and `ref` only where it states its own."""

    name: str
    workspace: str
    gate: Gate | None
    github_environment: str
    repository: str | None
    ref: str | None

    @property
    def workspace_key(self) -> str:
        """The workspace's id in the form in which two are compared: Azure ignores letter case."""
        return workspace_key(self.workspace)


@dataclass(frozen=True, slots=True)
class ExpressionCheck:
    """`expect` must hold, wherever `when` (if there is one) holds."""

    name: str
    expect: Expression
    when: Expression | None


@dataclass(frozen=True, slots=True)
class SoakCheck:
    """The version must have been in the environment below for at least this long."""

    name: str
    at_least: timedelta


Check = ExpressionCheck | SoakCheck


@dataclass(frozen=True, slots=True)
class Route:
    """One step of the promotion path. Repository, ref, GitHub environment and gate are the ones that apply."""

    name: str
    models: tuple[str, ...]
    experiments: tuple[str, ...]
    as_name: str | None
    all_runs: bool
    from_environment: str
    to: str
    on: frozenset[Trigger]
    only: Expression | None
    repository: str
    ref: str
    workflow: str
    github_environment: str
    gate: Gate
    transfer: Transfer
    inputs: tuple[tuple[str, Template | None], ...]
    checks: tuple[Check, ...]
    mode: Mode
    evidence_timeout: timedelta

    def matches_model(self, name: str) -> bool:
        """Whether one of the `models` patterns fits; letter case counts, as it does in Azure ML."""
        return _matches(name, self.models)

    def matches_experiment(self, name: str) -> bool:
        """Whether one of the `experiments` patterns fits."""
        return _matches(name, self.experiments)


_MEASURED = ("metrics", "champion.metrics")


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole policy. `digest` (sha256, hex) changes with its meaning, never with comments, layout or file names."""

    environments: tuple[Environment, ...]
    routes: tuple[Route, ...]
    digest: str

    @property
    def reads_measurements(self) -> bool:
        """Whether a check asks for what no signal carries: metrics of the candidate, or of the champion."""
        checks = [check for route in self.routes for check in route.checks if isinstance(check, ExpressionCheck)]
        expressions = [expression for check in checks for expression in (check.expect, check.when) if expression]
        return any(path.startswith(_MEASURED) for expression in expressions for path in expression.reads)

    def environment(self, name: str) -> Environment | None:
        """The environment of a name."""
        return next((environment for environment in self.environments if environment.name == name), None)

    def environments_of(self, workspace_id: str) -> tuple[Environment, ...]:
        """The environments on a workspace, whatever the letter case of its id; empty for a foreign one."""
        key = workspace_key(workspace_id)
        return tuple(environment for environment in self.environments if environment.workspace_key == key)

    def routes_for(self, trigger: Trigger, from_environment: str) -> tuple[Route, ...]:
        """The routes that a signal in an environment may open, in file order; disabled ones left out."""
        return tuple(
            route
            for route in self.routes
            if trigger in route.on and route.from_environment == from_environment and route.mode is not Mode.DISABLED
        )


def workspace_key(workspace_id: str) -> str:
    """A workspace id in the form in which two are compared: lower case, no slash at the end."""
    return workspace_id.rstrip("/").lower()


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
