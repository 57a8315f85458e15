"""The common parts of all operations in the OpenAPI document: authentication, headers, problems, and names of components.

Types and bounds come from the serializers' fields; docs/integrate/openapi.json is the document, of which each change is reviewed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from drf_spectacular.drainage import get_override
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, build_examples_list, force_instance, is_serializer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema_serializer
from rest_framework import serializers

from rvm.platform.api.fields import StrictModelSerializer, StrictSerializer, TextField
from rvm.platform.api.idempotency import changes
from rvm.platform.api.problem_codes import ProblemCode
from rvm.platform.api.problems import CONTENT_TYPE
from rvm.platform.api.schema import headers
from rvm.platform.api.schema.deprecation import Deprecation
from rvm.platform.api.schema.responses import (
    DESCRIPTIONS,
    DIFFERING,
    PROBLEM,
    by_status,
    component_name,
    example_of,
    general_problems,
)
from rvm.platform.scopes import Scope

_STRICT = (StrictSerializer, StrictModelSerializer)
_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
    OpenApiParameter.HEADER,
    description="1 to 255 printable ASCII characters, best a UUID. The same POST under the same key is answered once for 24 hours.",
)
_TAGS = {"type": "string", "pattern": r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$'}
_IF_MATCH = OpenApiParameter(
    "If-Match",
    _TAGS,
    OpenApiParameter.HEADER,
    description="The `ETag` of an answer with the row, several separated by commas, or `*`. If the row has another version now, "
    "nothing is done: 412 `precondition_failed`.",
)
_IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    _TAGS,
    OpenApiParameter.HEADER,
    description="The `ETag` of an earlier answer. If it would be the same now, the answer is 304 without a body.",
)
# `format: time` is RFC 3339's, which has an offset; hours of the day at the recipient have none.
_TIME_OF_DAY = {"pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"}
# Of a text whose outer blanks are taken off.
_NOT_BLANK = r"\S"
_SUCCESS = {
    "201": "Created.",
    "202": "Begun; it goes on after the response.",
    "204": "Done. There is no body.",
    "206": "The part that `Range` asks for.",
}


def request_example(name: str, value: Any, media_type: str = "application/json") -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True, media_type=media_type)


def response_example(name: str, value: Any, status: int = 200, media_type: str = "application/json") -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=[str(status)], media_type=media_type)


def give_examples(values: Mapping[type[serializers.BaseSerializer[Any]], Any]) -> None:
    """Give each serializer the example that operations have which name none of their own; a page has it as its item."""
    for serializer_class, value in values.items():
        extend_schema_serializer(examples=[OpenApiExample("Example", value)])(serializer_class)


def csv_response(*lines: str) -> OpenApiResponse:
    """The response with a CSV file, of which these are the first lines."""
    return OpenApiResponse(
        OpenApiTypes.STR,
        description="The whole file: UTF-8 with a byte order mark, comma, CRLF.",
        examples=[OpenApiExample("The first lines", "\ufeff" + "".join(f"{line}\r\n" for line in lines))],
    )


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "rvm.platform.api.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "rvm_live_… or rvm_test_…"}


class ApiSchema(AutoSchema):
    """drf-spectacular's schema with what every operation has: scope, headers, problems, and Idempotency-Key for POSTs that change
    something."""

    def get_description(self) -> str:  # type: ignore[override]  # DRF's own takes path and method
        """An empty string: docstrings are for readers of the code, and `extend_schema` gives the descriptions."""
        return ""

    def is_deprecated(self) -> bool:
        return self._deprecation is not None

    def get_override_parameters(self) -> list[Any]:
        own = list(super().get_override_parameters())
        headers_of = {_IDEMPOTENCY_KEY: self._once, _IF_MATCH: self._depends, _IF_NONE_MATCH: self._shows_row}
        return [*own, *(header for header, is_read in headers_of.items() if is_read)]

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        if scope := self._scope:
            description = operation.get("description", "")
            operation["description"] = f"{description}\n\nNeeds the scope `{scope.value}`.".strip()
        if self._shows_row:
            operation["responses"]["304"] = {"description": "The answer would be the same."}
        for status, response in operation["responses"].items():
            response["headers"] = self._headers(status)
            if response["description"] in ("", "No response body"):
                response["description"] = _describe(status, response)
        operation["responses"] |= self._problems(operation["operationId"])
        return operation

    @property
    def _scope(self) -> Scope | None:
        """The scope of the operation; None if the view declares none."""
        return self._declared("required_scopes")

    @property
    def _deprecation(self) -> Deprecation | None:
        return self._declared("deprecations")

    def _declared(self, table: str) -> Any:
        """What the view's table has for the operation."""
        entries: Mapping[str, Any] = getattr(self.view, table, {})
        return entries.get(getattr(self.view, "action", None) or self.method)

    @property
    def _once(self) -> bool:
        """Whether the operation honours Idempotency-Key."""
        return self.method == "POST" and (self._scope is None or changes(self.view, self._scope))

    @property
    def _is_of_row(self) -> bool:
        """Whether the address names a row of the view."""
        ids = set(re.findall(r"\{(\w+)\}", self.path)) - {"workspace_id"}
        return bool(getattr(self.view, "is_of_row", lambda ids: False)(ids))

    @property
    def _depends(self) -> bool:
        """Whether the operation honours If-Match."""
        return self.method != "GET" and self._is_of_row

    @property
    def _shows_row(self) -> bool:
        """Whether the operation honours If-None-Match."""
        return self.method == "GET" and self._is_of_row and self._answers_row

    @property
    def _answers_row(self) -> bool:
        """Whether the operation answers a row of the view, in short or with its details."""
        row, answer = getattr(self.view, "serializer_class", None), self.get_response_serializers()
        classes = [
            each for each in (answer.values() if isinstance(answer, Mapping) else [answer]) if isinstance(each, type)
        ]
        return row is not None and any(issubclass(each, row) or issubclass(row, each) for each in classes)

    def _problems(self, operation_id: str) -> dict[str, Any]:
        """The responses with problems, by status. Statuses to which the operation adds no problem refer to a common response."""
        declared: Mapping[str, ProblemCode] = getattr(self.view, "problems", {})
        own = [problem for problem in declared.values() if operation_id in problem.operations]
        is_heavy = self.method in getattr(self.view, "heavy", ())
        general = general_problems(self.method, once=self._once, heavy=is_heavy, depends=self._depends)
        special = {problem.status for problem in own} | ({429} if is_heavy else set())
        return {
            str(status): self._response(status, problems)
            if status in special
            else self._component(
                ResolvedComponent.RESPONSE, self._common_name(status), self._response(status, problems)
            )
            for status, problems in by_status([*general, *own]).items()
        }

    def _common_name(self, status: int) -> str:
        """The name of the response with this status that all operations of this kind have."""
        if status not in DIFFERING:
            return component_name(status)
        return component_name(status) + ("OfPost" if self._once else "" if self.method == "GET" else "OfChange")

    def _response(self, status: int, problems: list[ProblemCode]) -> dict[str, Any]:
        problem = self._component(ResolvedComponent.SCHEMA, "Problem", PROBLEM)
        examples = {
            each.code: self._component(
                ResolvedComponent.EXAMPLE, each.code, {"summary": each.title, "value": example_of(each)}
            )
            for each in problems
        }
        return {
            "description": f"{DESCRIPTIONS[status]} Codes: {', '.join(f'`{each.code}`' for each in problems)}.",
            "headers": self._headers(str(status)),
            "content": {CONTENT_TYPE: {"schema": problem, "examples": examples}},
        }

    def _headers(self, status: str) -> dict[str, Any]:
        names = headers.names_for(
            status,
            once=self._once,
            creates=getattr(self.view, "creates_row", False),
            tagged=self._answers_row,
            deprecated=self.is_deprecated(),
        )
        return {name: self._component(ResolvedComponent.HEADER, name, headers.HEADERS[name]) for name in names}

    def _component(self, kind: str, name: str, content: dict[str, Any]) -> dict[str, str]:
        """A reference to the component, which is registered with its first use."""
        component = ResolvedComponent(name=name, type=kind, object=name, schema=content)
        self.registry.register_on_missing(component)
        reference: dict[str, str] = component.ref
        return reference

    def _get_examples(
        self, serializer: Any, direction: str, media_type: str, status_code: Any = None, extras: Any = None
    ) -> Any:
        """The operation's own examples, otherwise the serializer's, otherwise a page with the one of its rows."""
        own = super()._get_examples(serializer, direction, media_type, status_code, extras)
        if own or not is_serializer(serializer):
            return own
        serializer = force_instance(serializer)
        examples = get_override(serializer, "examples", [])
        if not examples and isinstance(items := serializer.fields.get("items"), serializers.ListSerializer):
            rest = {"continuation_token": None, "has_more": False}
            whole = {name: value for name, value in rest.items() if name in serializer.fields}
            examples = [
                OpenApiExample(example.name, {"items": [example.value], **whole})
                for example in get_override(items.child, "examples", [])
            ]
        return build_examples_list(examples)

    def _get_serializer_name(self, serializer: Any, direction: str, bypass_extensions: bool = False) -> str:
        """The class's own name, which says what the request is (`NewSetup`, `SetupChanges`), by docs/contribute/style.md."""
        name: str = super()._get_serializer_name(serializer, direction, bypass_extensions)
        if direction == "request" and isinstance(serializer, _STRICT):
            return name.removeprefix("Patched").removesuffix("Request")
        return name

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)
        serializer = force_instance(serializer)
        if type(serializer).__doc__ is None:
            schema.pop("description", None)  # a base class's docstring is about the base class
        if isinstance(serializer, _STRICT):
            schema["additionalProperties"] = False
        return schema

    def _map_serializer_field(self, field: Any, direction: str, bypass_extensions: bool = False) -> Any:
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, serializers.TimeField):
            del schema["format"]
            schema |= _TIME_OF_DAY
        if direction == "request" and isinstance(field, serializers.ListField) and not field.allow_empty:
            schema.setdefault("minItems", 1)
        return schema

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        documented = get_override(field, "field")
        if isinstance(documented, serializers.Field):  # which stands for the field in the document
            self._insert_field_validators(documented, schema)
        super()._insert_field_validators(field, schema)
        is_asked = isinstance(field.parent, _STRICT) and type(field) in (TextField, serializers.CharField)
        if is_asked and schema.get("type") == "string" and field.trim_whitespace and not field.allow_blank:
            schema.setdefault("pattern", _NOT_BLANK)


def _describe(status: str, response: Mapping[str, Any]) -> str:
    """What a successful response has, from its status, its media type or the name of its component."""
    if status != "200":
        return _SUCCESS[status]
    [(media_type, content), *_] = response["content"].items()
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    if media_type != "application/json":
        return "The whole file."
    if name.endswith("Page"):
        return "A page."
    return f"The {re.sub('(?<=[a-z])(?=[A-Z])', ' ', name.removesuffix('Detail')).lower()}."
