"""`orchestrator serve` as a real process that tests may kill."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
_START_SECONDS = 60.0


class Service:
    """One process on one store. It may be killed and started again."""

    def __init__(self, folder: Path, *, github: str, policy: str, patience: float = 3.0, sweep: float = 1.0) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"http://{LOOPBACK}:{self.port}"
        (folder / "policy.yaml").write_text(policy)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "ORCHESTRATOR_"))},
            "ORCHESTRATOR_POLICY": str(folder / "policy.yaml"),
            "ORCHESTRATOR_STORE": f"sqlite:///{folder / 'orchestrator.db'}",
            "ORCHESTRATOR_SWEEP_SECONDS": str(sweep),
            "ORCHESTRATOR_PATIENCE_SECONDS": str(patience),
            "GITHUB_API_URL": github,
            "GITHUB_TOKEN": "any-token",
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id, while it runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the process and wait until it answers."""
        with (self.folder / f"serve-{self.port}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator", "serve", "--host", LOOPBACK, "--port", str(self.port)],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(self._answers, within=_START_SECONDS, said=self.said)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.said()
        try:
            return httpx.get(f"{self.address}/api/health", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """End the process as a power cut does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout=30)

    def stop(self) -> int:
        """End the process as an operator does, and give its exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
        return self._process.wait(timeout=30)

    def said(self) -> str:
        """What the process printed."""
        return (self.folder / f"serve-{self.port}.log").read_text(errors="replace")[-4000:]

    def deliver(self, client: httpx.Client, body: bytes) -> bool:
        """Deliver an event once, and tell whether it was acknowledged."""
        try:
            answer = client.post(
                f"{self.address}/runtime/webhooks/eventgrid?functionName=on_ml_event",
                content=body,
                headers={"aeg-event-type": "Notification", "content-type": "application/json"},
            )
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    def promotions(self) -> list[dict[str, Any]]:
        """Read every promotion there is."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            parameters = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            page = httpx.get(f"{self.address}/api/promotions", params=parameters, timeout=30).raise_for_status().json()
            found += page["promotions"]
            cursor = page["next"]
            if cursor is None:
                return found


@contextmanager
def serving(folder: Path, *, github: str, policy: str, patience: float = 3.0) -> Iterator[Service]:
    """Start a service and stop it at the end."""
    service = Service(folder, github=github, policy=policy, patience=patience)
    service.start()
    try:
        yield service
    finally:
        service.stop()


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return int(free.getsockname()[1])


def eventually(
    condition: Callable[[], T], *, within: float, every: float = 0.05, said: Callable[[], object] = lambda: ""
) -> T:
    """Ask again and again, at most `within` seconds, until the answer holds, and give it.

    For what happens in another process, which can tell nobody here that it has. `said` explains a failure.
    """
    deadline = time.monotonic() + within
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {within:.0f} s: {said()}"
        time.sleep(every)
    return answer
