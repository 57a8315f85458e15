"""Encrypted files in the media storage: one store for each model whose rows name a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Model

from rvm.platform.encryption import encrypted_files
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.rotation.stores import Renewed, Store, Stretch


def has_file(model: type[Model]) -> bool:
    """Whether each row of the model names an encrypted file and what it is bound to."""
    return hasattr(model, "storage_name") and hasattr(model, "associated_data")


def stored_files() -> Iterator[StoredFiles]:
    for model in apps.get_models():
        if has_file(model):
            yield StoredFiles(model)


class StoredFiles(Store):
    batch = 1  # a file may be large, and its row is locked while it is replaced

    def __init__(self, model: type[Model]) -> None:
        super().__init__(model, f"files of {model._meta.db_table}")
        rows: Any = model._default_manager
        # A list's file is removed long before its row.
        self._rows = rows.filter(**({"file_removed_at": None} if hasattr(model, "file_removed_at") else {})).order_by(
            "pk"
        )

    def look(self, after: Any, most: int) -> Stretch:
        rows = list((self._rows if after is None else self._rows.filter(pk__gt=after))[:most])
        current = settings.RVM_ENCRYPTION_KEYS.current
        due = [(row.pk, 0) for row in rows if encrypted_files.key_number(row.storage_name) not in (current, None)]
        return Stretch(len(rows), due, rows[-1].pk if len(rows) == most else None)

    def renew(self, ids: Sequence[Any]) -> Renewed:
        written = 0
        left, unreadable = [], []
        for row in self._rows.filter(pk__in=ids):
            try:
                with encrypted_files.renewed(row.storage_name, row.associated_data) as replace:
                    # Whoever removes a file has locked its row.
                    free, locked = self.lock([row.pk])
                    if free and self._rows.filter(pk=row.pk).exists():
                        replace()
                        written += 1
                    left += locked
            except FileNotFoundError:
                pass  # removed meanwhile
            except Undecryptable:
                unreadable.append(row.pk)
        return Renewed(written, left, unreadable)

    def counts(self) -> Counter[int]:
        """A file that is missing is under no key."""
        numbers = (encrypted_files.key_number(row.storage_name) for row in self._rows.iterator())
        return Counter(number for number in numbers if number is not None)
