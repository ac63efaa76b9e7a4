"""Wiring: settings to a world that works. The only place that knows every adapter."""

import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, assert_never

from orchestrator.flow.world import Timing, World
from orchestrator.ports import Store, WorkQueue
from orchestrator.settings import GitHubApp, GitHubToken, Settings, SqliteFile

if TYPE_CHECKING:
    from orchestrator.adapters.github.identity import GitHubIdentity


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

    clock = SystemClock()
    return World(
        store=open_store(settings.store),
        workflows=GitHubWorkflows(_identity(settings.github), settings.github_api_url, clock),
        queue=queue,
        clock=clock,
        policy=load_policy(settings.policy),
        token=_token,
        timing=Timing(patience=settings.patience, sweep=settings.sweep),
    )


def open_store(place: SqliteFile) -> Store:
    """Open the store; it is reached at its first use."""
    from orchestrator.adapters.sqlite.store import SqliteStore

    return SqliteStore(place.path)


def close_store(store: Store) -> None:
    """Let go of what the store holds open, when a host ends."""
    from orchestrator.adapters.sqlite.store import SqliteStore

    if isinstance(store, SqliteStore):
        store.close()


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
