"""The middleware that tells the audit who calls."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from rvm.platform.audit.caller import called_by


class AuditMiddleware:
    """Audit events that are recorded during a request name its caller."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with called_by(request):
            return self.get_response(request)
