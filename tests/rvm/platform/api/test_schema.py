"""Every operation's schema names the key, the scope, the Idempotency-Key of a POST, headers and problems."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.test import RequestFactory
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from openapi_spec_validator import validate
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api.fields import StrictSerializer, TextField
from rvm.platform.api.problem_codes import ProblemCode, by_code
from rvm.platform.api.schema.deprecation import MIN_NOTICE, Deprecation
from rvm.platform.api.views import ApiView
from rvm.platform.scopes import Scope

THING_TAKEN = ProblemCode("thing_taken", 409, "The thing is taken", "Take another.", operations=("make_thing",))
OTHER = ProblemCode("other", 409, "Something else", "Ask elsewhere.", operations=("elsewhere",))
OLD = Deprecation(since=date(2026, 3, 1), sunset=date(2027, 3, 1))


class ThingSerializer(serializers.Serializer[object]):
    name = serializers.CharField()
    opens = serializers.TimeField()


class NewThing(StrictSerializer):
    name = TextField(max_length=40)
    opens = serializers.TimeField(required=False)


class ThingsView(ApiView):
    """What is for those who read the code."""

    required_scopes: ClassVar = {
        "GET": Scope.VOICEMAIL_READ, "POST": Scope.VOICEMAIL_SEND, "DELETE": Scope.VOICEMAIL_SEND,
    }  # fmt: skip
    problems: ClassVar = {**ApiView.problems, **by_code(THING_TAKEN, OTHER)}
    creates_row: ClassVar = True
    deprecations: ClassVar = {"DELETE": OLD}

    @extend_schema(responses=ThingSerializer, description="Lists things.")
    def get(self, request: Request, workspace_id: object) -> Response:
        return Response({})

    @extend_schema(operation_id="make_thing", request=NewThing, responses={201: ThingSerializer})
    def post(self, request: Request, workspace_id: object) -> Response:
        return Response({})

    @extend_schema(responses={204: None})
    def delete(self, request: Request, workspace_id: object) -> Response:
        return Response(status=204)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    routes = [path("v1/<uuid:workspace_id>/things", ThingsView.as_view())]
    made: dict[str, Any] = SchemaGenerator(patterns=routes).get_schema(request=None, public=True)
    return made


@pytest.fixture
def operations(document: dict[str, Any]) -> dict[str, Any]:
    [found] = document["paths"].values()
    return dict(found)


def response_of(document: Mapping[str, Any], operation: Mapping[str, Any], status: str) -> dict[str, Any]:
    """The response with this status, or the common one to which it refers."""
    response: dict[str, Any] = operation["responses"][status]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return response


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"


def test_every_operation_names_its_scope_and_its_problems(document: dict[str, Any], operations: Any) -> None:
    assert operations["get"]["description"] == "Lists things.\n\nNeeds the scope `voicemail:read`."
    assert operations["post"]["description"].endswith("Needs the scope `voicemail:send`.")
    for operation in (operations["get"], operations["post"]):
        for status in ("400", "401", "403", "404", "422", "429", "500", "503"):
            content = response_of(document, operation, status)["content"]
            assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert "413" in operations["post"]["responses"] and "413" not in operations["get"]["responses"]


def test_a_problem_of_some_operations_is_named_by_them_alone(document: dict[str, Any], operations: Any) -> None:
    of_post = response_of(document, operations["post"], "409")
    assert "thing_taken" in of_post["content"]["application/problem+json"]["examples"]
    assert "`thing_taken`" in of_post["description"]
    assert "other" not in of_post["content"]["application/problem+json"]["examples"]
    assert "thing_taken" not in response_of(document, operations["delete"], "409")["description"]


def test_a_response_names_its_headers(document: dict[str, Any], operations: Any) -> None:
    created = response_of(document, operations["post"], "201")["headers"]
    assert {"Location", "Idempotent-Replayed", "X-Request-Id", "RateLimit", "RateLimit-Policy"} <= set(created)
    assert "Location" not in response_of(document, operations["get"], "200")["headers"]
    for status in ("429", "503"):
        assert "Retry-After" in response_of(document, operations["get"], status)["headers"]
    assert set(created) <= set(document["components"]["headers"])


def test_every_response_is_described(document: dict[str, Any], operations: Any) -> None:
    said = {
        (method, status): response_of(document, operation, status)["description"]
        for method, operation in operations.items()
        for status in operation["responses"]
    }
    assert all(said.values())
    assert said["get", "200"] == "The thing." and said["post", "201"] == "Created."


def test_a_body_has_the_name_of_its_class_and_no_other_fields(document: dict[str, Any]) -> None:
    body = document["components"]["schemas"]["NewThing"]
    assert body["additionalProperties"] is False and "description" not in body
    assert body["properties"]["name"] == {"type": "string", "minLength": 1, "maxLength": 40, "pattern": r"\S"}
    assert "additionalProperties" not in document["components"]["schemas"]["Thing"]


def test_an_hour_of_the_day_is_no_time_with_an_offset(document: dict[str, Any]) -> None:
    for name in ("NewThing", "Thing"):
        opens = document["components"]["schemas"][name]["properties"]["opens"]
        assert "format" not in opens and opens["pattern"].startswith("^([01]")


def test_a_docstring_of_the_code_describes_no_operation(operations: Any) -> None:
    assert operations["post"]["description"] == "Needs the scope `voicemail:send`."


def test_a_post_takes_an_idempotency_key_with_its_bounds_and_a_get_does_not(operations: Any) -> None:
    parameters = {
        method: {each["name"]: each for each in operations[method].get("parameters", [])} for method in operations
    }
    schema = parameters["post"]["Idempotency-Key"]["schema"]
    assert (schema["minLength"], schema["maxLength"]) == (1, 255) and schema["pattern"]
    assert "Idempotency-Key" not in parameters["get"]


def test_a_deprecated_operation_is_marked_and_names_its_headers(document: dict[str, Any], operations: Any) -> None:
    assert operations["delete"]["deprecated"] is True and "deprecated" not in operations["post"]
    assert {"Deprecation", "Sunset"} <= set(response_of(document, operations["delete"], "204")["headers"])


def test_a_deprecated_operation_says_so_also_where_it_refuses() -> None:
    refused = ThingsView.as_view()(RequestFactory().delete("/things"), workspace_id=UUID(int=1))
    assert refused.status_code == 401
    assert refused["Deprecation"] == "@1772323200"
    assert refused["Sunset"] == "Mon, 01 Mar 2027 00:00:00 GMT"
    assert refused["Link"].endswith('/docs>; rel="deprecation"; type="text/html"')
    assert "Deprecation" not in ThingsView.as_view()(RequestFactory().get("/things"), workspace_id=UUID(int=1))


def test_a_deprecation_gives_a_year() -> None:
    assert OLD.sunset - OLD.since >= MIN_NOTICE
