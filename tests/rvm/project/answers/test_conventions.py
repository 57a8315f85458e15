"""One convention of ids and emptiness in everything that the API answers.

The addresses come from the OpenAPI document and from the walk over all operations, so that a new one is held to it unnamed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from jsonschema import Draft202012Validator

from delivery.carriers.abilities import Check
from delivery.setups import api as setups
from rvm.platform.scopes import Scope
from tests.campaigns.api.calling import upload_directly
from tests.campaigns.imports.lists import checked
from tests.delivery.states import make_submitted
from tests.factories import Api, make_api, make_workspace
from tests.rvm.project.test_worlds import ACTIONS, CHANGES, Rows, make_rows, media, read
from usecases.models import UseCase

__all__ = ["media"]

pytestmark = pytest.mark.django_db

Schema = dict[str, Any]
# What the caller gave comes back as given, and what was written before a change is kept as it was.
AS_GIVEN = {"metadata", "details"}


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(b"".join(Client().get("/v1/openapi.json")))
    return found


def resolved(schema: Schema) -> Schema:
    for branch in schema.get("oneOf", schema.get("allOf", [])):
        if "$ref" in branch:
            return resolved(branch)
    if "$ref" in schema:
        found: Schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def answers() -> Iterator[tuple[str, Schema]]:
    """Each operation with the schema of its successful JSON answer."""
    for path, methods in document()["paths"].items():
        for method, told in methods.items():
            for status, answer in told["responses"].items():
                if status.startswith("2") and (content := answer.get("content", {}).get("application/json")):
                    yield f"{method.upper()} {path.partition('{workspace_id}/')[2]}", resolved(content["schema"])


def row_addresses() -> set[str]:
    """The addresses of rows: those that end with an id and are read."""
    return {
        path.partition("{workspace_id}/")[2]
        for path, methods in document()["paths"].items()
        if path.endswith("}") and "get" in methods
    }


def test_every_row_with_an_address_answers_its_id() -> None:
    rows = row_addresses()
    assert len(rows) >= 11
    lacking = [
        operation
        for operation, schema in answers()
        if (operation.partition(" ")[2] in rows or is_list_of(operation, rows))
        and "id" not in row_of(schema)["properties"]
    ]
    assert lacking == []


def is_list_of(operation: str, rows: set[str]) -> bool:
    """Whether the operation is at the address above rows: their list, or the creation of one."""
    address = operation.partition(" ")[2]
    return any(re.fullmatch(re.escape(address) + r"/\{\w+\}", row) for row in rows)


def row_of(schema: Schema) -> Schema:
    """The schema of a row: the answer itself, or of a list the items."""
    items = schema.get("properties", {}).get("items")
    return resolved(items["items"]) if items else schema


def test_a_row_says_its_id_under_no_second_name_but_for_clients_that_read_it() -> None:
    for name, schema in document()["components"]["schemas"].items():
        members = schema.get("properties", {})
        for member, told in members.items():
            if told.get("deprecated"):
                assert member.endswith("_id") and "id" in members, (name, member)
    deprecated = {
        member
        for schema in document()["components"]["schemas"].values()
        for member, told in schema.get("properties", {}).items()
        if told.get("deprecated")
    }
    assert {"recording_id", "clip_id", "campaign_id", "import_id", "opt_out_list_id", "suppression_id"} <= deprecated
    assert "voicemail_id" not in deprecated  # what clients of other platforms read


@pytest.fixture
def rows(db: None) -> Rows:
    """Rows of every kind, of which some lack whatever may be lacking."""
    workspace = make_workspace()
    made = make_rows(workspace, live=True)
    use_case = UseCase.objects.get(pk=made.ids["use_case_id"])
    draft = made.campaigns["draft"]
    made.ids["import_id"] = upload_directly(draft, b"phone,site,\n2025550142,,\n2025550143,,\n").pk
    made.ids["read_import_id"] = checked(draft, b"phone,site\n2025550144,\n12,north\n").pk
    made.ids["submitted_id"] = make_submitted("accepted", use_case=use_case).voicemail_id
    return made


def empty_texts(value: Any, path: str = "") -> Iterator[str]:
    """Where in an answer an empty text stands."""
    if value == "":
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in AS_GIVEN:
                yield from empty_texts(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from empty_texts(inner, f"{path}/{index}")


def said(answer: HttpResponse) -> Any:
    if answer.status_code == 403 and answer.json()["code"] == "missing_scope":
        return None  # the key that may not see numbers
    assert answer.status_code < 300, answer.content
    is_json = answer.headers.get("Content-Type", "").startswith("application/json")
    return json.loads(answer.content) if is_json and not answer.streaming else None


# Further rows to read than those of the walk, by operation.
ALSO_READ = {
    "GET campaigns/{campaign_id}/imports/{import_id}": {"import_id": "read_import_id"},
    "GET voicemail/{voicemail_id}": {"voicemail_id": "submitted_id"},
}


@pytest.mark.parametrize("numbers", [True, False])
def test_what_has_no_value_is_null_in_every_answer(rows: Rows, numbers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setups, "check_setup", lambda setup: Check(True, "It answers."))
    scopes = [scope for scope in Scope if numbers or scope != Scope.NUMBERS_READ]
    api = make_api(rows.campaigns["draft"].workspace, scopes=scopes)
    api.client.raise_request_exception = True
    # Files that a deletion removes do not come back with the rows.
    operations = sorted(CHANGES, key=lambda operation: operation.startswith("DELETE"))
    found = [(operation, list(empty_texts(said(done(api, operation, rows))))) for operation in operations]
    for operation, others in ALSO_READ.items():
        others_ids = Rows({**rows.ids, **{name: rows.ids[other] for name, other in others.items()}}, rows.campaigns)
        found.append((operation, list(empty_texts(said(read(api, operation, others_ids))))))
    assert [(operation, paths) for operation, paths in found if paths] == []


def done(api: Api, operation: str, rows: Rows) -> HttpResponse:
    """The answer to an operation, whose changes are taken back."""
    if not CHANGES[operation]:
        return read(api, operation, rows)
    with transaction.atomic():
        answer = ACTIONS[operation].call(api, operation, rows)
        transaction.set_rollback(True)
    return answer


def examples() -> Iterator[tuple[str, Schema, Any]]:
    """Each example of an answer, with where it stands and the schema of the answer."""
    for path, methods in document()["paths"].items():
        for method, told in methods.items():
            for status, answer in told["responses"].items():
                content = answer.get("content", {}).get("application/json", {})
                for name, example in content.get("examples", {}).items():
                    yield f"{method.upper()} {path} {status} {name}", content["schema"], example["value"]


def test_an_example_of_an_answer_is_such_an_answer() -> None:
    wrong = {}
    for where, schema, example in examples():
        judge = Draft202012Validator({**schema, "components": document()["components"]})
        faults = [f"{error.json_path}: {error.message}" for error in judge.iter_errors(example)]
        faults += [f"{name} is unknown" for name in unknown_members(schema, example)] + list(empty_texts(example))
        if faults:
            wrong[where] = faults
    assert wrong == {}


def unknown_members(schema: Schema, example: Any) -> set[str]:
    """The members of an example, at any depth, that the schema does not have."""
    known = resolved(schema)
    if isinstance(example, list):
        return {name for entry in example for name in unknown_members(known.get("items", {}), entry)}
    members = known.get("properties")
    if members is None or not isinstance(example, dict):
        return set()
    inner = {
        name for member in members.keys() & example.keys() for name in unknown_members(members[member], example[member])
    }
    return inner | (example.keys() - members.keys())
