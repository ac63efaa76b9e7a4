"""The address that Event Grid delivers to, which answers as the Functions host does in Azure.

https://learn.microsoft.com/azure/azure-functions/functions-event-grid-blob-trigger (the address),
https://learn.microsoft.com/azure/event-grid/delivery-and-retry (which answers make it send again)
"""

import asyncio
from functools import lru_cache
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from orchestrator.console.body import SenderGone, TooLarge, read_body
from orchestrator.console.intake import Entries, Intake
from orchestrator.console.problems import problem
from orchestrator.errors import SenderError, StoreUnavailable
from orchestrator.signals.delivery import Broken, Item, NotADelivery, parse_delivery
from orchestrator.signals.handshake import (
    ALLOWED_ORIGIN_HEADER,
    ALLOWED_RATE_HEADER,
    EVENT_TYPE_HEADER,
    NOTIFICATION,
    REQUEST_ORIGIN_HEADER,
    SUBSCRIPTION_VALIDATION,
    UNSUBSCRIBE,
    validation_code,
)
from orchestrator.signals.json_text import clipped

PATH = "/runtime/webhooks/eventgrid"
FUNCTION = "on_ml_event"
LARGEST_BODY = 1024 * 1024
MOST_EVENTS = 5_000
PARSED_AT_ONCE = 64 * 1024
_SUBSCRIPTION_DELETION = "SubscriptionDeletion"
_ALLOW = {"Allow": "POST, OPTIONS"}


def is_event_grid(path: str) -> bool:
    """Tell whether a path is this address, in whatever letter case."""
    return path.rstrip("/").lower() == PATH


class EventGridAddress:
    """The ASGI application of the address."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        try:
            response = await self._answer(scope, receive)
        except TooLarge:
            response = problem(413, f"the body is larger than {LARGEST_BODY:,} bytes; send fewer events at a time")
        except SenderGone:
            return
        except SenderError as error:
            response = problem(400, str(error))
        except StoreUnavailable as error:
            response = problem(503, f"not stored, send it again: {error}")
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        method = scope["method"]
        if method not in {"POST", "OPTIONS"}:
            return problem(405, f"{method} has no meaning here; POST delivers events", headers=_ALLOW)
        called = _function_name(scope["query_string"])
        if called.lower() != FUNCTION:
            return problem(404, f"there is no function {called[:100]!r}; add ?functionName={FUNCTION} to the address")
        if method == "OPTIONS":
            return _cloud_events_handshake(scope)
        return await self._posted(scope, receive)

    async def _posted(self, scope: Scope, receive: Receive) -> Response:
        kind = _header(scope, EVENT_TYPE_HEADER) or NOTIFICATION
        body = await read_body(scope, receive, limit=LARGEST_BODY)
        match kind.lower():
            case word if word == NOTIFICATION.lower():
                return await self._notification(body)
            case word if word == SUBSCRIPTION_VALIDATION.lower():
                return await self._validation(body)
            case word if word in {UNSUBSCRIBE.lower(), _SUBSCRIPTION_DELETION.lower()}:
                return Response(status_code=202)
            case _:
                allowed = f"{NOTIFICATION}, {SUBSCRIPTION_VALIDATION} or {UNSUBSCRIBE}"
                return problem(400, f"{EVENT_TYPE_HEADER} is {kind[:100]!r}; allowed: {allowed}")

    async def _notification(self, body: bytes) -> Response:
        try:
            items = await _parsed(body)
        except NotADelivery as error:
            await self._journal_malformed(str(error), body)
            raise
        if len(items) > MOST_EVENTS:
            return problem(
                413, f"{len(items):,} events at a time; Event Grid sends, and this takes, {MOST_EVENTS:,} at most"
            )
        entries = await self._intake.store(items)
        if not any(_is_event(item) for item in items):
            return problem(400, f"the body holds no event: {entries[0].reason}")
        return _taken(entries)

    async def _validation(self, body: bytes) -> Response:
        try:
            code = validation_code(body)
        except SenderError as error:
            await self._journal_malformed(str(error), body)
            raise
        return _json({"validationResponse": code})

    async def _journal_malformed(self, reason: str, body: bytes) -> None:
        try:
            await self._intake.store((Broken(reason, clipped(body)),))
        except StoreUnavailable:
            return  # logged by the intake; sending it again would not make it an event


async def _parsed(body: bytes) -> tuple[Item, ...]:
    """Parse in place what takes microseconds; a body that takes longer would hold up everybody else."""
    return parse_delivery(body) if len(body) <= PARSED_AT_ONCE else await asyncio.to_thread(parse_delivery, body)


def _is_event(item: Item) -> bool:
    """Tell whether there is anything of an event: a broken one still says its id, its source or its type."""
    return not isinstance(item, Broken) or any((item.id, item.source, item.type))


def _taken(entries: Entries) -> Response:
    """Say what became of each event: Event Grid reads the status alone, a person who tries it out reads this."""
    return _json(
        {
            "events": [
                {"outcome": entry.outcome, "reason": entry.reason, "promotions": entry.promotions} for entry in entries
            ]
        }
    )


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")


def _cloud_events_handshake(scope: Scope) -> Response:
    """https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection"""
    origin = _header(scope, REQUEST_ORIGIN_HEADER)
    if not origin:
        return problem(400, f"the header {REQUEST_ORIGIN_HEADER} is missing; it says who asks to deliver here")
    return Response(headers={ALLOWED_ORIGIN_HEADER: origin, ALLOWED_RATE_HEADER: "*"} | _ALLOW)


@lru_cache(maxsize=64)
def _function_name(query: bytes) -> str:
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name.lower() == "functionname":
            return value
    return ""


def _header(scope: Scope, name: str) -> str:
    wanted = name.lower().encode()
    for key, value in scope["headers"]:
        if key.lower() == wanted:
            text: str = value.decode("latin-1")
            return text.strip()
    return ""
