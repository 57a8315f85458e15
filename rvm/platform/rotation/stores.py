"""Stores of what is kept under keys, and the lists of all of them: tables and files, found through the registry of models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model

from rvm.platform.database import sql


class Stretch(NamedTuple):
    """Rows of a store in the order of their ids: how many were passed; of those that are due, ids and sizes in bytes; the id of the
    last row, None at the end."""

    passed: int
    due: Sequence[tuple[Any, int]]
    last: Any


class Renewed(NamedTuple):
    """What became of rows: how many were written anew, which were locked by others, and which do not open."""

    written: int = 0
    left: Sequence[Any] = ()
    unreadable: Sequence[Any] = ()


class Store(ABC):
    """Rows of one table that are, or name, what is kept under keys. `name` is what progress is kept and shown under."""

    # Rows that one transaction writes.
    batch = 500

    def __init__(self, model: type[Model], name: str = "") -> None:
        self.table = model._meta.db_table
        self.name = name or self.table
        pk: Any = model._meta.pk
        self._id, self._type = pk.column, pk.rel_db_type(connection)
        # In the order that all writers use.
        self._lock = f"""
SELECT {self._id} FROM {self.table} WHERE {self._id} = ANY(%s::{self._type}[]) ORDER BY 1 FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608 - of names of the models
        self._find = f"SELECT {self._id} FROM {self.table} WHERE {self._id} = ANY(%s::{self._type}[])"  # noqa: S608

    @abstractmethod
    def look(self, after: Any, most: int) -> Stretch:
        """The next `most` rows after an id (None: from the first one)."""

    @abstractmethod
    def renew(self, ids: Sequence[Any]) -> Renewed:
        """Write these rows under the current key, in the caller's transaction. What others have locked is not waited for."""

    @abstractmethod
    def counts(self) -> Counter[int]:
        """How many values are under each key."""

    def estimate(self) -> int:
        """The number of rows by the statistics of the table."""
        statement = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(%s)"
        return sum(rows for (rows,) in sql.run(statement, [self.table]))

    def lock(self, ids: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The ids of the rows that are locked now, until the transaction ends, and of those that others have locked."""
        free = [pk for (pk,) in sql.run(self._lock, [list(ids)])]
        others = [pk for pk in ids if pk not in set(free)]
        return free, [pk for (pk,) in sql.run(self._find, [others])] if others else []

    def after(self, start: Any) -> tuple[str, list[Any]]:
        """The SQL condition for rows after an id, and its parameters."""
        return ("", []) if start is None else (f"WHERE {self._id} > %s::{self._type}", [start])


class Remainder(NamedTuple):
    """A sentence about what stays under older index keys and cannot be made anew. `keys`: those that have to stay listed for it."""

    text: str
    keys: frozenset[int] = frozenset()


# All lists have functions, because models are known only when all are loaded. A layer above appends its own.
CIPHERTEXTS: list[Callable[[], Iterable[Store]]] = []
INDEXES: list[Callable[[], Iterable[Store]]] = []
# Called with the time since when no process is known to write under an older key, None before the first `reindex`.
REMAINDERS: list[Callable[[datetime | None], Iterable[Remainder]]] = []
