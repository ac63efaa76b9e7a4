"""Reading a body: only so much, whatever its headers promise."""

from starlette.types import Message, Receive, Scope


class TooLarge(Exception):
    """The body is longer than is allowed."""


class SenderGone(Exception):
    """The sender hung up before the end; nobody waits for an answer."""


async def read_body(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """Read a whole body of at most `limit` bytes. Raises `TooLarge` or `SenderGone`."""
    if _promised(scope) > limit:
        raise TooLarge
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = _content(message)
        size += len(part)
        if size > limit:
            raise TooLarge
        parts.append(part)
        if not message.get("more_body", False):
            return part if len(parts) == 1 else b"".join(parts)


def _content(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise SenderGone
    content: bytes = message.get("body", b"")
    return content


def _promised(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
