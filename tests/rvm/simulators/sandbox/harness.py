"""A sandbox carrier and a receiver of its callbacks, on loopback ports of their own, for the tests beside this file."""

from __future__ import annotations

import asyncio
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from delivery.transport.interface import CarrierRequest, CarrierResponse
from rvm.simulators.sandbox.options import Options
from rvm.simulators.sandbox.server import Service

KEY, SECRET = "account-key", "signing-secret"
NUMBER, SENDER = "+12125550101", "+12125550199"
FRAME = b"\xff\xf3\x48\xc4" + bytes(140)  # MPEG-2 Layer III, 32 kbit/s, 16 kHz: 36 ms
MP3 = FRAME * 340


def until(condition: Callable[[], Any], what: str, seconds: float = 15) -> Any:
    """Wait for `condition` and return its value; fail with `what` where it never comes."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}")
        time.sleep(0.005)
    return value


def send(request: CarrierRequest, timeout: float = 10) -> CarrierResponse:
    """One exchange on a connection of its own. Raises OSError or HTTPException where no answer comes."""
    host, _, path = request.url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=timeout)
    try:
        headers = dict(line.split(": ", 1) for line in request.headers)
        connection.request(request.method, f"/{path}", request.body or None, headers)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return CarrierResponse(answer.status, answer.read(), headers)
    finally:
        connection.close()


@dataclass
class Client:
    """Speaks to a sandbox carrier without our adapter."""

    port: int
    key: str = KEY

    def call(self, method: str, path: str, body: object = None, headers: tuple[str, ...] = ()) -> CarrierResponse:
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        url = f"http://127.0.0.1:{self.port}{path}"
        return send(CarrierRequest(method, url, (f"Authorization: Bearer {self.key}", *headers), raw))

    def drop(self, key: str, body: object) -> CarrierResponse:
        return self.call("POST", "/v1/drops", body, (f"Idempotency-Key: {key}",))

    def find(self, reference: str) -> dict[str, Any]:
        return self.json("GET", f"/v1/drops?reference={reference}")

    def ledger(self) -> dict[str, Any]:
        return self.json("GET", "/v1/ledger")

    def faults(self, **values: float) -> dict[str, Any]:
        return self.json("POST", "/v1/faults", values)

    def json(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        value = orjson.loads(self.call(method, path, body).body)
        assert isinstance(value, dict)
        return value


@contextmanager
def sandbox(**options: Any) -> Iterator[Client]:
    """A sandbox carrier in a thread, quick and without audio unless told otherwise."""
    chosen = {"fetch_audio": False, "report_after_ms": 0, "report_retry_cap": 0.1} | options
    ready, ports = threading.Event(), []

    async def serve() -> None:
        service = Service(Options(KEY, SECRET, port=0, **chosen))
        await service.start()
        ports.append((service.port, asyncio.get_running_loop(), stop := asyncio.Event()))
        ready.set()
        await stop.wait()
        await service.stop()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    port, loop, stop = ports[0]
    try:
        yield Client(port)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive()


@dataclass
class Receiver:
    """Takes callbacks and serves one recording. `answers` are given first, then 204 for ever."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    recording: bytes = MP3
    recording_answers: list[int] = field(default_factory=list)
    recordings_served: int = 0
    gate: threading.Event = field(default_factory=threading.Event)  # closed: callbacks get their answer once it opens
    in_hand: int = 0
    most_in_hand: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def callback_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/callbacks"

    @property
    def audio_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/recording.mp3"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, raw in list(self.posts) for event in orjson.loads(raw)["events"]]

    def body(self, to: str = NUMBER, reference: str = "reference", **changed: Any) -> dict[str, Any]:
        body = {"to": to, "from": SENDER, "audio_url": self.audio_url, "reference": reference}
        return body | {"callback_url": self.callback_url} | changed


_COUNTING = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.receiver.answers.pop(0) if self.receiver.answers else 204
        self.receiver.posts.append(({name.lower(): value for name, value in self.headers.items()}, raw))
        with _COUNTING:
            self.receiver.in_hand += 1
            self.receiver.most_in_hand = max(self.receiver.most_in_hand, self.receiver.in_hand)
        self.receiver.gate.wait(10)
        with _COUNTING:
            self.receiver.in_hand -= 1
        self._answer(status, b"")

    def do_GET(self) -> None:
        self.receiver.recordings_served += 1
        status = self.receiver.recording_answers.pop(0) if self.receiver.recording_answers else 200
        self._answer(status, self.receiver.recording)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "audio/mpeg")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def receiver(port: int = 0) -> Iterator[Receiver]:
    taker = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"receiver": taker}))
    taker.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield taker
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
