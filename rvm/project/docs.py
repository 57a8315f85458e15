"""The API's own documentation: the OpenAPI document, an interactive page, and a page of each problem.

All pages work without internet access and under a Content-Security-Policy that forbids inline scripts.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.http import condition, require_safe
from drf_spectacular.generators import SchemaGenerator
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from campaigns.api.problem_codes import CAMPAIGN_PROBLEMS
from delivery.api.problem_codes import DELIVERY_PROBLEMS
from rvm.platform.api.problem_codes import PLATFORM_PROBLEMS, ProblemCode
from rvm.platform.api.rendering import AnyAccept, to_json
from rvm.platform.api.schema.responses import DESCRIPTIONS, example_of
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

# After so long a client asks whether the document is still the same.
_FRESH_SECONDS = 300


class Document(NamedTuple):
    """The OpenAPI document, as an object and as it is served."""

    content: dict[str, Any]
    body: bytes
    etag: str


@cache
def document() -> Document:
    """The OpenAPI document of this process, which is generated once: only a new release or another public address changes it."""
    content = SchemaGenerator().get_schema(request=None, public=True)
    body = to_json(content)
    return Document(content, body, f'"{sha256(body).hexdigest()}"')


class OpenApiView(APIView):
    """The OpenAPI 3.1 document, public because it contains no data."""

    required_scopes: dict[str, Any] = {}
    authentication_classes = ()
    permission_classes = (AllowAny,)
    content_negotiation_class = AnyAccept
    schema = None

    @method_decorator(condition(etag_func=lambda request: document().etag))
    def get(self, request: Request) -> HttpResponse:
        headers = {"Cache-Control": f"public, max-age={_FRESH_SECONDS}"}
        return HttpResponse(document().body, content_type="application/json", headers=headers)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    page = render(request, "docs/api.html")
    page["Content-Security-Policy"] = _POLICY
    return page


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """The list of all problems, with one anchor for each code."""
    entries = sorted((entry for table in PROBLEMS for entry in table.values()), key=lambda entry: entry.code)
    return render(request, "docs/problems.html", {"problems": entries})


@require_safe
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """The page to which the `type` of a problem links."""
    entry = next((table[code] for table in PROBLEMS if code in table), None)
    if entry is None:
        raise Http404
    context = {
        "problem": entry,
        "status": DESCRIPTIONS.get(entry.status, ""),
        "example": to_json(example_of(entry)).decode(),
        "operations": operations_with(entry.code),
    }
    return render(request, "docs/problem.html", context)


def operations_with(code: str) -> list[Operation]:
    """The operations that send the problem, as the OpenAPI document has them."""
    return [operation for operation, codes in _sent() if code in codes]


class Operation(NamedTuple):
    id: str
    method: str
    path: str
    summary: str


@cache
def _sent() -> list[tuple[Operation, frozenset[str]]]:
    """Each operation with the codes of its problems."""
    content = document().content
    return [
        (Operation(each["operationId"], method.upper(), path, each.get("summary", "")), frozenset(_codes(each)))
        for path, methods in content["paths"].items()
        for method, each in methods.items()
    ]


def _codes(operation: dict[str, Any]) -> Iterator[str]:
    common = document().content["components"]["responses"]
    for response in operation["responses"].values():
        whole = common[response["$ref"].rpartition("/")[2]] if "$ref" in response else response
        yield from whole.get("content", {}).get("application/problem+json", {}).get("examples", ())
