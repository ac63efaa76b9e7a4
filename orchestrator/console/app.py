"""The web app: Event Grid's address, the JSON API, GitHub's webhook and the pages. The same locally and in Azure."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestrator.console.api import api_routes, service_version
from orchestrator.console.event_grid import EventGridAddress, is_event_grid
from orchestrator.console.github_webhook import webhook_routes
from orchestrator.console.intake import Intake
from orchestrator.console.pages import Pages
from orchestrator.console.people import people_routes
from orchestrator.console.problems import UNEXPECTED, problem
from orchestrator.errors import NotAllowed, NotFound, PersonError, SenderError, WaitError
from orchestrator.flow.intake import receive as receive_signals
from orchestrator.flow.world import World

_log = structlog.get_logger("orchestrator")


def create_app(
    world: World,
    *,
    webhook_secret: str | None = None,
    intake_first: Callable[[], AbstractContextManager[object]] = nullcontext,
    person: str | None = None,
) -> ASGIApp:
    """Make the ASGI application of one service. `intake_first` is entered while signals are being stored.

    `person` is who goes on record for what people ask for; None where nobody is known, and so nobody may.
    """
    service = FastAPI(
        title="Promotion orchestrator",
        summary="Takes model versions to production through the checks and the people that the policy names.",
        version=service_version(),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    service.include_router(api_routes(world))
    service.include_router(people_routes(world, person))
    service.include_router(webhook_routes(world, webhook_secret))
    service.router.routes.extend(Pages(world).routes())
    for error, answer in _ANSWERS.items():
        service.add_exception_handler(error, answer)
    return _Console(service, EventGridAddress(Intake(partial(receive_signals, world), intake_first)))


class _Console:
    """Hands each call to whom it belongs; no error gets past it."""

    def __init__(self, service: ASGIApp, event_grid: ASGIApp) -> None:
        self._service = service
        self._event_grid = event_grid

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["type"] == "http" and is_event_grid(scope["path"]):
                await self._event_grid(scope, receive, send)
            else:
                await self._service(_read_as_get(scope), receive, send)
        except Exception as error:  # noqa: BLE001 - logged with its traceback; FastAPI has answered 500 already
            _log.error("console.unexpected", path=scope.get("path", ""), reason=repr(error), exc_info=error)


def _read_as_get(scope: Scope) -> Scope:
    """HEAD is GET without the body, which the server leaves away."""
    return {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope


async def _not_valid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
    return problem(400, "; ".join(_mistake(one) for one in error.errors()))


def _mistake(error: Mapping[str, object]) -> str:
    place = error["loc"]
    in_body = isinstance(place, tuple) and place[:1] == ("body",)
    name = place[-1] if isinstance(place, tuple) and len(place) > 1 else "the body" if in_body else "the parameters"
    if error["type"] == "extra_forbidden":
        what = "field of this body" if in_body else "parameter of this list"
        return f"{str(name)[:100]!r} is no {what}; /openapi.json names those that there are"
    if error["type"] == "json_invalid":
        return "the body is no JSON"
    message = str(error["msg"])
    return f"{name}: {message[:1].lower()}{message[1:]}; it is {str(error['input'])[:100]!r}"


async def _sender(_: Request, error: Exception) -> Response:
    return problem(400, str(error))


async def _not_found(_: Request, error: Exception) -> Response:
    return problem(404, str(error))


async def _not_allowed(_: Request, error: Exception) -> Response:
    return problem(409, str(error))


async def _operator(_: Request, error: Exception) -> Response:
    _log.error("console.person_needed", reason=str(error))
    return problem(500, str(error))


async def _later(_: Request, error: Exception) -> Response:
    return problem(503, str(error), headers={"Retry-After": "5"})


async def _unexpected(_: Request, _error: Exception) -> Response:
    return problem(500, UNEXPECTED)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    path, method = request.url.path[:300], request.method
    match error.status_code:
        case 404:
            detail = f"there is nothing at {path!r}; /openapi.json describes what there is"
        case 405:
            detail = f"{method} has no meaning at {path!r}"
        case _:
            detail = str(error.detail)
    return problem(error.status_code, detail, headers=error.headers)


_ANSWERS = {
    RequestValidationError: _not_valid,
    HTTPException: _http,
    SenderError: _sender,
    NotFound: _not_found,
    NotAllowed: _not_allowed,
    PersonError: _operator,
    WaitError: _later,
    Exception: _unexpected,
}
