"""Gives every request an id that its answer, its log lines and its audit rows share, and writes one access line for it.

The line holds no query string: the reference API filters by phone number there.
"""

from __future__ import annotations

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
        _log.info("request", method=request.method, path=request.path, status=response.status_code, ms=milliseconds)
        return response
