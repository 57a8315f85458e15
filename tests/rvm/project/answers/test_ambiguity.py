"""Every operation refuses what has two readings: empty and repeated filters, doubled fields, times without a zone, inexact numbers.

The operations and their fields come from the served OpenAPI document and from the serializers, so that a new one is held too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from rest_framework import serializers
from rest_framework.fields import _UnvalidatedField

from campaigns.api.serializers.campaigns import LocalTimeField
from rvm.platform.api.fields import StrictModelSerializer, StrictSerializer, WholeNumberField
from rvm.platform.models import Workspace
from tests.factories import Api, make_api
from tests.rvm.project.test_worlds import ACTIONS, QUESTIONS, Rows, make_rows, no_question

NO_WHOLE_NUMBERS = ["1e3", "5.0", " 5", "+5", "5_0", "０５"[1:], "05", "0x5", "9" * 40, "-0"]
NO_MOMENTS = [
    "2026-12-01T10:00:00",
    "2026-12-01",
    "2026-W49-2T10:00:00Z",
    "2026-12-01T10:00:00,5Z",
    "2026-12-01 10:00:00Z",
    "2026-12-01T24:00:00Z",
    "2026-12-01T23:59:60Z",
    "2026-12-01T10:00Z",
    "2026-12-01T10:00:00+0500",
    "2026-12-01T10:00:00+05",
    "2026-02-30T10:00:00Z",
    "20261201T100000Z",
    "1764583200",
    "٢٠٢٦-12-01T10:00:00Z",
    " 2026-12-01T10:00:00Z",
    "2026-12-01T10:00:00Z\n",
]
TOO_LARGE = [2**31, 2**63, 2**64, -(2**31) - 1, -(2**63) - 1, 10**40]


class Operation(NamedTuple):
    method: str
    route: str
    query: dict[str, dict[str, Any]]
    body: dict[str, dict[str, Any]]
    form: dict[str, dict[str, Any]]
    has_body: bool

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


@cache
def operations() -> list[Operation]:
    """All of the served document, below the workspace, with the schemas of their parameters and fields."""
    found = []
    document = json.loads(b"".join(Client().get("/v1/openapi.json")))

    def fields(content: dict[str, Any], media: str) -> dict[str, Any]:
        schema = content.get(media, {}).get("schema", {})
        name = schema.get("$ref", "").rpartition("/")[2]
        properties: dict[str, Any] = document["components"]["schemas"].get(name, schema).get("properties", {})
        return properties

    for path, methods in document["paths"].items():
        for method, told in methods.items():
            query = {given["name"]: given["schema"] for given in told.get("parameters", []) if given["in"] == "query"}
            content = told.get("requestBody", {}).get("content", {})
            bodies = fields(content, "application/json"), fields(content, "multipart/form-data")
            route = path.partition("{workspace_id}/")[2]
            found.append(Operation(method.upper(), route, query, *bodies, has_body=bool(content)))
    return found


def is_of(schema: dict[str, Any], kind: str) -> bool:
    """Whether the schema, or one of its alternatives, has this type or format."""
    kinds = schema.get("type", ())
    told = {schema.get("format"), *([kinds] if isinstance(kinds, str) else kinds)}
    return kind in told or any(is_of(part, kind) for part in schema.get("oneOf", []) + schema.get("anyOf", []))


def no_moments(schema: dict[str, Any]) -> list[str]:
    """Texts that a field of this schema refuses, if it is one of times; some take a day of UTC too."""
    if not is_of(schema, "date-time"):
        return []
    return [text for text in NO_MOMENTS if not (is_of(schema, "date") and text == "2026-12-01")]


@pytest.fixture
def rows(settings: Any, tmp_path: Path, workspace: Workspace) -> Rows:
    settings.MEDIA_ROOT = str(tmp_path)
    return make_rows(workspace, live=True)


@pytest.fixture
def api(workspace: Workspace) -> Api:
    return make_api(workspace)


def pointers(answer: HttpResponse) -> dict[str, str]:
    """The wrong fields of a refusal with their codes; empty for any other answer."""
    if answer.status_code != 422:
        return {}
    return {error["pointer"]: error["code"] for error in answer.json().get("errors", [])}


@pytest.mark.django_db
def test_no_filter_is_empty_repeated_or_no_text(api: Api, rows: Rows) -> None:
    taken, asked = [], 0
    for operation in operations():
        for name, schema in operation.query.items():
            wrong = {f"{name}=": "blank", f"{name}=%20": "blank", f"{name}=%FF": "not_utf8"}
            if not is_of(schema, "array"):
                wrong[f"{name}=true&{name}=true"] = "repeated"
            for query, code in wrong.items():
                answer = api.get(f"{rows.address(operation.route)}?{query}")
                asked += 1
                if pointers(answer).get(f"/{name}") != code:
                    taken.append(f"{operation}?{query}: {answer.status_code} {pointers(answer)}")
    assert taken == []
    assert asked > 200


@pytest.mark.django_db
def test_whole_numbers_and_times_of_filters_have_one_spelling(api: Api, rows: Rows) -> None:
    taken, asked = [], 0
    for operation in operations():
        for name, schema in operation.query.items():
            wrong = NO_WHOLE_NUMBERS if is_of(schema, "integer") else no_moments(schema)
            for value in wrong:
                answer = api.get(f"{rows.address(operation.route)}?{urlencode({name: value})}")
                asked += 1
                if f"/{name}" not in pointers(answer):
                    taken.append(f"{operation}?{name}={value!r}: {answer.status_code}")
    assert taken == []
    assert asked > 200


@pytest.mark.django_db
def test_no_body_has_a_member_twice_or_a_number_that_changes(api: Api, rows: Rows) -> None:
    taken = []
    for operation in operations():
        if operation.method in ("POST", "PATCH", "PUT") and operation.body:
            address = rows.address(operation.route)
            for body, pointer, code in (
                (b'{"x": 1, "y": [{"z": 2, "z": 2}]}', "/y/0/z", "repeated"),
                (b'{"x": {"x": 18446744073709551616}}', "/x/x", "not_exact"),
                (b'{"x": 0.12345678901234567890}', "/x", "not_exact"),
            ):
                answer = api.send(operation.method, address, body)
                if pointers(answer) != {pointer: code}:
                    taken.append(f"{operation} {body!r}: {answer.status_code} {pointers(answer)}")
    assert taken == []


@pytest.mark.django_db
def test_times_and_whole_numbers_of_bodies_are_held_to_their_type(api: Api, rows: Rows) -> None:
    taken, asked = [], 0
    for operation in operations():
        for name, schema in operation.body.items():
            local = name in LOCAL_TIMES.get(operation.route, ())
            wrong: list[Any] = no_moments(schema)[local:]
            wrong += [1764583200] if wrong else []
            wrong += [*TOO_LARGE, "5", 5.0, True] if is_of(schema, "integer") else []
            for value in wrong:
                answer = api.send(operation.method, rows.address(operation.route), {name: value})
                asked += 1
                if f"/{name}" not in pointers(answer):
                    taken.append(f"{operation} {name}={value!r}: {answer.status_code} {pointers(answer)}")
    assert taken == []
    assert asked > 300


# Without an offset these are times in the campaign's time zone, as they are documented.
LOCAL_TIMES = {"campaigns": ("starts_at", "ends_at"), "campaigns/{campaign_id}": ("starts_at", "ends_at")}


def form(*parts: tuple[str, bytes]) -> bytes:
    """A multipart body of parts: what stands behind `form-data`, and the content."""
    lines = [
        b"--B\r\nContent-Disposition: form-data%s\r\n\r\n%s\r\n" % (named.encode("latin-1"), content)
        for named, content in parts
    ]
    return b"".join(lines) + b"--B--\r\n"


def sent(api: Api, address: str, body: bytes) -> HttpResponse:
    return api.client.generic("POST", api.url(address), body, "multipart/form-data; boundary=B")


def ambiguous_forms(name: str, schema: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Forms with this field that have two readings, each with the code of its refusal."""
    file, text = f'; name="{name}"; filename="a"', f'; name="{name}"'
    whole = file if is_of(schema, "binary") else text
    if not is_of(schema, "array"):
        yield "repeated", form((whole, b"true"), (whole, b"true"))
        yield "repeated", form((whole, b"true"), (text, b"true"))
    if whole == text:
        yield "not_utf8", form((text, b"\xff"))
        if name not in MAY_BE_BLANK:
            yield from (("blank", form((text, empty))) for empty in (b"", b" "))


@pytest.mark.django_db
def test_no_form_has_a_field_twice_empty_or_in_other_bytes(api: Api, rows: Rows) -> None:
    taken, asked = [], 0
    for operation in operations():
        for name, schema in operation.form.items():
            for code, body in ambiguous_forms(name, schema):
                answer = sent(api, rows.address(operation.route), body)
                asked += 1
                if pointers(answer).get(f"/{name}") != code:
                    taken.append(f"{operation} {body!r}: {answer.status_code} {pointers(answer)}")
    assert taken == []
    assert asked > 100


@pytest.mark.django_db
def test_no_part_of_a_form_is_passed_over(api: Api, rows: Rows) -> None:
    for operation in operations():
        if operation.form:
            for unread in ('; name="\xff"', '; name="file"; filename="\xff.mp3"', "", "; filename=a"):
                answer = sent(api, rows.address(operation.route), form((unread, b"x")))
                assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request"), (operation, unread)


# Texts that a form may give as empty, which is the same as none.
MAY_BE_BLANK = {"reference", "record_number", "columns"}


def strict(base: type) -> Iterator[type[serializers.Serializer[Any]]]:
    for kind in base.__subclasses__():
        yield kind
        yield from strict(kind)


def read_fields() -> Iterator[tuple[str, Any]]:
    """The fields of everything that is read, and those within their lists, each with its name."""
    for kind in {*strict(StrictSerializer), *strict(StrictModelSerializer)}:
        is_ours = not kind.__module__.startswith("tests.")
        if is_ours and (issubclass(kind, StrictSerializer) or hasattr(kind, "Meta")):
            for name, field in kind().fields.items():
                for suffix, part in (("", field), ("[]", getattr(field, "child", None))):
                    if part is not None and not part.read_only and not isinstance(part, _UnvalidatedField):
                        yield f"{kind.__name__}.{name}{suffix}", part


def test_every_field_that_is_read_is_of_a_strict_kind() -> None:
    """DRF's own convert what they are given, each in its way."""
    allowed = {serializers.ChoiceField, serializers.ListField, serializers.FileField}
    fields = dict(read_fields())
    loose = {
        name: type(field)
        for name, field in fields.items()
        if type(field).__module__.startswith("rest_framework.") and type(field) not in allowed
    }
    whole = {
        name: (field.min_value, field.max_value)
        for name, field in fields.items()
        if isinstance(field, WholeNumberField)
    }
    assert loose == {}
    assert {name for name, bounds in whole.items() if None in bounds} == set()
    assert len(fields) > 100


def test_campaigns_take_local_times_in_the_same_spelling() -> None:
    field = LocalTimeField()
    assert field.run_validation("2026-03-02T09:00:00").tzinfo is None
    for wrong in NO_MOMENTS[1:]:
        with pytest.raises(serializers.ValidationError):
            field.run_validation(wrong)


@pytest.mark.django_db
def test_no_operation_passes_over_what_is_in_its_address(api: Api, rows: Rows) -> None:
    """`DELETE …?dry_run=true` deleted, and a search by an address with filters found everything."""
    asked = 0
    for operation in filter(lambda each: each.route, operations()):  # beside that of no workspace
        answer = api.send(operation.method, f"{rows.address(operation.route)}?dry_run=true")
        assert pointers(answer) == {"/dry_run": "unknown_field"}, operation
        asked += 1
    assert asked > 70


@pytest.mark.django_db
def test_no_body_is_read_as_another_media_type_than_it_has(api: Api, rows: Rows) -> None:
    taken = []
    for operation in operations():
        if operation.has_body:
            address = api.url(rows.address(operation.route))
            answer = api.client.generic(operation.method, address, b"{}", "text/xml")
            if (answer.status_code, answer.json().get("code")) != (415, "unsupported_media_type"):
                taken.append(f"{operation}: {answer.status_code}")
    assert taken == []


@pytest.mark.django_db
def test_a_text_stands_for_no_object_in_a_json_body(api: Api, rows: Rows) -> None:
    """Only a form has no other way to write an object."""
    taken, asked = [], 0
    for operation in operations():
        for name, schema in operation.body.items():
            if is_of(schema, "object"):
                value: Any = '{"a": 1}'
            elif is_of(schema.get("items", {}), "object"):
                value = ['{"a": 1}']
            else:
                continue
            answer = api.send(operation.method, rows.address(operation.route), {name: value})
            asked += 1
            if not {f"/{name}", f"/{name}/0"} & pointers(answer).keys():
                taken.append(f"{operation} {name}: {answer.status_code} {pointers(answer)}")
    assert taken == []
    assert asked >= 3


@pytest.mark.django_db
def test_a_blank_stands_for_no_plus_in_a_json_body(api: Api, rows: Rows) -> None:
    """Only an address has a blank where its + was not escaped."""
    name, taken, asked = "recipient_phone_number", [], 0
    for operation in operations():
        action = ACTIONS.get(str(operation))
        if name in operation.body and operation.method == "POST":
            body = action.body(rows) if action else QUESTIONS.get(str(operation), no_question)(rows)
            answer = api.post(rows.address(operation.route), {**body, name: " 12025550142"})
            asked += 1
            if f"/{name}" not in pointers(answer):
                taken.append(f"{operation}: {answer.status_code} {pointers(answer)}")
    assert taken == []
    assert asked >= 5
    assert api.get("suppressions?recipient_phone_number=+12025550142").status_code == 200


# Bodies of which no operation without one reads a field, each with the status and what is said to be wrong.
UNREAD = (
    (b'{"dry_run": true}', "application/json", 422, {"/dry_run": "unknown_field"}),
    (b'{"a": 1, "a": 2}', "application/json", 422, {"/a": "repeated"}),
    (b"[]", "application/json", 422, {"": "invalid"}),
    (b"{", "application/json", 400, {}),
    (b"<dry_run/>", "text/xml", 415, {}),
)


@pytest.mark.django_db
def test_no_operation_without_a_body_passes_over_one(api: Api, rows: Rows) -> None:
    """`POST …/launch` with `{"rehearsal": true}` launched, and `DELETE` with `{"dry_run": true}` deleted."""
    taken, asked = [], 0
    for operation in operations():
        if operation.has_body or operation.method not in ("POST", "PUT", "PATCH", "DELETE"):
            continue
        for body, media, status, wrong in UNREAD:
            answer = api.client.generic(operation.method, api.url(rows.address(operation.route)), body, media)
            asked += 1
            if (answer.status_code, pointers(answer)) != (status, wrong):
                taken.append(f"{operation} {body!r}: {answer.status_code} {pointers(answer)}")
    assert taken == []
    assert asked > 150


@pytest.mark.django_db
def test_a_charset_other_than_utf_8_is_refused(api: Api, rows: Rows) -> None:
    for charset in ("latin-1", "utf-16", "x"):
        answer = api.client.generic("POST", api.url("voicemail/search"), b"{}", f"application/json; charset={charset}")
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type"), charset
    for charset in ("utf-8", '"UTF-8"'):
        answer = api.client.generic("POST", api.url("voicemail/search"), b"{}", f"application/json; charset={charset}")
        assert answer.status_code == 200


@pytest.mark.django_db
def test_an_upload_has_one_text_and_one_file_of_each_name(api: Api, rows: Rows) -> None:
    """The same through Django's own client, as a browser would send it."""
    file = SimpleUploadedFile("a.mp3", b"ID3")
    answer = api.client.post(
        api.url("recordings"), {"audio": [file, SimpleUploadedFile("b.mp3", b"ID3")], "name": "Flu"}
    )
    assert pointers(answer) == {"/audio": "repeated"}
