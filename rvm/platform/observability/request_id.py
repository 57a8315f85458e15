"""Gives every request an id that its answer, its log lines and its audit rows share, and writes one access line for it.

The line holds no query string: the reference API filters by phone number there. Nor does it hold an address that is itself the
permission, such as a recording's link.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from uuid import uuid4

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = structlog.get_logger("rvm.access")


def current_request_id() -> str:
    """The id of the request or job under way; empty outside of any."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def logged_path(request: HttpRequest) -> str:
    """The path, or what may be said of it: an address with a `token` is named by its pattern; one that leads nowhere and is not the
    API's, which may be such an address mistyped, by its beginning."""
    match = request.resolver_match
    if match is not None:
        return f"/{match.route}" if "token" in match.kwargs else request.path
    first, slash, rest = request.path[1:].partition("/")
    return request.path if first == "v1" or not rest else f"/{first}{slash}…"


def hide_token(record: logging.LogRecord) -> bool:
    """For Django's own lines on requests that failed: a logging filter that lets all pass, with their path as above."""
    request = getattr(record, "request", None)
    if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
        shown = logged_path(request)
        record.args = tuple(shown if str(entry).startswith("/") else entry for entry in record.args)
    return True


class RequestIdMiddleware:
    """Takes the caller's `X-Request-Id` where it is 1 to 64 of `A-Z a-z 0-9 . _ -`, else makes one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _SANE.fullmatch(given) else str(uuid4())
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        begun = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        milliseconds = round((time.perf_counter() - begun) * 1000, 1)
        path, status = logged_path(request), response.status_code
        _log.info("request", method=request.method, path=path, status=status, ms=milliseconds)
        return response
