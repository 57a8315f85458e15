"""Encrypted columns: one store for each table that has any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Model

from rvm.platform.database import sql
from rvm.platform.encryption.crypto import Undecryptable, cipher
from rvm.platform.encryption.fields import EncryptedField
from rvm.platform.rotation.stores import Renewed, Store, Stretch


def encrypted_fields(model: type[Model]) -> list[EncryptedField]:
    return [field for field in model._meta.concrete_fields if isinstance(field, EncryptedField)]


def encrypted_columns() -> Iterator[EncryptedColumns]:
    for model in apps.get_models():
        if encrypted_fields(model):
            yield EncryptedColumns(model)


class EncryptedColumns(Store):
    def __init__(self, model: type[Model]) -> None:
        super().__init__(model)
        self._fields = encrypted_fields(model)
        self._columns = [str(field.column) for field in self._fields]
        # What a row's ciphertexts are bound to.
        bound = [", ".join(field.bound_to) for field in self._fields]
        sizes = " + ".join(f"coalesce(octet_length({column}), 0)" for column in self._columns)
        older = " OR ".join(f"substr({column}, 1, 1) <> %s" for column in self._columns)
        # The columns themselves are not read: some are long.
        self._look = f"""
SELECT {self._id}, ({older}) IS TRUE, {sizes} FROM {self.table} {{after}} ORDER BY {self._id} LIMIT %s
"""  # noqa: S608 - of names of the models
        self._read = f"""
SELECT {", ".join([self._id, *bound, *self._columns])} FROM {self.table} WHERE {self._id} = ANY(%s::{self._type}[])
 ORDER BY {self._id}
"""  # noqa: S608
        changes = ", ".join(f"{column} = a.value{place}" for place, column in enumerate(self._columns))
        values = ", ".join(f"value{place}" for place in range(len(self._columns)))
        self._write = f"""
UPDATE {self.table} t SET {changes}
  FROM unnest(%s::{self._type}[]{", %s::bytea[]" * len(self._columns)}) AS a(id, {values}) WHERE t.{self._id} = a.id
"""  # noqa: S608

    def look(self, after: Any, most: int) -> Stretch:
        condition, start = self.after(after)
        current = [bytes([settings.RVM_ENCRYPTION_KEYS.current])] * len(self._columns)
        rows = sql.run(self._look.format(after=condition), [*current, *start, most])
        last = rows[-1][0] if len(rows) == most else None
        return Stretch(len(rows), [(pk, size) for pk, due, size in rows if due], last)

    def renew(self, ids: Sequence[Any]) -> Renewed:
        free, left = self.lock(ids)
        unreadable: list[Any] = []
        written: list[tuple[Any, ...]] = []
        for pk, *values in sql.run(self._read, [free]):
            bound, before = values[: -len(self._fields)], values[-len(self._fields) :]
            after = list(before)
            for place, field in enumerate(self._fields):
                try:
                    after[place] = _renewed(before[place], field.associated_data(*bound[2 * place : 2 * place + 2]))
                except Undecryptable:
                    unreadable.append(pk)
            if after != before:
                written.append((pk, *after))
        if written:
            written_ids, *columns = zip(*written, strict=True)
            sql.run(self._write, [list(written_ids), *map(sql.binaries, columns)])
        return Renewed(len(written), left, list(dict.fromkeys(unreadable)))

    def counts(self) -> Counter[int]:
        counted: Counter[int] = Counter()
        for column in self._columns:
            statement = (
                f"SELECT substr({column}, 1, 1), count(*) FROM {self.table} WHERE {column} IS NOT NULL GROUP BY 1"  # noqa: S608
            )
            for first, count in sql.run(statement, []):
                counted[key_number(first)] += count
        return counted


def key_number(ciphertext: bytes) -> int:
    """The id of the key of a ciphertext; 0 for an empty one, which no key opens."""
    return bytes(ciphertext[:1])[0] if ciphertext else 0


def _renewed(ciphertext: bytes | None, data: bytes) -> bytes | None:
    """The same text under the current key. Raises Undecryptable."""
    if ciphertext is None or cipher().is_current(ciphertext):
        return ciphertext
    return cipher().encrypt(cipher().decrypt(ciphertext, data), data)
