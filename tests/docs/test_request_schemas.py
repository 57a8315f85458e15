"""Schemas of requests say how a text is written."""

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

document()  # imports all serializers


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
