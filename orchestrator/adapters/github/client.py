"""Calls to GitHub: reads that may be tried again, orders that never are."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from threading import local
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_attempt, wait_incrementing

from orchestrator.adapters.github.errors import CALL_FAILURES, Answer, before_sending, order_error, parsed, read_error
from orchestrator.adapters.github.identity import GitHubIdentity, Tokens, client_settings
from orchestrator.errors import NothingHappened, PersonError, WaitError
from orchestrator.ports import Clock

if TYPE_CHECKING:
    from github import Github

READ_SECONDS = 10
MOST_REMEMBERED = 256
Parsed = TypeVar("Parsed")


class GitHubClient:
    """May be used by any number of threads."""

    def __init__(self, identity: GitHubIdentity, base_url: str, clock: Clock) -> None:
        self._tokens = Tokens(identity, base_url, clock)
        self._base_url = base_url
        self._clock = clock
        self._thread = local()
        self._remembered: OrderedDict[str, tuple[str, Any]] = OrderedDict()

    def read(
        self, repository: str, path: str, parse: Callable[[Any], Parsed], *, what: str, remember: bool = False
    ) -> Parsed:
        """Read what is at a path below the repository. Waits for no rate limit.

        What is to be remembered is asked for with its ETag, which costs nothing while it is the same:
        https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
        Raises `NotFound`, `Refused` or `Unreadable`, whose messages name `what`.
        """
        whole = _path(repository, path)
        etag, before = self._remembered.get(whole, ("", None))
        headers = self._authorization(repository) | ({"If-None-Match": etag} if etag else {})
        try:
            answer = Answer(*_tries()(self._kept_client().requester.requestJson, "GET", whole, None, headers))
        except CALL_FAILURES as error:
            raise read_error(error, what, now=self._clock.now()) from error
        if answer.status != 200 and not (answer.status == 304 and etag):
            self._tokens.watch(repository, answer)
            raise read_error(answer, what, now=self._clock.now())
        seen: Parsed = parsed(answer, parse, what=what) if answer.status == 200 else before
        if remember:
            self._remembered[whole] = answer.headers.get("etag", etag), seen
            if len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return seen

    def send(
        self, repository: str, path: str, body: dict[str, object], *, what: str, within: timedelta, done: set[int]
    ) -> Answer:
        """Send an order once and give the answer, whose status is one of `done`.

        `within` bounds the time until it is sent, and then each silence of the other end. PyGithub sends an order
        again to where a 301 points; the first place has carried out nothing.
        Raises `Refused`, `NothingHappened` or `LostAnswer`, whose messages say `what` was to be done.
        """
        until = self._clock.monotonic() + within.total_seconds()
        try:
            headers = self._authorization(repository)
        except (PersonError, WaitError) as error:
            raise before_sending(error) from error
        left = until - self._clock.monotonic()
        if left <= 0:
            raise NothingHappened(f"The time to {what} was over before anything was sent")
        try:
            # A connection of its own. A kept one may have been dropped in silence by the other end or a NAT (Azure
            # drops idle flows after four minutes), which shows only after sending: nobody would know whether it ran.
            with _client(self._base_url, left) as client:
                answer = Answer(*client.requester.requestJson("POST", _path(repository, path), None, headers, body))
        except CALL_FAILURES as error:
            raise order_error(error, what, now=self._clock.now()) from error
        if answer.status not in done:
            self._tokens.watch(repository, answer)
            raise order_error(answer, what, now=self._clock.now())
        return answer

    def _authorization(self, repository: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens.token(repository)}"}

    def _kept_client(self) -> "Github":
        # One each: PyGithub's are not safe across threads (https://github.com/PyGithub/PyGithub/issues/1257).
        if not hasattr(self._thread, "client"):
            self._thread.client = _client(self._base_url, READ_SECONDS)
        client: Github = self._thread.client
        return client


def _client(base_url: str, seconds: float) -> "Github":
    from github import Github

    return Github(**client_settings(base_url, seconds))


def _path(repository: str, path: str) -> str:
    return f"/repos/{quote(repository)}{path}"


def _tries() -> Retrying:
    # It waits 0.1 s and 0.4 s. A server that names a moment is left alone until then.
    return Retrying(
        stop=stop_after_attempt(3),
        wait=wait_incrementing(start=0.1, increment=0.3),
        retry=retry_if_exception_type(OSError)
        | retry_if_result(lambda answer: answer[0] >= 500 and "retry-after" not in answer[1]),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
