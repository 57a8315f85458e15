"""Pages show every row that was there once, newest first, whatever arrives meanwhile; a token fits one list only."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.core.signing import Signer
from hypothesis import given, settings
from hypothesis import strategies as st

from rvm.platform.database.ids import uuid7_at
from rvm.platform.models import AuditEvent, Workspace
from tests.append_only import triggers_off
from tests.factories import make_workspace
from tests.rvm.platform.api.conftest import Caller, make_caller

pytestmark = [pytest.mark.urls("tests.rvm.platform.api.sample_api"), pytest.mark.django_db]


def make_events(workspace: Workspace, first: int, count: int, action: str = "a.b") -> list[str]:
    events = [
        AuditEvent(
            id=uuid7_at(first + n), workspace=workspace, action=action, subject_type="x", subject_id=uuid7_at(first + n)
        )
        for n in range(count)
    ]
    AuditEvent.objects.bulk_create(events)
    return [str(event.id) for event in events]


def remove_events() -> None:
    with triggers_off():
        AuditEvent.objects.all().delete()


@pytest.fixture
def caller(db: None) -> Caller:
    caller = make_caller()
    remove_events()
    return caller


def page(caller: Caller, **query: Any) -> dict[str, Any]:
    response = caller.get("things", data={name: value for name, value in query.items() if value is not None})
    assert response.status_code == 200, response.content
    body: dict[str, Any] = json.loads(response.content)
    return body


def test_the_first_page_is_the_newest_fifty(caller: Caller) -> None:
    ids = make_events(caller.workspace, 1000, 51)
    first = page(caller)
    assert first["items"] == ids[:0:-1] and first["has_more"]
    rest = page(caller, continuation_token=first["continuation_token"])
    assert rest == {"items": ids[:1], "continuation_token": None, "has_more": False}


def test_a_full_last_page_does_not_promise_another(caller: Caller) -> None:
    make_events(caller.workspace, 1000, 3)
    assert page(caller, limit=3)["continuation_token"] is None


@settings(max_examples=20)
@given(st.lists(st.integers(0, 4), min_size=3, max_size=8), st.integers(1, 4))
def test_pages_stay_correct_while_rows_arrive(caller: Caller, arriving: list[int], limit: int) -> None:
    remove_events()
    there = make_events(caller.workspace, 1000, 7)
    seen: list[str] = []
    token, clock = None, 10_000
    for count in [*arriving, *[0] * 7]:
        shown = page(caller, limit=limit, continuation_token=token)
        seen += shown["items"]
        make_events(caller.workspace, clock, count)
        clock += 10
        token = shown["continuation_token"]
        if token is None:
            break
    assert seen == there[::-1]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "abc", "1.5", "١٢٣٤"])
def test_a_limit_out_of_range_is_422(caller: Caller, limit: str) -> None:
    response = caller.get("things", data={"limit": limit})
    assert response.status_code == 422
    assert json.loads(response.content)["errors"][0]["pointer"] == "/limit"


def token_of(caller: Caller, **query: Any) -> str:
    token: str = page(caller, limit=1, **query)["continuation_token"]
    return token


def refused(caller: Caller, **query: Any) -> bool:
    response = caller.get("things", data=query)
    return (
        response.status_code == 422
        and json.loads(response.content)["errors"][0]["code"] == "continuation_token_invalid"
    )


def test_a_token_fits_only_its_filters_in_any_order(caller: Caller) -> None:
    make_events(caller.workspace, 1000, 3)
    token = token_of(caller, action=["a.b", "c.d"])
    assert page(caller, action=["c.d", "a.b"], continuation_token=token)["items"]
    assert refused(caller, action=["a.b"], continuation_token=token)
    assert refused(caller, continuation_token=token)


def test_a_token_of_another_workspace_is_refused(caller: Caller) -> None:
    other = make_caller(workspace=make_workspace())
    make_events(other.workspace, 1000, 3)
    assert refused(caller, continuation_token=token_of(other))


def test_a_forged_token_is_refused(caller: Caller) -> None:
    make_events(caller.workspace, 1000, 3)
    token = token_of(caller)
    flipped = ("B" if token[0] == "A" else "A") + token[1:]
    for forged in (flipped, token[:-1], token + "A", "x", "ä", "=" * 40, token[:22], "A" * 10_000):
        assert refused(caller, continuation_token=forged), forged
    named, signature = token.split("~")
    for forged in (f"{named}~", f"~{signature}", f"{named}~ä", f"{named}~{signature}~{signature}", f"{token}\n", named):
        assert refused(caller, continuation_token=forged), forged


def test_a_token_made_for_something_else_is_refused(caller: Caller) -> None:
    ids = make_events(caller.workspace, 1000, 3)
    for salt in ("delivery.recordings.links", "rvm.platform.api.pagination", "rvm.platform.api.pagination."):
        forged = Signer(sep="~", salt=salt).sign(ids[1].replace("-", ""))
        assert refused(caller, continuation_token=forged), salt


def test_a_token_needs_no_escape_in_an_address(caller: Caller) -> None:
    make_events(caller.workspace, 1000, 3)
    token = token_of(caller)
    assert quote(token, safe="") == token and len(token) < 100
