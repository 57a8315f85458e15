"""A connection as gunicorn's threads see it: first what has arrived already, then the rest, if the client sends and reads in time."""

from __future__ import annotations

import socket
import time
from typing import Any

from rvm.project.web_server.arrivals import BYTES_PER_SECOND, SILENCE_SECONDS


class PatientSocket:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._waited, self._received = 0.0, 0
        self._arrived = memoryview(b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def begin(self, arrived: bytes | bytearray) -> None:
        """A request begins with these bytes."""
        self._waited, self._received = 0.0, 0
        self._arrived = memoryview(bytes(arrived))

    def rest(self) -> bytes:
        """What has arrived and was not read: the beginning of the next request."""
        rest, self._arrived = bytes(self._arrived), memoryview(b"")
        return rest

    def setblocking(self, flag: bool) -> None:
        """No thread waits for a client without an end."""
        self._connection.settimeout(SILENCE_SECONDS if flag else 0.0)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Raises TimeoutError for a client that does not send, or too slowly."""
        if self._arrived:
            chunk, self._arrived = bytes(self._arrived[:size]), self._arrived[size:]
            return chunk
        begun = time.monotonic()
        chunk = self._connection.recv(size, flags)
        self._waited += time.monotonic() - begun
        self._received += len(chunk)
        if self._waited > SILENCE_SECONDS + self._received / BYTES_PER_SECOND:
            raise TimeoutError("The client sends too slowly.")
        return chunk

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Raises TimeoutError for a client that does not read, or too slowly."""
        earlier = self._connection.gettimeout()
        self._connection.settimeout(SILENCE_SECONDS + len(data) / BYTES_PER_SECOND)
        try:
            self._connection.sendall(data, flags)
        finally:
            self._connection.settimeout(earlier)
