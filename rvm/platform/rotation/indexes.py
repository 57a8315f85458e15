"""Blind indexes beside the text that they are made from: one store for each column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.db.models import Model

from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.encryption.fields import BlindIndexField
from rvm.platform.observability.representation import hides
from rvm.platform.rotation.stores import Renewed, Store, Stretch


@hides("text", "old", "new")
class Moved(NamedTuple):
    """A locked row whose index becomes another: its id, its workspace, the text, and the indexes before and after."""

    id: Any
    workspace_id: UUID
    text: str
    old: bytes
    new: bytes


class BlindIndexes(Store):
    """The rows of a model with a BlindIndexField. A model with more to do for its rows has a subclass, in SUBCLASSES."""

    # Whether an index whose text was removed goes with its key. Otherwise it stays, and REMAINDERS say what that means.
    forgets = False

    def __init__(self, model: type[Model], field: BlindIndexField) -> None:
        super().__init__(model)
        encrypted: Any = model._meta.get_field(field.of)
        self._encrypted = encrypted
        text, index, key = encrypted.column, field.column, field.key
        bound = ", ".join(encrypted.bound_to)
        made = f"octet_length({index}) > 0" + ("" if self.forgets else f" AND {text} IS NOT NULL")
        self._look = f"""
SELECT {self._id}, {key} <> %s AND {made} FROM {self.table} {{after}} ORDER BY {self._id} LIMIT %s
"""  # noqa: S608 - of names of the models
        self._read = f"""
SELECT {self._id}, {bound}, {text}, {index} FROM {self.table}
 WHERE {self._id} = ANY(%s::{self._type}[]) AND {key} <> %s AND {made}
 ORDER BY {self._id}
"""  # noqa: S608
        self._write = f"""
UPDATE {self.table} t SET {index} = a.index, {key} = %s
  FROM unnest(%s::{self._type}[], %s::bytea[]) AS a(id, index) WHERE t.{self._id} = a.id
"""  # noqa: S608
        self._forget = f"""
UPDATE {self.table} SET {index} = '', {key} = %s WHERE {self._id} = ANY(%s::{self._type}[])
"""  # noqa: S608
        self._count = f"SELECT {key}, count(*) FROM {self.table} WHERE {made} GROUP BY 1"  # noqa: S608

    def look(self, after: Any, most: int) -> Stretch:
        condition, start = self.after(after)
        rows = sql.run(self._look.format(after=condition), [blind_index().current, *start, most])
        return Stretch(len(rows), [(pk, 0) for pk, due in rows if due], rows[-1][0] if len(rows) == most else None)

    def renew(self, ids: Sequence[Any]) -> Renewed:
        free, left = self.lock(ids)
        unreadable: list[Any] = []
        forgotten: list[Any] = []
        moved: list[Moved] = []
        for pk, workspace_id, row_id, ciphertext, old in sql.run(self._read, [free, blind_index().current]):
            if ciphertext is None:
                forgotten.append(pk)
                continue
            try:
                text = self._encrypted.decrypt(ciphertext, workspace_id, row_id)
            except ValueError:
                unreadable.append(pk)
            else:
                moved.append(Moved(pk, workspace_id, text, old, blind_index().of(workspace_id, text)))
        if moved:
            unreadable += self.write(moved)
        if forgotten:
            sql.run(self._forget, [blind_index().current, forgotten])
        return Renewed(len(moved) + len(forgotten), left, unreadable)

    def write(self, moved: Sequence[Moved]) -> Sequence[Any]:
        """Write the indexes, and what depends on them. Returns the ids of rows of which something does not open."""
        indexes = sql.binaries(each.new for each in moved)
        sql.run(self._write, [blind_index().current, [each.id for each in moved], indexes])
        return []

    def counts(self) -> Counter[int]:
        return Counter(dict(sql.run(self._count, [])))


SUBCLASSES: dict[type[Model], type[BlindIndexes]] = {}


def index_columns() -> Iterator[BlindIndexes]:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, BlindIndexField):
                yield SUBCLASSES.get(model, BlindIndexes)(model, field)
