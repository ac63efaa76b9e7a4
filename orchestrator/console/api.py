"""The JSON API: what is under way, what came in, and whether the service can work."""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from orchestrator.console.presenting import (
    ShownEvents,
    ShownPromotions,
    WholePromotion,
    shown_journal,
    shown_page,
    whole_promotion,
)
from orchestrator.console.problems import MEDIA_TYPE, Problem
from orchestrator.errors import NotFound, StoreUnavailable
from orchestrator.flow.world import World
from orchestrator.ports import PromotionFilter, SignalOutcome
from orchestrator.promotion.states import State

MOST_AT_ONCE = 200
LARGEST_RUN = 2**63 - 1

PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What went wrong, and what is allowed",
        "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
    }
}
DISTRIBUTION = "promotion-orchestrator"


class _Page(BaseModel):
    """What every list takes. An empty parameter is one that was left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=50, ge=1, le=MOST_AT_ONCE)
    cursor: str | None = Field(default=None, description="`next` of the page before, as it was given")

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value != ""}


class PromotionsWanted(_Page):
    """Which promotions a list shows."""

    state: State | None = None
    model: str | None = None
    environment: str | None = Field(default=None, description="The environment that it leads to")
    run: int | None = Field(default=None, ge=1, le=LARGEST_RUN, description="The id of a run on GitHub")
    signal: str | None = Field(default=None, description="`signal` of an event, which asked for the promotion")


class EventsWanted(_Page):
    """Which entries of the journal a list shows."""

    outcome: SignalOutcome | None = None


class Health(BaseModel):
    """Whether the service can take signals; `reason` says why not."""

    model_config = ConfigDict(frozen=True)

    status: str
    version: str
    policy_digest: str
    reason: str | None = None


def api_routes(world: World) -> APIRouter:
    """Make the routes. They are plain functions, so that reading the store never holds up the event loop."""
    routes = APIRouter(prefix="/api", responses=PROBLEM)

    @routes.get("/health", responses={503: {"model": Health, "description": "The store is out of reach"}})
    def health(response: Response) -> Health:
        """Tell whether signals can be stored."""
        try:
            world.store.check()
        except StoreUnavailable as error:
            response.status_code = 503
            return _health("unavailable", reason=str(error))
        return _health("ok")

    def _health(status: str, *, reason: str | None = None) -> Health:
        return Health(status=status, version=service_version(), policy_digest=world.policy.digest, reason=reason)

    @routes.get("/promotions")
    def promotions(wanted: Annotated[PromotionsWanted, Query()]) -> ShownPromotions:
        """List promotions, newest first, without their histories."""
        chosen = PromotionFilter(
            state=wanted.state,
            model=wanted.model,
            environment=wanted.environment,
            run=wanted.run,
            signal=wanted.signal,
        )
        return shown_page(world.store.promotions(chosen, limit=wanted.limit, cursor=wanted.cursor))

    @routes.get("/promotions/{id:path}")
    def promotion(id: Annotated[str, Path(examples=["staging:diabetes-clf:7"])]) -> WholePromotion:
        """Show one promotion, whole."""
        return find_promotion(world, id)

    @routes.get("/events")
    def events(wanted: Annotated[EventsWanted, Query()]) -> ShownEvents:
        """Read the journal: every signal that was received, newest first, also those that matched nothing."""
        return shown_journal(world.store.journal(outcome=wanted.outcome, limit=wanted.limit, cursor=wanted.cursor))

    return routes


def find_promotion(world: World, identity: str) -> WholePromotion:
    """Show one promotion, whole. Raises `NotFound`."""
    stored = world.store.load(identity)
    if stored is None:
        raise NotFound(f"there is no promotion {identity[:300]!r}; GET /api/promotions lists those that there are")
    return whole_promotion(stored.promotion, world.store.history(identity))


def service_version() -> str:
    """Give the version of this service, as far as it was installed as a package."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"
