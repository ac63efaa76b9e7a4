"""GitHub's webhook: a hint that the promotion of a run should look. What is true is then read from GitHub.

https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
"""

import asyncio
import hmac
from hashlib import sha256

import structlog
from fastapi import APIRouter, Request, Response

from orchestrator.console.api import PROBLEM
from orchestrator.console.body import SenderGone, TooLarge, read_body
from orchestrator.console.problems import problem
from orchestrator.errors import SenderError, StoreUnavailable
from orchestrator.flow.world import World
from orchestrator.ports import PromotionFilter
from orchestrator.signals.fields import pick
from orchestrator.signals.json_text import decoded

SIGNATURE = "X-Hub-Signature-256"
LARGEST_BODY = 1024 * 1024
_MOST_HINTS = 20

_log = structlog.get_logger("orchestrator")


def webhook_routes(world: World, secret: str | None) -> APIRouter:
    """Make the route. Without a secret nobody can prove to be GitHub, so nothing is taken."""
    routes = APIRouter(responses=PROBLEM)

    @routes.post("/api/github/webhook", status_code=202)
    async def github_webhook(request: Request) -> Response:
        """Take a delivery of GitHub's: `workflow_run`, `workflow_job` or `deployment_review` makes a promotion look."""
        if secret is None:
            return problem(503, "GITHUB_WEBHOOK_SECRET is not set, so this address takes nothing")
        try:
            body = await read_body(request.scope, request.receive, limit=LARGEST_BODY)
        except TooLarge:
            return problem(413, f"the body is larger than {LARGEST_BODY:,} bytes")
        except SenderGone:
            return problem(400, "the body did not come to its end")
        if not is_signed(body, request.headers.get(SIGNATURE, ""), secret):
            return problem(401, f"{SIGNATURE} does not fit the body; both sides must know the same secret")
        run_id = run_of(body)
        if run_id is not None:
            await asyncio.to_thread(_hint, world, run_id)
        return Response(status_code=202)

    return routes


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Tell whether a signature is the HMAC of the body under the secret, in a time that tells nothing."""
    expected = f"sha256={hmac.new(secret.encode(), body, sha256).hexdigest()}"
    return hmac.compare_digest(expected.encode(), signature.encode())


def run_of(body: bytes) -> int | None:
    """Tell which run a delivery speaks of, if it does."""
    try:
        content = decoded(body)
    except SenderError as error:
        _log.warning("webhook.unreadable", reason=f"{error}; the webhook's content type must be application/json")
        return None
    if not isinstance(content, dict):
        return None
    for name, field in (("workflow_run", "id"), ("workflow_job", "run_id")):
        part = content.get(name)
        run_id = pick(part, field) if isinstance(part, dict) else None
        if isinstance(run_id, int) and 0 < run_id < 2**63:
            return run_id
    return None


def _hint(world: World, run_id: int) -> None:
    try:
        page = world.store.promotions(PromotionFilter(run=run_id), limit=_MOST_HINTS, cursor=None)
    except StoreUnavailable as error:
        _log.warning("webhook.not_followed", run=run_id, reason=str(error))
        return
    for promotion in page.promotions:
        if promotion.state.is_open:
            world.queue.hint(promotion.id)
