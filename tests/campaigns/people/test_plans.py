"""A person is found among many voicemails by the indexes of recipients and identifiers, whatever the planner has counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import QuerySet

from campaigns.models import Campaign
from campaigns.people import record, search
from campaigns.people.search import Person
from delivery.identifiers import by_record_number, by_reference
from delivery.selectors.filters import VoicemailFilter
from delivery.selectors.voicemails import voicemails_in
from delivery.services.insertion import insert_staged
from tests.delivery.engine.test_lane_plans import MOMENTS, NOW, ROWS, STAGED
from tests.factories import RECIPIENT, make_campaign, make_use_case, make_voicemail, make_workspace

pytestmark = pytest.mark.django_db
IDENTIFIED = STAGED.replace("NULL::bigint AS record_entry", "n::bigint AS record_entry").replace(
    "''::varchar AS reference", "('visit ' || n)::varchar AS reference"
)


@pytest.fixture
def lists(request: pytest.FixtureRequest) -> list[Campaign]:
    """Lists of three campaigns, a day apart, and one person in the first."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE delivery_voicemail, delivery_voicemailidentifier CASCADE")
    use_case = make_use_case()
    campaigns = [make_campaign(use_case) for _ in range(3)]
    for day, campaign in enumerate(campaigns):
        moment = NOW + timedelta(days=day)
        staged = {"rows": ROWS}
        insert_staged(
            campaign.lane, IDENTIFIED, staged, recording_id=campaign.recording_id, identified=True, now=moment
        )
        campaign.lane.refresh_from_db()
    make_voicemail(lane=campaigns[0].lane, record_number="MRN-10482", reference="visit a")
    with connection.cursor() as cursor:
        for statement in MOMENTS[request.param]:
            cursor.execute(statement)
    return campaigns


def ways(statement: str, parameters: Sequence[Any]) -> list[str]:
    """How the plan comes to voicemails and their identifiers."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", parameters)
        return _ways([row[0] for row in cursor.fetchall()])


def ways_of(found: QuerySet[Any]) -> list[str]:
    return _ways(found.explain().splitlines())


def _ways(lines: list[str]) -> list[str]:
    """Each with its condition, which the next line has."""
    pairs = zip(lines, [*lines[1:], ""], strict=True)
    return [
        f"{line.strip()}; {condition.strip()}"
        for line, condition in pairs
        if " on " in line and ("voicemail" in line or "identifier" in line)
    ]


def walks(found: list[str]) -> list[str]:
    """Those that read a table or a list of it. The index of a workspace's newest may look ids up, as the primary key does."""
    by_ids = re.compile(r"Index Cond: \(.*\bid = (?:ANY|\S+\))")
    return [
        way
        for way in found
        if "Seq Scan" in way or "voicemail_due" in way or ("newest" in way and not by_ids.search(way))
    ]


@pytest.mark.parametrize("lists", MOMENTS, indirect=True)
def test_what_a_person_received_and_what_waits_is_read_by_their_index(lists: list[Campaign]) -> None:
    person = Person(lists[0].workspace, RECIPIENT)
    before = UUID(int=(1 << 128) - 1)
    for found in (
        ways_of(record.received(person, live=None)[:26]),
        ways_of(record.received(person, live=True, before=before)[:26]),
        ways(record._FIND_WAITING, [person.indexes, None, None, 51]),
        ways(search._FIND_KNOWN, [person.indexes]),
        ways(record._DESCRIBE, [person.indexes, None, None, 50]),
    ):
        assert any("voicemail_by_recipient" in way for way in found), found
        assert not walks(found), found


@pytest.mark.parametrize("lists", MOMENTS, indirect=True)
def test_an_identifier_is_found_by_its_index(lists: list[Campaign]) -> None:
    workspace = lists[0].workspace
    for found, index in (
        (by_record_number([workspace.pk], "MRN-10482"), "identifier_record_number"),
        (by_reference([workspace.pk], "visit a"), "identifier_reference"),
    ):
        shown = ways_of(found.values_list("voicemail_id", flat=True)[: search.MAX_IDENTIFIED])
        assert any(index in way for way in shown), shown
        assert not [way for way in shown if "Seq Scan" in way], shown


@pytest.mark.parametrize("lists", MOMENTS, indirect=True)
def test_a_search_in_several_workspaces_reads_no_list_of_them(lists: list[Campaign]) -> None:
    """Under the list's newest-first order, which would tempt the planner to read it until it has a page."""
    workspaces = [lists[0].workspace, make_workspace()]
    for sought, index in (
        (VoicemailFilter(recipient=RECIPIENT), "voicemail_by_recipient"),
        (VoicemailFilter(either="visit a"), "identifier_reference"),
    ):
        found = voicemails_in(workspaces, sought, live=None).order_by("-id")[:51]
        plan = found.explain()
        assert len(list(found)) == 1
        # By the ids alone, or with one of the setups.
        assert index in plan and re.search(r"Index Cond: \(.*\bid = ANY", plan), plan
        assert not walks(_ways(plan.splitlines())), plan


@pytest.mark.parametrize("lists", MOMENTS, indirect=True)
def test_a_list_is_looked_through_within_its_own_ids(lists: list[Campaign]) -> None:
    lane = lists[0].lane
    assert lane.first_id is not None
    asked = [lane.workspace_id, lane.pk, UUID(int=lane.first_id.int - 1), lane.last_id, 5000]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {search._SCAN}", asked)
        lines = [row[0].strip() for row in cursor.fetchall()]
    assert not [line for line in lines if "Seq Scan" in line], lines
    assert any(line.startswith("Index Cond") and "id > " in line and "id <= " in line for line in lines), lines
