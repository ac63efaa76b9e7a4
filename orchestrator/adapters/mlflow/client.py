"""Questions to MLflow and Azure Resource Manager over HTTP. All of them only read, so each may be asked again."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from orchestrator.adapters.mlflow.address import Endpoint
from orchestrator.adapters.mlflow.errors import Answer, is_absence, parsed, read_error
from orchestrator.errors import Unreadable
from orchestrator.ports import Clock

if TYPE_CHECKING:
    from httpx import Client
    from tenacity import Retrying

TRIES = 3
# Silence of the other end; three tries that all time out stay within the whole.
SILENCE_SECONDS = 5.0
WHOLE_SECONDS = 15.0
MOST_BYTES = 16 * 2**20

Parsed = TypeVar("Parsed")


class Http:
    """Connections that are kept between reads. May be used by any number of threads."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    @cached_property
    def client(self) -> "Client":
        """The client, made at its first use. A redirect is not followed: the token is for one place."""
        from httpx import Client

        return Client(headers={"User-Agent": "promotion-orchestrator"}, follow_redirects=False)

    def close(self) -> None:
        """Let go of the connections."""
        self.client.close()


class Caller:
    """Asks one endpoint on behalf of one reading, which ends 15 s after it began (and one silence, at the most)."""

    def __init__(self, http: Http, endpoint: Endpoint, *, until: float) -> None:
        self._http = http
        self._endpoint = endpoint
        self._until = until

    @property
    def uri(self) -> str:
        """The address that is asked."""
        return self._endpoint.uri

    def look_up(
        self, path: str, wanted: Mapping[str, str], parse: Callable[[Any], Parsed], *, what: str
    ) -> Parsed | None:
        """Ask for one thing by its name; None: there is none. Raises `Unreadable` or `Refused`, which name `what`."""
        answer = self._answer("GET", path, what, params=wanted)
        if is_absence(answer):
            return None
        return self._parsed(answer, parse, what)

    def search(
        self,
        method: Literal["GET", "POST"],
        path: str,
        wanted: Mapping[str, Any],
        parse: Callable[[Any], Parsed],
        *,
        what: str,
    ) -> Parsed:
        """Ask which things there are. Raises `Unreadable` or `Refused`, which name `what`."""
        content = {"params": wanted} if method == "GET" else {"json": wanted}
        return self._parsed(self._answer(method, path, what, **content), parse, what)

    def _parsed(self, answer: Answer, parse: Callable[[Any], Parsed], what: str) -> Parsed:
        if answer.status != 200:
            raise read_error(answer, what, endpoint=self._endpoint, now=self._http.clock.now())
        return parsed(answer, parse, what, endpoint=self._endpoint)

    def _answer(self, method: str, path: str, what: str, **content: Any) -> Answer:
        from httpx import HTTPError, InvalidURL

        try:
            return self._tries()(self._once, method, f"{self._endpoint.uri}{path}", what, content)
        except (HTTPError, InvalidURL) as error:
            # Without `from`: an error of httpx holds the call, and that holds the token.
            raise read_error(error, what, endpoint=self._endpoint, now=self._http.clock.now()) from None

    def _once(self, method: str, url: str, what: str, content: dict[str, Any]) -> Answer:
        left = self._until - self._http.clock.monotonic()
        if left <= 0:
            raise self._too_late(what)
        token = self._endpoint.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        timeout = min(left, SILENCE_SECONDS)
        with self._http.client.stream(method, url, headers=headers, timeout=timeout, **content) as response:
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise Unreadable(f"The answer about {what} is longer than {MOST_BYTES} bytes")
                if self._http.clock.monotonic() >= self._until:
                    raise self._too_late(what)
            return Answer(response.status_code, response.headers, bytes(body))

    def _too_late(self, what: str) -> Unreadable:
        return Unreadable(f"{self._endpoint.uri} is slow: {what} was not read within {WHOLE_SECONDS:.0f} s")

    def _tries(self) -> "Retrying":
        from httpx import TransportError
        from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_attempt, wait_incrementing

        # It waits 0.1 s and 0.4 s. A server that names a moment is left alone until then.
        return Retrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_incrementing(start=0.1, increment=0.3),
            retry=retry_if_exception_type(TransportError) | retry_if_result(_may_pass),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )


def _may_pass(answer: Answer) -> bool:
    return (answer.status >= 500 or answer.status == 429) and "retry-after" not in answer.headers
