"""Every operation's schema names the key, the scope, the Idempotency-Key of a POST, and the problems."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from openapi_spec_validator import validate
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api.views import ApiView
from rvm.platform.scopes import Scope


class Thing(serializers.Serializer[object]):
    name = serializers.CharField()


class ThingsView(ApiView):
    """What is for those who read the code."""

    required_scopes: ClassVar = {"GET": Scope.VOICEMAIL_READ, "POST": Scope.VOICEMAIL_SEND}

    @extend_schema(responses=Thing, description="Lists things.")
    def get(self, request: Request, workspace_id: object) -> Response:
        return Response({})

    @extend_schema(request=Thing, responses={201: Thing})
    def post(self, request: Request, workspace_id: object) -> Response:
        return Response({})


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    routes = [path("v1/<uuid:workspace_id>/things", ThingsView.as_view())]
    made: dict[str, Any] = SchemaGenerator(patterns=routes).get_schema(request=None, public=True)
    return made


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"


def test_every_operation_names_its_scope_and_its_problems(document: dict[str, Any]) -> None:
    [operations] = document["paths"].values()
    assert operations["get"]["description"] == "Lists things.\n\nNeeds the scope `voicemail:read`."
    assert operations["post"]["description"].endswith("Needs the scope `voicemail:send`.")
    for operation in (operations["get"], operations["post"]):
        for status in ("400", "401", "403", "404", "422", "429", "500"):
            content = operation["responses"][status]["content"]
            assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert "413" in operations["post"]["responses"] and "413" not in operations["get"]["responses"]


def test_a_docstring_of_the_code_describes_no_operation(document: dict[str, Any]) -> None:
    [operations] = document["paths"].values()
    assert operations["post"]["description"] == "Needs the scope `voicemail:send`."


def test_a_post_takes_an_idempotency_key_and_a_get_does_not(document: dict[str, Any]) -> None:
    [operations] = document["paths"].values()
    names = {method: [entry["name"] for entry in operations[method].get("parameters", [])] for method in operations}
    assert "Idempotency-Key" in names["post"] and "Idempotency-Key" not in names["get"]
