"""The local host: the web app, the workers and the sweep in one process."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
import uvicorn

from orchestrator.console.app import create_app
from orchestrator.errors import PersonError, StoreUnavailable
from orchestrator.flow.advance import advance
from orchestrator.flow.sweep import sweep
from orchestrator.flow.world import World
from orchestrator.local.loopback_only import LoopbackOnly
from orchestrator.local.person import os_user
from orchestrator.local.queue import LocalQueue
from orchestrator.settings import Settings, is_loopback
from orchestrator.wiring import build, close_store

LOOPBACK = "127.0.0.1"
SWITCH_SECONDS = 0.0005
START_WITHIN = timedelta(seconds=10)
# What is being answered or advanced may end; a run that is being started takes 15 s at most.
END_WITHIN = timedelta(seconds=20)

_log = structlog.get_logger("orchestrator")


def serve(settings: Settings, *, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until the program is told to end (SIGTERM, SIGINT). `on_ready` gets the base URL when it listens.

    Raises `PersonError` for an address that it can't or must not listen on, `PolicyMistakes` for the policy.
    """
    with _listening(host, port) as listener, _working(settings) as (world, queue):
        server = _Server(_config(settings, world, queue), lambda: on_ready(base_url(listener)))
        # uvicorn hands the signal on when it has ended, and the handlers of before would end this process midway.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.end())
        server.run(sockets=[listener])


@contextmanager
def running(settings: Settings, *, host: str = LOOPBACK, port: int = 0) -> Iterator[str]:
    """Serve in a thread of this program, and give the base URL; port 0 picks a free one. Raises as `serve` does."""
    ready = threading.Event()
    with _listening(host, port) as listener, _working(settings) as (world, queue):
        server = _Server(_config(settings, world, queue), ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="orchestrator", daemon=True)
        thread.start()
        try:
            if not ready.wait(START_WITHIN.total_seconds()):
                raise PersonError("the local host did not start in time; its log says why")
            yield base_url(listener)
        finally:
            server.end()
            thread.join()


def base_url(listener: socket.socket) -> str:
    """Give the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    def end(self) -> None:
        self.should_exit = True


def _config(settings: Settings, world: World, queue: LocalQueue) -> uvicorn.Config:
    app = create_app(
        world, webhook_secret=settings.webhook_secret, intake_first=queue.held, person=f"local:{os_user()}"
    )
    return uvicorn.Config(
        LoopbackOnly(app),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=2048,
        timeout_graceful_shutdown=int(END_WITHIN.total_seconds()),
    )


@contextmanager
def _working(settings: Settings) -> Iterator[tuple[World, LocalQueue]]:
    """Make the world and keep it going: workers follow hints, the sweep finds whatever is due."""
    queue = LocalQueue()
    world = build(settings, queue)
    queue.start(lambda identity: advance(world, identity))
    stopping = threading.Event()
    sweeper = threading.Thread(target=_sweep_until, args=(world, stopping), name="sweep", daemon=True)
    sweeper.start()
    try:
        yield world, queue
    finally:
        stopping.set()
        sweeper.join(END_WITHIN.total_seconds())
        if not queue.close(END_WITHIN):
            _log.warning("service.ended_midway", reason="a look was still under way; the next start takes it up again")
        close_store(world.store)


def _sweep_until(world: World, stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            sweep(world)
        except StoreUnavailable as error:
            _log.warning("sweep.store_unavailable", reason=str(error))
        except Exception as error:  # noqa: BLE001 - logged with its traceback; the next sweep comes all the same
            _log.error("sweep.failed", reason=repr(error), exc_info=error)
        stopping.wait(world.timing.sweep.total_seconds())


def _listening(host: str, port: int) -> socket.socket:
    if not is_loopback(host):
        raise PersonError(
            f"the local host answers everybody who can reach it, so it listens on this machine only; {host!r} is not "
            "that. Use 127.0.0.1, localhost or ::1, and put a proxy that checks who it is in front for others."
        )
    try:
        return socket.create_server((host, port), family=_family(host), backlog=2048)
    except (OSError, OverflowError) as error:
        raise PersonError(f"can't listen on {host} port {port}: {error}. Name another with --port.") from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
