"""Set-wise work that leaves out the item it fails with: one bad row, answer or drop costs itself and nobody else.

All are tried at once, so as long as nothing fails this costs nothing. Only then are they halved, down to the one that is to blame.
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

# What no item is to blame for: a server that is gone, a deadlock, a schema that this version does not know. The same for all.
OUTAGES = (OperationalError, InterfaceError)
NOT_A_ROWS_FAULT = (*OUTAGES, ProgrammingError, InternalError, NotSupportedError)


def bisected(
    work: Callable[[Sequence[Item]], list[Done]], items: Sequence[Item], blame: Callable[[Item, Exception], None]
) -> list[Done]:
    """What `work` returns for all items but those with which it raises, each of which is given to `blame` with its error.

    `work` does all it is given or nothing, so where it writes it opens a transaction or a savepoint of its own. Errors that no item
    is to blame for are raised.
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
