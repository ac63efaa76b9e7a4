"""The one map from a failed read to our errors."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar

from orchestrator.adapters.mlflow.address import Endpoint
from orchestrator.adapters.mlflow.records import UNREADABLE
from orchestrator.errors import Refused, Unreadable

Parsed = TypeVar("Parsed")

# https://mlflow.org/docs/latest/api_reference/rest-api.html
_NOT_THERE = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}


class Answer(NamedTuple):
    """An HTTP answer that was read to its end. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        """The body's JSON. Raises `ValueError` for what is none."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error

    @property
    def code(self) -> str | None:
        """The code of the error: MLflow's where there is one, else Azure's; None where neither speaks."""
        try:
            content = self.content
        except ValueError:
            return None
        return _text(content, "error_code") or _text(_inner(content), "code") if isinstance(content, dict) else None

    @property
    def told(self) -> str:
        """The status and the server's own message, in one line of readable length."""
        try:
            content = self.content
        except ValueError:
            content = None
        message = _text(content, "message") or _text(_inner(content), "message") or ""
        return f"{self.status} {' '.join(message.split())[:300]}".rstrip(" .")


def is_absence(answer: Answer) -> bool:
    """Tell whether an answer means that there is nothing of that name. A page that is not there means something else.

    What can't be a name (a version `abc`, where versions are numbers) can't be there either.
    """
    code = answer.code
    return (answer.status == 404 and code is not None) or (answer.status == 400 and code in _NOT_THERE)


def parsed(answer: Answer, parse: Callable[[Any], Parsed], what: str, *, endpoint: Endpoint) -> Parsed:
    """Make a record of an answer's body. Raises `Unreadable` when it is not what is documented."""
    try:
        return parse(answer.content)
    except UNREADABLE as error:
        why = _hidden(f"{type(error).__name__} {error}", endpoint)
        # Without `from`: the cause may quote the answer, and the answer the token.
        raise Unreadable(f"The answer of {endpoint.uri} about {what} can't be understood: {why}") from None


def read_error(failure: Answer | Exception, what: str, *, endpoint: Endpoint, now: datetime) -> Refused | Unreadable:
    """Tell what a failed read means. `what` names what was to be read. No word of it is the token."""
    match failure:
        case Answer(status=status) if status >= 500 or status in (408, 429):
            message = f"{what} can't be read just now: {endpoint.uri} answered {_told(failure, endpoint)}"
            return Unreadable(message, retry_at=_retry_at(failure, now))
        case Answer(status=401 | 403 as status):
            message = f"{endpoint.uri} does not show {what} ({_told(failure, endpoint)}). {endpoint.advice}"
            return Refused(message, status=status)
        case Answer(status=status):
            message = f"{endpoint.uri} does not tell {what} ({_told(failure, endpoint)}). Check the address"
            return Refused(message, status=status)
        case _:
            why = str(failure) or type(failure).__name__
            return Unreadable(f"{what} can't be read from {endpoint.uri} just now: {_hidden(why, endpoint)}")


def _told(answer: Answer, endpoint: Endpoint) -> str:
    return _hidden(answer.told, endpoint)


def _hidden(text: str, endpoint: Endpoint) -> str:
    # A server may quote what it was sent.
    return text.replace(endpoint.token, "(the token)") if endpoint.token else text


def _retry_at(answer: Answer, now: datetime) -> datetime | None:
    """https://www.rfc-editor.org/rfc/rfc9110#field.retry-after"""
    after = answer.headers.get("retry-after", "").strip()
    if after.isdecimal():
        moment = now + timedelta(seconds=int(after[:9]))
    else:
        try:
            moment = parsedate_to_datetime(after)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment, now + timedelta(seconds=1)), now + timedelta(hours=1))


def _inner(content: Any) -> Any:
    """Azure's own errors: https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md"""
    return content.get("error", content.get("Error")) if isinstance(content, dict) else None


def _text(content: Any, key: str) -> str | None:
    found = content.get(key, content.get(key.capitalize())) if isinstance(content, dict) else None
    return found if isinstance(found, str) and found else None
