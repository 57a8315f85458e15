"""The API's own documentation: the OpenAPI document, an interactive page, and the list of all problems.

All pages work without internet access and under a Content-Security-Policy that forbids inline scripts.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularJSONAPIView

from campaigns.api.problem_codes import CAMPAIGN_PROBLEMS
from delivery.api.problem_codes import DELIVERY_PROBLEMS
from rvm.platform.api.problem_codes import PLATFORM_PROBLEMS, ProblemCode
from usecases.api.problem_codes import USE_CASE_PROBLEMS

# One table for each layer; a code belongs to one layer.
PROBLEMS: tuple[dict[str, ProblemCode], ...] = (
    PLATFORM_PROBLEMS,
    USE_CASE_PROBLEMS,
    DELIVERY_PROBLEMS,
    CAMPAIGN_PROBLEMS,
)

# Swagger UI sets style attributes and uses data: images.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class OpenApiView(SpectacularJSONAPIView):
    """The OpenAPI 3.1 document, public because it contains no data."""

    required_scopes: dict[str, Any] = {}


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    page = render(request, "docs/api.html")
    page["Content-Security-Policy"] = _POLICY
    return page


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """The page to which the `type` of every problem links, with one anchor for each code."""
    entries = sorted((entry for table in PROBLEMS for entry in table.values()), key=lambda entry: entry.code)
    return render(request, "docs/problems.html", {"problems": entries})
