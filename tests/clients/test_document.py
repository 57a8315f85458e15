"""Every call of the client is an operation of the OpenAPI document, with parameters, fields and answers that it has."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import isfunction
from pathlib import Path
from typing import Any, NotRequired, TypedDict, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

import httpx
import pytest
from rvm_client import Client, Problem
from rvm_client.rows import Event

from tests.clients.calls import CALLS
from tests.clients.fake_server import KEY, WORKSPACE
from tests.docs.pages import DOCS

DOCUMENT: dict[str, Any] = json.loads((DOCS / "integrate" / "openapi.json").read_text())
_PLAIN: dict[Any, str] = {str: "string", int: "integer", bool: "boolean", float: "number"}
_STREAM = b'id: e1\nevent: campaign.launched\ndata: {"id":"e1"}\n\n'
Schema = dict[str, Any]


@dataclass
class Recorder:
    """The last request, which is answered as if there were nothing."""

    request: httpx.Request | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.request = request
        if request.url.path.endswith("/stream"):
            return httpx.Response(200, content=_STREAM, headers={"Content-Type": "text/event-stream"})
        return httpx.Response(200, json={"items": [], "has_more": False, "continuation_token": None})


def resources(client: Client) -> dict[str, Any]:
    return {
        "": client,
        "voicemails": client.voicemails,
        "recordings": client.recordings,
        "campaigns": client.campaigns,
        "campaigns.imports": client.campaigns.imports,
        "events": client.events,
        "webhook_destinations": client.webhook_destinations,
        "webhook_destinations.deliveries": client.webhook_destinations.deliveries,
    }


def methods(client: Client) -> Iterator[tuple[str, Any]]:
    """Every public method that makes a call, by its name from the client on."""
    for name, resource in resources(client).items():
        for method, function in vars(type(resource)).items():
            if isfunction(function) and not method.startswith("_") and method != "close":
                yield f"{name}.{method}".lstrip("."), function


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def client(recorder: Recorder) -> Iterator[Client]:
    address = f"https://rvm.example.org/v1/{WORKSPACE}"
    with Client(address, KEY, transport=httpx.MockTransport(recorder)) as made:
        yield made


def schema_of(schema: Schema) -> Schema:
    """What a reference leads to, with the members of all parts of an `allOf`."""
    if "$ref" in schema:
        return schema_of(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    parts = [schema_of(part) for part in schema.get("allOf", ())]
    return schema | parts[0] if len(parts) == 1 else schema


def operation_of(request: httpx.Request) -> tuple[str, Schema]:
    path = request.url.path
    fitting = [
        (template, described[request.method.lower()])
        for template, described in DOCUMENT["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and request.method.lower() in described
    ]
    assert fitting, f"the document has no {request.method} {path}"
    return min(fitting, key=lambda each: each[0].count("{"))


def check_request(request: httpx.Request) -> Schema:
    """The operation, of which the request has nothing but what the document has, and all that it requires."""
    _, operation = operation_of(request)
    query = {each["name"]: each for each in operation.get("parameters", ()) if each["in"] == "query"}
    assert set(request.url.params) <= set(query)
    content = operation.get("requestBody", {}).get("content", {})
    kind = request.headers.get("Content-Type", "").partition(";")[0]
    if not request.content:
        assert not operation.get("requestBody", {}).get("required")
        return operation
    body = schema_of(content[kind]["schema"])
    given = (
        set(json.loads(request.content))
        if kind == "application/json"
        else set(re.findall(r'form-data; name="(\w+)"', request.content.decode()))
    )
    assert given <= set(body["properties"]), "the document has no such field"
    assert set(body.get("required", ())) <= given
    return operation


def check_type(hint: Any, schema: Schema, at: str) -> None:
    """Whether all that the schema allows is of the type."""
    alternatives = _alternatives(schema)
    if get_origin(hint) in (Union, types.UnionType):
        [hint] = [each for each in get_args(hint) if each is not type(None)]
    else:
        assert "null" not in {kind for kind, _ in alternatives}, f"{at} can be null"
    for kind, described in alternatives:
        if kind == "null" or hint is Any:
            continue
        if is_typeddict(hint):
            check_row(hint, described, at)
        elif get_origin(hint) is list:
            assert kind == "array", at
            check_type(get_args(hint)[0], described["items"], f"{at}[]")
        elif get_origin(hint) is dict:
            assert kind == "object", at
        else:
            assert kind in (_PLAIN[hint], "integer" if hint is float else kind and _PLAIN[hint]), f"{at} is {kind}"


def _alternatives(schema: Schema) -> list[tuple[str, Schema]]:
    schema = schema_of(schema)
    if many := schema.get("oneOf") or schema.get("anyOf"):
        return [each for part in many for each in _alternatives(part)]
    if "type" not in schema and "enum" in schema:
        return [("null" if schema["enum"] == [None] else "string", schema)]
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return [(kind, schema) for kind in kinds]


def check_row(row: Any, schema: Schema, at: str) -> None:
    schema = schema_of(schema)
    for name, hint in get_type_hints(row, include_extras=True).items():
        assert name in schema["properties"], f"{at} has no {name} in the document"
        optional = get_origin(hint) is NotRequired
        assert optional or name in schema["required"], f"{at}.{name} may be missing"
        check_type(get_args(hint)[0] if optional else hint, schema["properties"][name], f"{at}.{name}")


def test_every_method_of_the_client_is_tried(client: Client) -> None:
    assert sorted(CALLS) == sorted(name for name, _ in methods(client))


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_call_is_an_operation_of_the_document(name: str, client: Client, recorder: Recorder, tmp_path: Path) -> None:
    call = cast(Callable[[Client, Path], Any], CALLS[name])
    answer = call(client, tmp_path)
    if isinstance(answer, Iterator):
        list(answer)
    assert recorder.request is not None
    operation = check_request(recorder.request)
    hint = get_type_hints(dict(methods(client))[name])["return"]
    success = next(described for status, described in operation["responses"].items() if status.startswith("2"))
    if hint is type(None) or hint is int:
        return
    if "text/event-stream" in success["content"]:
        check_row(Event, {"$ref": "#/components/schemas/Event"}, name)
        return
    answered = success["content"]["application/json"]["schema"]
    if get_origin(hint) is not None:
        check_type(list[get_args(hint)[0]], schema_of(answered)["properties"]["items"], name)  # type: ignore[misc]
    else:
        check_row(hint, answered, name)


def test_a_problem_has_the_members_that_its_error_reads() -> None:
    members = schema_of({"$ref": "#/components/schemas/Problem"})["properties"]
    assert {"code", "title", "detail", "type", "request_id", "errors", "retry_at"} <= set(members)
    assert set(members["errors"]["items"]["properties"]) == {"pointer", "code", "detail"}
    error = Problem({"code": "x"}, 400)
    assert (error.code, error.detail, error.fields) == ("x", "", ())


class _Wrong(TypedDict):
    id: str
    number: str


class _Gone(TypedDict):
    id: str
    colour: str


@pytest.mark.parametrize("row", [_Wrong, _Gone])
def test_a_row_that_is_not_as_the_document_says_is_found(row: type) -> None:
    with pytest.raises(AssertionError):
        check_row(row, {"$ref": "#/components/schemas/Drop"}, "drop")
