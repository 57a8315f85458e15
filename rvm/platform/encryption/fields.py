"""Custom model fields: encrypted text and JSON (bytes in the table, not searchable), and the time of the last change."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import models

from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import cipher


class EncryptedTextField(models.BinaryField):
    """A text encrypted for this table and column. It cannot be filtered on; exact search uses a blind index."""

    description = "Encrypted text"
    # django-stubs reads the types of the Python value from these.
    _pyi_private_set_type: str
    _pyi_private_get_type: str  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", True)
        super().__init__(*args, **kwargs)

    @property
    def purpose(self) -> bytes:
        return f"{self.model._meta.db_table}.{self.column}".encode()

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise TypeError(f"{self.name} is encrypted and cannot be filtered by {lookup_name}; use its blind index")

    def to_text(self, value: Any) -> bytes:
        return str(value).encode()

    def from_text(self, text: bytes) -> Any:
        return text.decode()

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is not None:
            value = cipher().encrypt(self.to_text(value), self.purpose)
        return super().get_db_prep_value(value, connection, prepared)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else self.from_text(cipher().decrypt(value, self.purpose))

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        raise TypeError(f"{self.name} is encrypted and is not serialized")


class EncryptedJSONField(EncryptedTextField):
    """Any JSON value, encrypted as a whole."""

    description = "Encrypted JSON"
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def to_text(self, value: Any) -> bytes:
        return orjson.dumps(value)

    def from_text(self, text: bytes) -> Any:
        return orjson.loads(text)


class UpdatedAtField(models.DateTimeField):
    """The time of the row's last save by the database's clock; `auto_now` would use the host's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        now = database_now()
        setattr(model_instance, self.attname, now)
        return now
