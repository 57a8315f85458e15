"""The record of who saw how many whole numbers: a response that shows numbers of people is an audit event, `numbers.shown`.

Code that shows a number gets it from `whole`, which counts; the middleware writes the event before the response leaves, so a response
whose event cannot be written is not sent. Exports, which stream after that, have events of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from rvm.platform import audit
from rvm.platform.audit.caller import current_caller
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.models import User, Workspace

# Parameters of lists that select no rows.
_NO_FILTERS = {"p", "o", "limit", "continuation_token", "workspace_id"}


def whole(number: str, workspace_id: UUID) -> str:
    """The number of a person in this workspace, to show it; it counts once in a response."""
    caller = current_caller()
    if caller.counts:
        caller.shown.setdefault(workspace_id, set()).add(number)
    return number


def rows_shown(count: int, workspace_id: UUID) -> None:
    """Count rows of an uploaded list that are shown as they are; each may have a number."""
    for place in range(count):
        whole(f"row {place}", workspace_id)


@contextmanager
def given_by_caller() -> Iterator[None]:
    """Within this context no number counts, because the caller has just given it."""
    caller = current_caller()
    before, caller.counts = caller.counts, False
    try:
        yield
    finally:
        caller.counts = before


def filtered_by(filters: Mapping[str, Any]) -> None:
    """Note filters of the current request that its address does not have, or not in clear."""
    current_caller().filters.update(filters)


def record_shown(request: HttpRequest, response: HttpResponseBase) -> None:
    """Write the event of each workspace whose numbers the response shows."""
    shown = current_caller().shown
    if not shown or response.status_code >= 300:
        return
    user = getattr(request, "user", None)
    for workspace_id, numbers in shown.items():
        workspace = Workspace(pk=workspace_id)  # the event needs its id only
        audit.record(
            "numbers.shown",
            workspace,
            actor=user if isinstance(user, User) else None,
            workspace=workspace,
            count=len(numbers),
            route=f"{request.method} /{request.resolver_match.route}" if request.resolver_match else "",
            filter=_filter_hash(request, workspace_id),
        )


def _filter_hash(request: HttpRequest, workspace_id: UUID) -> str:
    """The keyed hash of what was asked for: equal questions of one workspace have equal hashes. Empty for everything."""
    named = request.resolver_match.kwargs if request.resolver_match else {}
    asked = {**{name: request.GET.getlist(name) for name in request.GET}, **named, **current_caller().filters}
    filters = {name: value for name, value in asked.items() if name not in _NO_FILTERS}
    if not filters:
        return ""
    text = orjson.dumps(filters, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
    return blind_index().of(workspace_id, f"filter {text}").hex()
