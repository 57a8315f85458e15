"""While a lane tries its first people only, no claim takes more of them than were let out, whoever claims at the same time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from delivery.carriers.sandbox import Sandbox
from delivery.engine import canaries, lane_holds
from delivery.engine import claim as claims
from delivery.engine.claim import ClaimedBatch, claim
from delivery.engine.lane_routes import active_routes
from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.lifecycle.transitions import DropChange, Transition
from delivery.models import CanaryMember, CarrierMedia, Drop, Lane, Voicemail
from tests.campaigns.canaries import report
from tests.delivery.states import NOW, counter_totals, row_counts
from tests.factories import (
    make_campaign,
    make_phone_number,
    make_setup,
    make_suppression,
    make_use_case,
    patient_number,
)
from tests.sessions import Session
from usecases.eligibility import decide

LEASE = timedelta(seconds=60)


def make_lane(people: int, first: int, **fields: Any) -> Lane:
    """An open lane with so many people who wait, of whom the first may be tried."""
    lane = make_campaign(count=people, state="running", **fields).lane
    canaries.begin(lane.pk, first)
    return lane


def look(lane: Lane, limit: int = 500) -> list[ClaimedBatch]:
    return [claim(route, limit, NOW, LEASE) for route in active_routes(NOW, limit) if route.lane_id == lane.pk]


def left(lane: Lane) -> int | None:
    return Lane.objects.values_list("canary_left", flat=True).get(pk=lane.pk)


def drops(lane: Lane) -> int:
    return Drop.objects.filter(voicemail__lane_id=lane.pk).count()


def as_unsent(lane: Lane, count: int = 1) -> list[Voicemail]:
    """So many requests are proved not to have left, and their voicemails wait for another one."""
    rows = list(Voicemail.objects.filter(lane_id=lane.pk, status="sending").order_by("id")[:count])
    unsent, sending = DropStatus.NOT_SENT, DropStatus.SENDING
    transitions.change_drops([DropChange(row.drop_id, sending, unsent) for row in rows if row.drop_id], NOW)
    queued = VoicemailStatus.QUEUED
    transitions.apply(
        [
            Transition(row.pk, VoicemailStatus.SENDING, queued, reason=Reason.NOT_SENT, not_before=NOW, failover=False)
            for row in rows
        ],
        NOW,
    )
    return rows


@pytest.mark.django_db
def test_as_many_are_tried_as_were_let_out_and_the_others_are_not_looked_for() -> None:
    lane = make_lane(20, 7)
    [route] = active_routes(NOW, 500)
    assert route.due == 7
    assert [len(batch.claims) for batch in look(lane, 4)] == [4]
    assert [len(batch.claims) for batch in look(lane)] == [3]
    assert look(lane) == []
    assert (left(lane), drops(lane), CanaryMember.objects.filter(lane=lane).count()) == (0, 7, 7)
    canaries.end(lane.pk)
    assert [len(batch.claims) for batch in look(lane)] == [13]
    assert not CanaryMember.objects.exists()


@pytest.mark.django_db
def test_a_lane_without_first_people_has_no_places_to_take() -> None:
    lane = make_campaign(count=3, state="running").lane
    assert [len(batch.claims) for batch in look(lane)] == [3]
    assert (left(lane), CanaryMember.objects.count()) == (None, 0)


@pytest.mark.django_db(transaction=True)
def test_of_claims_at_the_same_time_each_takes_what_the_others_have_left() -> None:
    """The one that comes second waits for the first, and then finds what is left, not what was there when it began."""
    lane = make_lane(20, 7)
    [route] = active_routes(NOW, 500)
    with transaction.atomic():
        assert len(claim(route, 5, NOW, LEASE).claims) == 5
        others = [Session(lambda: claim(route, 5, NOW, LEASE)) for _ in range(4)]
        for other in others:
            other.wait_until_blocked()
    assert sum(len(other.result().claims) for other in others) == 2
    assert (left(lane), drops(lane)) == (0, 7)
    assert counter_totals(lane.pk) == row_counts(lane.pk) == {("sending", ""): 7, ("queued", ""): 13}


@pytest.mark.django_db(transaction=True)
def test_what_a_killed_claim_took_is_there_again() -> None:
    lane = make_lane(20, 7)
    [route] = active_routes(NOW, 500)
    with transaction.atomic():
        claim(route, 5, NOW, LEASE)
        transaction.set_rollback(True)
    assert (left(lane), drops(lane), CanaryMember.objects.count()) == (7, 0, 0)


@pytest.mark.django_db
def test_who_is_skipped_takes_no_place() -> None:
    lane = make_lane(20, 5)
    for serial in range(3):
        make_suppression(lane.workspace, patient_number(serial))
    look(lane)
    look(lane)
    assert row_counts(lane.pk) == {("skipped", "suppressed"): 3, ("sending", ""): 5, ("queued", ""): 12}


@pytest.mark.django_db
def test_what_was_proved_not_sent_gives_its_place_back_once() -> None:
    lane = make_lane(20, 7)
    look(lane)
    as_unsent(lane, 3)
    assert look(lane) == []
    assert canaries.give_back(lane.pk, 7)
    assert not canaries.give_back(lane.pk, 7)
    assert (left(lane), CanaryMember.objects.count()) == (3, 4)
    assert [len(batch.claims) for batch in look(lane)] == [3]
    assert Drop.objects.filter(voicemail__lane_id=lane.pk).exclude(status="not_sent").count() == 7


@pytest.mark.django_db
def test_who_is_tried_once_more_while_others_are_still_to_be_tried_takes_no_second_place() -> None:
    """Or fewer are tried than are waited for, and the campaign is paused for reports that nobody owes."""
    lane = make_lane(20, 7)
    look(lane, 4)
    as_unsent(lane, 4)
    tried = list(CanaryMember.objects.values_list("pk", flat=True))
    others = Voicemail.objects.filter(lane_id=lane.pk).exclude(pk__in=tried)
    others.update(not_before=NOW + timedelta(hours=1))  # until their zone's hours begin
    assert [len(batch.claims) for batch in look(lane)] == [3]
    assert (left(lane), CanaryMember.objects.count()) == (3, 4)
    others.update(not_before=NOW)
    look(lane)
    look(lane)
    assert Drop.objects.filter(voicemail__lane_id=lane.pk).exclude(status="not_sent").count() == 7
    assert (left(lane), CanaryMember.objects.count()) == (0, 7)


@pytest.mark.django_db(transaction=True)
def test_a_place_is_given_back_only_once_a_claim_that_is_under_way_has_ended() -> None:
    """Or both would count the same place."""
    lane = make_lane(20, 7)
    look(lane, 6)
    as_unsent(lane)
    [route] = active_routes(NOW, 500)
    with transaction.atomic():
        assert len(claim(route, 500, NOW, LEASE).claims) == 1
        back = Session(lambda: canaries.give_back(lane.pk, 7))
        back.wait_until_blocked()
    back.result()
    look(lane)
    look(lane)
    assert Drop.objects.filter(voicemail__lane_id=lane.pk).exclude(status="not_sent").count() == 7
    assert (left(lane), CanaryMember.objects.count()) == (0, 7)


@pytest.mark.django_db
def test_the_failover_setup_tries_the_first_people_again_while_the_others_wait() -> None:
    setup = make_setup()
    other = make_setup(setup.workspace)
    numbers = [make_phone_number(setup), make_phone_number(other)]
    policy: dict[str, Any] = {"failover_setup": other, "failover_reasons": ["busy"], "max_attempts": 2}
    use_case = make_use_case(setup=setup, numbers=numbers, **policy)
    lane = make_campaign(use_case, 20, state="running", expires_at=NOW + timedelta(days=1)).lane
    canaries.begin(lane.pk, 7)
    look(lane)
    report(lane.pk, Reason.BUSY, 2, NOW)
    assert Voicemail.objects.filter(lane=lane, status="queued", failover=True).count() == 2
    found = canaries.outcomes([lane.pk], NOW)[lane.pk]
    assert (found.tried, found.reported) == (7, 0)  # they are not given up yet
    [again] = look(lane)
    assert ({each.route.setup_id for each in again.claims}, len(again.claims)) == ({other.pk}, 2)
    assert (left(lane), CanaryMember.objects.count()) == (0, 7)
    report(lane.pk, None, 7, NOW)
    assert canaries.outcomes([lane.pk], NOW)[lane.pk].delivered == 7


@pytest.mark.django_db
@pytest.mark.parametrize("apart", [False, True], ids=["together", "one by one"])
def test_who_waits_for_the_failover_setup_since_before_the_first_people_waits_for_their_reports(
    apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as those of a campaign that got another recording while it was paused, which begins anew with first people."""
    if apart:
        monkeypatch.setattr(claims, "_look", claims._look_apart)
    setup = make_setup()
    other = make_setup(setup.workspace)
    numbers = [make_phone_number(setup), make_phone_number(other)]
    use_case = make_use_case(setup=setup, numbers=numbers, failover_setup=other)
    lane = make_lane(20, 7, use_case=use_case)
    waiting = [row.pk for row in Voicemail.objects.filter(lane=lane)[:5]]
    Voicemail.objects.filter(pk__in=waiting).update(failover=True)
    assert sum(len(batch.claims) for batch in look(lane)) == 7
    assert not active_routes(NOW, 500)
    first = CanaryMember.objects.values_list("voicemail", flat=True)[0]
    Voicemail.objects.filter(pk=first).update(status="queued", failover=True)
    [again] = look(lane)
    assert [each.voicemail_id for each in again.claims] == [first]
    canaries.end(lane.pk)
    assert {each.voicemail_id for batch in look(lane) for each in batch.claims} >= set(waiting)


@pytest.mark.django_db
def test_who_waits_for_another_attempt_counts_by_the_one_before_and_waits_for_the_others() -> None:
    use_case = make_use_case(max_attempts=3, retry_minutes=30)
    lane = make_campaign(use_case, 20, state="running", expires_at=NOW + timedelta(days=1)).lane
    canaries.begin(lane.pk, 7)
    look(lane)
    report(lane.pk, Reason.BUSY, 2, NOW)
    report(lane.pk, None, 4, NOW)
    assert row_counts(lane.pk) == {("queued", ""): 15, ("delivered", ""): 4, ("sending", ""): 1}
    found = canaries.outcomes([lane.pk], NOW)[lane.pk]
    assert (found.tried, found.delivered, dict(found.failed)) == (7, 4, {"busy": 2})
    later = NOW + timedelta(hours=2)
    assert active_routes(later, 500) == []
    assert not canaries.give_back(lane.pk, 7)


@pytest.mark.django_db
def test_a_guess_is_no_report() -> None:
    lane = make_lane(20, 3)
    look(lane)
    report(lane.pk, Reason.UNREPORTED, 3, NOW)
    found = canaries.outcomes([lane.pk], NOW)[lane.pk]
    assert (found.tried, found.reported) == (3, 0)


@pytest.mark.django_db(transaction=True)
def test_a_hold_waits_for_a_claim_of_first_people_and_none_comes_after() -> None:
    lane = make_lane(20, 7)
    [route] = active_routes(NOW, 500)
    with transaction.atomic():
        claim(route, 5, NOW, LEASE)
        hold = Session(lambda: _hold(lane))
        hold.wait_until_blocked()
    hold.result()
    assert claim(route, 5, NOW, LEASE).claims == []
    assert (left(lane), drops(lane)) == (2, 5)


@pytest.mark.django_db(transaction=True)
def test_a_claim_whose_canary_ends_while_it_waits_for_its_turn_reads_its_route_anew() -> None:
    """Whatever ended it: the route of which it knows was read before, and the next look finds who may be sent to now."""
    lane = make_lane(20, 7)
    [route] = active_routes(NOW, 500)
    with transaction.atomic():
        canaries.end(lane.pk)
        other = Session(lambda: claim(route, 500, NOW, LEASE))
        other.wait_until_blocked()
    assert other.result().claims == []
    assert [len(batch.claims) for batch in look(lane)] == [20]


def _hold(lane: Lane) -> None:
    with transaction.atomic():
        lane_holds.hold(lane.pk)


@pytest.mark.django_db
def test_a_recording_that_the_carrier_refused_ends_the_first_people_and_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No request is made, so no place would ever be taken, and everybody would have failed within seconds."""
    monkeypatch.setattr(claims, "MediaUpload", Sandbox)
    lane = make_lane(20, 7)
    setup = lane.use_case.setup
    recording_id = Voicemail.objects.filter(lane=lane).values_list("recording_id", flat=True)[0]
    CarrierMedia.objects.create(setup=setup, recording_id=recording_id, state="refused", error="Too long.", due_at=NOW)
    for _ in range(3):
        look(lane)
    assert row_counts(lane.pk) == {("failed", "recording_refused"): 7, ("queued", ""): 13}
    found = canaries.outcomes([lane.pk], NOW)[lane.pk]
    assert (found.tried, dict(found.failed)) == (7, {"recording_refused": 7})
    assert not canaries.give_back(lane.pk, 7)


@pytest.mark.django_db
def test_a_row_that_cannot_be_judged_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    lane = make_lane(4, 2)
    first = Voicemail.objects.filter(lane=lane).order_by("not_before", "id")[0]
    calls = iter([True])

    def fails_once(*arguments: Any) -> Any:
        if next(calls, False):
            raise KeyError("broken")
        return decide(*arguments)

    monkeypatch.setattr(claims, "decide", fails_once)
    look(lane)
    first.refresh_from_db()
    assert first.status == "queued"
    assert (left(lane), drops(lane)) == (0, 2)


@pytest.mark.django_db
def test_the_setting_of_more_or_fewer_counts_those_who_were_tried() -> None:
    lane = make_lane(20, 7)
    look(lane, 5)
    for people, expected in ((12, 7), (5, 0), (3, 0)):
        canaries.recount(lane.pk, people)
        assert left(lane) == expected
