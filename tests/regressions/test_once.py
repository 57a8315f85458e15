"""Nobody twice: over pauses, overlapping clocks, bad contacts and retries."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import orjson
import pytest
from django.db import connection
from django.utils import timezone
from django_rq import get_connection

from campaigns.lifecycle import scheduler
from campaigns.lifecycle import service as services
from delivery.engine.rate_limit import RateLimiter
from delivery.models import Drop, Lane, Voicemail
from delivery.transport.interface import CarrierRequest, CarrierResponse
from rvm.platform.models import AuditEvent
from tests.delivery.fake_carrier import Answer, FakeTransport, accepted
from tests.delivery.states import make_drop
from tests.factories import add_recipients, make_campaign, make_suppression, make_user, patient_number
from tests.regressions.conftest import NOW, fresh, send


def recipients(transport: FakeTransport) -> Counter[str]:
    return Counter(orjson.loads(request.body)["to"] for request in transport.sent)


@pytest.mark.django_db
def test_ten_pauses_send_nobody_again_and_forget_nobody() -> None:
    """listmonk #2070, #2313: resuming a campaign sent it again."""
    campaign = make_campaign(count=40, state="running")
    person = make_user()
    transport = FakeTransport()
    paused = 0

    def answer(request: CarrierRequest) -> Answer:
        nonlocal paused
        if len(transport.sent) >= 3 * (paused + 1) and paused < 10:
            paused += 1
            services.pause(campaign, actor=person, now=timezone.now())
        return accepted(request)

    transport.answer = answer
    Lane.objects.filter(pk=campaign.pk).update(
        pace_per_second=20
    )  # waves of two or three, so that a pause falls between them
    while fresh(campaign).state == "paused" or Voicemail.objects.filter(status="queued").exists():
        if fresh(campaign).state == "paused":
            services.resume(campaign, actor=person, now=timezone.now())
        send(transport)
    assert paused == 10
    assert recipients(transport) == Counter({patient_number(serial): 1 for serial in range(40)})


@pytest.mark.django_db(transaction=True)
def test_two_clocks_that_tick_at_once_launch_a_campaign_once() -> None:
    """chatwoot #12821: overlapping schedulers sent a campaign twice."""
    campaign = make_campaign(count=3, state="scheduled", starts_at=NOW)
    barrier = Barrier(4)

    def tick(_: int) -> None:
        try:
            barrier.wait()
            scheduler.start_due(NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tick, range(4)))
    assert AuditEvent.objects.filter(subject_id=campaign.pk, action="campaign.launched").count() == 1
    transport = FakeTransport()
    send(transport, now=lambda: NOW)
    assert recipients(transport) == Counter({patient_number(serial): 1 for serial in range(3)})


@pytest.mark.django_db
def test_one_person_whom_the_carrier_chokes_on_stops_nobody_else() -> None:
    """chatwoot #9000, craft-campaign #526: one bad contact ended the whole campaign."""
    campaign = make_campaign(count=7, state="running")
    choking = patient_number(3)

    def answer(request: CarrierRequest) -> Answer:
        return CarrierResponse(500, b"\xff<html>") if choking.encode() in bytes(request.body) else accepted(request)

    transport = FakeTransport(answer)
    send(transport)
    assert len(transport.sent) == 7
    statuses = Counter(Voicemail.objects.filter(lane_id=campaign.pk).values_list("status", flat=True))
    assert statuses == {"accepted": 6, "uncertain": 1}


@pytest.mark.django_db
def test_somebody_who_opts_out_after_the_launch_is_not_reached() -> None:
    """newfies-dialer #21, rapidpro #640: people who had opted out were called."""
    campaign = make_campaign(count=4, state="running")
    make_suppression(campaign.workspace, patient_number(2))
    transport = FakeTransport()
    send(transport)
    assert patient_number(2) not in recipients(transport)
    skipped = Voicemail.objects.get(lane_id=campaign.pk, status="skipped")
    assert (skipped.last4, skipped.reason) == (patient_number(2)[-4:], "suppressed")


@pytest.mark.django_db
def test_several_workers_together_keep_to_a_campaigns_pace() -> None:
    """listmonk #2816, mailtrain #1173: limits off by one, and kept by each process for itself."""
    campaign = make_campaign(state="running", pace_per_second=10)
    limiters = [RateLimiter(get_connection("dispatch"), f"worker-{number}") for number in range(5)]
    began = limiters[0].redis.time()
    granted = sum(
        limiter.acquire(
            campaign.lane.use_case.setup_id, wanted=100, pace=1000, cap=1000, in_flight=0, lane=(campaign.pk, 10)
        ).count
        for _ in range(20)
        for limiter in limiters
    )
    ended = limiters[0].redis.time()
    seconds = (ended[0] - began[0]) + (ended[1] - began[1]) / 1e6
    assert 1 <= granted <= 10 * seconds + 1 + 1


@pytest.mark.django_db
def test_a_changed_pace_holds_from_the_next_wave_on_and_loses_nobody() -> None:
    """listmonk #2168, #2183: changing the limit needed a restart and broke running campaigns."""
    campaign = make_campaign(count=12, state="running", pace_per_second=0.02)
    transport = FakeTransport()
    send(transport)
    assert 1 <= len(transport.sent) <= 2
    services.edit(campaign, {"pace_per_second": 1000.0}, actor=make_user(), now=timezone.now())
    send(transport)
    assert recipients(transport) == Counter({patient_number(serial): 1 for serial in range(12)})


@pytest.mark.django_db
def test_the_failed_that_a_retry_can_help_get_a_new_attempt_beside_the_old_one() -> None:
    """listmonk #2616: no way to send to the failed subset again."""
    campaign = make_campaign(state="completed", ended_at=NOW, playable=True)
    ends = [("failed", "busy"), ("failed", "unreported"), ("failed", "mailbox_full"), ("delivered", "")]
    for serial, (status, reason) in enumerate(ends):
        [voicemail] = add_recipients(campaign, 1, first=serial, status=status, reason=reason, attempts=1)
        make_drop(voicemail, status, reason)
    now = timezone.now() + timedelta(minutes=1)
    retry = services.retry_failed(campaign, accept_duplicate_risk=False, reasons=[], actor=make_user(), now=now)
    assert retry.queued == 1
    transport = FakeTransport()
    send(transport, now=lambda: now + timedelta(seconds=1))
    assert recipients(transport) == Counter({patient_number(0): 1})
    again = Voicemail.objects.get(lane_id=campaign.pk, status="accepted")
    assert [drop.status for drop in Drop.objects.filter(voicemail=again).order_by("number")] == ["failed", "accepted"]
    assert fresh(campaign).state == "running"
