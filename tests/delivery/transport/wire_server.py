"""A server that misbehaves on the wire as a test tells it to, and remembers every request it read."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"id":"d1"}'


@dataclass
class Heard:
    """One request as it was read. `connection` counts accepted connections from 0, `turn` requests on it from 1."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int
    turn: int
    peer: socket.socket

    def send(self, data: bytes) -> None:
        self.peer.sendall(data)

    def close(self) -> None:
        with suppress(OSError):  # the client may have been first
            self.peer.shutdown(socket.SHUT_RDWR)
        self.peer.close()

    def reset(self) -> None:
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()


class WireServer:
    """`answer` is called for each request in its connection's thread; one that does nothing leaves the client waiting."""

    def __init__(
        self,
        answer: Callable[[Heard], None] = lambda heard: heard.send(ACCEPTED),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.answer = answer
        self.tls = tls
        self.heard: list[Heard] = []
        self.accepted = 0
        self._peers: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/v1/drops"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> WireServer:
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop_listening()
        for peer in self._peers:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(5)
        for peer in self._peers:
            peer.close()

    def stop_listening(self) -> None:
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        except OSError:
            return
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self._peers.append(peer)
            thread = threading.Thread(target=self._serve, args=(peer, self.accepted), daemon=True)
            self.accepted += 1
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: socket.socket, connection: int) -> None:
        if self.tls:
            try:
                peer = self.tls.wrap_socket(peer, server_side=True)
            except OSError:  # the client did not like the certificate
                return
            self._peers.append(peer)
        turn = 0
        while peer.fileno() != -1:
            try:
                heard = _read(peer, connection, turn + 1)
                if heard is None:
                    return
                turn += 1
                self.heard.append(heard)
                self.answer(heard)
            except OSError:  # the client went away first
                return


def _read(peer: socket.socket, connection: int, turn: int) -> Heard | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (re.split(r"(: )", field, maxsplit=1) for field in fields)}
    while len(body) < int(headers.get("content-length", 0)):
        body += peer.recv(65536)
    return Heard(line, headers, body, connection, turn, peer)
