"""A receiver of webhooks on the loopback, which takes what is verified and refuses all else."""

from __future__ import annotations

import queue
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from rvm_client.errors import NotVerified
from rvm_client.rows import Event
from rvm_client.webhooks import Signature, verify

# An event, or a sentence about a request that was refused.
Received = Event | str
MAX_BYTES = 1 << 20
# A webhook comes again where an answer was lost; so many ids are remembered.
MAX_REMEMBERED = 10_000


@dataclass
class Receiver:
    """`secrets` may be added to while it serves."""

    secrets: Sequence[str]
    signature: Signature = "standard"
    url: str = ""
    received: queue.Queue[Received] = field(default_factory=queue.Queue)
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def take(self, body: bytes, headers: dict[str, str]) -> HTTPStatus:
        """The answer to a webhook."""
        if not self.secrets:
            return HTTPStatus.SERVICE_UNAVAILABLE  # the destination is being made
        try:
            event = verify(body, headers, self.secrets, signature=self.signature)
        except NotVerified as wrong:
            self.received.put(str(wrong))
            return HTTPStatus.UNAUTHORIZED
        with self._lock:
            if event["id"] not in self._seen:
                self._seen[event["id"]] = None
                self.received.put(event)
            while len(self._seen) > MAX_REMEMBERED:
                self._seen.popitem(last=False)
        return HTTPStatus.NO_CONTENT


@contextmanager
def receiver(port: int, secrets: Sequence[str], signature: Signature = "standard") -> Iterator[Receiver]:
    """A receiver that serves on 127.0.0.1 in a thread. Raises OSError for a port that is taken."""
    started = Receiver(secrets, signature)

    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # of a client that sends nothing

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not (length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= MAX_BYTES):
                self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                return
            self._answer(started.take(self.rfile.read(int(length)), dict(self.headers.items())))

        def _answer(self, status: HTTPStatus) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        started.url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        try:
            yield started
        finally:
            server.shutdown()
            thread.join()
