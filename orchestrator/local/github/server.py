"""Serves a stand-in on a port: in a thread of this program, or as the whole program."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from orchestrator.local.github.app import application
from orchestrator.local.github.state import StandIn

LOOPBACK = "127.0.0.1"
START_SECONDS = 10.0
TICK_SECONDS = 0.1
LAST_ANSWERS_SECONDS = 1.0


class AbortableProtocol(AutoHTTPProtocol):  # type: ignore[valid-type,misc]
    """uvicorn's HTTP protocol, which lets the application reach its connection: `scope["state"]["transport"]`."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio for each new connection."""
        super().connection_made(transport)
        self.app_state: dict[str, object] = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    def __init__(self, stand_in: StandIn, on_ready: Callable[[], None]) -> None:
        self._closing = asyncio.Event()
        self._on_ready = on_ready
        self._loop: asyncio.AbstractEventLoop | None = None
        config = uvicorn.Config(
            application(stand_in, self._closing),
            http=AbortableProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            backlog=2048,
        )
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._on_ready()

    async def main_loop(self) -> None:
        while not self.should_exit:
            self.should_exit = await self.on_tick(0)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn's own pauses a tenth of a second and waits for clients that never hang up; tests start many servers.
        self._closing.set()
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=LAST_ANSWERS_SECONDS)

    def stop(self) -> None:
        """Ends `run`, from another thread."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._closing.set)


@contextmanager
def running(stand_in: StandIn, *, port: int = 0, host: str = LOOPBACK) -> Iterator[str]:
    """Serves `stand_in` in a thread and gives its base URL; port 0 picks a free one. Stops at the end of the block.

    Raises `OSError` when the port is taken.
    """
    ready = threading.Event()
    with _listening(host, port) as listener:
        server = _Server(stand_in, ready.set)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="GitHub stand-in", daemon=True
        )
        thread.start()
        try:
            if not ready.wait(START_SECONDS):
                raise OSError(f"The GitHub stand-in did not start within {START_SECONDS:g} s; its log says why.")
            yield base_url(listener)
        finally:
            server.stop()
            thread.join()


def serve(stand_in: StandIn, *, port: int, host: str, on_ready: Callable[[str], None]) -> None:
    """Serves `stand_in` until the program is interrupted. `on_ready` gets the base URL when it listens.

    Raises `OSError` when the port is taken.
    """
    with _listening(host, port) as listener:
        _Server(stand_in, lambda: on_ready(base_url(listener))).run(sockets=[listener])


def base_url(listener: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)
