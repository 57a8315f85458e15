"""Set-wise work that excludes a failing item, so that one bad row, response or drop does not affect the others.

All items are tried together, so without a failure there is no extra cost. After a failure they are halved, down to the failing item.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import (
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)

Item = TypeVar("Item")
Done = TypeVar("Done")

# Errors that no single item causes: an unavailable server, a deadlock, a schema of another version.
OUTAGES = (OperationalError, InterfaceError)
NOT_A_ROWS_FAULT = (*OUTAGES, ProgrammingError, InternalError, NotSupportedError)


def bisected(
    work: Callable[[Sequence[Item]], list[Done]], items: Sequence[Item], blame: Callable[[Item, Exception], None]
) -> list[Done]:
    """The results of `work` for all items except the failing ones, each of which is passed to `blame` with its error.

    `work` must be atomic, so if it writes, it opens a transaction or a savepoint of its own. Errors that no single item causes
    (NOT_A_ROWS_FAULT) are raised.
    """
    if not items:
        return []
    try:
        return work(items)
    except NOT_A_ROWS_FAULT:
        raise
    except Exception as error:
        if len(items) == 1:
            blame(items[0], error)
            return []
    half = len(items) // 2
    return bisected(work, items[:half], blame) + bisected(work, items[half:], blame)
