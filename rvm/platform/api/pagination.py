"""Keyset pagination, newest first: the next page begins below the last returned id, so new rows do not shift pages.

The token is opaque, signed, and bound to workspace and filters. It does not contain them, because filters may contain a phone number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.db.models import Model, QuerySet

from rvm.platform.api.problems import Problem, invalid
from rvm.platform.api.rendering import to_json

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
# A token has 32 characters for the position, a separator, and 43 for the signature.
MAX_TOKEN = 76

Item = TypeVar("Item", bound=Model)


class Listing(NamedTuple, Generic[Item]):
    """A list that is already filtered: the model of its rows, and what reads so many of them, newest first, below an id."""

    model: type[Item]
    first: Callable[[int, UUID | None], Iterable[Item]]


def listing(rows: QuerySet[Item]) -> Listing[Item]:
    """The list of these rows."""
    return Listing(
        rows.model,
        lambda count, below: (rows.filter(id__lt=below) if below else rows).order_by("-id")[:count],
    )


class Page(NamedTuple, Generic[Item]):
    items: list[Item]
    continuation_token: str | int | None
    has_more: bool


def page(
    listed: Listing[Item],
    *,
    workspace_id: UUID,
    filters: Mapping[str, Any],
    limit: int,
    continuation_token: str | None,
) -> Page[Item]:
    """One page of a list, which is already filtered by `filters` (any JSON values; their order does not matter), with at most `limit`
    items. Raises Problem (422) for a token that is not of this list."""
    signer = _signer(workspace_id, listed.model, filters)
    below = _id_in(continuation_token, signer) if continuation_token else None
    items = list(listed.first(limit + 1, below))
    has_more = len(items) > limit
    items = items[:limit]
    return Page(items, signer.sign(_position(items[-1]).hex) if has_more else None, has_more)


def position_token(position: UUID, *, workspace_id: UUID, model: type[Model], filters: Mapping[str, Any]) -> str:
    """The token of a position in a list that is not paged by a queryset."""
    return _signer(workspace_id, model, filters).sign(position.hex)


def position_in(token: str, *, workspace_id: UUID, model: type[Model], filters: Mapping[str, Any]) -> UUID:
    """The position in a token of `position_token` for the same list and filters. Raises Problem."""
    return _id_in(token, _signer(workspace_id, model, filters))


def _position(row: Model) -> UUID:
    """The row's id; one that is a number, as a UUID of that number."""
    found: UUID = row.pk if isinstance(row.pk, UUID) else UUID(int=row.pk)
    return found


def _canonical(filters: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The filters in a canonical form: absent, None and empty ones are equal, and the order in a list is ignored."""
    held = ((name, value) for name, value in filters.items() if value not in (None, "", [], ()))
    return sorted(
        (name, sorted(map(str, value)) if isinstance(value, list | tuple | set) else str(value)) for name, value in held
    )


def _signer(workspace_id: UUID, model: type[Model], filters: Mapping[str, Any]) -> Signer:
    """A signer for one list: its salt is a digest of workspace, model and filters."""
    of_list = hashlib.sha256(to_json([str(workspace_id), model._meta.label_lower, _canonical(filters)]))
    return Signer(sep="~", salt=f"rvm.platform.api.pagination.{of_list.hexdigest()}")


def _id_in(token: str, signer: Signer) -> UUID:
    try:
        return UUID(hex=signer.unsign(token))
    except (BadSignature, ValueError):
        raise _unusable() from None


def _unusable() -> Problem:
    return invalid(
        "/continuation_token",
        "This token was not issued for this list and these filters. Repeat the filters unchanged, or begin at the first page.",
        "continuation_token_invalid",
    )
