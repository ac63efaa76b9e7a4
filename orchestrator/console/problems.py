"""What went wrong, as problem details (RFC 9457): for the sender to read, never with a traceback."""

from collections.abc import Mapping
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse, Response

MEDIA_TYPE = "application/problem+json"
UNEXPECTED = "An unexpected error; nothing was done. The service's log says more."


class Problem(BaseModel):
    """https://www.rfc-editor.org/rfc/rfc9457: `detail` says what was seen, what is allowed, and what to do."""

    model_config = ConfigDict(frozen=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """Make the answer."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status_code=status, headers=headers, media_type=MEDIA_TYPE)
