"""A look goes on where the last one found work, and begins at the front often enough to miss nothing for long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from delivery.engine import lane_routes
from delivery.engine.claim import claim
from delivery.lifecycle.events import Report, ReportStatus
from delivery.models import LaneDelta, Voicemail
from delivery.reports import inbox
from delivery.reports.inbox import receive
from delivery.runtime import watermarks
from delivery.runtime.watermarks import MAX_SHARE, MIN_SECONDS, Watermark
from delivery.worker import maintenance
from tests import factories
from tests.delivery.states import make_submitted
from tests.sessions import Session


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watermarks, "_looks_again", True)


def begins_at(mark: Watermark[int], clock: Clock, takes: float = 0.0) -> int:
    with mark.look() as position:
        clock.seconds += takes
    return position


def test_a_look_goes_on_from_the_position_that_the_last_one_reached() -> None:
    clock = Clock()
    mark = Watermark(0, clock)
    assert begins_at(mark, clock) == 0
    mark.reached(40)
    assert begins_at(mark, clock) == 40
    mark.reached(70)
    assert begins_at(mark, clock) == 70


def test_it_begins_at_the_front_every_few_seconds() -> None:
    clock = Clock()
    mark = Watermark(0, clock)
    begins_at(mark, clock)
    mark.reached(40)
    clock.seconds = MIN_SECONDS - 0.01
    assert begins_at(mark, clock) == 40
    clock.seconds = MIN_SECONDS
    assert begins_at(mark, clock) == 0
    clock.seconds += 0.01
    assert begins_at(mark, clock) == 40


def test_looks_from_the_front_take_a_small_share_of_the_time_however_long_one_takes() -> None:
    clock = Clock()
    mark = Watermark(0, clock)
    begins_at(mark, clock, takes=2.0)
    mark.reached(40)
    clock.seconds = 2.0 / MAX_SHARE
    assert begins_at(mark, clock) == 40
    clock.seconds = 2.0 + 2.0 / MAX_SHARE
    assert begins_at(mark, clock) == 0


def test_a_look_that_failed_was_none() -> None:
    clock = Clock()
    mark = Watermark(0, clock)
    mark.reached(40)
    with pytest.raises(ZeroDivisionError), mark.look():
        1 / 0  # noqa: B018
    assert begins_at(mark, clock) == 0


def test_a_process_that_looks_once_begins_at_the_front(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watermarks, "_looks_again", False)
    clock = Clock()
    mark = Watermark(0, clock)
    begins_at(mark, clock)
    mark.reached(40)
    assert begins_at(mark, clock) == 0
    watermarks.remember_positions()
    assert begins_at(mark, clock) == 40


# the queues


def a_lease() -> None:
    make_submitted("sending", drop={"due_at": timezone.now() - timedelta(hours=1)})


def leases_ended() -> bool:
    return bool(maintenance.expire_leases(timezone.now()))


def a_report() -> None:
    drop = make_submitted("accepted")
    receive(drop.setup_id, b"", [Report(drop.pk, ReportStatus.DELIVERED, None)])


def merged() -> bool:
    return bool(inbox.merge(timezone.now()))


def heard_by_the_tick() -> bool:
    return maintenance.is_work_due(timezone.now())["reports"]


def a_difference() -> None:
    factories.make_voicemail()


def folded() -> bool:
    maintenance.roll_up_counts()
    return not LaneDelta.objects.exists()


FAR = 10**9
QUEUES: dict[str, tuple[Any, str, object, Callable[[], None], Callable[[], bool]]] = {
    "leases": (maintenance, "_LEASES", timezone.now() + timedelta(days=1), a_lease, leases_ended),
    "reports": (inbox, "_INBOX", FAR, a_report, merged),
    "reports that the tick wakes workers for": (maintenance, "_INBOX", FAR, a_report, heard_by_the_tick),
    "differences of counts": (maintenance, "_DELTAS", FAR, a_difference, folded),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", QUEUES)
def test_what_comes_to_lie_before_the_position_is_found_from_the_front(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, mark, far, make, work = QUEUES[name]
    clock = Clock()
    watermark: Watermark[Any] = Watermark(getattr(module, mark)._front, clock)
    monkeypatch.setattr(module, mark, watermark)
    begins_at(watermark, clock)
    watermark.reached(far)
    make()
    assert not work()
    clock.seconds = MIN_SECONDS
    assert work()


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the look for due lanes."""
    clock = Clock()
    monkeypatch.setattr(lane_routes, "_DUE", Watermark({}, clock))
    return clock


def due() -> int:
    """How many wait, as the look has it."""
    return sum(route.due for route in lane_routes.active_routes(timezone.now(), 10))


def test_a_look_for_due_lanes_goes_on_from_the_first_that_waits_and_passes_over_nobody_that_is_only_locked(
    transactional_db: None, line: Clock
) -> None:
    use_case = factories.make_use_case()
    waiting = [factories.make_voicemail(use_case) for _ in range(3)]
    with transaction.atomic():
        Voicemail.objects.select_for_update().get(pk=waiting[0].pk)
        assert Session(due).result() == 3  # another worker, that may yet let it go
        [route] = Session(lambda: lane_routes.active_routes(timezone.now(), 10)).result()
        claimed = Session(lambda: claim(route, 1, timezone.now(), timedelta(seconds=45)).claims).result()
        assert [each.voicemail_id for each in claimed] == [waiting[1].pk]
    [route] = lane_routes.active_routes(timezone.now(), 10)
    assert (route.first[1], route.due) == (waiting[0].pk, 2)


@pytest.mark.django_db
def test_a_voicemail_that_is_due_before_all_others_is_found_within_seconds(line: Clock) -> None:
    use_case = factories.make_use_case()
    factories.make_voicemail(use_case)
    assert due() == 1
    early = factories.make_voicemail(use_case, not_before=timezone.now() - timedelta(hours=2))
    assert due() == 1
    line.seconds = MIN_SECONDS
    [route] = lane_routes.active_routes(timezone.now(), 10)
    assert (route.first[1], route.due) == (early.pk, 2)


@pytest.mark.django_db
def test_a_lane_in_which_nothing_is_due_keeps_its_position(line: Clock) -> None:
    first = factories.make_voicemail()
    assert due() == 1
    [before] = lane_routes._DUE.position.items()
    Voicemail.objects.update(not_before=timezone.now() + timedelta(hours=1))
    assert due() == 0
    assert list(lane_routes._DUE.position.items()) == [before]
    Voicemail.objects.update(not_before=timezone.now())
    [route] = lane_routes.active_routes(timezone.now(), 10)
    assert route.first[1] == first.pk


@pytest.mark.django_db
def test_positions_are_remembered_of_so_many_lanes_and_no_more(line: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_routes, "MAX_POSITIONS", 2)
    for _ in range(3):
        factories.make_voicemail()
    assert due() == 3
    assert len(lane_routes._DUE.position) == 2
    assert due() == 3
