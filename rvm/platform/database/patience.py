"""How long a web process waits for PostgreSQL: as long as it takes, provided that PostgreSQL answers others meanwhile.

A statement may take long, and then its connection is as silent as that of a server that hangs (a stopped process, a disk or a network
that is away). So when a connection has been silent for a while, a new client asks `SELECT 1`. If it gets no answer either, the
statement fails with OperationalError, and for a moment nothing connects, so that a request fails once and not at each step. A
statement that is silent for longer than any page may take is canceled.

Without `limit` nothing is asked, as in workers: they have leases, and migrations and imports are not repeated lightly.
"""

from __future__ import annotations

import select
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any, TypeVar

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

# How long a connection is silent before PostgreSQL is asked, how long it has for the answer, and how long a missing answer counts.
SILENCE_SECONDS, ANSWER_SECONDS, REMEMBERED_SECONDS = 0.8, 1.0, 2.0
MAX_SECONDS = 60.0
HANGS = "PostgreSQL does not answer."

Result = TypeVar("Result")
_is_limited = False
_asking = Lock()
_silent_since = _answered_at = float("-inf")


def limit() -> None:
    """From now on this process does not wait for a PostgreSQL that answers nobody."""
    global _is_limited
    _is_limited = True


@contextmanager
def connecting() -> Iterator[None]:
    """Remembers a server that takes no connection in time. Raises OperationalError at once if that has just been so."""
    if _is_limited and time.monotonic() < _silent_since + REMEMBERED_SECONDS:
        raise psycopg.OperationalError(HANGS)
    try:
        yield
    except psycopg.errors.ConnectionTimeout:
        _remember_silence()
        raise


class PatientConnection(psycopg.Connection[Any]):
    def wait(self, gen: Generator[Any, Any, Result], *args: Any, **kwargs: Any) -> Result:
        return super().wait(self._asking(gen) if _is_limited else gen, *args, **kwargs)

    def _asking(self, gen: Generator[Any, Any, Result]) -> Generator[Any, Any, Result]:
        """The same generator. psycopg sends it 0 every tenth of a second in which the connection is silent."""
        heard = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    heard = time.monotonic()
                else:
                    self._endure(time.monotonic() - heard)
                wanted = gen.send(ready)
        except StopIteration as end:
            result: Result = end.value
            return result

    def _endure(self, seconds: float) -> None:
        """Raises OperationalError if the connection has been silent for too long."""
        if seconds > MAX_SECONDS:
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=ANSWER_SECONDS)
        elif seconds <= SILENCE_SECONDS or self._is_answered():
            return
        self.close()
        raise psycopg.OperationalError(HANGS)

    def _is_answered(self) -> bool:
        """Whether PostgreSQL answers a new client; one thread asks for all."""
        global _answered_at
        with _asking:
            now = time.monotonic()
            if now < _silent_since + REMEMBERED_SECONDS:
                return False
            if now < _answered_at + SILENCE_SECONDS:
                return True
            if not answers(make_conninfo(**self.info.get_parameters(), password=self.info.password)):
                _remember_silence()
                return False
            _answered_at = time.monotonic()
            return True


def _remember_silence() -> None:
    global _silent_since
    _silent_since = time.monotonic()


def answers(conninfo: str, seconds: float = ANSWER_SECONDS) -> bool:
    """Whether a new client gets any answer in time, be it a refusal: then the waiting statement learns of its own fate."""
    deadline = time.monotonic() + seconds
    server = pq.PGconn.connect_start(conninfo.encode())
    try:
        while (status := server.connect_poll()) in (pq.PollingStatus.READING, pq.PollingStatus.WRITING):
            if not _is_ready(server.socket, deadline, writing=status == pq.PollingStatus.WRITING):
                return False
        if status != pq.PollingStatus.OK:
            return True
        server.send_query(b"SELECT 1")
        server.flush()
        while server.is_busy():
            if not _is_ready(server.socket, deadline):
                return False
            server.consume_input()
        return True
    except psycopg.OperationalError:
        return True
    finally:
        server.finish()


def _is_ready(descriptor: int, deadline: float, *, writing: bool = False) -> bool:
    poll = select.poll()  # unlike select, for any number of a descriptor
    poll.register(descriptor, select.POLLOUT if writing else select.POLLIN)
    return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
