"""Servers that say exactly what they are told to, for answers and looks that the stand-in does not offer."""

import json
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

RESET = b"reset"
"""Instead of an answer: the connection is reset once the whole call was read."""


@dataclass(frozen=True)
class Received:
    line: str
    headers: dict[str, str]
    body: str


@dataclass
class RawServer:
    """Answers calls in the order of `answers`, the last one again and again, each over a connection of its own."""

    url: str
    answers: list[bytes]
    calls: list[Received] = field(default_factory=list)
    closing: Event = field(default_factory=Event)

    def lines(self, method: str) -> list[str]:
        return [call.line for call in self.calls if call.line.startswith(method)]


@contextmanager
def answering(*answers: bytes) -> Iterator[RawServer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(f"http://127.0.0.1:{listener.getsockname()[1]}", list(answers))
        thread = Thread(target=_serve, args=(server, listener))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def keeping(said: Mapping[str, object]) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """A server that keeps connections open, and the method and client's port of each call to it."""
    seen: list[tuple[str, int]] = []

    class Keeping(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.append((self.command, self.client_address[1]))
            self.rfile.read(int(self.headers.get("content-length", "0")))
            content = json.dumps(said[self.command]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def log_request(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Keeping) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()


def answer(status: int, body: object = None, **headers: str) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    return raw_answer(status, content, content_length=str(len(content)), **headers)


def raw_answer(status: int, content: bytes, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def _serve(server: RawServer, listener: socket.socket) -> None:
    while not server.closing.is_set():
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            connection.settimeout(5)
            _answer(server, connection)


def _answer(server: RawServer, connection: socket.socket) -> None:
    received = _received(connection)
    if received is None:
        return
    said = server.answers[min(len(server.calls), len(server.answers) - 1)]
    server.calls.append(received)
    if said == RESET:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    else:
        connection.sendall(said)


def _received(connection: socket.socket) -> Received | None:
    text = b""
    while b"\r\n\r\n" not in text:
        part = connection.recv(65_536)
        if not part:
            return None
        text += part
    head, _, body = text.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65_536)
    return Received(first.removesuffix(" HTTP/1.1"), headers, body.decode())
