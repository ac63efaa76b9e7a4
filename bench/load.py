"""Load from one process: as many connections as asked for, each sending its next request when the last was answered."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answered:
    """What one load came to. `sent_at` is the monotonic second at which each request was sent, in their order."""

    seconds: float
    statuses: dict[int, int]
    sent_at: tuple[float, ...]

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.sent_at) / self.seconds


def posts(url: str, bodies: Sequence[bytes], *, connections: int) -> Answered:
    """Post every body once over so many kept connections."""
    return asyncio.run(_posts(url, bodies, connections))


async def _posts(url: str, bodies: Sequence[bytes], connections: int) -> Answered:
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        "aeg-event-type: Notification\r\nContent-Length: "
    ).encode()
    waiting = iter(range(len(bodies)))
    sent_at = [0.0] * len(bodies)
    statuses: dict[int, int] = {}

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for number in waiting:
            body = bodies[number]
            sent_at[number] = perf_counter()
            writer.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)
            status = await _answer(reader)
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    started = perf_counter()
    await asyncio.gather(*(connection() for _ in range(connections)))
    return Answered(perf_counter() - started, statuses, tuple(sent_at))


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            length = int(line[15:])
    if length:
        await reader.readexactly(length)
    return int(head[9:12])
