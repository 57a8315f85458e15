"""The list of voicemails as a CSV file: its filters, its masks, its audit, and how it ends when something breaks."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from delivery.exports import COLUMNS
from rvm.platform.models import AuditEvent, IdempotencyKey, Workspace
from rvm.platform.scopes import Scope
from tests.delivery.api.sending import codes
from tests.delivery.api.test_listing import FILTERS, spelled, world  # noqa: F401 (a fixture)
from tests.factories import RECIPIENT, Api, make_api, make_voicemail
from usecases.models import UseCase


def table(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200, response.content
    assert response.streaming and response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"), newline="")))


def names(response: Any) -> str:
    return "".join(row["reference"] for row in table(response))


@pytest.mark.parametrize(("filters", "expected"), FILTERS)
def test_the_file_holds_what_the_list_shows(
    api: Api,
    world: dict[str, Any],  # noqa: F811
    filters: dict[str, Any],
    expected: str,
) -> None:
    asked = spelled(filters, world)
    assert names(api.get("voicemail/export", **asked)) == expected
    assert names(api.post("voicemail/export", asked)) == expected


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"status": "lost"}, "/status/0"),
        ({"limit": "10"}, "/limit"),
        ({"continuation_token": "x"}, "/continuation_token"),
        ({"format": "xml"}, "/format"),
    ],
)
def test_what_cannot_be_used_is_422_as_json(api: Api, query: dict[str, Any], wrong: str) -> None:
    response = api.get("voicemail/export", **query)
    assert response.status_code == 422 and response["Content-Type"] == "application/problem+json"
    assert [pointer for pointer, _ in codes(response)] == [wrong]


def test_the_answer_is_a_download_for_whoever_asks_for_csv_or_nothing(api: Api, use_case: UseCase) -> None:
    make_voicemail(use_case)
    for accept in ("text/csv", "*/*", "application/json"):
        response = api.client.get(api.url("voicemail/export"), headers={"Accept": accept})
        assert len(table(response)) == 1
        assert response["Content-Disposition"].startswith('attachment; filename="voicemails-20')


def test_recipients_are_masked_without_the_scope(workspace: Workspace, use_case: UseCase) -> None:
    make_voicemail(use_case, merge_fields={"name": "Ann Lee"})
    response = make_api(workspace, scopes=[Scope.VOICEMAIL_READ]).get("voicemail/export")
    [row] = table(response)
    assert list(row) == list(COLUMNS) and row["recipient_phone_number"] == "•••••••0142"
    [row] = table(make_api(workspace).get("voicemail/export"))
    assert (row["recipient_phone_number"], row["name"]) == ("(202) 555-0142", "Ann Lee")


def test_machines_get_numbers_as_they_are(api: Api, use_case: UseCase) -> None:
    voicemail = make_voicemail(use_case)
    for response in (api.get("voicemail/export", format="e164"), api.post("voicemail/export", {"format": "e164"})):
        [row] = table(response)
        assert (row["recipient_phone_number"], row["sender_phone_number"]) == (RECIPIENT, voicemail.sender)


def test_the_audit_says_who_took_what_and_holds_no_number(api: Api, use_case: UseCase) -> None:
    sought = {"recipient_phone_number": RECIPIENT, "status": ["failed"], "created_after": "2026-03-01T00:00:00Z"}
    assert api.post("voicemail/export", sought).status_code == 200
    event = AuditEvent.objects.get(action="voicemail.exported")
    assert (event.actor, event.workspace_id) == (api.key.user, api.workspace_id)
    assert event.details == {
        "filters": {
            "status": ["failed"],
            "recipient_phone_number": "[number]",
            "created_after": str(datetime(2026, 3, 1, tzinfo=UTC)),
        },
        "numbers_shown": True,
    }


def test_another_workspaces_address_or_rows_are_not_there(api: Api, use_case: UseCase) -> None:
    theirs = make_voicemail()
    assert table(api.get("voicemail/export")) == []
    assert api.client.get(f"/v1/{theirs.workspace_id}/voicemail/export").status_code == 404


def test_the_scope_is_that_of_the_list(workspace: Workspace) -> None:
    api = make_api(workspace, scopes=[Scope.VOICEMAIL_SEND, Scope.NUMBERS_READ])
    assert api.get("voicemail/export").status_code == api.post("voicemail/export", {}).status_code == 403


def test_under_an_idempotency_key_it_is_read_afresh_and_nothing_is_kept(api: Api, use_case: UseCase) -> None:
    for count in (1, 2):
        make_voicemail(use_case)
        response = api.post("voicemail/export", {}, Idempotency_Key="k")
        assert len(table(response)) == count and "Idempotent-Replayed" not in response
    assert not IdempotencyKey.objects.exists()


def test_what_breaks_before_the_first_page_is_a_problem_and_no_file(api: Api, use_case: UseCase) -> None:
    voicemail = make_voicemail(use_case)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_voicemail SET recipient = 'damaged' WHERE id = %s", [voicemail.pk])
    response = api.get("voicemail/export")
    assert response.status_code == 500 and response["Content-Type"] == "application/problem+json"
