"""Locking, checking and saving of one row, shared by the services of this package."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from rvm.platform.errors import ServiceError
from rvm.platform.observability.masking import mask_numbers

Stored = TypeVar("Stored", bound=models.Model)


def lock(row: Stored) -> Stored:
    """The row's current state, locked against other writers until the transaction ends; foreign keys to it can still be inserted.

    Raises ServiceError if the row was deleted meanwhile.
    """
    found = type(row)._default_manager.select_for_update(no_key=True).filter(pk=row.pk).first()
    if found is None:
        raise ServiceError("not_found", "It was deleted meanwhile.")
    return found


def change(row: models.Model, values: Mapping[str, Any], allowed: Collection[str]) -> dict[str, tuple[Any, Any]]:
    """Set the values on the row and return the differences as {name: (old, new)}. Raises TypeError for a name not in `allowed`."""
    if unknown := set(values) - set(allowed):
        raise TypeError(f"{type(row).__name__} has nothing to change called {', '.join(sorted(unknown))}")
    changed = {name: (old, new) for name, new in values.items() if (old := getattr(row, name)) != new}
    for name, (_, new) in changed.items():
        setattr(row, name, new)
    return changed


def save(row: models.Model, constraint: str, refusal: ServiceError, *, only: Collection[str] | None = None) -> None:
    """Validate and write the row. Raises ValidationError for its own rules, and `refusal` if it violates the unique constraint."""
    row.full_clean(validate_unique=False, validate_constraints=False)
    with unless_taken(constraint, refusal):
        row.save(update_fields=only)


@contextmanager
def unless_taken(constraint: str, refusal: ServiceError) -> Iterator[None]:
    """Raises `refusal` if the block violates the constraint, which lets only one of two concurrent writers succeed."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if constraint in str(error):
            raise refusal from None
        raise


def audit_changes(changed: Mapping[str, tuple[Any, Any]]) -> dict[str, list[str]]:
    """The changes in the form of the audit log: {name: [old, new]} as text."""
    return {name: [str(old), str(new)] for name, (old, new) in changed.items()}


def in_one_line(text: str) -> str:
    """The text on one line and without phone numbers: it is stored in clear."""
    return " ".join(mask_numbers("".join(char if char.isprintable() else " " for char in text)).split())
