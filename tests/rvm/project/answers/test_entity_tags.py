"""Entity tags of rows at every address: what is declared, what is answered, and that a tag of another version stops a change."""

from __future__ import annotations

from copy import copy
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse

from delivery.carriers.abilities import Check
from delivery.setups import api as setups
from tests.factories import Api, make_api, make_workspace
from tests.rvm.project.answers.test_conventions import document
from tests.rvm.project.test_worlds import ACTIONS, CHANGES, Rows, make_rows, media, read, snapshot

__all__ = ["media"]

pytestmark = pytest.mark.django_db

STALE = '"0123456789abcdef0123456789abcdef.0123456789abcdef"'


@pytest.fixture
def rows(db: None, monkeypatch: pytest.MonkeyPatch) -> Rows:
    monkeypatch.setattr(setups, "check_setup", lambda setup: Check(True, "It answers."))
    return make_rows(make_workspace(), live=True)


@pytest.fixture
def api(rows: Rows) -> Api:
    return make_api(rows.campaigns["draft"].workspace)


def declared(operation: str) -> dict[str, Any]:
    method, route = operation.split(" ")
    found: dict[str, Any] = document()["paths"][f"/v1/{{workspace_id}}/{route}"][method.lower()]
    return found


def headers_of(operation: str) -> set[str]:
    return {parameter["name"] for parameter in declared(operation).get("parameters", []) if parameter["in"] == "header"}


def done(api: Api, operation: str, rows: Rows) -> HttpResponse:
    return ACTIONS[operation].call(api, operation, rows) if CHANGES[operation] else read(api, operation, rows)


def with_header(api: Api, name: str, value: str) -> Api:
    """The caller, who sends this header with each request."""
    also = copy(api)
    also.client = copy(api.client)
    also.client.defaults = {**api.client.defaults, f"HTTP_{name.upper().replace('-', '_')}": value}
    return also


def test_every_answer_that_is_declared_to_have_a_tag_has_one_and_no_other(rows: Rows, api: Api) -> None:
    wrong = []
    for operation in sorted(CHANGES, key=lambda each: each.startswith("DELETE")):
        with transaction.atomic():
            answer = done(api, operation, rows)
            transaction.set_rollback(True)
        told = declared(operation)["responses"].get(str(answer.status_code), {})
        if ("ETag" in told.get("headers", {})) != ("ETag" in answer.headers):
            wrong.append((operation, answer.status_code, answer.headers.get("ETag")))
    assert wrong == []


def test_every_change_of_a_row_can_depend_on_its_version() -> None:
    lacking = {
        operation
        for operation, changes in CHANGES.items()
        if changes and "{" in operation and "If-Match" not in headers_of(operation)
    }
    assert lacking == {
        # The row keeps its version, so that nobody's change is undone (docs/integrate/requests.md).
        "POST setups/{setup_id}/test",
        "POST setups/{setup_id}/callback-address",
        "DELETE setups/{setup_id}/callback-address/earlier",
        "POST campaigns/{campaign_id}/imports",
        "POST campaigns/{campaign_id}/withdrawals",
        "POST webhook-destinations/{destination_id}/test",
        "POST webhook-destinations/{destination_id}/replay",
    }


def test_a_tag_of_another_version_stops_every_change(rows: Rows, api: Api) -> None:
    before, late = snapshot(), with_header(api, "If-Match", STALE)
    for operation in CHANGES:
        if "If-Match" in headers_of(operation):
            answer = done(late, operation, rows)
            assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed"), operation
            assert answer["ETag"].startswith('"')
    assert snapshot() == before


def test_the_tag_of_now_and_any_tag_let_every_change_through(rows: Rows, api: Api) -> None:
    for operation in sorted(CHANGES, key=lambda each: each.startswith("DELETE")):
        if "If-Match" not in headers_of(operation):
            continue
        refused = done(with_header(api, "If-Match", STALE), operation, rows)
        for tag in (refused["ETag"], "*"):
            if tag == "*" and operation.startswith("DELETE"):
                continue  # a file does not come back with its row
            with transaction.atomic():
                answer = done(with_header(api, "If-Match", tag), operation, rows)
                transaction.set_rollback(True)
            assert answer.status_code < 300, (operation, answer.content)


def test_what_is_as_it_was_is_304_without_a_body(rows: Rows, api: Api) -> None:
    seen = 0
    for operation in CHANGES:
        if "If-None-Match" in headers_of(operation):
            first = done(api, operation, rows)
            first = done(api, operation, rows)  # the first has a recording measured
            again = done(with_header(api, "If-None-Match", first["ETag"]), operation, rows)
            assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"]), operation
            weak = done(with_header(api, "If-None-Match", f'"x", W/{first["ETag"]}'), operation, rows)
            assert weak.status_code == 304
            assert done(with_header(api, "If-None-Match", STALE), operation, rows).status_code == 200
            seen += 1
    assert seen >= 11
