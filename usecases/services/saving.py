"""Locks, checks and saves one row: what the services of this package share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from rvm.platform.errors import ServiceError

Stored = TypeVar("Stored", bound=models.Model)


def lock(row: Stored) -> Stored:
    """The row as it is now, kept from other writers until the transaction ends; foreign keys to it stay possible.

    ServiceError where somebody deleted it meanwhile."""
    found = type(row)._default_manager.select_for_update(no_key=True).filter(pk=row.pk).first()
    if found is None:
        raise ServiceError("not_found", "It was deleted meanwhile.")
    return found


def change(row: models.Model, values: Mapping[str, Any], allowed: Collection[str]) -> dict[str, tuple[Any, Any]]:
    """Set the values on the row and return what differs, as {name: (old, new)}. A name that is not allowed is a bug."""
    if unknown := set(values) - set(allowed):
        raise TypeError(f"{type(row).__name__} has nothing to change called {', '.join(sorted(unknown))}")
    changed = {name: (old, new) for name, new in values.items() if (old := getattr(row, name)) != new}
    for name, (_, new) in changed.items():
        setattr(row, name, new)
    return changed


def save(row: models.Model, constraint: str, refusal: ServiceError, *, only: Collection[str] | None = None) -> None:
    """Check the row's own rules (ValidationError) and write it; `refusal` is raised where the unique constraint says no."""
    row.full_clean(validate_unique=False, validate_constraints=False)
    with unless_taken(constraint, refusal):
        row.save(update_fields=only)


@contextmanager
def unless_taken(constraint: str, refusal: ServiceError) -> Iterator[None]:
    """The table's own constraint decides, so that two who come at once cannot both win."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if constraint in str(error):
            raise refusal from None
        raise


def told(changed: Mapping[str, tuple[Any, Any]]) -> dict[str, list[str]]:
    """The changes as the audit keeps them."""
    return {name: [str(old), str(new)] for name, (old, new) in changed.items()}
