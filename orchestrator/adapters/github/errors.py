"""The one map from GitHub's failures to ours.

An order is a call that makes something happen. For it the question is whether it may have been carried out: only a
refusal, a rate limit, a redirect and a connection that never came about prove that it was not.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from orchestrator.errors import LostAnswer, NotFound, NothingHappened, PersonError, Refused, Unreadable, WaitError

if TYPE_CHECKING:
    from github import GithubException

# What comes out of PyGithub when there is no answer: requests' errors are all OSErrors, a redirect that it does not
# follow is a RuntimeError, a header that it does not understand a ValueError.
CALL_FAILURES = (OSError, RuntimeError, ValueError)
Parsed = TypeVar("Parsed")

_ADVICE = {
    401: ". Renew the token, or check the App's id and private key",
    403: ". Give the App or token the permission Actions: write there",
    404: ". Check the names in the policy, that the workflow file is on the default branch, and that the App or token "
    "may see the repository and has the permission Actions: write there",
    422: ". Check that the ref exists, and that the workflow has a workflow_dispatch trigger which declares the inputs",
}


class Answer(NamedTuple):
    """An HTTP answer that was read to its end. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @classmethod
    def of(cls, error: "GithubException") -> "Answer":
        """Give the answer that PyGithub made an exception of."""
        return cls(error.status, error.headers or {}, json.dumps(error.data))

    @property
    def told(self) -> str:
        """The status and GitHub's own message, in one line of readable length."""
        try:
            body = json.loads(self.text)
        except ValueError:
            body = None
        message = body.get("message") if isinstance(body, dict) else None
        return f"{self.status} {' '.join(str(message or '').split())[:300]}".rstrip(" .")


def parsed(answer: Answer, parse: Callable[[Any], Parsed], *, what: str) -> Parsed:
    """Make a record of an answer's body. Raises `Unreadable` when it is not what GitHub documents."""
    try:
        return parse(json.loads(answer.text))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        why = f"{type(error).__name__} {error}"
        raise Unreadable(f"GitHub's answer about {what} can't be understood: {why}") from error


def order_error(failure: Answer | Exception, what: str, *, now: datetime) -> Refused | NothingHappened | LostAnswer:
    """Tell what a failed order means. `what` completes "GitHub did not ..."."""
    match failure:
        case Answer() if is_limited(failure):
            text = f"GitHub limits our calls and did not {what} ({failure.told})"
            return NothingHappened(text, retry_at=_retry_at(failure, now))
        case Answer(status=301 | 302 | 307 | 308) | RuntimeError():
            return _moved(failure, what)
        # 408 is sent by whatever stands in front of GitHub, and does not tell how far the order came.
        case Answer(status=status) if 400 <= status < 500 and status != 408:
            return Refused(f"GitHub refused to {what} ({failure.told}){_ADVICE.get(status, '')}", status=status)
        case Answer():
            text = f"GitHub was told to {what}, but answered with {failure.told}: it may have done so or not"
            return LostAnswer(text)
        case _ if _is_unconnected(failure):
            return NothingHappened(f"GitHub could not be reached to {what}, so nothing was sent: {_why(failure)}")
        case _:
            return LostAnswer(f"GitHub was told to {what}, but its answer was lost: {_why(failure)}")


def read_error(failure: Answer | Exception, what: str, *, now: datetime) -> NotFound | Refused | Unreadable:
    """Tell what a failed read means. `what` names what was to be read."""
    match failure:
        case Answer() if is_limited(failure):
            text = f"GitHub limits our calls; {what} can't be read just now ({failure.told})"
            return Unreadable(text, retry_at=_retry_at(failure, now))
        case Answer(status=301 | 302 | 307 | 308) | RuntimeError():
            return _moved(failure, f"show {what}")
        case Answer(status=404 | 410):
            advice = "Check the names in the policy, and that the App or token may see the repository"
            return NotFound(f"GitHub does not find {what} ({failure.told}). {advice}")
        case Answer(status=401 | 403 as status):
            return Refused(f"GitHub does not show {what} ({failure.told}){_ADVICE[status]}", status=status)
        case Answer():
            moment = _retry_at(failure, now) if "retry-after" in failure.headers else None
            return Unreadable(f"{what} can't be read: GitHub answered with {failure.told}", retry_at=moment)
        case _:
            return Unreadable(f"{what} can't be read from GitHub just now: {_why(failure)}")


def credential_error(failure: Answer | Exception, what: str, *, now: datetime) -> NotFound | Refused | Unreadable:
    """Tell what a failed call for a token means. It never means that what was to be read with it is not there."""
    if isinstance(failure, Answer) and failure.status in (404, 410, 422):
        advice = "Check that the App is installed there and was given the permission Actions: write"
        return Refused(f"GitHub does not give {what} ({failure.told}). {advice}", status=failure.status)
    return read_error(failure, what, now=now)


def before_sending(error: PersonError | WaitError) -> Refused | NothingHappened:
    """Tell what a failed preparation means for the order that was to follow: it was not sent."""
    if isinstance(error, WaitError):
        return NothingHappened(f"{error}; nothing was sent", retry_at=error.retry_at)
    return error if isinstance(error, Refused) else Refused(str(error))


def is_limited(answer: Answer) -> bool:
    """Tell whether GitHub turned a call away unread because there were too many.

    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    named = "retry-after" in answer.headers or _is_used_up(answer) or "rate limit" in answer.told.lower()
    return answer.status == 429 or (answer.status == 403 and named)


def _is_used_up(answer: Answer) -> bool:
    return answer.headers.get("x-ratelimit-remaining") == "0"


def _retry_at(answer: Answer, now: datetime) -> datetime:
    named = now + timedelta(seconds=60)
    after, reset = answer.headers.get("retry-after", ""), answer.headers.get("x-ratelimit-reset", "")
    if after.isdecimal():
        named = now + timedelta(seconds=int(after[:9]))
    elif _is_used_up(answer) and reset.isdecimal():  # it says nothing while some of the hourly limit is left
        named = datetime.fromtimestamp(int(reset[:11]), UTC)
    return min(max(named, now + timedelta(seconds=1)), now + timedelta(hours=1))


def _moved(failure: Answer | Exception, what: str) -> Refused:
    pointed = f"pointed to {failure.headers.get('location')}" if isinstance(failure, Answer) else _why(failure)
    return Refused(
        f"GitHub did not {what}, but {pointed}. If the repository was renamed, write its new name in the policy"
    )


def _is_unconnected(failure: BaseException) -> bool:
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    return any(isinstance(error, ConnectTimeoutError | NewConnectionError) for error in _causes(failure))


def _why(failure: BaseException) -> str:
    """Give the reason below what requests and urllib3 wrap around it."""
    *_, innermost = _causes(failure)
    return str(innermost) or type(innermost).__name__


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    while failure is not None:
        yield failure
        failure = failure.__cause__ or failure.__context__
