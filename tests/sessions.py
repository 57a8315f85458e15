"""A second session at the database beside a test's own, for what two processes do to the same rows at one time.

Nothing waits for a time to pass. Who shall come second is started and seen to wait for a lock before the first goes on, so the two
meet in the one order that the test is about. Both see only what is committed: mark such tests `django_db(transaction=True)`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Generic, TypeVar

from django.db import connection, connections

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.005
T = TypeVar("T")


class Session(Generic[T]):
    """`work` on a thread and a connection of its own, begun at once."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._answer: T
        self._error: BaseException | None = None
        self._backend = 0
        self._connected = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            connection.ensure_connection()
            self._backend = connection.connection.info.backend_pid
            self._connected.set()
            self._answer = self._work()
        except BaseException as error:
            self._error = error
        finally:
            connections.close_all()

    def result(self) -> T:
        """What `work` returned, or raises what it raised."""
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "The other session does not come to its end."
        if self._error is not None:
            raise self._error
        return self._answer

    def wait_until_blocked(self) -> None:
        """Return once it waits for a lock that somebody holds. It must not end before that."""
        assert self._connected.wait(PATIENCE_SECONDS), "The other session does not connect."
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._is_blocked():
            assert self._thread.is_alive(), f"The other session ended without a wait: {self.result()!r}"
            assert time.monotonic() < deadline, "The other session comes to no lock that somebody holds."
            time.sleep(POLL_SECONDS)

    def _is_blocked(self) -> bool:
        """Read from pg_locks: pg_stat_activity stands still for the length of the transaction that reads it."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted)", [self._backend])
            return bool(cursor.fetchone()[0])
