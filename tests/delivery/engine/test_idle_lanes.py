"""A lane in which nothing is under way is idle and costs no look for work; nothing that waits stays in an idle lane."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django_rq import get_queue
from structlog.testing import capture_logs

from delivery.engine import idle_lanes
from delivery.engine.lane_routes import active_routes
from delivery.lane_totals import counts_of_use_cases
from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import OPEN_ENDED, VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import Lane, LaneCount, LaneDelta, UseCaseCount, Voicemail
from delivery.services.insertion import insert_staged
from delivery.services.retries import retry
from delivery.services.voicemails import Recipient, queue_voicemails
from delivery.web.gauges import gauges, tally
from delivery.worker import maintenance, tick
from tests import factories
from tests.delivery.engine.test_lane_plans import STAGED
from tests.delivery.states import NOW, make_drop

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _from_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_lanes, "_checked_up_to", idle_lanes._FIRST)
    get_queue("dispatch").connection.flushdb()


def an_hour_goes_by() -> None:
    """Everything was folded, and that an hour ago."""
    maintenance.roll_up_counts()
    LaneCount.objects.update(changed_at=F("changed_at") - HOUR)
    Lane.objects.update(created_at=F("created_at") - HOUR)


def is_idle(lane: Lane) -> bool:
    return Lane.objects.get(pk=lane.pk).idle


def ended(**fields: Any) -> Voicemail:
    """A voicemail that failed, in a lane that rests."""
    lane = factories.make_lane()
    voicemail = factories.make_voicemail(
        lane=lane, **{"status": "failed", "reason": "no_answer", "expires_at": None, **fields}
    )
    make_drop(voicemail, "failed", "no_answer")
    an_hour_goes_by()
    idle_lanes.mark_idle(NOW)
    assert is_idle(lane)
    return voicemail


def test_a_lane_rests_once_nothing_was_under_way_for_a_while() -> None:
    lane = factories.make_voicemail(status="delivered").lane
    for early in (lambda: None, maintenance.roll_up_counts):
        early()
        idle_lanes.mark_idle(NOW)
        assert not is_idle(lane)
    an_hour_goes_by()
    idle_lanes.mark_idle(NOW)
    assert is_idle(lane)


@pytest.mark.parametrize("status", sorted(OPEN_ENDED))
def test_a_lane_in_which_something_is_under_way_does_not_rest(status: str) -> None:
    lane = factories.make_voicemail(status=status).lane
    an_hour_goes_by()
    idle_lanes.mark_idle(NOW)
    assert not is_idle(lane)


def test_neither_a_new_lane_rests_nor_one_that_is_held_nor_one_with_changes_to_be_folded() -> None:
    new, held, changing = (factories.make_lane(held=held) for held in (False, True, False))
    Lane.objects.exclude(pk=new.pk).update(created_at=F("created_at") - HOUR)
    LaneDelta.objects.create(lane=changing, status="delivered", reason="", delta=1)
    idle_lanes.mark_idle(NOW)
    assert [is_idle(lane) for lane in (new, held, changing)] == [False, False, False]


def test_the_rows_decide_whatever_the_counters_say() -> None:
    lane = factories.make_voicemail().lane
    LaneDelta.objects.all().delete()
    an_hour_goes_by()
    idle_lanes.mark_idle(NOW)
    assert not is_idle(lane)


def test_so_many_rest_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_lanes, "MAX_MADE_IDLE", 2)
    use_case = factories.make_use_case()
    lanes = [factories.make_lane(use_case) for _ in range(5)]
    an_hour_goes_by()
    for rested in (2, 4, 5, 5):
        idle_lanes.mark_idle(NOW)
        assert Lane.objects.filter(pk__in=[lane.pk for lane in lanes], idle=True).count() == rested


def test_a_look_for_work_reads_lanes_that_are_open_and_the_metrics_say_how_many() -> None:
    ended()
    factories.make_voicemail(lane=factories.make_lane(held=True))
    waiting = factories.make_voicemail(not_before=NOW)
    assert [route.lane_id for route in active_routes(NOW, 10)] == [waiting.lane_id]
    assert {gauge.name: gauge.value for gauge in gauges(NOW)}["rvm_open_lanes"] == 1


# waking


def test_what_the_api_queues_wakes_its_lane_at_once() -> None:
    voicemail = factories.make_voicemail(status="delivered")
    use_case, lane = voicemail.use_case, voicemail.lane
    an_hour_goes_by()
    idle_lanes.mark_idle(NOW)
    assert is_idle(lane)
    recording = factories.make_recording(use_case.workspace)
    [queued] = queue_voicemails(
        use_case=use_case, recording=recording, live=True, recipients=[Recipient("+15550010001")], now=NOW
    )
    assert isinstance(queued, Voicemail) and queued.lane_id == lane.pk
    assert [route.lane_id for route in active_routes(NOW, 10)] == [lane.pk]


def test_a_list_wakes_its_lane_at_once() -> None:
    voicemail = ended()
    insert_staged(voicemail.lane, STAGED, {"rows": 3}, recording_id=voicemail.recording_id, now=NOW)
    assert [route.due for route in active_routes(NOW, 10)] == [3]


def test_a_person_who_tries_one_again_wakes_its_lane_at_once() -> None:
    voicemail = ended()
    retry(voicemail, actor=None, now=NOW)
    assert [route.lane_id for route in active_routes(NOW, 10)] == [voicemail.lane_id]


def late_retry(voicemail: Voicemail) -> None:
    """As a report that corrects a guess brings it about."""
    failed, queued = VoicemailStatus.FAILED, VoicemailStatus.QUEUED
    assert transitions.apply(
        [Transition(voicemail.pk, failed, queued, from_reason=Reason.NO_ANSWER, not_before=NOW)], NOW
    )


@pytest.mark.parametrize("folded", [True, False])
def test_what_comes_to_wait_in_an_idle_lane_wakes_it_before_the_tick_rings(folded: bool) -> None:
    voicemail = ended(expires_at=NOW + HOUR)
    late_retry(voicemail)
    if folded:
        maintenance.roll_up_counts()
    assert active_routes(NOW, 10) == []
    with capture_logs() as logs:
        tick.tick(NOW)
    assert [line["lane_id"] for line in logs if line["event"] == "lane_woken"] == [str(voicemail.lane_id)]
    assert tally(idle_lanes.REACTIVATED) == 1
    assert get_queue("dispatch").count == 1
    assert [route.lane_id for route in active_routes(NOW, 10)] == [voicemail.lane_id]


@pytest.mark.parametrize("status", sorted(OPEN_ENDED))
def test_whatever_is_under_way_wakes_its_lane(status: str) -> None:
    lane = ended().lane
    factories.make_voicemail(lane=lane, recipient="+12025550143", status=status)
    assert idle_lanes.reactivate_lanes(NOW) == 1
    assert not is_idle(lane)


def test_a_lane_that_is_idle_by_mistake_is_found_by_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where somebody changed a row by hand, and no counter knows of it."""
    monkeypatch.setattr(idle_lanes, "MAX_CHECKED", 2)
    factories.make_lane(held=True)
    voicemails = [ended() for _ in range(5)]
    for late in (3, 0, 4):
        Voicemail.objects.filter(pk=voicemails[late].pk).update(status="queued", reason="")
        rounds = [idle_lanes.reactivate_lanes(NOW) for _ in range(4)]
        assert sorted(rounds) == [0, 0, 0, 1]
        assert not is_idle(voicemails[late].lane)
    assert [is_idle(voicemail.lane) for voicemail in voicemails] == [False, True, True, False, False]
    assert sum(idle_lanes.reactivate_lanes(NOW) for _ in range(4)) == 0


def test_what_ended_before_it_was_folded_wakes_nobody() -> None:
    voicemail = ended(expires_at=NOW + HOUR)
    late_retry(voicemail)
    queued, expired = VoicemailStatus.QUEUED, VoicemailStatus.EXPIRED
    transitions.apply([Transition(voicemail.pk, queued, expired, reason=Reason.EXPIRED)], NOW)
    assert idle_lanes.reactivate_lanes(NOW) == 0
    assert is_idle(voicemail.lane)


@pytest.mark.django_db(transaction=True)
def test_a_lane_that_somebody_is_queueing_in_is_not_put_to_rest() -> None:
    voicemail = ended()
    lane = Lane.objects.get(pk=voicemail.lane_id)
    queued, go_on = threading.Event(), threading.Event()

    def queue() -> None:
        try:
            with transaction.atomic():
                factories.make_voicemail(lane=lane, recipient="+12025550143", not_before=NOW)
                idle_lanes.mark_active(lane)
                queued.set()
                assert go_on.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=queue)
    thread.start()
    assert queued.wait(10)
    idle_lanes.mark_idle(NOW)
    go_on.set()
    thread.join()
    idle_lanes.mark_idle(NOW)
    assert [route.lane_id for route in active_routes(NOW, 10)] == [lane.pk]


# use cases


def rows_of_use_cases() -> dict[Any, dict[str, int]]:
    found: dict[Any, dict[str, int]] = {}
    for use_case_id, status in Voicemail.objects.values_list("use_case_id", "status"):
        of_one = found.setdefault(use_case_id, {})
        of_one[status] = of_one.get(status, 0) + 1
    return found


def test_the_counts_of_a_use_case_are_those_of_all_its_lanes() -> None:
    use_cases = [factories.make_use_case() for _ in range(2)]
    for use_case in use_cases:
        for lane in [factories.make_lane(use_case) for _ in range(2)]:
            for status in ("queued", "delivered", "delivered"):
                factories.make_voicemail(lane=lane, status=status)
    everybody = [use_case.pk for use_case in use_cases]
    for limit in (2, 5, 50):
        assert counts_of_use_cases(everybody) == rows_of_use_cases()
        maintenance.roll_up_counts(limit)
    assert counts_of_use_cases(everybody) == rows_of_use_cases()
    assert not LaneDelta.objects.exists()
    assert counts_of_use_cases(everybody[:1]) == {everybody[0]: rows_of_use_cases()[everybody[0]]}


def test_rebuilding_a_lanes_counts_mends_those_of_its_use_case() -> None:
    lane = factories.make_voicemail(status="delivered").lane
    factories.make_voicemail(lane=factories.make_lane(lane.use_case), status="failed", reason="busy")
    maintenance.roll_up_counts()
    for damaged in (LaneCount, UseCaseCount):
        damaged.objects.filter(status="delivered").update(count=-5)
        maintenance.rebuild_counts(lane.pk)
        maintenance.roll_up_counts()
        assert counts_of_use_cases([lane.use_case_id]) == rows_of_use_cases()
    UseCaseCount.objects.all().delete()
    maintenance.rebuild_counts(lane.pk)
    assert counts_of_use_cases([lane.use_case_id]) == rows_of_use_cases()
