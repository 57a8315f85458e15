"""Custom model fields: encrypted columns (bytes in the table, not searchable), and the time of the last change."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from uuid import UUID

import orjson
from django.db import models
from django.db.models.functions import Now
from django.db.models.query_utils import DeferredAttribute

from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import associated_data, cipher


class Encrypted(bytes):
    """A ciphertext of an encrypted column, as the table has it."""


class _DecryptedOnAccess(DeferredAttribute):
    """A model's attribute that decrypts what was read from the table when it is first asked for: only then the row is known to which
    the ciphertext is bound, and what nobody reads costs nothing."""

    field: EncryptedField

    def __get__(self, instance: models.Model | None, owner: Any = None) -> Any:
        value = super().__get__(instance, owner)
        if isinstance(value, Encrypted) and instance is not None:
            value = self.field.decrypt(value, *self.field.bound_ids(instance))
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedField(models.BinaryField):
    """Bytes encrypted for this table and column, and for one row of it. They cannot be filtered on; exact search uses a blind index.

    A model's instances have the plaintext, and raise Undecryptable when the attribute is first read. Queries without instances, such
    as `values_list` and SQL, read and write ciphertexts, and name the row to `decrypt` and `encrypt`.
    """

    description = "Encrypted bytes"
    descriptor_class = _DecryptedOnAccess
    # django-stubs reads the types of the Python value from these.
    _pyi_private_set_type: bytes
    _pyi_private_get_type: bytes

    def __init__(self, *args: Any, bound_to: tuple[str, str] = ("workspace_id", "id"), **kwargs: Any) -> None:
        """`bound_to`: the columns with the id of the row's owner and the id of the row, both UUIDs."""
        self.bound_to = bound_to
        kwargs.setdefault("editable", True)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        if self.bound_to != ("workspace_id", "id"):
            kwargs["bound_to"] = self.bound_to
        return name, path, args, kwargs

    @cached_property
    def _purpose(self) -> bytes:
        return f"{self.model._meta.db_table}.{self.column}".encode()

    def bound_ids(self, instance: models.Model) -> tuple[UUID, UUID]:
        owner, row = self.bound_to
        return getattr(instance, owner), getattr(instance, row)

    def associated_data(self, owner_id: UUID, row_id: UUID) -> bytes:
        """What the ciphertext of a row is bound to; the ids are the row's values of the columns `bound_to`."""
        return associated_data(self._purpose, owner_id, row_id)

    def encrypt(self, value: Any, owner_id: UUID, row_id: UUID) -> Encrypted:
        return Encrypted(cipher().encrypt(self.to_bytes(value), self.associated_data(owner_id, row_id)))

    def decrypt(self, ciphertext: bytes, owner_id: UUID, row_id: UUID) -> Any:
        """The value of that row. Raises Undecryptable, and ValueError if the plaintext is not what the column holds."""
        return self.from_bytes(cipher().decrypt(ciphertext, self.associated_data(owner_id, row_id)))

    def to_bytes(self, value: Any) -> bytes:
        return bytes(value)

    def from_bytes(self, content: bytes) -> Any:
        return content

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise TypeError(f"{self.name} is encrypted and cannot be filtered by {lookup_name}; use its blind index")

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        return None if value is None else self.encrypt(value, *self.bound_ids(model_instance))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is not None and not isinstance(value, Encrypted):
            raise TypeError(
                f"{self.name} is encrypted for one row: save the row, or write what `encrypt` returns for it"
            )
        return super().get_db_prep_value(value, connection, prepared)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Encrypted | None:
        return None if value is None else Encrypted(value)

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        raise TypeError(f"{self.name} is encrypted and is not serialized")


class EncryptedTextField(EncryptedField):
    """A text."""

    description = "Encrypted text"
    _pyi_private_set_type: str  # type: ignore[assignment]
    _pyi_private_get_type: str  # type: ignore[assignment]

    def to_bytes(self, value: Any) -> bytes:
        return str(value).encode()

    def from_bytes(self, content: bytes) -> str:
        return content.decode()


class EncryptedJSONField(EncryptedField):
    """Any JSON value, encrypted as a whole."""

    description = "Encrypted JSON"
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def to_bytes(self, value: Any) -> bytes:
        return orjson.dumps(value)

    def from_bytes(self, content: bytes) -> Any:
        return orjson.loads(content)


class BlindIndexField(models.BinaryField):
    """The blind index of the text in the encrypted field `of`; the column `key` has the id of its index key."""

    description = "Blind index"

    def __init__(self, *args: Any, of: str = "", key: str = "index_key", **kwargs: Any) -> None:
        self.of, self.key = of, key
        super().__init__(*args, **{**kwargs, "max_length": 32})

    def deconstruct(self) -> Any:
        """As the column that it is: what it is made from is no matter of the table."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.BinaryField", args, kwargs


class UpdatedAtField(models.DateTimeField):
    """The time of the row's last save by the database's clock; `auto_now` would use the host's.

    A new row gets the time of its INSERT, as its `created_at` does, so that neither is before the other.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"editable": False, "db_default": Now()}
        super().__init__(*args, **kwargs)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        now = self.get_default() if add else database_now()
        setattr(model_instance, self.attname, now)
        return now
