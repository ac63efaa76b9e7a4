"""Wiring: settings to a world that works. The only place that knows every adapter."""

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Never, assert_never, cast

from orchestrator.flow.world import Timing, World
from orchestrator.ports import Store, WorkQueue
from orchestrator.settings import GitHubApp, GitHubToken, Settings, SqliteFile

if TYPE_CHECKING:
    from orchestrator.adapters.github.identity import GitHubIdentity
    from orchestrator.policy.policy import Policy
    from orchestrator.ports import EvidenceSource, Workflows


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Give the time of day (aware, UTC)."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds that never go back."""
        return time.monotonic()


def build(settings: Settings, queue: WorkQueue) -> World:
    """Make the world that the flow works with. Raises `PolicyMistakes`; nothing outside is called yet."""
    from orchestrator.adapters.github.workflows import GitHubWorkflows
    from orchestrator.policy.load import load_policy

    clock, policy = SystemClock(), load_policy(settings.policy)
    return World(
        store=open_store(settings.store),
        workflows=GitHubWorkflows(_identity(settings.github), settings.github_api_url, clock),
        queue=queue,
        clock=clock,
        policy=policy,
        token=_token,
        timing=Timing(patience=settings.patience, sweep=settings.sweep),
        evidence=_evidence(settings, policy, clock),
    )


def people_world(store: Store, *, policy: Path | None = None) -> World:
    """Make the world for what a person asks for on the command line. It calls nobody, so it needs no credentials.

    Hints are dropped: the sweep of whoever serves the store finds what is due. `policy` is needed where environments
    may open; without it nothing reads one. Raises `PolicyMistakes`.
    """
    from orchestrator.adapters.output_binding import OutputBinding
    from orchestrator.policy.load import load_policy

    return World(
        store=store,
        workflows=cast("Workflows", _NotAsked()),
        queue=OutputBinding(),
        clock=SystemClock(),
        policy=load_policy(policy) if policy is not None else cast("Policy", _NotAsked()),
        token=_token,
    )


class _NotAsked:
    """Stands where a person's order never looks, and says so to code that does."""

    def __getattr__(self, name: str) -> Never:
        raise RuntimeError(f"a person's order asked for {name!r}, which is not wired for it")


def open_store(place: SqliteFile) -> Store:
    """Open the store; it is reached at its first use."""
    from orchestrator.adapters.sqlite.store import SqliteStore

    return SqliteStore(place.path)


def close_store(store: Store) -> None:
    """Let go of what the store holds open, when a host ends."""
    from orchestrator.adapters.sqlite.store import SqliteStore

    if isinstance(store, SqliteStore):
        store.close()


def _evidence(settings: Settings, policy: "Policy", clock: SystemClock) -> "EvidenceSource | None":
    """Say where evidence is read: one server for all, else each workspace's own if the policy asks for measurements.

    What a signal carries by itself needs no source, and so no identity that may read workspaces.
    """
    if settings.mlflow is None and not policy.reads_measurements:
        return None
    from orchestrator.adapters.mlflow.address import OneServer, OwnIdentity, Workspaces
    from orchestrator.adapters.mlflow.source import MlflowEvidence

    if settings.mlflow is None:
        return MlflowEvidence(Workspaces(OwnIdentity()), clock)
    return MlflowEvidence(OneServer(settings.mlflow.uri, settings.mlflow.token), clock)


def _identity(credentials: GitHubToken | GitHubApp) -> "GitHubIdentity":
    from orchestrator.adapters.github.identity import AppIdentity, TokenIdentity

    match credentials:
        case GitHubToken(token=token):
            return TokenIdentity(token)
        case GitHubApp(app_id=app_id, private_key=key, installation_id=installation):
            return AppIdentity(app_id, key, installation)
        case _:
            assert_never(credentials)


def _token() -> str:
    return secrets.token_hex(8)
