"""Schemas of request bodies say what is refused: how long a list or a text may be, and how a text is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import serializers

from rvm.platform.api.fields import MomentField, StrictModelSerializer, StrictSerializer
from rvm.platform.api.schema import ApiSchema
from rvm.project.docs import document

CONTENT: dict[str, Any] = document().content
# What has no bound of its own, each with the reason.
UNBOUNDED = {
    "BatchRecipient.metadata.*": "Any JSON; the whole has a bound in bytes, which a schema cannot say.",
    "SendUpload.metadata.*": "The same.",
    "SendRecording.metadata.*": "The same.",
}
Schema = dict[str, Any]


def parts(schema: Schema, name: str, within: frozenset[str] = frozenset()) -> Iterator[tuple[str, Schema]]:
    """Each schema within one, by the path of its name from the component on, without what has no values."""
    if reference := schema.get("$ref"):
        component = reference.rpartition("/")[2]
        if component not in within:
            yield from parts(CONTENT["components"]["schemas"][component], component, within | {component})
        return
    inner = [(name, each) for kind in ("allOf", "oneOf", "anyOf") for each in schema.get(kind, [])]
    inner += [(f"{name}.{field}", each) for field, each in schema.get("properties", {}).items()]
    inner += [(f"{name}[]", schema["items"])] if "items" in schema else []
    if isinstance(others := schema.get("additionalProperties"), dict):
        inner.append((f"{name}.*", others))
    yield name, schema
    for path, each in inner:
        yield from parts(each, path, within)


def of_bodies() -> dict[str, list[Schema]]:
    found: dict[str, list[Schema]] = {}
    for operations in CONTENT["paths"].values():
        for name, operation in operations.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for path, schema in parts(content["schema"], operation.get("operationId", name)):
                    found.setdefault(path, []).append(schema)
    return found


def is_bounded(schema: Schema) -> bool:
    said = schema.get("type", [])
    types = {said} if isinstance(said, str) else set(said)
    if "array" in types and not {"maxItems", "items"} <= schema.keys():
        return False
    if "string" in types:
        anchored = schema.get("pattern", "").startswith("^") and schema["pattern"].endswith("$")
        return anchored or not schema.keys().isdisjoint({"maxLength", "enum", "const", "format"})
    says_more = {"enum", "const", "allOf", "oneOf", "anyOf"}
    return bool(types) or not schema.keys().isdisjoint(says_more)


def test_every_list_and_every_text_of_a_request_body_has_bounds() -> None:
    unbounded = {path for path, schemas in of_bodies().items() if not all(map(is_bounded, schemas))}
    assert unbounded == UNBOUNDED.keys()


def subclasses(base: type[Any]) -> Iterator[type[Any]]:
    for each in base.__subclasses__():
        yield each
        yield from subclasses(each)


def with_patterns() -> Iterator[Any]:
    """Each field of a request with a pattern that says how it is written, and the pattern."""
    schema = ApiSchema()
    for serializer in {*subclasses(StrictSerializer), *subclasses(StrictModelSerializer)}:
        if serializer.__module__.startswith("tests."):
            continue
        for name, field in serializer().fields.items():
            if isinstance(field, serializers.CharField | serializers.DateTimeField | serializers.TimeField):
                said = schema._map_serializer_field(field, "request")
                schema._insert_field_validators(field, said)
                if said.get("pattern", "").startswith("^"):
                    yield pytest.param(field, said["pattern"], id=f"{serializer.__name__}.{name}")


@pytest.mark.parametrize(("field", "pattern"), sorted(with_patterns(), key=lambda param: str(param.id)))
def test_every_text_that_a_pattern_allows_is_read(field: Any, pattern: str) -> None:
    @settings(max_examples=30, derandomize=True, database=None, deadline=None)
    @given(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True))
    def read(written: str) -> None:
        try:
            field.run_validation(written)
        except serializers.ValidationError as refused:
            # No pattern knows the lengths of months, or the years without time zones.
            no_time = isinstance(field, MomentField) and (
                not is_a_day(written[:10]) or refused.get_codes() == ["overflow"]
            )
            assert no_time, f"{written} is refused: {refused}"

    read()


def is_a_day(written: str) -> bool:
    try:
        datetime.fromisoformat(written)
    except ValueError:
        return False
    return True
