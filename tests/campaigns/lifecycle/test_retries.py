"""A retry of a campaign's failed: one pass in the order of ids, batch by batch, whatever happens between two batches."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from campaigns.lifecycle import retries, scheduler
from campaigns.lifecycle import service as services
from campaigns.models import Campaign, CampaignRetry
from delivery.lifecycle.events import Report, ReportStatus
from delivery.models import Drop, Lane, LaneDelta, Voicemail
from delivery.reports.inbox import merge, receive
from delivery.services.retries import LeftOut
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent
from tests.delivery.states import counter_totals, make_drop, row_counts
from tests.factories import add_recipients, make_campaign, make_suppression, make_user, patient_number

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three, and a tick takes one of each retry: then its time is over."""
    monkeypatch.setattr(retries, "BATCH", 3)
    monkeypatch.setattr(scheduler, "RETRY_SECONDS", 0.0)


def failed(count: int = 10, *, state: str = "running", reason: str = "busy", **fields: Any) -> Campaign:
    campaign = make_campaign(state=state, **fields)
    for voicemail in add_recipients(campaign, count, status="failed", reason=reason):
        make_drop(voicemail, "failed", reason)
    return campaign


def ask(campaign: Campaign, *, risk: bool = False, reasons: tuple[str, ...] = (), **named: Any) -> CampaignRetry:
    asked: dict[str, Any] = {"actor": None, "now": NOW, **named}
    return services.retry_failed(campaign, accept_duplicate_risk=risk, reasons=reasons, **asked)


def tick(now: datetime = NOW) -> None:
    scheduler.continue_retries(now)


def progress(campaign: Campaign) -> tuple[str, int, dict[str, int]]:
    retry = CampaignRetry.objects.filter(campaign=campaign).latest("pk")
    return retry.state, retry.queued, retry.left_out


def queued(campaign: Campaign) -> list[int]:
    """The serial numbers of those that wait."""
    numbers = [patient_number(serial) for serial in range(30)]
    waiting = Voicemail.objects.filter(lane_id=campaign.pk, status="queued")
    return sorted(numbers.index(voicemail.recipient) for voicemail in waiting)


def refusal(verb: Callable[..., object], *arguments: object, **named: object) -> str:
    with pytest.raises(ServiceError) as caught:
        verb(*arguments, **named)
    assert caught.value.message.endswith(".")
    return caught.value.code


def test_the_request_does_the_first_batch_and_the_tick_the_others_in_the_order_of_ids() -> None:
    campaign = failed(8)
    retry = ask(campaign)
    assert (retry.state, retry.matching, retry.queued, retry.looked_at) == ("running", 8, 3, 3)
    for waiting in (3, 6, 8):
        assert queued(campaign) == list(range(waiting))
        tick()
    assert progress(campaign) == ("completed", 8, {})
    assert counter_totals(campaign.pk) == row_counts(campaign.pk) == {("queued", ""): 8}
    tick()
    assert progress(campaign) == ("completed", 8, {})


@pytest.mark.parametrize("count", [3, 6])
def test_a_pass_that_ends_with_a_full_batch_ends_with_the_next_look(count: int) -> None:
    campaign = failed(count)
    ask(campaign)
    for _ in range(count // 3):
        tick()
    assert progress(campaign) == ("completed", count, {})


def test_failed_and_uncertain_are_one_pass() -> None:
    campaign = make_campaign(state="running")
    for serial in range(8):
        status, reason = [("failed", "unreported"), ("uncertain", ""), ("failed", "mailbox_full")][serial % 3]
        [voicemail] = add_recipients(campaign, 1, first=serial, status=status, reason=reason)
        make_drop(voicemail, status, reason)
    retry = ask(campaign, risk=True)
    assert (retry.matching, queued(campaign)) == (6, [0, 1, 3])
    tick()
    tick()
    assert queued(campaign) == [0, 1, 3, 4, 6, 7]
    assert progress(campaign) == ("completed", 6, {})
    assert counter_totals(campaign.pk) == row_counts(campaign.pk)


def test_nobody_is_queued_again_whose_drop_has_come_to_an_end_of_its_own() -> None:
    campaign = make_campaign(state="running")
    for serial, drop in enumerate(("uncertain", "delivered", "uncertain")):
        [voicemail] = add_recipients(campaign, 1, first=serial, status="uncertain")
        make_drop(voicemail, drop)
    ask(campaign, risk=True)
    tick()
    assert queued(campaign) == [0, 2]
    assert progress(campaign) == ("completed", 2, {})
    assert Drop.objects.get(status="delivered").voicemail.status == "uncertain"


def test_who_asked_what_and_what_came_of_it_is_audited_at_the_start_and_at_the_end() -> None:
    campaign, person = failed(5), make_user()
    make_suppression(campaign.workspace, patient_number(4))
    ask(campaign, actor=person, reasons=("no_answer", "busy", "busy"))
    tick()
    began, ended = AuditEvent.objects.filter(action__startswith="campaign.ret").order_by("id")
    asked = {"reasons": ["busy", "no_answer"], "duplicate_risk_accepted": False, "matching": 5}
    assert (began.action, began.actor) == ("campaign.retry_began", person)
    assert began.details | {"count": 0, "left_out": {}, **asked} == began.details
    assert (ended.action, ended.actor) == ("campaign.retried", person)
    assert ended.details | {"count": 4, "left_out": {"suppressed": 1}, **asked} == ended.details


def test_every_guard_holds_for_each_batch_as_it_comes() -> None:
    campaign = failed(9)
    rows = list(Voicemail.objects.filter(lane_id=campaign.pk).order_by("id"))
    for _ in range(9):
        make_drop(rows[8], "failed", "busy")
    make_drop(rows[7], "not_sent")
    ask(campaign)
    make_suppression(campaign.workspace, patient_number(4))
    tick()
    tick()
    tick()
    assert queued(campaign) == [0, 1, 2, 3, 5, 6, 7]
    assert progress(campaign) == ("completed", 7, {"suppressed": 1, "attempts_used_up": 1})


@pytest.mark.parametrize("end", [("failed", "busy"), ("uncertain", "")])
def test_what_fails_after_it_was_asked_for_is_not_meant(end: tuple[str, str]) -> None:
    campaign = failed(4)
    [late] = add_recipients(campaign, 1, first=4, status="accepted")
    make_drop(late, "accepted")
    retry = ask(campaign, risk=True)
    at = retry.asked_at + timedelta(seconds=1)
    status, reason = end
    Voicemail.objects.filter(pk=late.pk).update(status=status, reason=reason, ended_at=at, updated_at=at)
    tick()
    assert queued(campaign) == [0, 1, 2, 3]
    assert progress(campaign) == ("completed", 4, {})


def test_who_fails_again_meanwhile_is_not_met_twice() -> None:
    campaign = failed(5)
    ask(campaign)
    again = Voicemail.objects.filter(lane_id=campaign.pk, status="queued")
    at = database_now()
    again.update(status="failed", reason="busy", ended_at=at, updated_at=at)
    tick()
    assert queued(campaign) == [3, 4]
    assert progress(campaign) == ("completed", 5, {})


def test_another_request_is_refused_until_the_first_is_done() -> None:
    campaign = failed(5)
    ask(campaign)
    assert refusal(ask, campaign) == "retry_under_way"
    tick()
    assert ask(campaign).matching == 0
    assert CampaignRetry.objects.filter(campaign=campaign).count() == 2


def test_what_is_wrong_with_a_request_is_said_before_anything_is_done() -> None:
    campaign = failed(5)
    assert refusal(ask, campaign, reasons=("unreported",)) == "duplicate_risk"
    assert refusal(ask, campaign, reasons=("mailbox_full",)) == "not_retryable"
    assert not CampaignRetry.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_person_stops_it_and_who_is_not_queued_yet_stays_as_they_are() -> None:
    campaign, person = failed(8), make_user()
    ask(campaign)
    retry = services.stop_retry(campaign, actor=person)
    assert (retry.state, retry.queued, retry.stopped_because) == ("stopped", 3, "A person or a program stopped it.")
    tick()
    assert queued(campaign) == [0, 1, 2]
    event = AuditEvent.objects.get(action="campaign.retry_stopped")
    assert (event.actor, event.details["count"]) == (person, 3)
    assert refusal(services.stop_retry, campaign, actor=person) == "retry_not_under_way"
    assert ask(campaign).matching == 5


def test_a_canceled_campaign_is_not_queued_again() -> None:
    campaign = failed(8)
    ask(campaign)
    services.cancel(campaign, actor=None, now=NOW)
    assert progress(campaign)[0] == "stopped"
    for step in scheduler.STEPS:
        step(NOW)
    assert (
        row_counts(campaign.pk) == counter_totals(campaign.pk) == {("canceled", "canceled"): 3, ("failed", "busy"): 5}
    )


def test_while_the_campaign_is_paused_the_pass_goes_on_and_nobody_is_sent_to() -> None:
    campaign = failed(5)
    ask(campaign)
    services.pause(campaign, actor=None, now=NOW)
    tick()
    assert queued(campaign) == [0, 1, 2, 3, 4]
    campaign.refresh_from_db()
    assert (campaign.state, Lane.objects.get(pk=campaign.pk).held) == ("paused", True)


def deliver(campaign: Campaign) -> None:
    """All that wait, as a claim and their reports would."""
    count = Voicemail.objects.filter(lane_id=campaign.pk, status="queued").update(status="delivered")
    for status, delta in (("queued", -count), ("delivered", count)):
        LaneDelta.objects.create(lane_id=campaign.pk, status=status, reason="", delta=delta)


@pytest.mark.parametrize("state", ["completed", "running"])
def test_a_campaign_does_not_complete_before_the_pass_is_over(state: str) -> None:
    campaign = failed(5, state=state, ends_at=NOW - HOUR)
    add_recipients(campaign, 1, first=5, status="failed", reason="mailbox_full")
    ask(campaign)
    for stands in ("running", "completed"):
        deliver(campaign)
        scheduler.complete(NOW)
        campaign.refresh_from_db()
        assert campaign.state == stands
        tick()
    assert (
        counter_totals(campaign.pk) == row_counts(campaign.pk) == {("delivered", ""): 5, ("failed", "mailbox_full"): 1}
    )


def test_a_pass_over_a_completed_campaign_that_finds_nobody_leaves_it_completed() -> None:
    campaign = failed(7, state="completed")
    for serial in range(7):
        make_suppression(campaign.workspace, patient_number(serial))
    ask(campaign)
    tick()
    tick()
    assert progress(campaign) == ("completed", 0, {"suppressed": 7})
    campaign.refresh_from_db()
    assert campaign.state == "completed"


def test_where_nothing_can_be_sent_any_more_the_pass_stops_and_says_why() -> None:
    campaign = failed(5)
    ask(campaign)
    setup = campaign.use_case.setup
    setup.enabled = False
    setup.save()
    tick()
    retry = CampaignRetry.objects.get(campaign=campaign)
    assert (retry.state, retry.queued) == ("stopped", 3)
    assert "is disabled; enable it to send." in retry.stopped_because


@pytest.mark.parametrize("place", ["campaigns.lifecycle.retries.requeue_failed", "campaigns.models.CampaignRetry.save"])
def test_who_is_killed_in_a_batch_leaves_nothing_of_it(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    campaign = failed(7)
    ask(campaign)
    real = retries.requeue_failed

    def killed(*arguments: Any, **named: Any) -> Any:
        if place.endswith("requeue_failed"):
            real(*arguments, **named)
        raise KeyError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(place, killed)
        tick()
    assert queued(campaign) == [0, 1, 2]
    assert progress(campaign) == ("running", 3, {})
    tick()
    tick()
    assert queued(campaign) == list(range(7))
    assert progress(campaign) == ("completed", 7, {})
    assert counter_totals(campaign.pk) == row_counts(campaign.pk)


def test_one_campaign_whose_batch_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, good = failed(5), failed(5)
    for campaign in (broken, good):
        ask(campaign)
    requeue_batch = retries.requeue_batch

    def requeue_unless_broken(row: Campaign, *arguments: Any) -> None:
        if row.pk == broken.pk:
            raise KeyError("broken")
        requeue_batch(row, *arguments)

    monkeypatch.setattr(retries, "requeue_batch", requeue_unless_broken)
    monkeypatch.setattr(scheduler, "RETRY_SECONDS", 0.2)
    tick()
    assert (progress(broken)[0], progress(good)[0]) == ("running", "completed")


def test_of_many_the_one_that_waited_longest_comes_first() -> None:
    campaigns = [failed(9) for _ in range(3)]
    for campaign in campaigns:
        ask(campaign)
    for _ in range(3):
        tick()
    assert [progress(campaign)[1] for campaign in campaigns] == [6, 6, 6]


def test_the_campaigns_end_holds_for_each_batch_that_comes_before_it() -> None:
    campaign = failed(5, state="completed", ends_at=NOW + HOUR)
    ask(campaign)
    tick(NOW + 2 * HOUR)
    hours = campaign.use_case.expires_after_hours
    waiting = Voicemail.objects.filter(lane_id=campaign.pk, status="queued").order_by("id")
    assert [row.expires_at for row in waiting] == [None] * 3 + [NOW + (2 + hours) * HOUR] * 2
    assert Lane.objects.get(pk=campaign.pk).expires_at == NOW + HOUR


# several at once


def at_once(*works: Callable[[], object]) -> None:
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            barrier.wait(20)
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(run, works))


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_queue_everybody_once() -> None:
    campaign = failed(30)
    ask(campaign)
    at_once(*[lambda: [tick() for _ in range(12)]] * 2)
    while progress(campaign)[0] == "running":
        tick()
    assert progress(campaign) == ("completed", 30, {})
    assert counter_totals(campaign.pk) == row_counts(campaign.pk) == {("queued", ""): 30}
    assert AuditEvent.objects.filter(action="campaign.retried").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_one_is_refused() -> None:
    campaign, codes = failed(8), Counter[str]()

    def asks() -> None:
        try:
            ask(campaign)
            codes["asked"] += 1
        except ServiceError as refused:
            codes[refused.code] += 1

    at_once(asks, asks)
    assert codes == {"asked": 1, "retry_under_way": 1}


@pytest.mark.django_db(transaction=True)
def test_a_pass_and_the_merging_of_reports_on_the_same_people_never_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every other one is uncertain, the rest unreported; the carrier says of all of them that they were delivered, in any order."""
    monkeypatch.setattr(retries, "BATCH", 7)
    campaign = make_campaign(state="running")
    drops = []
    for serial in range(60):
        status, reason = [("uncertain", ""), ("failed", "unreported")][serial % 2]
        [voicemail] = add_recipients(campaign, 1, first=serial, status=status, reason=reason)
        drops.append(make_drop(voicemail, status, reason))
    for drop in sorted(drops, key=lambda drop: drop.pk.int % 101):
        receive(drop.setup_id, b"{}", [Report(drop.pk, ReportStatus.DELIVERED, NOW)])

    def retry() -> None:
        ask(campaign, risk=True)
        for _ in range(12):
            tick()

    def merge_all() -> None:
        while merge(NOW, limit=5):
            pass

    at_once(retry, merge_all, merge_all)
    tick()
    # Whoever was queued first is delivered by the report on the attempt before, and the retry is off.
    assert counter_totals(campaign.pk) == row_counts(campaign.pk) == {("delivered", ""): 60}


@pytest.mark.django_db(transaction=True)
def test_a_batch_locks_its_voicemails_in_the_order_of_their_ids() -> None:
    campaign = failed(2)
    first, second = Voicemail.objects.filter(lane_id=campaign.pk).order_by("id").values_list("pk", flat=True)
    with transaction.atomic():
        Voicemail.objects.select_for_update().get(pk=first)
        asking = ThreadPoolExecutor(1)
        done = asking.submit(lambda: (ask(campaign), connection.close()))
        with connection.cursor() as cursor:
            for _ in range(2000):
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    " AND wait_event = 'transactionid' AND (SELECT pg_sleep(0.005)) IS NOT NULL"
                )
                if cursor.fetchone()[0]:
                    break
            free = Voicemail.objects.select_for_update(skip_locked=True).filter(pk=second).exists()
    done.result(20)
    asking.shutdown()
    assert free
    assert LeftOut.SUPPRESSED not in progress(campaign)[2]
    assert queued(campaign) == [0, 1]
