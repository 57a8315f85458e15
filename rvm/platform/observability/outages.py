"""Outages: whether an error says that PostgreSQL or Redis is away, so that repeating the request later helps, and the response.

Django gives every error that nothing else answers to `handler500`, of views and of middleware alike; there it is one question.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from redis import RedisError

RETRY_SECONDS = 5
PLAIN = "RVM cannot answer now: a part that it needs is away. Repeat the request after the time in Retry-After.\n"
# PostgreSQL's for a write to a standby, as after a failover to which only the reads have moved.
_READ_ONLY = "25006"


def is_outage(error: BaseException | None) -> bool:
    """Whether the error, or one that it was raised for, is an outage. Django reports some as errors of its own, as that of a session
    that cannot be saved."""
    return any(_is_one(each) for each in _causes(error))


def _is_one(error: BaseException) -> bool:
    # Of InternalError only this one; its others are faults of programs.
    is_read_only = isinstance(error, InternalError) and getattr(error.__cause__, "sqlstate", "") == _READ_ONLY
    return is_read_only or isinstance(error, OperationalError | InterfaceError | RedisError)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def unavailable(request: HttpRequest) -> HttpResponse:
    """503 for callers without an API key: a page for browsers, a line for carriers and gateways."""
    if "text/html" in request.headers.get("Accept", ""):
        response = HttpResponse(get_template("503.html").render())
    else:
        response = HttpResponse(PLAIN, content_type="text/plain; charset=utf-8")
    response.status_code = 503
    response["Retry-After"] = str(RETRY_SECONDS)
    return response
