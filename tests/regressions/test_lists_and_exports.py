"""Lists come in whole whatever is in them, and the failures go out again."""

from __future__ import annotations

import csv
import io
from collections import Counter

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.imports.error_report import error_report
from campaigns.models import Campaign
from delivery.models import Voicemail
from rvm.platform.roles import Role
from tests.campaigns.imports.lists import as_csv, checked, imported, make_campaign, numbers
from tests.factories import add_recipients, make_api, make_user
from tests.factories import make_campaign as make_filled_campaign

pytestmark = pytest.mark.django_db

MARKED = b"\xef\xbb\xbf"  # as spreadsheet programs write UTF-8


def accepted(campaign: Campaign) -> Counter[str]:
    return Counter(voicemail.recipient for voicemail in Voicemail.objects.filter(lane_id=campaign.pk))


def test_a_list_with_bad_rows_a_blank_column_and_a_byte_order_mark_is_imported_and_says_which_rows_were_bad() -> None:
    """mautic #2381, rapidpro #1326, whatomate #562: imports died on one bad row, or said nothing about it."""
    good = numbers(3)
    campaign = make_campaign()
    rows = [
        [good[0], "", "Ana"],
        ["", "", "Ben"],
        [good[1], "", "Cleo"],
        ["not a number", "", "Dan"],
        [good[2], "", "Eve"],
    ]
    row = imported(campaign, MARKED + as_csv(rows, header=["Phone", "", "Name"]))
    assert accepted(campaign) == Counter(good)
    header, *report = list(error_report(row))
    assert [(line[header.index("row_number")], line[header.index("error_code")]) for line in report] == [
        ("3", "phone_missing"),
        ("5", "has_letters"),
    ]
    assert all(line[header.index("error_message")] for line in report)


def test_a_number_that_stands_twice_in_a_list_and_a_list_that_comes_twice_reach_everybody_once() -> None:
    """GSA notifications-admin #87, whatomate #562: duplicates within a file and over imports."""
    people = numbers(4)
    campaign = make_campaign()
    content = as_csv([[number, "Rosa"] for number in [*people, people[0]]])
    first, second = imported(campaign, content), checked(campaign, content)
    assert (first.counts["accepted"], first.counts["duplicate_in_file"]) == (4, 1)
    assert second.counts.get("accepted", 0) == 0  # so there is nothing to confirm
    assert accepted(campaign) == Counter(people)


def test_the_failed_can_be_exported_with_their_reasons() -> None:
    """listmonk #1539, #2992: no export of those who were not reached."""
    campaign = make_filled_campaign(count=2, state="running")
    add_recipients(campaign, 3, first=2, status="failed", reason="busy", reference="MRN-7")
    api = make_api(campaign.workspace)
    answer = api.get(f"campaigns/{campaign.pk}/export", status="failed")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["status"], row["reason"], row["reference"]) for row in rows] == [("failed", "busy", "MRN-7")] * 3


def test_the_admins_pages_ask_as_many_questions_for_many_voicemails_as_for_few(client: Client) -> None:
    """listmonk's documentation, mautic #9634: the admin grew slow with the number of contacts."""
    few, many = make_filled_campaign(count=1, state="running"), make_filled_campaign(count=300, state="running")
    asked = []
    for campaign in (few, many):
        client.force_login(make_user(workspace=campaign.workspace, role=Role.LAUNCHER, is_staff=True, password=None))
        for page in ("", f"{campaign.pk}/change/"):
            client.get(f"/admin/campaigns/campaign/{page}")  # what is asked once and remembered
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(f"/admin/campaigns/campaign/{page}")
            assert answer.status_code == 200
            counting = [
                query["sql"] for query in queries if "COUNT(" in query["sql"] and "delivery_voicemail" in query["sql"]
            ]
            assert counting == []
            asked.append(len(queries))
    assert asked[:2] == asked[2:]
