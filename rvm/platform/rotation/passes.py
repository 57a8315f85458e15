"""Passes over stores, in batches that are committed with their position: a run that was killed goes on where it was.

A batch waits for nobody. Rows that others have locked are tried again at the end of the pass, one by one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import structlog
from django.db import IntegrityError, OperationalError, connection, transaction

from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.models import KeyRotation
from rvm.platform.rotation.stores import Renewed, Store

log = structlog.get_logger(__name__)

# Rows that one query passes, and bytes of ciphertexts that one transaction writes at most, unless one row has more.
STRETCH = 5000
MAX_BYTES = 4 * 2**20
# How long a statement waits for a lock, for example that of an equal row that another transaction is inserting. Shorter than the time
# after which PostgreSQL ends one of two transactions that wait for each other, so that it is never the other one.
LOCK_TIMEOUT = "100ms"
# How often rows that others have locked are tried, and the seconds between two times.
TRIES = 10
BETWEEN_TRIES = 1.0
# Rows that do not open, of each store, that are named.
MAX_NAMED = 100
# Seconds between two lines of progress.
LINES = 5.0


class Pace:
    """At most so many rows a second, on average; None for as many as possible."""

    def __init__(self, per_second: float | None, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._per_second, self._sleep = per_second, sleep
        self._began, self._rows = time.monotonic(), 0

    def written(self, rows: int) -> None:
        self._rows += rows
        if self._per_second:
            self._sleep(max(0.0, self._began + self._rows / self._per_second - time.monotonic()))

    def wait(self, seconds: float) -> None:
        self._sleep(seconds)


@dataclass
class Passed:
    """What a pass did: how many rows it passed and wrote. `left`: rows that others had locked all the time. `unreadable`: how many
    have something that does not open, of which `named` are the first."""

    rows: int = 0
    written: int = 0
    left: list[Any] = field(default_factory=list)
    unreadable: int = 0
    named: list[Any] = field(default_factory=list)

    def add(self, renewed: Renewed) -> None:
        self.written += renewed.written
        self.left += renewed.left
        self.unreadable += len(renewed.unreadable)
        self.named += renewed.unreadable[: MAX_NAMED - len(self.named)]


class Passes:
    """All passes of one run of a command. `say` gets lines for the operator."""

    def __init__(self, command: str, key: int, pace: Pace, say: Callable[[str], object]) -> None:
        self._command, self._key, self._pace, self._say = command, key, pace, say

    def over(self, store: Store) -> Passed:
        """Pass over the store until nothing in it is under an older key, or a whole pass writes nothing."""
        while True:
            is_whole = not self._begin(store).position
            passed = self._pass(store)
            self._begin(store, again=True)
            if set(store.counts()) <= {self._key} or (is_whole and not passed.written):
                return passed

    def _pass(self, store: Store) -> Passed:
        progress, passed, lines = self._begin(store), Passed(), _Lines(store, self._say)
        began_at = database_now()
        after: Any = progress.position or None
        while True:
            stretch = store.look(after, STRETCH)
            if stretch.due:
                progress.found_at = began_at
            for ids in _batches(stretch.due, store.batch):
                self._write(store, ids, progress, passed)
                lines.progress(passed)
            after = stretch.last
            passed.rows += stretch.passed
            lines.progress(passed)
            if after is None:
                break
            progress.position = str(after)
            progress.save(update_fields=["position"])
        self._come_back(store, progress, passed)
        lines.end(passed)
        return passed

    def _begin(self, store: Store, *, again: bool = False) -> KeyRotation:
        """The progress of the store under the current key; from its beginning for another key, and `again`."""
        name = f"{self._command} {store.name}"
        progress, _ = KeyRotation.objects.get_or_create(
            name=name, defaults={"key_number": self._key, "found_at": database_now()}
        )
        if progress.key_number != self._key:
            progress.key_number, progress.found_at, progress.written = self._key, database_now(), 0
            again = True
        if again:
            progress.position = ""
            progress.save()
        return progress

    def _write(self, store: Store, ids: Sequence[Any], progress: KeyRotation, passed: Passed) -> None:
        """Write a batch in a transaction of its own, with its position."""
        try:
            with transaction.atomic():
                sql.run(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'", [])
                renewed = store.renew(ids)
                progress.position = str(ids[-1])
                progress.written += renewed.written
                progress.save(update_fields=["position", "written", "found_at"])
        except (IntegrityError, OperationalError) as error:
            if not connection.is_usable():
                raise
            # Another transaction holds what the batch needs, or writes an equal row. One by one they are told apart.
            log.info("rotation_batch_left", store=store.name, error=type(error).__name__)
            renewed = Renewed(left=ids)
        passed.add(renewed)
        self._pace.written(renewed.written)

    def _come_back(self, store: Store, progress: KeyRotation, passed: Passed) -> None:
        for tries in count(1):
            left, passed.left = passed.left, []
            for pk in left:
                self._write(store, [pk], progress, passed)
            if not passed.left or tries == TRIES:
                return
            self._pace.wait(BETWEEN_TRIES)


def _batches(due: Sequence[tuple[Any, int]], most: int) -> Iterator[list[Any]]:
    batch: list[Any] = []
    size = 0
    for pk, length in due:
        if batch and (len(batch) == most or size + length > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(pk)
        size += length
    if batch:
        yield batch


class _Lines:
    """Lines of progress over one store, one each LINES seconds and one at the end."""

    def __init__(self, store: Store, say: Callable[[str], object]) -> None:
        self._name, self._estimate, self._say = store.name, store.estimate(), say
        self._began = self._said = time.monotonic()

    def progress(self, passed: Passed) -> None:
        now = time.monotonic()
        if now - self._said >= LINES:
            self._said = now
            rate = passed.written / (now - self._began)
            self._say(
                f"{self._name}: {passed.written:,} written, {rate:,.0f} a second; {passed.rows:,} rows passed of about"
                f" {self._estimate:,}"
            )

    def end(self, passed: Passed) -> None:
        seconds = time.monotonic() - self._began
        self._say(f"{self._name}: {passed.rows:,} rows passed, {passed.written:,} written in {seconds:.1f} s")
