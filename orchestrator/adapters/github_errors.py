"""The one map from GitHub's failures to ours.

An order is a call that makes something happen. For it the question is whether it may have been carried out: only a
refusal and a rate limit prove that it was not.
Rate limits: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import assert_never

from orchestrator.adapters.github_answer import Answer, Broken, Moved, Outcome, Unsent
from orchestrator.errors import LostAnswer, NotFound, NothingHappened, PersonError, Refused, Unreadable, WaitError

_WITHOUT_A_MOMENT = timedelta(seconds=60)
_SOONEST = timedelta(seconds=1)
_LATEST = timedelta(hours=1)

_ADVICE = {
    401: "Renew the token, or check the App's id and private key",
    403: "Give the App or token the permission Actions: write there",
    404: "Check the names in the policy, that the workflow file is on the default branch, and that the App or token "
    "may see the repository and has the permission Actions: write there",
    422: "Check that the ref exists, and that the workflow has a workflow_dispatch trigger which declares the inputs",
}


def order_error(outcome: Outcome, what: str, *, now: datetime) -> Refused | NothingHappened | LostAnswer:
    """Tell what a failed order means. `what` completes "GitHub did not ..."."""
    match outcome:
        case Unsent():
            return NothingHappened(f"GitHub could not be reached to {what}, so nothing was sent: {outcome}")
        case Broken():
            return LostAnswer(f"GitHub was told to {what}, but its answer was lost: {outcome}")
        case Moved():
            return _moved(outcome, what)
        case Answer():
            return _order_answered(outcome, what, now)
        case _:
            assert_never(outcome)


def read_error(outcome: Outcome, what: str, *, now: datetime) -> NotFound | Refused | Unreadable:
    """Tell what a failed read means. `what` names what was to be read."""
    match outcome:
        case Unsent() | Broken():
            return Unreadable(f"{what} can't be read from GitHub just now: {outcome}")
        case Moved():
            return _moved(outcome, f"show {what}")
        case Answer():
            return _read_answered(outcome, what, now)
        case _:
            assert_never(outcome)


def credential_error(outcome: Outcome, what: str, *, now: datetime) -> Refused | Unreadable:
    """Tell what a failed call for a token means. It never means that what was to be read with it is not there."""
    error = read_error(outcome, what, now=now)
    return Refused(str(error), status=404) if isinstance(error, NotFound) else error


def before_sending(error: PersonError | WaitError) -> Refused | NothingHappened:
    """Tell what a failed preparation means for the order that was to follow: it was not sent."""
    match error:
        case Refused():
            return error
        case WaitError():
            return NothingHappened(f"{error}; nothing was sent", retry_at=error.retry_at)
        case _:
            return Refused(str(error))


def _order_answered(answer: Answer, what: str, now: datetime) -> Refused | NothingHappened | LostAnswer:
    if is_limited(answer):
        return NothingHappened(
            f"GitHub limits our calls and did not {what} ({_told(answer)})", retry_at=_retry_at(answer, now)
        )
    # 408 is sent by whatever stands in front of GitHub, and does not tell how far the order came.
    if 400 <= answer.status < 500 and answer.status != 408:
        return Refused(_with_advice(f"GitHub refused to {what} ({_told(answer)})", answer), status=answer.status)
    return LostAnswer(f"GitHub was told to {what}, but answered with {_told(answer)}: it may have done so or not")


def _read_answered(answer: Answer, what: str, now: datetime) -> NotFound | Refused | Unreadable:
    if is_limited(answer):
        return Unreadable(
            f"GitHub limits our calls; {what} can't be read just now ({_told(answer)})", retry_at=_retry_at(answer, now)
        )
    match answer.status:
        case 404 | 410:
            return NotFound(
                f"GitHub does not find {what} ({_told(answer)}). Check the names in the policy, and that the App or "
                f"token may see the repository"
            )
        case 401 | 403:
            return Refused(_with_advice(f"GitHub does not show {what} ({_told(answer)})", answer), status=answer.status)
        case _:
            moment = _retry_at(answer, now) if "retry-after" in answer.headers else None
            return Unreadable(f"{what} can't be read: GitHub answered with {_told(answer)}", retry_at=moment)


def is_limited(answer: Answer) -> bool:
    """Tell whether GitHub turned a call away unread because there were too many."""
    if answer.status == 429:
        return True
    return answer.status == 403 and (
        "retry-after" in answer.headers or _is_used_up(answer) or "rate limit" in answer.said.lower()
    )


def _is_used_up(answer: Answer) -> bool:
    return answer.headers.get("x-ratelimit-remaining") == "0"


def _retry_at(answer: Answer, now: datetime) -> datetime:
    # The moment of reset belongs to the hourly limit, so it says nothing while some of that is left.
    named = _after(answer.headers.get("retry-after", ""), now)
    if named is None and _is_used_up(answer):
        named = _reset(answer.headers.get("x-ratelimit-reset", ""))
    if named is None:
        return now + _WITHOUT_A_MOMENT
    return min(max(named, now + _SOONEST), now + _LATEST)


def _after(text: str, now: datetime) -> datetime | None:
    """Read `Retry-After`: seconds or a date (RFC 9110, section 10.2.3)."""
    if text.isascii() and text.isdigit():
        return now + min(timedelta(seconds=int(text[:9])), _LATEST)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _reset(text: str) -> datetime | None:
    """Read `X-RateLimit-Reset`: seconds since 1970."""
    return datetime.fromtimestamp(int(text[:11]), UTC) if text.isascii() and text.isdigit() else None


def _moved(moved: Moved, what: str) -> Refused:
    return Refused(
        f"GitHub did not {what}, but pointed to {moved}. If the repository was renamed, "
        f"write its new name in the policy"
    )


def _told(answer: Answer) -> str:
    return f"{answer.status} {answer.said}".rstrip(" .")


def _with_advice(text: str, answer: Answer) -> str:
    advice = _ADVICE.get(answer.status)
    return f"{text}. {advice}" if advice else text
