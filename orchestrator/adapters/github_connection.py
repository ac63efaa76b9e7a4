"""One thread's line to GitHub: a PyGithub client whose calls end in time, and which know whether anything was sent.

This file imports PyGithub, which takes long: import it where the first call is made.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from socket import SHUT_RDWR, socket
from threading import Timer
from typing import cast
from urllib.parse import urlsplit

from github import Github
from github.Requester import HTTPSRequestsConnectionClass, RequestsResponse
from requests import PreparedRequest, RequestException
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from orchestrator.adapters.github_answer import Answer, Broken, Moved, Unsent

USER_AGENT = "promotion-orchestrator"
_PER_PAGE = 100

# At DEBUG this logger writes whole bodies, an App's new token among them.
logging.getLogger("github.Requester").setLevel(logging.INFO)


class Line:
    """PyGithub's objects are not safe across threads (https://github.com/PyGithub/PyGithub/issues/1257): one each.

    Nothing is ever sent twice. Reads share a connection and follow redirects. An order gets a connection of its own,
    because a kept one may have been closed at the other end, which shows only after sending; it follows no redirect.
    """

    def __init__(self, base_url: str, monotonic: Callable[[], float]) -> None:
        self._base_url = base_url
        self._monotonic = monotonic
        self._kept = self._connection()
        self._requester = Github(
            base_url=base_url,
            user_agent=USER_AGENT,
            per_page=_PER_PAGE,
            retry=None,
            lazy=True,
            seconds_between_requests=None,
            seconds_between_writes=None,
        ).requester

    def read(
        self, path: str, parameters: dict[str, str] | None = None, *, credential: str, until: float, etag: str = ""
    ) -> Answer:
        """Read what is at a path. `until` is the monotonic moment by which it ends. Raises `Unsent` or `Broken`."""
        self._kept.prepare(credential, until)
        headers = {"If-None-Match": etag} if etag else {}
        return Answer(*self._requester.requestJson("GET", path, parameters, headers, cnx=self._kept))

    def send(self, path: str, body: dict[str, object], *, credential: str, until: float) -> Answer:
        """Send an order with one call. Raises `Unsent`, `Broken` or `Moved`."""
        connection = self._connection()
        connection.prepare(credential, until)
        try:
            return Answer(*self._requester.requestJson("POST", path, input=body, cnx=connection))
        finally:
            connection.close()

    def _connection(self) -> "_Connection":
        return _Connection(self._base_url, self._monotonic)


class _Connection(HTTPSRequestsConnectionClass):
    """What PyGithub sends through, for http as well."""

    def __init__(self, base_url: str, monotonic: Callable[[], float]) -> None:
        parts = urlsplit(base_url)
        super().__init__(parts.hostname or "")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._monotonic = monotonic
        self._socket: socket | None = None
        self._credential = ""
        self._until = 0.0
        self.session.mount(f"{parts.scheme}://", _WatchingAdapter(self._connected))

    def prepare(self, credential: str, until: float) -> None:
        """Say who makes the next call and when it must have ended."""
        self._credential = credential
        self._until = until

    def getresponse(self) -> RequestsResponse:
        left = self._until - self._monotonic()
        if left <= 0:
            raise Unsent("the time for this call was over before it began")
        # A time-out of a socket begins again with every byte; this ends the whole call.
        cut = Timer(left, self._cut)
        cut.daemon = True
        cut.start()
        try:
            response = self.session.request(
                self.verb,
                f"{self._origin}{self.url}",
                headers={**self.headers, "Authorization": f"Bearer {self._credential}"},
                data=self.input,
                timeout=left,
                allow_redirects=self.verb == "GET",
            )
        except (RequestException, HTTPError) as error:
            raise (Unsent if self._socket is None else Broken)(_innermost(error)) from error
        finally:
            cut.cancel()
        if response.is_redirect:
            raise Moved(response.headers["location"])
        if self.verb == "GET" and response.status_code == 202:
            # PyGithub would sleep and ask again, for as long as this goes on.
            raise Broken("GitHub answered 202: not ready yet")
        return RequestsResponse(response)

    def _connected(self, connected: socket) -> None:
        if self._monotonic() >= self._until:
            raise TimeoutError("connecting took all the time there was")
        self._socket = connected

    def _cut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # it has ended by itself
                # Not the shutdown of a TLS socket, which would change it under the hands of its reader.
                socket.shutdown(self._socket, SHUT_RDWR)


class _WatchingAdapter(HTTPAdapter):
    """Tells of each connection, TLS included, before anything is sent over it; an error then ends the call."""

    def __init__(self, connected: Callable[[socket], None]) -> None:
        super().__init__()
        self._connected = connected

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: bool | str,
        proxies: dict[str, str] | None = None,
        cert: str | tuple[str, str] | None = None,
    ) -> HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
        if "ConnectionCls" not in vars(pool):
            vars(pool)["ConnectionCls"] = _watched(cast("type[HTTPConnection]", pool.ConnectionCls), self._connected)
        return pool


def _watched(kind: type[HTTPConnection], connected: Callable[[socket], None]) -> type[HTTPConnection]:
    def connect(connection: HTTPConnection) -> None:
        kind.connect(connection)
        connected(connection.sock)

    return type(kind.__name__, (kind,), {"connect": connect})


def _innermost(error: BaseException) -> str:
    """Give the reason below what requests and urllib3 wrap around it."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error) or type(error).__name__
