"""The middleware that tells the audit who calls, and records which responses show numbers."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from rvm.platform.audit.caller import called_by
from rvm.platform.audit.numbers_shown import record_shown


class AuditMiddleware:
    """Audit events of a request name its caller; a response that shows numbers is one, and is not sent without it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with called_by(request):
            response = self.get_response(request)
            record_shown(request, response)
            return response
