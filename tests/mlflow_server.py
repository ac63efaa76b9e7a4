"""A real MLflow server on this machine, for tests that read evidence. It takes ten seconds to start: share it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

LOOPBACK = "127.0.0.1"
START_SECONDS = 90.0
# Nothing is told to its makers, and no worker for jobs is started.
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Start a server that keeps everything in a folder, give its address, and end it."""
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", LOOPBACK, "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    log = folder / "mlflow.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=os.environ | QUIET, cwd=folder, start_new_session=True
        )
    try:
        uri = f"http://{LOOPBACK}:{port}"
        _wait_for(process, uri, log)
        yield uri
    finally:
        # It is the first of a session of its own: the workers that it started end with it.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _wait_for(process: "subprocess.Popen[bytes]", uri: str, log: Path) -> None:
    @retry(retry=retry_if_exception_type(httpx.HTTPError), stop=stop_after_delay(START_SECONDS), wait=wait_fixed(0.1))
    def wait() -> None:
        assert process.poll() is None, log.read_text(errors="replace")[-4000:]
        httpx.get(f"{uri}/health", timeout=5).raise_for_status()

    wait()
