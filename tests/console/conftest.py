"""The web app on a real store. Nobody advances here: what is asked of the work queue is only remembered."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from orchestrator.console.app import create_app
from orchestrator.flow.world import World
from orchestrator.settings import GitHubToken, Settings, SqliteFile
from orchestrator.wiring import build, close_store
from tests.console.listening import listening
from tests.flow.story import POLICY

SECRET = "the-secret-of-the-webhook"
NOBODY_LISTENS = "http://127.0.0.1:9"


@dataclass
class RememberedHints:
    """A `WorkQueue` that follows no hint."""

    hints: list[str] = field(default_factory=list)

    def hint(self, identity: str, *, after: timedelta = timedelta(0)) -> None:
        self.hints.append(identity)


@pytest.fixture
def queue() -> RememberedHints:
    return RememberedHints()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.replace("diabetes-*", "*"))
    return Settings(
        policy=policy,
        store=SqliteFile(tmp_path / "orchestrator.db"),
        github_api_url=NOBODY_LISTENS,
        github=GitHubToken("any-token"),
        webhook_secret=SECRET,
        sweep=timedelta(seconds=60),
        patience=timedelta(seconds=120),
        mlflow=None,
    )


@pytest.fixture
def world(settings: Settings, queue: RememberedHints) -> Iterator[World]:
    world = build(settings, queue)
    yield world
    close_store(world.store)


@pytest.fixture
def app(world: World) -> ASGIApp:
    return create_app(world, webhook_secret=SECRET)


@pytest.fixture
def client(app: ASGIApp) -> Iterator[httpx.Client]:
    """A client of the app behind the server that runs it in earnest."""
    config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None)
    with listening(config) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client
