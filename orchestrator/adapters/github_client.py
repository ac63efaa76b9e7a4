"""Calls to GitHub under one identity: reads that may be tried again, orders that never are."""

from collections.abc import Callable
from datetime import timedelta
from threading import local
from typing import TYPE_CHECKING, Any, TypeVar, assert_never
from urllib.parse import quote

from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_attempt, wait_incrementing

from orchestrator.adapters.github_answer import Answer, Broken, Moved, Unsent
from orchestrator.adapters.github_errors import before_sending, credential_error, order_error, read_error
from orchestrator.adapters.github_identity import AppIdentity, GitHubIdentity, TokenIdentity
from orchestrator.errors import PersonError, Refused, Unreadable, WaitError
from orchestrator.ports import Clock

if TYPE_CHECKING:
    from orchestrator.adapters.github_connection import Line

READ_SECONDS = 10.0
"""One read, with all its tries, takes no longer."""

# An installation's token lives an hour:
# https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app
_TOKEN_SECONDS = 50 * 60.0

_TRIES = 3
Parsed = TypeVar("Parsed")


class GitHubClient:
    """May be used by any number of threads."""

    def __init__(self, identity: GitHubIdentity, base_url: str, clock: Clock) -> None:
        self._identity = identity
        self._base_url = base_url
        self._clock = clock
        self._thread = local()
        self._tokens: dict[str, tuple[str, float]] = {}

    def read(
        self,
        repository: str,
        path: str,
        parameters: dict[str, str] | None = None,
        *,
        what: str,
        etag: str = "",
        until: float | None = None,
    ) -> Answer:
        """Read what is at a path below the repository; with an `etag` the answer may be 304.

        Raises `NotFound`, `Refused` or `Unreadable`, whose messages name `what`. Waits for no rate limit. `until` is
        the monotonic moment by which it ends, if not after `READ_SECONDS`.
        """
        by = self._now() + READ_SECONDS if until is None else until
        credential = self._credential(repository, by)
        whole = path_of(repository, path)
        try:
            answer = self._tried(
                lambda: self._line().read(whole, parameters, credential=credential, until=by, etag=etag)
            )
        except (Unsent, Broken) as error:
            raise read_error(error, what, now=self._clock.now()) from error
        self._watch(repository, answer)
        if answer.status == 200 or (etag and answer.status == 304):
            return answer
        raise read_error(answer, what, now=self._clock.now())

    def send(self, repository: str, path: str, body: dict[str, object], *, what: str, within: timedelta) -> Answer:
        """Send an order with one call and give GitHub's answer, whatever it is.

        Raises `Refused`, `NothingHappened` or `LostAnswer`, whose messages say `what` was to be done.
        """
        until = self._now() + within.total_seconds()
        try:
            credential = self._credential(repository, until)
        except (PersonError, WaitError) as error:
            raise before_sending(error) from error
        try:
            answer = self._line().send(path_of(repository, path), body, credential=credential, until=until)
        except Moved as moved:
            named = Moved(self._name_now(repository, until) or str(moved))
            raise order_error(named, what, now=self._clock.now()) from moved
        except (Unsent, Broken) as error:
            raise order_error(error, what, now=self._clock.now()) from error
        self._watch(repository, answer)
        return answer

    def parsed(self, answer: Answer, parse: Callable[[Any], Parsed], *, what: str) -> Parsed:
        """Make a record of an answer's body. Raises `Unreadable` when it is not what GitHub documents."""
        try:
            return parse(answer.json())
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Unreadable(
                f"GitHub's answer about {what} can't be understood: {type(error).__name__} {error}"
            ) from error

    def _tried(self, call: Callable[[], Answer]) -> Answer:
        # It waits 0.1 s and 0.4 s. A server that names a moment is left alone until then.
        tries = Retrying(
            stop=stop_after_attempt(_TRIES),
            wait=wait_incrementing(start=0.1, increment=0.3),
            retry=retry_if_exception_type((Unsent, Broken))
            | retry_if_result(lambda answer: answer.status >= 500 and "retry-after" not in answer.headers),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        return tries(call)

    def _credential(self, repository: str, until: float) -> str:
        match self._identity:
            case TokenIdentity(token=token):
                return token
            case AppIdentity() as app:
                token, lives_until = self._tokens.get(repository, ("", 0.0))
                if self._now() >= lives_until:
                    lives_until = self._now() + _TOKEN_SECONDS
                    token = self._new_token(app, repository, until)
                    self._tokens[repository] = token, lives_until
                return token
            case _:
                assert_never(self._identity)

    def _new_token(self, app: AppIdentity, repository: str, until: float) -> str:
        """Ask for an installation's token (https://docs.github.com/rest/apps/apps)."""
        jwt = _signed(app)
        number = app.installation_id or self._installation(app, repository, jwt, until)
        what = f"a token of GitHub App {app.app_id} for {repository}"
        path = f"/app/installations/{number}/access_tokens"
        answer = self._granted(lambda: self._line().send(path, {}, credential=jwt, until=until), what=what)
        return self.parsed(answer, lambda body: str(body["token"]), what=what)

    def _installation(self, app: AppIdentity, repository: str, jwt: str, until: float) -> int:
        what = f"an installation of GitHub App {app.app_id} that may use {repository}"
        path = path_of(repository, "/installation")
        answer = self._granted(
            lambda: self._tried(lambda: self._line().read(path, credential=jwt, until=until)), what=what
        )
        return self.parsed(answer, lambda body: int(body["id"]), what=what)

    def _granted(self, call: Callable[[], Answer], *, what: str) -> Answer:
        try:
            answer = call()
        except (Unsent, Broken, Moved) as error:
            raise credential_error(error, what, now=self._clock.now()) from error
        if answer.status not in (200, 201):
            raise credential_error(answer, what, now=self._clock.now())
        return answer

    def _watch(self, repository: str, answer: Answer) -> None:
        if answer.status == 401:
            self._tokens.pop(repository, None)

    def _name_now(self, repository: str, until: float) -> str:
        """Find what a repository is called today; empty when GitHub does not tell."""
        what = f"repository {repository}"
        try:
            answer = self.read(repository, "", what=what, until=until)
            return self.parsed(answer, lambda body: str(body["full_name"]), what=what)
        except (PersonError, WaitError):
            return ""

    def _now(self) -> float:
        return self._clock.monotonic()

    def _line(self) -> "Line":
        if not hasattr(self._thread, "line"):
            from orchestrator.adapters.github_connection import Line

            self._thread.line = Line(self._base_url, self._clock.monotonic)
        line: Line = self._thread.line
        return line


def path_of(repository: str, path: str) -> str:
    """Give the path of something in a repository. The parts of `path` are escaped already."""
    return f"/repos/{quote(repository)}{path}"


def _signed(app: AppIdentity) -> str:
    from github.Auth import AppAuth
    from jwt import PyJWTError

    try:
        return AppAuth(app.app_id, app.private_key_pem).create_jwt()
    except (AssertionError, PyJWTError, TypeError, ValueError) as error:  # PyGithub checks with assert
        raise Refused(
            f"The private key of GitHub App {app.app_id} can't be used ({type(error).__name__}). Set the whole PEM "
            f"text that GitHub gave for it, from -----BEGIN to END-----"
        ) from error
