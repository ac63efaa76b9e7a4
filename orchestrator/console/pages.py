"""The pages: what is under way, for people. Whatever they show is escaped."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from orchestrator.console.api import find_promotion
from orchestrator.console.presenting import shown_page
from orchestrator.errors import NotFound, PersonError, SenderError, StoreUnavailable
from orchestrator.flow.world import World
from orchestrator.ports import PromotionFilter

_log = structlog.get_logger("orchestrator")

PER_PAGE = 50
_HERE = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Pages:
    """The pages of one service."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["moment"] = _moment
        self._templates.tests["web_address"] = _is_web_address

    def routes(self) -> list[Route | Mount]:
        """Give the routes of the pages and of what they are dressed in."""
        return [
            Route("/", self._page(self._overview), methods=["GET"]),
            Route("/promotions/{id:path}", self._page(self._promotion), methods=["GET"]),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ]

    def _overview(self, request: Request) -> Response:
        cursor = request.query_params.get("cursor") or None
        page = self._world.store.promotions(PromotionFilter(), limit=PER_PAGE, cursor=cursor)
        shown = shown_page(page)
        return self._html("overview.html", promotions=shown.promotions, next=shown.next, first=cursor is None)

    def _promotion(self, request: Request) -> Response:
        return self._html("promotion.html", promotion=find_promotion(self._world, request.path_params["id"]))

    def _page(self, render: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def page(request: Request) -> Response:
            try:
                return await run_in_threadpool(render, request)
            except SenderError as error:
                return self._trouble(400, str(error))
            except NotFound as error:
                return self._trouble(404, str(error))
            except PersonError as error:
                _log.error("console.person_needed", reason=str(error))
                return self._trouble(500, str(error))
            except StoreUnavailable as error:
                return self._trouble(503, str(error))

        return page

    def _trouble(self, status: int, reason: str) -> Response:
        return self._html("trouble.html", status=status, reason=reason)

    def _html(self, template: str, *, status: int = 200, **values: Any) -> Response:
        html = self._templates.get_template(template).render(**values, status=status)
        return HTMLResponse(html, status_code=status, headers=_HEADERS)


def _moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else ""


def _is_web_address(text: str) -> bool:
    return text.startswith(("https://", "http://"))
