"""The door of the local host: it asks nobody for a password, so it answers only what comes from this machine.

A web page of anybody's can make the browser of whoever works here send to 127.0.0.1. Its `Origin` header gives that
away; and where the page's own name was made to lead to 127.0.0.1 (DNS rebinding), the `Host` header does.
https://fetch.spec.whatwg.org/#origin-header
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from orchestrator.console.problems import problem
from orchestrator.settings import is_loopback

_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{0,5})?")


class LoopbackOnly:
    """An ASGI application around another one. 421 for a call to another host, 403 for one that a foreign page makes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        hosts = _headers(scope, b"host")
        foreign = [origin for origin in _headers(scope, b"origin") if not _is_same(origin, scope["scheme"], hosts)]
        if len(hosts) != 1 or not _leads_here(hosts[0]):
            reason = (
                f"this service answers calls to this machine only, and Host is {', '.join(hosts)[:200]!r}; allowed: "
                "127.0.0.1, localhost, [::1], with any port. A tunnel or a proxy must write one of them there."
            )
            await problem(421, reason)(scope, receive, send)
        elif foreign and scope["method"] in _CHANGES:
            reason = f"a page of {foreign[0][:200]!r} may not change anything here; only pages of this service may"
            await problem(403, reason)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _leads_here(host: str) -> bool:
    found = _HOST.fullmatch(host)
    return found is not None and is_loopback(found["name"])


def _is_same(origin: str, scheme: str, hosts: list[str]) -> bool:
    return [origin.lower()] == [f"{scheme}://{host}".lower() for host in hosts]


def _headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in scope["headers"] if key.lower() == name]
