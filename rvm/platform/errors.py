"""The error that services raise: a stable code and a message, independent of HTTP, so that API and admin show the same."""

from __future__ import annotations

from typing import Any, ClassVar


class ServiceError(Exception):
    """A refusal by a service.

    `code` is stable. `field` is the API's name of the wrong argument, or empty. `facts` are shown with the message, such as the id
    of a conflicting row. `keeps_work`: what the service has written stays, although it refuses; it raises this after its own
    transaction.
    """

    keeps_work: ClassVar[bool] = False

    def __init__(self, code: str, message: str, *, field: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.facts = facts
