"""What people ask for over the API: to cancel a promotion, to try it again, to let a bypassed gate count."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orchestrator.console.api import PROBLEM, find_promotion
from orchestrator.console.asking import GATE, LONGEST_REASON, override
from orchestrator.console.presenting import WholePromotion
from orchestrator.console.problems import problem
from orchestrator.flow.commands import cancel, retry
from orchestrator.flow.world import World
from orchestrator.promotion.record import Promotion

NOBODY_KNOWN = (
    "nobody is known here: this version has no log-in in Azure, so people act with the commands of "
    "`orchestrator` on the machine that has the store"
)

Id = Annotated[str, Path(examples=["staging:diabetes-clf:7"])]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_REASON)]


class WithReason(BaseModel):
    """Why a person asks for it; it goes on record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Reason


class OverrideWanted(WithReason):
    """Which check counts as passed, and why."""

    check: str = Field(description=f"`{GATE}`: the run went past its gate without an approval, and that is accepted")


def people_routes(world: World, person: str | None) -> APIRouter:
    """Make the routes. `person` goes on record as who asked; without one every call is refused."""
    routes = APIRouter(prefix="/api/promotions", responses=PROBLEM)
    if person is None:
        for word in ("cancel", "retry", "override"):
            routes.add_api_route(f"/{{id:path}}/{word}", _refuse, methods=["POST"], status_code=403)
        return routes

    def done(act: Callable[..., Promotion], identity: str, **said: str) -> WholePromotion:
        act(world, identity, actor=person, **said)
        return find_promotion(world, identity)

    @routes.post("/{id:path}/cancel")
    def cancel_promotion(id: Id, wanted: WithReason) -> WholePromotion:
        """Cancel a promotion: it ends when no run of it can live any more."""
        return done(cancel, id, reason=wanted.reason)

    @routes.post("/{id:path}/retry")
    def retry_promotion(id: Id, wanted: WithReason) -> WholePromotion:
        """Try a promotion again that ended without success, through the same checks and gates."""
        return done(retry, id, reason=wanted.reason)

    @routes.post("/{id:path}/override")
    def override_check(id: Id, wanted: OverrideWanted) -> WholePromotion:
        """Accept that a run went past its gate without an approval, so that the next environments open."""
        return done(override, id, check=wanted.check, reason=wanted.reason)

    return routes


def _refuse(_: Annotated[str, Path(alias="id")]) -> Response:
    """Refuse: who asks is not known here."""
    return problem(403, NOBODY_KNOWN)
