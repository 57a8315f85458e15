"""A lane's voicemails are found without those of other lanes, also where the planner last counted when nobody waited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import QuerySet

from delivery.engine import claim, idle_lanes, lane_routes
from delivery.models import Lane, LaneCount, Voicemail
from delivery.selectors.filters import VoicemailFilter
from delivery.selectors.voicemails import voicemails
from delivery.services import lanes, retries
from delivery.services.insertion import insert_staged
from delivery.web import gauges
from delivery.worker import maintenance
from rvm.platform.database.ids import time_of
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
ROWS = 3000
STAGED = """
SELECT decode('00', 'hex') AS recipient, sha256(n::text::bytea) AS index, NULL::bytea[] AS older, '0100'::varchar AS last4,
       hashint8extended(n, (random() * 1e9)::bigint) & x'3fffffffffffffff'::bigint | x'8000000000000000'::bigint AS half,
       ''::varchar AS reference, NULL::bytea AS record_number,
       NULL::bigint AS record_entry, NULL::bytea AS merge_fields, ARRAY['UTC']::varchar[] AS zones, NULL::uuid AS recording_id
  FROM generate_series(1, %(rows)s) n
"""
LOOK = [*lane_routes._as_arrays({}), NOW, NOW, 500, NOW]
FRONT = (NOW, UUID(int=0))
END = "UPDATE delivery_voicemail SET status = 'delivered'"
WAIT = "UPDATE delivery_voicemail SET status = 'queued'"
COUNT = "ANALYZE delivery_voicemail"
MOMENTS = {
    "counted while all waited": (COUNT,),
    "counted while nobody waited": (END, COUNT, WAIT),
    "never counted": (),
}


def plan(statement: str, parameters: Any) -> list[str]:
    """Which ways lead to the voicemails."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", parameters)
        return [row[0].strip() for row in cursor.fetchall()]


def plan_of(found: QuerySet[Voicemail]) -> list[str]:
    return found.explain().splitlines()


@pytest.fixture
def three_lists(request: pytest.FixtureRequest) -> Lane:
    """Lists of three campaigns of one use case, a day apart; the first of their lanes."""
    with connection.cursor() as cursor:
        # Forgets also what autovacuum has counted meanwhile: the pages of tests that were rolled back, with next to no row in them.
        cursor.execute("TRUNCATE delivery_voicemail CASCADE")
    use_case = factories.make_use_case()
    recording = factories.make_recording(use_case.workspace)
    made = [factories.make_lane(use_case) for _ in range(3)]
    for day, lane in enumerate(made):
        moment = NOW + timedelta(days=day)
        insert_staged(lane, STAGED, {"rows": ROWS}, recording_id=recording.pk, now=moment)
        lane.refresh_from_db()
    with connection.cursor() as cursor:
        for statement in MOMENTS[request.param]:
            cursor.execute(statement)
    return made[0]


@pytest.mark.parametrize("three_lists", MOMENTS, indirect=True)
def test_who_waits_in_a_lane_is_found_by_the_index_of_what_is_due(three_lists: Lane) -> None:
    # The index of what expires by itself held these rows once: one look of the dispatcher then read all that waited, lane by lane.
    lane = three_lists.pk
    for statement, parameters in (
        (lane_routes._FIND_ACTIVE_ROUTES, LOOK),
        (claim._LOCK_DUE, [None, None, lane, False, NOW, *FRONT, 500]),
        (claim._LOCK_DUE_IDS, [lane, False, NOW, *FRONT, 500]),
        (lanes._LOCK_QUEUED, [lane, 500]),
        (maintenance._FIND_EXPIRED_WITH_LANE, [500, NOW, 500]),
    ):
        ways = [line for line in plan(statement, parameters) if " on " in line and "voicemail" in line]
        assert any("voicemail_due" in way for way in ways), ways
        assert not [way for way in ways if "Seq Scan" in way or "voicemail_expiring" in way], ways


@pytest.mark.parametrize("three_lists", MOMENTS, indirect=True)
def test_a_look_begins_where_the_first_of_a_lane_waits(three_lists: Lane) -> None:
    """Not at the front, where a long transaction keeps what has gone."""
    looks = [
        plan(lane_routes._FIND_ACTIVE_ROUTES, LOOK),
        plan(claim._LOCK_DUE, [None, None, three_lists.pk, False, NOW, *FRONT, 5]),
    ]
    for lines, count in zip(looks, (2, 1), strict=True):
        conditions = [line for line in lines if line.startswith("Index Cond") and "not_before" in line]
        assert len(conditions) == count
        assert all("ROW(" in line and ">= ROW(" in line for line in conditions), conditions


@pytest.mark.parametrize("three_lists", MOMENTS, indirect=True)
@pytest.mark.parametrize("statuses", [(), ("failed",), ("delivered",), ("accepted",)])
def test_a_page_of_an_old_campaign_is_sought_within_its_own_ids(three_lists: Lane, statuses: tuple[str, ...]) -> None:
    found = voicemails(three_lists.workspace, VoicemailFilter(campaign_id=three_lists.pk, statuses=statuses), live=True)
    found = found.order_by("-id")[:51]
    lines = plan_of(found)
    assert not [line for line in lines if "Seq Scan on delivery_voicemail" in line]
    assert any("Index Cond" in line and "id >= " in line and "id <= " in line for line in lines), lines


@pytest.mark.parametrize("three_lists", MOMENTS, indirect=True)
def test_a_test_keys_few_are_found_without_all_that_are_live(three_lists: Lane) -> None:
    test = factories.make_voicemail(three_lists.use_case, live=False)
    found = voicemails(three_lists.workspace, live=False).order_by("-id")[:51]
    lines = plan_of(found)
    assert any("voicemail_newest_test" in line for line in lines), lines
    assert list(found) == [test]


@pytest.mark.parametrize("three_lists", ["never counted"], indirect=True)
def test_a_lane_knows_between_which_ids_its_list_lies(three_lists: Lane) -> None:
    own = Voicemail.objects.filter(lane=three_lists)
    assert three_lists.first_id is not None
    assert three_lists.last_id is not None
    assert own.count() == own.filter(id__gte=three_lists.first_id, id__lte=three_lists.last_id).count() == ROWS
    assert time_of(three_lists.last_id) - time_of(three_lists.first_id) < timedelta(seconds=1)
    assert voicemails(three_lists.workspace, VoicemailFilter(campaign_id=three_lists.pk), live=True).count() == ROWS

    insert_staged(
        three_lists,
        STAGED,
        {"rows": 1},
        recording_id=own.values_list("recording_id", flat=True)[0],
        now=NOW + timedelta(days=9),
    )
    assert voicemails(three_lists.workspace, VoicemailFilter(campaign_id=three_lists.pk), live=True).count() == ROWS + 1


@pytest.mark.parametrize("three_lists", ["counted while nobody waited"], indirect=True)
def test_the_index_of_what_expires_by_itself_can_not_be_taken_for_a_way_to_a_lane(three_lists: Lane) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX voicemail_due")
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert not [line for line in plan(lane_routes._FIND_ACTIVE_ROUTES, LOOK) if "voicemail_expiring" in line]
    assert [line for line in plan(maintenance._FIND_EXPIRED, [NOW, 500]) if "voicemail_expiring" in line]


@pytest.mark.parametrize("three_lists", MOMENTS, indirect=True)
def test_who_is_tried_again_is_sought_within_the_lanes_own_ids(three_lists: Lane) -> None:
    stretch = [three_lists.workspace_id, three_lists.pk, lanes.id_before_first(three_lists), three_lists.last_id]
    lines = plan(retries._FIND_FAILED, [*stretch, ["busy"], NOW, 500, *stretch, True, NOW, 500, 500])
    assert not [line for line in lines if "Seq Scan on delivery_voicemail" in line]
    conditions = [line for line in lines if "Index Cond" in line]
    assert len(conditions) == 2
    assert all("id > " in line and "id <= " in line for line in conditions), lines
    few = list(Voicemail.objects.filter(lane=three_lists).values_list("pk", flat=True)[:50])
    lines = plan(retries._LOCK_WITH_DROPS, [few])
    ways = [line for line in lines if " on delivery_voicemail" in line]
    assert ways and all("delivery_voicemail_pkey" in way or "Bitmap Heap" in way for way in ways), lines


REST = "UPDATE delivery_lane SET idle = true, expires_at = %s"
COUNT_LANES = "ANALYZE delivery_lane"
# Lanes that were never counted are read whole: of a column that it knows nothing of, the planner takes half for true. Autovacuum
# counts them within a minute of their coming.
RESTS = {
    "counted while all were open": (COUNT_LANES, REST),
    "counted while all were idle": (REST, COUNT_LANES),
}


@pytest.mark.parametrize("moment", RESTS)
def test_whatever_looks_for_work_reads_no_lane_that_is_idle(moment: str) -> None:
    use_case = factories.make_use_case()
    made = Lane.objects.bulk_create(
        Lane(workspace=use_case.workspace, use_case=use_case, live=True) for _ in range(ROWS)
    )
    LaneCount.objects.bulk_create(LaneCount(lane=lane, status="delivered", reason="", count=1) for lane in made)
    with connection.cursor() as cursor:
        for statement in (*RESTS[moment], "ANALYZE delivery_lanecount"):
            cursor.execute(statement, [NOW] if statement is REST else [])
    for statement, parameters, index in (
        (lane_routes._FIND_ACTIVE_ROUTES, LOOK, "lane_open"),
        (gauges.DUE, [NOW, NOW, 500], "lane_open"),
        (gauges.OPEN_LANES, [], "lane_open"),
        (idle_lanes._MARK_IDLE, [["queued"], 500], "lane_open"),
        (maintenance._FIND_EXPIRED_WITH_LANE, [500, NOW, 500], "lane_expiring"),
        (idle_lanes._CHECK_NEXT_LANES, [idle_lanes._FIRST, 50], "delivery_lane_pkey"),
    ):
        ways = plan(statement, parameters)
        assert any(index in way for way in ways), (statement, ways)
        assert not [way for way in ways if "Seq Scan on delivery_lane" in way and "delta" not in way], (statement, ways)
