"""The caller of the current request, which audit events name: the API key and the address.

A middleware opens it for a request and closes it with the response, so outside a request there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from django.http import HttpRequest

from rvm.platform.client_address import seen_address


@dataclass(slots=True)
class Caller:
    """The caller of a request, and the numbers that the response shows.

    `address` is None where no proxy and no connection gave one; `key_id` is set by the authentication of an API key. `shown` has
    whole numbers by workspace, `counts` says whether they count now, `filters` select them (rvm/platform/audit/numbers_shown.py).
    """

    address: str | None = field(default=None, repr=False)
    key_id: UUID | None = None
    shown: dict[UUID, set[str]] = field(default_factory=dict, repr=False)
    counts: bool = True
    filters: dict[str, Any] = field(default_factory=dict, repr=False)


_current: ContextVar[Caller | None] = ContextVar("rvm_caller", default=None)


def current_caller() -> Caller:
    """The caller of the current request; outside a request one without key and address."""
    return _current.get() or Caller()


def authenticated_by(key_id: UUID) -> None:
    """Note that this API key authenticated the current request; its log lines name the key from now on."""
    if caller := _current.get():
        caller.key_id = key_id
        structlog.contextvars.bind_contextvars(key=str(key_id))


@contextmanager
def called_by(request: HttpRequest) -> Iterator[None]:
    """Events that are recorded within this context, and log lines, name the caller of `request`."""
    seen = seen_address(request)
    address = None if seen is None else str(seen)
    structlog.contextvars.bind_contextvars(address=address)
    token = _current.set(Caller(address))
    try:
        yield
    finally:
        _current.reset(token)
