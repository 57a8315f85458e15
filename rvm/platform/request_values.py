"""Values that a request carries from one hook of Django to a later one, which Django's own arguments do not take along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from django.http import HttpRequest

Value = TypeVar("Value")


class RequestValue(Generic[Value]):
    """One such value, under a name of its own: none is set on a new request."""

    def __init__(self, name: str) -> None:
        self._attribute = f"rvm_{name}"

    def set(self, request: HttpRequest, value: Value) -> Value:
        setattr(request, self._attribute, value)
        return value

    def get(self, request: HttpRequest) -> Value | None:
        found: Value | None = getattr(request, self._attribute, None)
        return found

    def once(self, request: HttpRequest, make: Callable[[], Value]) -> Value:
        """The value, which is made when it is first asked for."""
        found = self.get(request)
        return self.set(request, make()) if found is None else found

    def require(self, request: HttpRequest) -> Value:
        """The value that an earlier hook has set. Raises AttributeError without one."""
        found: Value = getattr(request, self._attribute)
        return found
