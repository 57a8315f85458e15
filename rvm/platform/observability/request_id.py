"""The request id, shared by the response, the log lines and the audit events of a request, and the access log line.

The line contains no query string, because the API filters by phone number there. It contains no address that grants access by
itself, such as a recording's link.
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

from rvm.platform.observability.masking import mask_numbers

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECRET = {"token", "key"}
# Arguments that the patterns themselves restrict to words of ours.
_NO_TEXT = {"app_label"}
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{1,9}")
_FIRST = {"accounts", "admin", "carriers", "docs", "inbound", "opt-out", "recordings", "static", "v1"}
_log = structlog.get_logger("rvm.access")


def current_request_id() -> str:
    """The id of the current request or job, or an empty string."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def logged_path(request: HttpRequest) -> str:
    """The request's path as it may be logged.

    A path with a `token`, or with the `key` of a link to choose a password, is replaced by its URL pattern, and so is one with a text
    in the place of an id. A path that matches no pattern may be a mistyped one with a token, or hold a name: of it only a first
    segment of ours is logged.
    """
    match = request.resolver_match
    if match is not None:
        plain = match.kwargs.keys().isdisjoint(_SECRET) and all(map(_is_id, match.kwargs.items()))
        return request.path if plain else f"/{match.route}"
    first = request.path[1:].partition("/")[0]
    return f"/{first}/…" if first in _FIRST else "/…"


def _is_id(argument: tuple[str, object]) -> bool:
    name, value = argument
    return name in _NO_TEXT or not isinstance(value, str) or _ID.fullmatch(value) is not None


def hide_token(record: logging.LogRecord) -> bool:
    """A logging filter that passes every record and replaces the path of Django's records with `logged_path`."""
    request = getattr(record, "request", None)
    if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
        shown = logged_path(request)
        record.args = tuple(shown if str(entry).startswith("/") else entry for entry in record.args)
    return True


def hide_request(record: logging.LogRecord) -> bool:
    """A filter that passes every record, and takes from those of gunicorn what they quote of requests that it cannot read."""
    if isinstance(record.msg, str) and record.msg.startswith("Invalid request from"):
        record.msg = record.msg.partition(": ")[0]
    elif isinstance(record.msg, str) and record.msg.startswith("Error handling request %s"):
        record.msg, record.args = "Error handling a request", ()
    return True


def _is_usable(given: str) -> bool:
    return _SANE.fullmatch(given) is not None and mask_numbers(given) == given


class RequestIdMiddleware:
    """Use the caller's `X-Request-Id` if it is 1 to 64 characters of `A-Z a-z 0-9 . _ -`, otherwise generate one.

    Logs, problems and audit events repeat it, so an id that looks like a phone number is not used either.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _is_usable(given) else str(uuid4())
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        begun = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        milliseconds = round((time.perf_counter() - begun) * 1000, 1)
        path, status = logged_path(request), response.status_code
        _log.info("request", method=request.method, path=path, status=status, ms=milliseconds)
        return response
