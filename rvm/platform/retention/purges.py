"""The purge: removes what is kept no longer, in steps of few rows, each a transaction of its own that waits for no lock.

What is removed leaves the index in which it was found, so whoever goes on after a stop begins where the other ended. The layers add
their purges when they start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog

from rvm.platform.models import Workspace
from rvm.platform.retention import rules
from rvm.platform.retention_kinds import RetentionKind

log = structlog.get_logger(__name__)

# Rows that one step removes at most; a few hundredths of a second.
STEP_ROWS = 500
# The share of each second that the tick gives to the purge, and its rest once all is done.
STEP_SECONDS = 0.2
REST = timedelta(minutes=15)
# More rows than these are not counted before they are removed.
MAX_COUNTED = 100_000


@dataclass(frozen=True, slots=True)
class Purge:
    """The removal of one kind of data of a workspace. `run` gets the time, asks `rules.before` before each step what is to go, and
    yields how many rows the step has removed. `count` gets the moment before which rows would go, and tells how many: at most one
    more than MAX_COUNTED."""

    kind: RetentionKind
    rows: str
    run: Callable[[UUID, datetime], Iterator[int]]
    count: Callable[[UUID, datetime], int]


class Step(NamedTuple):
    """What one step has removed."""

    purge: Purge
    workspace_id: UUID
    removed: int


def in_steps(
    workspace_id: UUID, kind: RetentionKind, now: datetime, remove: Callable[[datetime, int], int]
) -> Iterator[int]:
    """The steps of a purge that removes the oldest first. `remove` gets the moment before which rows go, and how many may; it returns
    how many went. Before each step it is asked whether anything may go."""
    while (moment := rules.before(workspace_id, kind, now)) is not None:
        removed = remove(moment, STEP_ROWS)
        if removed:
            yield removed
        if removed < STEP_ROWS:
            return


# A layer appends its own.
PURGES: list[Purge] = []


def steps(now: datetime) -> Iterator[Step]:
    """Purge all workspaces, step by step; a look that finds nothing is a step, too. What fails is passed over until the others are
    done, and then raised."""
    failed: Exception | None = None
    for workspace_id in list(Workspace.objects.order_by("pk").values_list("pk", flat=True)):
        for purge in PURGES:
            try:
                for removed in purge.run(workspace_id, now):
                    yield Step(purge, workspace_id, removed)
                yield Step(purge, workspace_id, 0)
            except Exception as error:
                log.exception("purge_failed", kind=purge.kind.value, workspace_id=str(workspace_id))
                failed = error
    if failed is not None:
        raise failed


class Purger:
    """The purge as a step of the tick: a part of a second each time, until nothing is left; then it rests."""

    __name__ = "purge"

    def __init__(self) -> None:
        self._steps: Iterator[Step] | None = None
        self._rests_until: datetime | None = None

    def __call__(self, now: datetime) -> None:
        if self._steps is None:
            if self._rests_until is not None and now < self._rests_until <= now + REST:
                return
            self._steps, self._rests_until = steps(now), now + REST
        until = time.monotonic() + STEP_SECONDS
        try:
            for _ in self._steps:
                if time.monotonic() >= until:
                    return
        except BaseException:
            self._steps = None
            raise
        self._steps = None


def waiting(workspace_id: UUID, now: datetime, days: int | None, kind: RetentionKind) -> list[tuple[str, int]]:
    """What the next purge would remove of the kind if it were kept for so many days: rows by what they are."""
    if days is None:
        return []
    return [
        (purge.rows, purge.count(workspace_id, now - timedelta(days=days))) for purge in PURGES if purge.kind is kind
    ]
