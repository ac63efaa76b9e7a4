"""The demo: the whole story on one machine, told as it happens.

A stand-in for GitHub and the local host are started, Event Grid's deliveries are sent to it, and a reviewer approves at
both gates. What is printed is read from the service's own addresses.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape

from orchestrator.errors import OrchestratorError
from orchestrator.local.demo_events import Delivery, deliveries
from orchestrator.local.github.server import running
from orchestrator.local.github.state import StandIn
from orchestrator.local.scene import set_scene
from orchestrator.policy.load import load_policy

LOOPBACK = "127.0.0.1"
REVIEWER = "lead-data-scientist"
_PATIENCE_SECONDS = 50.0
_LOOK_SECONDS = 0.2
_TEND_SECONDS = 1.0


class DemoFailed(OrchestratorError):
    """The story did not come to its end; the message says where it stopped."""


def demo(policy_path: Path, *, keep: bool) -> None:
    """Tell the story. With `keep` everything stays up until it is interrupted. Raises `DemoFailed`."""
    policy = load_policy(policy_path)
    stand_in = StandIn()
    set_scene(stand_in, policy, reviewers=[REVIEWER, "ml-engineer"], run_seconds=1.5)
    console = Console(highlight=False, soft_wrap=True)
    with (
        running(stand_in) as github,
        tempfile.TemporaryDirectory() as folder,
        _local_host(github, policy_path, Path(folder)) as service,
        httpx.Client(base_url=service, timeout=10, trust_env=False) as client,
    ):
        console.print(f"GitHub stand-in  {github}\nlocal host       {service}\n")
        teller = _Teller(console, stand_in, client)
        for delivery in deliveries(policy):
            teller.deliver(delivery)
        teller.tell_until_done()
        console.print("\n[bold]Done.[/bold] One run per environment, and the reason of every step is on record.")
        if keep:
            console.print(f"\nStill running: {service} and {github}. Ctrl-C ends it.")
            _until_interrupted(teller)


@dataclass
class _Teller:
    """Reads the service's addresses and prints what is new."""

    console: Console
    stand_in: StandIn
    service: httpx.Client
    told: dict[str, int] = field(default_factory=dict)
    awaited: dict[str, str] = field(default_factory=dict)

    def deliver(self, delivery: Delivery) -> None:
        """Send one event as Event Grid does, and say what the journal made of it."""
        answer = self.service.post(
            "/runtime/webhooks/eventgrid",
            params={"functionName": "on_ml_event"},
            headers={"aeg-event-type": "Notification", "content-type": "application/json"},
            content=delivery.body,
        )
        answer.raise_for_status()
        entry = self.service.get("/api/events", params={"limit": 1}).json()["events"][0]
        self.console.print(f"[bold cyan]event[/bold cyan]      {escape(delivery.says)}")
        self.console.print(f"           [dim]{entry['outcome']}: {escape(entry['reason'])}[/dim]")
        if delivery.ends_in is not None:
            self.awaited |= delivery.ends_in

    def tell_until_done(self) -> None:
        """Print what happens until every awaited promotion has come to its end."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self.look():
            if time.monotonic() > deadline:
                raise DemoFailed(f"after {_PATIENCE_SECONDS:.0f} s these did not come to their end: {self._open()}")
            time.sleep(_LOOK_SECONDS)

    def look(self) -> bool:
        """Print what is new, approve what waits for a reviewer, and tell whether the story is over."""
        promotions = self.service.get("/api/promotions").json()["promotions"]
        states = {one["id"]: one["state"] for one in promotions}
        for one in reversed(promotions):
            self._tell(self.service.get(f"/api/promotions/{one['id']}").json())
        self._approve(states)
        return all(states.get(identity) == state for identity, state in self.awaited.items())

    def _tell(self, promotion: dict[str, Any]) -> None:
        seen = self.told.get(promotion["id"], 0)
        for fact in promotion["history"][seen:]:
            colour = _COLOURS.get(fact["fact"], "yellow")
            actor = "" if fact["actor"] == "system" else f" ({escape(fact['actor'])})"
            self.console.print(
                f"[{colour}]{fact['fact']:<15}[/{colour}] [bold]{promotion['id']}[/bold]{actor}"
                f"\n           [dim]{escape(fact['detail'])}[/dim]"
            )
            if fact["fact"] in {"intent saved", "declined"}:
                self._tell_checks(promotion)
        self.told[promotion["id"]] = len(promotion["history"])

    def _tell_checks(self, promotion: dict[str, Any]) -> None:
        for check in (promotion["decision"] or {"checks": []})["checks"]:
            observed = ", ".join(f"{name} = {value}" for name, value in check["observed"].items())
            self.console.print(
                f"           [dim]{check['verdict']:<7} {escape(check['name'])}: {escape(check['expect'])}"
                f"{'  (' + escape(observed) + ')' if observed else ''}[/dim]"
            )

    def _approve(self, states: dict[str, str]) -> None:
        for sight in self.stand_in.runs():
            identity = sight.run.inputs["promotion_id"]
            if sight.state.waiting is not None and states.get(identity) == "gated":
                self.stand_in.approve(sight.run.id, REVIEWER, "evidence looks good")

    def _open(self) -> str:
        promotions = self.service.get("/api/promotions").json()["promotions"]
        return "; ".join(f"{one['id']} is {one['state']} ({one['waiting_for']})" for one in promotions)


_COLOURS = {
    "opened": "blue",
    "approved": "magenta",
    "succeeded": "green",
    "declined": "red",
    "failed": "red",
    "rejected": "red",
}


@contextmanager
def _local_host(github: str, policy_path: Path, folder: Path) -> Iterator[str]:
    port = _free_port()
    environment = _without_settings(os.environ) | {
        "NO_PROXY": f"{LOOPBACK},localhost",
        "ORCHESTRATOR_POLICY": str(policy_path.absolute()),
        "ORCHESTRATOR_STORE": f"sqlite:///{folder / 'demo.db'}",
        "ORCHESTRATOR_SWEEP_SECONDS": "1",
        "GITHUB_API_URL": github,
        "GITHUB_TOKEN": "the-stand-in-takes-any-token",
    }
    with (folder / "serve.log").open("wb") as log:
        host = subprocess.Popen(  # noqa: S603 - this very interpreter, with words of our own
            [sys.executable, "-m", "orchestrator", "serve", "--host", LOOPBACK, "--port", str(port)],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    address = f"http://{LOOPBACK}:{port}"
    try:
        _wait_until_healthy(host, address, folder / "serve.log")
        yield address
    finally:
        host.terminate()
        host.wait(timeout=20)


def _without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Leave out what is set for the real service, and every proxy: the demo speaks to this machine alone."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("GITHUB_", "ORCHESTRATOR_", "MLFLOW_")) and not name.lower().endswith("_proxy")
    }


def _wait_until_healthy(host: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and host.poll() is None:
        try:
            if httpx.get(f"{address}/api/health", timeout=2, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise DemoFailed(f"the local host did not start; it said:\n{log.read_text(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return int(free.getsockname()[1])


def _until_interrupted(teller: _Teller) -> None:
    try:
        while True:
            teller.look()
            time.sleep(_TEND_SECONDS)
    except KeyboardInterrupt:
        return
