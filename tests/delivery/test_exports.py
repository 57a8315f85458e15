"""The rows of an export: every voicemail once, what may be shown and nothing else, and no more memory for more of them."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from delivery import exports
from delivery.exports import COLUMNS, export_rows
from delivery.models import Voicemail
from delivery.selectors.filters import VoicemailFilter
from delivery.selectors.voicemails import voicemails
from rvm.platform.models import Workspace
from tests.factories import make_campaign, make_recording, make_use_case, make_voicemail

pytestmark = pytest.mark.django_db

T0 = datetime(2026, 3, 2, 15, 0, 1, 999_999, tzinfo=UTC)


def dicts(found: Any, **options: Any) -> list[dict[str, Any]]:
    header, *rows = export_rows(found, **options)
    assert all(len(row) == len(header) for row in rows)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_a_row_says_what_became_of_the_voicemail(workspace: Workspace) -> None:
    campaign = make_campaign(make_use_case(workspace, name="Reminders"), name="Flu shots")
    lane = campaign.lane
    voicemail = make_voicemail(
        lane=lane, status="failed", reason="busy", carrier_code="17", carrier_text="USER BUSY", attempts=2, reference="r-1",
        created_at=T0, accepted_at=T0, ended_at=None,
    )  # fmt: skip
    assert dicts(voicemails(workspace, live=None), reveal=False) == [
        {
            "voicemail_id": str(voicemail.pk),
            "workspace_name": workspace.name,
            "campaign_id": str(lane.pk),
            "campaign_name": "Flu shots",
            "use_case_id": str(lane.use_case_id),
            "use_case_name": "Reminders",
            "reference": "r-1",
            "record_number": "",
            "recipient_phone_number": "•••••••0142",
            "status": "failed",
            "reason": "busy",
            "reason_detail": "The line was busy.",
            "carrier": "sandbox",
            "carrier_code": "17",
            "carrier_text": "USER BUSY",
            "sender_phone_number": voicemail.sender,
            "attempts": "2",
            "created_at": "2026-03-02T15:00:01Z",
            "accepted_at": "2026-03-02T15:00:01Z",
            "ended_at": "",
        }
    ]


def test_what_the_api_sent_belongs_to_no_campaign(workspace: Workspace) -> None:
    make_voicemail(make_use_case(workspace))
    row = dicts(voicemails(workspace, live=None), reveal=False)[0]
    assert (row["campaign_id"], row["campaign_name"]) == ("", "")


def test_the_names_of_campaigns_are_read_once_a_page(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PAGE_ROWS", 4)
    use_case = make_use_case(workspace)
    campaigns = [make_campaign(use_case, name=f"Week {number}") for number in range(3)]
    for campaign in campaigns * 2:
        make_voicemail(lane=campaign.lane)
    with CaptureQueriesContext(connection) as captured:
        rows = dicts(voicemails(workspace, live=None), reveal=False)
    assert [row["campaign_name"] for row in rows] == ["Week 2", "Week 1", "Week 0"] * 2
    assert sum('FROM "campaigns_campaign"' in query["sql"] for query in captured) == 1


def test_with_the_right_to_see_them_come_the_number_and_what_the_list_said(workspace: Workspace) -> None:
    fields = {"name": "Ann Lee", "language": "es", "doctor": "Dr. Yu", "status": "new"}
    use_case = make_use_case(workspace)
    make_voicemail(use_case)
    make_voicemail(use_case, merge_fields=fields)
    row, bare = dicts(voicemails(workspace, live=None), reveal=True)
    assert (row["recipient_phone_number"], row["name"], row["language"]) == ("+12025550142", "Ann Lee", "es")
    assert json.loads(row["other_fields"]) == {"doctor": "Dr. Yu", "status": "new"}
    assert (bare["name"], bare["language"], bare["other_fields"]) == ("", "", "")


def test_fields_of_the_list_can_have_columns_of_their_own_but_not_take_ours(workspace: Workspace) -> None:
    make_voicemail(make_use_case(workspace), merge_fields={"doctor": "Dr. Yu", "status": "new"})
    header, row = export_rows(voicemails(workspace, live=None), reveal=True, merge_columns=["doctor", "status"])
    assert header == [*COLUMNS, "doctor", "other_fields"]
    assert row[-2:] == ["Dr. Yu", '{"status":"new"}']


def test_without_that_right_nothing_encrypted_is_even_read(workspace: Workspace) -> None:
    make_voicemail(make_use_case(workspace), merge_fields={"name": "Ann Lee"})
    with CaptureQueriesContext(connection) as captured:
        [header, row] = export_rows(voicemails(workspace, live=None), reveal=False)
    assert header == list(COLUMNS) and "Ann Lee" not in row
    assert not [query for query in captured if '"recipient"' in query["sql"] or "merge_fields" in query["sql"]]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PAGE_ROWS", 3)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7])
def test_every_row_is_there_once_newest_first(workspace: Workspace, small_pages: None, count: int) -> None:
    use_case, recording = make_use_case(workspace), make_recording(workspace)
    made = [make_voicemail(use_case, recording=recording) for _ in range(count)]
    rows = dicts(voicemails(workspace, live=None), reveal=False)
    assert [row["voicemail_id"] for row in rows] == [str(voicemail.pk) for voicemail in reversed(made)]


def test_what_comes_or_changes_meanwhile_makes_no_row_twice_or_missing(workspace: Workspace, small_pages: None) -> None:
    use_case, recording = make_use_case(workspace), make_recording(workspace)
    made = [make_voicemail(use_case, recording=recording) for _ in range(8)]
    rows: Iterator[list[Any]] = export_rows(voicemails(workspace, live=None), reveal=False)
    seen = [next(rows) for _ in range(4)][1:]
    make_voicemail(use_case, recording=recording)
    Voicemail.objects.filter(pk=made[0].pk).update(status="delivered")
    seen += rows
    assert [row[0] for row in seen] == [str(voicemail.pk) for voicemail in reversed(made)]
    assert seen[-1][COLUMNS.index("status")] == "delivered"


def test_the_filters_are_those_of_the_list(workspace: Workspace, small_pages: None) -> None:
    use_case, recording = make_use_case(workspace), make_recording(workspace)
    for number in range(8):
        make_voicemail(use_case, recording=recording, reference=str(number), status=["failed", "queued"][number % 2])
    make_voicemail(reference="theirs", status="failed")
    rows = dicts(voicemails(workspace, VoicemailFilter(statuses=["failed"]), live=None), reveal=False)
    assert [row["reference"] for row in rows] == ["6", "4", "2", "0"]


def peak_kb(found: Any, rows: int) -> int:
    tracemalloc.start()
    try:
        assert sum(1 for _ in export_rows(found, reveal=True)) == rows + 1
        return tracemalloc.get_traced_memory()[1] // 1024
    finally:
        tracemalloc.stop()


def test_more_rows_take_no_more_memory(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PAGE_ROWS", 20)
    make_voicemail(make_use_case(workspace), merge_fields={"name": "Ann Lee"})
    [pattern] = Voicemail.objects.all()
    columns = ", ".join(str(field.column) for field in Voicemail._meta.concrete_fields if field.name != "id")

    def grow_to(count: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                # The second half of the id is what the ciphertexts are bound to.
                f"INSERT INTO delivery_voicemail (id, {columns})"
                f" SELECT overlay(id::text placing left(gen_random_uuid()::text, 18) from 1)::uuid, {columns}"
                " FROM delivery_voicemail, generate_series(1, %s) WHERE id = %s",
                [count - Voicemail.objects.count(), pattern.pk],
            )

    grow_to(2500)
    few = peak_kb(voicemails(workspace, live=None), 2500)
    grow_to(7500)
    more = peak_kb(voicemails(workspace, live=None), 7500) - few
    # Python and the driver keep a little for reuse; a row that was kept would take over a kilobyte.
    assert more < 5000 * 0.05
