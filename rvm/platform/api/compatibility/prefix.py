"""The prefix of addresses whose responses clients of the reference platform understand."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

PREFIX = "/v1/compatible"


def is_compatible(request: HttpRequest | Request) -> bool:
    """Whether the request came to an address under the prefix."""
    return bool(request.path.startswith(f"{PREFIX}/"))


class CompatibilityMiddleware:
    """Routes an address under the prefix like the same one without it. `request.path` stays what the client asked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(f"{PREFIX}/v1/"):
            request.path_info = request.path_info.removeprefix(PREFIX)
        return self.get_response(request)
