"""The common parts of all operations in the OpenAPI document: authentication, errors, headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from rvm.platform.api.problems import CONTENT_TYPE
from rvm.platform.scopes import Scope

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `type` leads to a page about `code`.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "error_code": {
            "type": "string",
            "description": "The same as `code`, under the name that other platforms' clients read.",
        },
        "request_id": {"type": "string"},
        "retry_at": {"type": "string", "format": "date-time", "description": "When to try again, where waiting helps."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON Pointer to the field that is wrong."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_ALWAYS = {
    "400": "The request cannot be read.",
    "401": "No valid API key.",
    "403": "The API key lacks a scope, or it is a test key and the row is a live one.",
    "404": "Not found in this workspace.",
    "406": "Only JSON is served.",
    "422": "The request is well formed, but something in it is wrong.",
    "429": "Too many requests.",
    "500": "The platform failed. Repeat the request later, under the same Idempotency-Key.",
    "503": "A part that the platform needs is away. Repeat the request after the time in `Retry-After`.",
}
_WITH_BODY = {
    "409": "The request conflicts with what exists, or the same request is being answered.",
    "411": "The body has no Content-Length.",
    "413": "The body is too large.",
    "415": "The body's type is not read.",
}
_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="1 to 255 printable ASCII characters, best a UUID. The same POST under the same key is answered once for 24 hours.",
)


def request_example(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True, media_type="application/json")


def response_example(name: str, value: Any, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=[str(status)])


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "rvm.platform.api.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "rvm_live_… or rvm_test_…"}


class ApiSchema(AutoSchema):
    """drf-spectacular's schema with problems and scope of each operation, and Idempotency-Key for POSTs that change something."""

    def get_description(self) -> str:  # type: ignore[override]  # DRF's own takes path and method
        """An empty string: docstrings are for readers of the code, and `extend_schema` gives the descriptions."""
        return ""

    def get_override_parameters(self) -> list[Any]:
        own = list(super().get_override_parameters())
        scope = self._scope()
        changes = self.method == "POST" and not (scope and scope.only_reads)
        return [*own, _IDEMPOTENCY_KEY] if changes else own

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        if scope := self._scope():
            description = operation.get("description", "")
            operation["description"] = f"{description}\n\nNeeds the scope `{scope.value}`.".strip()
        for status, description in {**_ALWAYS, **(_WITH_BODY if self.method != "GET" else {})}.items():
            content = {CONTENT_TYPE: {"schema": self._problem()}}
            operation["responses"].setdefault(status, {"description": description, "content": content})
        return operation

    def _scope(self) -> Scope | None:
        """The scope of the operation; None if the view declares none."""
        scopes: Mapping[str, Scope] = getattr(self.view, "required_scopes", {})
        return scopes.get(getattr(self.view, "action", None) or self.method)

    def _problem(self) -> dict[str, str]:
        component = ResolvedComponent(name="Problem", type=ResolvedComponent.SCHEMA, object="Problem", schema=_PROBLEM)
        self.registry.register_on_missing(component)
        reference: dict[str, str] = component.ref
        return reference
