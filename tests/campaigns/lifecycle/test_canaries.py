"""Of a large campaign the first people are tried, and the others wait until the reports say that it goes well."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from campaigns.admin import labels
from campaigns.lifecycle import canaries, scheduler
from campaigns.lifecycle import service as services
from campaigns.lifecycle.canaries import judge
from campaigns.lifecycle.obstacles import obstacle_of
from campaigns.models import Campaign, Canary
from campaigns.states import CANARY_OPEN, CANARY_TRANSITIONS
from delivery.engine.canaries import Outcomes
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import REASONS, Reason
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.lifecycle.transitions import DropChange, Transition
from delivery.models import CanaryMember, CarrierMedia, Drop, KeptDecision, Lane, LaneDelta, Voicemail
from rvm.platform.errors import ServiceError
from rvm.platform.health.failed_work import record
from rvm.platform.models import AuditEvent, FailedWork, Outbox, Workspace
from tests.campaigns.canaries import report
from tests.campaigns.lifecycle.test_pausing import Crew, until
from tests.delivery.reports.test_batches import spoil_number
from tests.delivery.states import counter_totals, row_counts
from tests.factories import make_campaign, make_phone_number, make_recording, make_setup, make_use_case, make_user
from usecases.eligibility import OF_HOURS, DeferReason
from usecases.models import TelephonySetup

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def launched(count: int = 30, first: int | None = 10, **fields: Any) -> Campaign:
    """A running campaign that tries so many first."""
    campaign = make_campaign(count=count, canary_size=first, playable=True, **fields)
    return services.launch(campaign, actor=None, now=NOW)


def send(campaign: Campaign, limit: int = 500, now: datetime = NOW) -> int:
    routes = [route for route in active_routes(now, limit) if route.lane_id == campaign.pk]
    return sum(len(claim(route, limit, now, timedelta(seconds=60)).claims) for route in routes)


def tick(now: datetime = NOW, times: int = 1) -> None:
    for _ in range(times):
        scheduler.judge_canaries(now)


def fresh(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_related("lane").get(pk=campaign.pk)


def canary_of(campaign: Campaign) -> Canary:
    return Canary.objects.filter(campaign=campaign).latest("id")


def states(campaign: Campaign) -> tuple[str, str]:
    """Of the campaign, and of its canary."""
    return fresh(campaign).state, canary_of(campaign).state


def queued(campaign: Campaign) -> int:
    return Voicemail.objects.filter(lane_id=campaign.pk, status="queued").count()


# the rule


def found(delivered: int, **failed: int) -> Outcomes:
    return Outcomes(delivered + sum(failed.values()), delivered, Counter(failed))


@pytest.mark.parametrize(
    ("outcomes", "passed"),
    [
        (found(0), None),
        (found(89), None),
        (found(90), True),
        (found(80, refused=10), False),
        (found(81, refused=9), True),
        (found(80, refused=9), None),
        # 10 of 91 are more than 10 %; 11 of a hundred are, whatever the others say.
        (found(81, refused=9, spam_blocked=1), False),
        (found(0, refused=10), None),
        (found(0, refused=11), False),
        (found(0, refused=6, carrier_account=5), False),
        # What is about the person does not count, unless it is so with everybody.
        (found(20, mailbox_full=40, no_answer=20, human_answered=20), True),
        (found(1, voicemail_not_detected=99), True),
        (found(0, voicemail_not_detected=90), False),
    ],
)
def test_a_hundred_people_pass_if_at_most_a_tenth_of_the_reports_tell_of_the_sending(
    outcomes: Outcomes, passed: bool | None
) -> None:
    verdict = judge(outcomes, people=100, max_failed_percent=10)
    assert (verdict and verdict.passed) == passed


def test_ten_of_a_hundred_reports_are_a_tenth_and_not_more() -> None:
    verdict = judge(found(90, refused=10), people=100, max_failed_percent=10)
    assert verdict is not None
    assert verdict.passed


@pytest.mark.parametrize(("delivered", "passed"), [(8, False), (9, True)])
def test_once_the_time_is_over_too_few_reports_are_no_pass(delivered: int, passed: bool) -> None:
    verdict = judge(found(delivered), people=10, max_failed_percent=10, waited=60)
    assert verdict is not None
    assert verdict.passed == passed


def test_which_failures_count() -> None:
    """Those that others would have as well. A change of this is a change of what pauses campaigns."""
    assert {reason.value for reason, facts in REASONS.items() if facts.of_sending} == {
        "carrier_account",
        "carrier_denied",
        "no_funds",
        "recording_refused",
        "refused",
        "spam_blocked",
        "unknown",
    }


def test_the_sentence_says_what_was_measured_against_what_and_what_to_do() -> None:
    verdict = judge(found(60, refused=6, carrier_denied=30, busy=2), people=100, max_failed_percent=10)
    assert verdict is not None
    assert verdict.message == (
        "Of the first 100 people 98 have a final report, and 36 of these failed for reasons that tell of the carrier, the account or "
        "the recording: 30 carrier denied, 6 refused. That is 36.7 %; at most 10 % may. So the campaign was paused. Look at the "
        "attempts of these people and at the telephony setup, then resume it, which sends to everybody else, or cancel it."
    )


def test_every_verdict_fits_its_column() -> None:
    many = {reason.value: 1_000 for reason in REASONS}
    verdicts = [
        judge(Outcomes(5_000, 0, Counter(many)), people=5_000, max_failed_percent=0),
        judge(
            Outcomes(5_000, 0, Counter({Reason.VOICEMAIL_NOT_DETECTED.value: 5_000})),
            people=5_000,
            max_failed_percent=0,
        ),
        judge(Outcomes(5_000, 5_000), people=5_000, max_failed_percent=100),
        judge(Outcomes(), people=5_000, max_failed_percent=100, waited=1_440),
    ]
    longest = Canary._meta.get_field("message").max_length
    assert longest is not None
    assert all(verdict is not None and len(verdict.message) <= longest for verdict in verdicts)


@pytest.mark.parametrize(
    ("size", "people", "first"),
    [
        (None, 1_000, 0),
        (None, 1_001, 100),
        (None, 500_000, 100),
        (0, 500_000, 0),
        (50, 500_000, 50),
        (50, 51, 50),
        (50, 50, 0),
    ],
)
def test_how_many_are_tried_first(size: int | None, people: int, first: int) -> None:
    assert canaries.size_of(Campaign(canary_size=size), people) == first


def test_no_state_of_a_canary_is_left_once_it_is_over() -> None:
    assert {state for state, after in CANARY_TRANSITIONS.items() if after} == CANARY_OPEN


# a campaign


@pytest.mark.django_db
@pytest.mark.parametrize(("people", "first"), [(1_000, None), (1_001, 100)])
def test_more_than_a_thousand_people_are_tried_a_hundred_first(people: int, first: int | None) -> None:
    campaign = make_campaign(count=1, playable=True)
    LaneDelta.objects.create(lane=campaign.lane, status="queued", reason="", delta=people - 1)
    services.launch(campaign, actor=None, now=NOW)
    assert fresh(campaign).lane.canary_left == first
    assert Canary.objects.filter(campaign=campaign).count() == (first is not None)


@pytest.mark.django_db
@pytest.mark.parametrize("live", [True, False])
def test_it_goes_on_by_itself_once_the_reports_are_good(live: bool) -> None:
    use_case = make_use_case()
    make_setup(use_case.workspace, enabled=True)
    campaign = launched(use_case=use_case, live=live)
    assert send(campaign) == 10
    tick(times=2)
    assert (states(campaign), send(campaign)) == (("running", "under_way"), 0)
    report(campaign.pk, None, 8, NOW)
    tick()
    assert (states(campaign), send(campaign)) == (("running", "under_way"), 0)
    report(campaign.pk, Reason.MAILBOX_FULL, 1, NOW)
    tick()
    assert states(campaign) == ("running", "passed")
    assert (fresh(campaign).lane.canary_left, CanaryMember.objects.count()) == (None, 0)
    assert send(campaign) == 20
    canary = canary_of(campaign)
    assert (canary.tried, canary.delivered, canary.failed) == (10, 8, {"mailbox_full": 1})


@pytest.mark.django_db
def test_it_is_paused_if_the_reports_are_bad_and_a_person_lets_everybody_out() -> None:
    campaign = launched()
    send(campaign)
    report(campaign.pk, Reason.CARRIER_DENIED, 2, NOW)
    tick()
    assert (states(campaign), fresh(campaign).lane.held, queued(campaign)) == (("paused", "stopped"), True, 20)
    assert send(campaign) == 0
    message = canary_of(campaign).message
    assert message.startswith("Of the first 10 people 2 have a final report, and 2 of these failed")
    assert AuditEvent.objects.get(action="campaign.paused").details["because"] == message
    actor = make_user(workspace=campaign.workspace)
    services.resume(campaign, actor=actor, now=NOW)
    assert states(campaign) == ("running", "overruled")
    assert send(campaign) == 20
    event = AuditEvent.objects.get(action="campaign.resumed")
    assert (event.actor_id, event.details["because"]) == (actor.pk, f"Although it was paused: {message}")


@pytest.mark.django_db
def test_the_workspaces_systems_are_told() -> None:
    stopped, passed = launched(), launched()
    for campaign in (stopped, passed):
        send(campaign)
    report(stopped.pk, Reason.NO_FUNDS, 5, NOW)
    report(passed.pk, None, 9, NOW)
    Outbox.objects.all().delete()
    tick()
    told = {(event.type, event.subject_id): event.data for event in Outbox.objects.all()}
    assert set(told) == {
        ("campaign.paused", stopped.pk),
        ("campaign.canary_stopped", stopped.pk),
        ("campaign.canary_passed", passed.pk),
    }
    assert told["campaign.canary_stopped", stopped.pk] == {
        "campaign_id": str(stopped.pk),
        "state": "paused",
        "use_case_id": str(stopped.lane.use_case_id),
        "people": 10,
        "reported": 5,
        "delivered": 0,
        "failed": 5,
        "failed_of_sending": 5,
    }


@pytest.mark.django_db
def test_it_does_not_wait_for_ever() -> None:
    campaign = launched(canary_wait_minutes=30)
    send(campaign)
    tick()
    report(campaign.pk, None, 8, NOW)
    tick(NOW + 30 * MINUTE)
    assert states(campaign) == ("running", "under_way")
    tick(NOW + 31 * MINUTE)
    assert states(campaign) == ("paused", "stopped")
    assert canary_of(campaign).message.startswith(
        "Of the first 10 people only 8 had a final report 30 minutes after the last of them was tried; 9 are needed."
    )
    # Reports that come later are shown with it and change nothing.
    report(campaign.pk, None, 2, NOW)
    tick(NOW + 32 * MINUTE)
    assert states(campaign) == ("paused", "stopped")
    assert canaries.newest([campaign.pk], NOW)[campaign.pk].found.delivered == 10


def defer(campaign: Campaign, reason: DeferReason, until: datetime) -> None:
    """A guard puts off everybody who waits."""
    waiting = Voicemail.objects.filter(lane_id=campaign.pk, status="queued")
    decided = {"decision": "defer", "reason": reason.value, "until": until, "decided_at": NOW, "facts": {}}
    waiting.update(not_before=until)
    KeptDecision.objects.filter(voicemail__in=waiting).delete()
    KeptDecision.objects.bulk_create(KeptDecision(voicemail=row, step="claim", **decided) for row in waiting)


@pytest.mark.django_db
def test_the_time_begins_when_the_last_of_them_was_tried() -> None:
    """Whose hours have closed in the middle is tried on the next morning, and the reports about all are waited for from then on."""
    campaign = launched()
    send(campaign, 6)
    tick()
    morning = NOW + timedelta(hours=18)
    defer(campaign, DeferReason.OUTSIDE_WINDOW, morning)
    tick()
    assert canary_of(campaign).message == "The hours of those who are next begin on Tue, Mar 3, 2026, 9:00 AM UTC."
    tick(morning - MINUTE)
    assert (states(campaign), canary_of(campaign).tried_at) == (("running", "under_way"), None)
    assert send(campaign, now=morning) == 4
    tick(morning)
    tick(morning + 60 * MINUTE)
    assert (states(campaign), canary_of(campaign).tried_at) == (("running", "under_way"), morning)
    tick(morning + 61 * MINUTE)
    assert states(campaign) == ("paused", "stopped")


def put_off(campaign: Campaign, now: datetime) -> None:
    """The carrier puts off every request that is under way."""
    rows = list(Voicemail.objects.filter(lane_id=campaign.pk, status="sending"))
    unsent, sending = DropStatus.NOT_SENT, DropStatus.SENDING
    code, text = "429", "Too many requests."
    transitions.change_drops(
        [DropChange(row.drop_id, sending, unsent, code=code, text=text) for row in rows if row.drop_id], now
    )
    queued, reason, later = VoicemailStatus.QUEUED, Reason.NOT_SENT, now + 5 * MINUTE
    transitions.apply(
        [
            Transition(row.pk, VoicemailStatus.SENDING, queued, reason=reason, not_before=later, failover=False)
            for row in rows
        ],
        now,
    )


@pytest.mark.django_db
def test_a_carrier_that_puts_everything_off_pauses_it_once_the_wait_is_over() -> None:
    """Nobody was tried, so no report is waited for: without a limit it would wait until it expires, and say nothing."""
    campaign = launched(canary_wait_minutes=30)
    for minute in range(31):
        now = NOW + minute * MINUTE
        send(campaign, now=now)
        tick(now)
        put_off(campaign, now)
        tick(now)
        assert states(campaign) == ("running", "under_way"), minute
    message = canary_of(campaign).message
    assert message == (
        "Since Mon, Mar 2, 2026, 3:00 PM UTC nobody more of them could be sent to. The campaign is paused if that lasts until "
        f"Mon, Mar 2, 2026, 3:30 PM UTC. Requests through the telephony setup “{campaign.use_case.setup.name}” do not get through, "
        "or its carrier puts them off; of the last one it said: 429 Too many requests."
    )
    assert message in labels.canary_message(canaries.newest([campaign.pk], now)[campaign.pk])
    Outbox.objects.all().delete()
    tick(NOW + 31 * MINUTE)
    assert (states(campaign), fresh(campaign).lane.held) == (("paused", "stalled"), True)
    stalled = canary_of(campaign).message
    assert stalled.startswith(
        "For 30 minutes, since Mon, Mar 2, 2026, 3:00 PM UTC, nobody more of the first 10 people could be sent to; 0 were before. "
        "So the campaign was paused."
    )
    assert AuditEvent.objects.get(action="campaign.paused").details["because"] == stalled
    told = {event.type: event.data for event in Outbox.objects.all()}
    assert set(told) == {"campaign.paused", "campaign.canary_stalled"}
    assert told["campaign.canary_stalled"]["reported"] == 0


@pytest.mark.django_db
def test_who_resumes_it_goes_on_with_the_first_people_and_not_with_everybody() -> None:
    campaign = launched(canary_wait_minutes=30)
    send(campaign)
    put_off(campaign, NOW)
    tick(times=2)
    late = NOW + 31 * MINUTE
    tick(late)
    assert states(campaign) == ("paused", "stalled")
    services.resume(campaign, actor=None, now=late)
    assert (states(campaign), canary_of(campaign).message) == (("running", "under_way"), "")
    tick(late)
    assert (send(campaign, now=late), send(campaign, now=late)) == (10, 0)
    report(campaign.pk, None, 10, late)
    tick(late)
    assert (states(campaign), send(campaign, now=late)) == (("running", "passed"), 20)


@pytest.mark.django_db
def test_each_person_who_is_sent_to_begins_the_wait_anew() -> None:
    campaign = launched(canary_wait_minutes=30)
    for hour in range(4):
        now = NOW + hour * 29 * MINUTE
        send(campaign, now=now)
        tick(now)
        report(campaign.pk, None, 1, now)
        put_off(campaign, now)
        tick(now, times=2)
        assert states(campaign) == ("running", "under_way"), hour
    silent = now + 6 * MINUTE
    tick(silent)
    tick(silent + 31 * MINUTE)
    assert states(campaign) == ("paused", "stalled")
    assert "4 were before" in canary_of(campaign).message


@pytest.mark.django_db
def test_what_is_in_the_way_is_said() -> None:
    campaign = launched(canary_wait_minutes=30)
    setup, lane = campaign.use_case.setup, Lane.objects.filter(pk=campaign.pk)

    def said() -> str:
        found = obstacle_of(fresh(campaign), NOW, failover=False)
        assert found is not None
        assert not found.planned
        return found.message

    assert said() == f"Nothing at all is sent through the telephony setup “{setup.name}”; see whether the workers run."
    TelephonySetup.objects.filter(pk=setup.pk).update(
        breaker_until=NOW, breaker_reason="The carrier refused the account."
    )
    assert said() == f"The telephony setup “{setup.name}” is held back: The carrier refused the account."
    TelephonySetup.objects.filter(pk=setup.pk).update(draining=True)
    assert "drains; nothing new is sent until that ends" in said()
    Workspace.objects.filter(pk=campaign.workspace_id).update(sending_enabled=False)
    assert said() == "Sending is switched off for the whole workspace; nothing is sent until it is switched on."
    lane.update(held=True)
    assert said() == "The campaign's queue is held by hand."


@pytest.mark.django_db
@pytest.mark.parametrize("reason", DeferReason)
def test_only_hours_and_caps_that_end_by_themselves_are_a_planned_wait(reason: DeferReason) -> None:
    campaign = launched()
    defer(campaign, reason, NOW + 10 * MINUTE)
    found = obstacle_of(fresh(campaign), NOW, failover=False)
    assert found is not None
    assert found.planned == (reason in OF_HOURS or reason == DeferReason.CAP_REACHED), found.message
    defer(campaign, reason, NOW)
    found = obstacle_of(fresh(campaign), NOW, failover=False)
    assert found is not None
    assert not found.planned, found.message


def told(campaign: Campaign, now: datetime) -> str:
    tick(now)
    send(campaign, now=now)
    tick(now)
    return canary_of(campaign).message


@pytest.mark.django_db
def test_numbers_that_do_not_open_pause_it_once_the_wait_is_over() -> None:
    """All are looked at again every ten minutes, and the setup sends for others meanwhile."""
    campaign = launched(canary_wait_minutes=30)
    for row in Voicemail.objects.filter(lane_id=campaign.pk):
        spoil_number(row.pk)
    for minute in range(0, 31, 2):
        assert states(campaign) == ("running", "under_way"), minute
        message = told(campaign, NOW + minute * MINUTE)
    assert "Those who are next cannot be sent to. The phone number does not open with the keys" in message
    told(campaign, NOW + 32 * MINUTE)
    assert states(campaign) == ("paused", "stalled")


@pytest.mark.django_db
def test_another_attempt_that_is_due_later_is_a_planned_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hours of all others have closed, and the retry of one who did not answer is the first of the line."""
    campaign = launched(canary_wait_minutes=30, use_case=make_use_case(max_attempts=2, retry_minutes=300))
    assert send(campaign, 6) == 6
    report(campaign.pk, Reason.NO_ANSWER, 1, NOW)
    report(campaign.pk, None, 5, NOW)
    retry = Voicemail.objects.get(lane_id=campaign.pk, status="queued", drop_id__isnull=False)
    defer(campaign, DeferReason.OUTSIDE_WINDOW, NOW + timedelta(hours=18))
    KeptDecision.objects.filter(pk=retry.pk).delete()
    retry.save(update_fields=["not_before"])
    for minute in range(0, 300, 10):
        tick(NOW + minute * MINUTE)
        assert states(campaign) == ("running", "under_way"), canary_of(campaign).message
    assert canary_of(campaign).message.startswith("Those who are next are due on Mon, Mar 2, 2026, ")


@pytest.mark.django_db
def test_a_recording_that_the_carrier_does_not_get_pauses_it() -> None:
    campaign = launched(canary_wait_minutes=30)
    setup = campaign.use_case.setup
    Voicemail.objects.filter(lane_id=campaign.pk).update(not_before=NOW + 40 * MINUTE)
    CarrierMedia.objects.create(
        setup=setup, recording=campaign.recording, state="wanted", due_at=NOW, error="It is too slow."
    )
    for minute in range(0, 31, 10):
        tick(NOW + minute * MINUTE)
        assert states(campaign) == ("running", "under_way")
    assert canary_of(campaign).message.endswith(
        f"The carrier of the telephony setup “{setup.name}” does not have the recording yet. It is too slow."
    )
    tick(NOW + 32 * MINUTE)
    assert states(campaign) == ("paused", "stalled")


@pytest.mark.django_db
def test_recordings_that_cannot_be_made_ready_pause_it_and_those_that_can_do_not() -> None:
    campaign = launched(canary_wait_minutes=30)
    Campaign.objects.update(recordings_set=False)
    for minute in range(0, 61, 10):
        tick(NOW + minute * MINUTE)
    assert states(campaign) == ("running", "under_way")
    later = NOW + 60 * MINUTE
    for minute in range(0, 31, 10):
        record("campaign_step", str(campaign.pk), reason="The storage does not answer.")
        FailedWork.objects.update(last_at=later + minute * MINUTE)
        tick(later + minute * MINUTE)
        assert states(campaign) == ("running", "under_way")
    assert "The recordings cannot be made ready" in canary_of(campaign).message
    FailedWork.objects.update(last_at=later + 32 * MINUTE)
    tick(later + 32 * MINUTE)
    assert states(campaign) == ("paused", "stalled")


@pytest.mark.django_db
def test_whose_turn_has_not_come_is_not_paused() -> None:
    """What has a higher priority goes first, for as long as it takes; the setup works."""
    campaign = launched(canary_wait_minutes=30)
    other = make_campaign(campaign.use_case, 5, state="running", playable=True)
    for minute in range(0, 121, 4):
        now = NOW + minute * MINUTE
        Drop.objects.create(
            workspace=campaign.workspace, voicemail_id=other.pk, setup=campaign.use_case.setup, number=1, live=True,
            status="accepted", due_at=now, created_at=now, accepted_at=now, sender="+12125550100",
        )  # fmt: skip
        tick(now)
    assert states(campaign) == ("running", "under_way")
    assert canary_of(campaign).message == (
        f"The telephony setup “{campaign.use_case.setup.name}” sends at its pace, and what has a higher priority goes first."
    )


@pytest.mark.django_db
def test_reports_that_are_waited_for_are_said_with_since_when_and_until_when() -> None:
    campaign = launched(canary_wait_minutes=30)
    send(campaign)
    tick()
    progress = canaries.newest([campaign.pk], NOW)[campaign.pk]
    assert progress.message == (
        "The last of them was tried on Mon, Mar 2, 2026, 3:00 PM UTC. Their reports are waited for until Mon, Mar 2, 2026, 3:30 PM "
        "UTC; if too few have come by then, the campaign is paused."
    )
    services.pause(campaign, actor=None, now=NOW)
    assert canaries.newest([campaign.pk], NOW)[campaign.pk].message == ""


@pytest.mark.django_db
def test_who_waits_for_the_failover_setup_is_named_where_reports_are_missing() -> None:
    setup = make_setup()
    other = make_setup(setup.workspace)
    policy: dict[str, Any] = {"failover_setup": other, "failover_reasons": ["busy"], "max_attempts": 2}
    use_case = make_use_case(setup=setup, numbers=[make_phone_number(setup), make_phone_number(other)], **policy)
    campaign = launched(use_case=use_case, canary_wait_minutes=30, expires_at=NOW + timedelta(days=1))
    send(campaign)
    report(campaign.pk, Reason.BUSY, 2, NOW)
    report(campaign.pk, None, 8, NOW)
    TelephonySetup.objects.filter(pk=other.pk).update(
        breaker_until=NOW + timedelta(days=1), breaker_reason="No answer."
    )
    tick()
    assert "2 of them wait for another try through the failover setup." in canary_of(campaign).message
    tick(NOW + 31 * MINUTE)
    assert states(campaign) == ("paused", "stopped")
    assert "9 are needed. 2 of them wait for another try through the failover setup." in canary_of(campaign).message


@pytest.mark.django_db
def test_a_pause_by_a_person_in_the_middle_lets_nobody_else_out_when_it_goes_on() -> None:
    campaign = launched()
    assert send(campaign, 4) == 4
    services.pause(campaign, actor=None, now=NOW)
    report(campaign.pk, None, 4, NOW)
    tick(NOW + timedelta(days=1))
    assert states(campaign) == ("paused", "under_way")
    services.resume(campaign, actor=None, now=NOW)
    assert (send(campaign), send(campaign)) == (6, 0)
    report(campaign.pk, None, 6, NOW)
    tick()
    assert (states(campaign), send(campaign)) == (("running", "passed"), 20)


@pytest.mark.django_db
def test_after_a_pause_by_a_person_the_reports_are_waited_for_the_whole_time_once_more() -> None:
    campaign = launched()
    send(campaign)
    tick()
    services.pause(campaign, actor=None, now=NOW)
    late = NOW + timedelta(days=1)
    services.resume(campaign, actor=None, now=late)
    tick(late)
    assert states(campaign) == ("running", "under_way")
    tick(late + 61 * MINUTE)
    assert states(campaign) == ("paused", "stopped")


@pytest.mark.django_db
def test_a_canceled_campaign_has_no_first_people_any_more() -> None:
    campaign = launched()
    send(campaign, 4)
    services.cancel(campaign, actor=None, now=NOW)
    tick(NOW + timedelta(days=1))
    assert states(campaign) == ("canceled", "ended")
    assert (fresh(campaign).lane.canary_left, CanaryMember.objects.count(), send(campaign)) == (None, 0, 0)


@pytest.mark.django_db
def test_a_campaign_of_whom_all_others_are_skipped_completes_and_a_later_retry_goes_out_at_once() -> None:
    campaign = launched(12, 10)
    send(campaign, 8)
    report(campaign.pk, Reason.BUSY, 8, NOW)
    rest = Voicemail.objects.filter(lane_id=campaign.pk, status="queued")
    LaneDelta.objects.create(lane=campaign.lane, status="queued", reason="", delta=-4)
    LaneDelta.objects.create(lane=campaign.lane, status="skipped", reason="suppressed", delta=4)
    rest.update(status="skipped", reason="suppressed")
    tick()
    assert states(campaign) == ("running", "under_way")
    scheduler.complete(NOW)
    assert states(campaign) == ("completed", "ended")
    services.retry_failed(campaign, accept_duplicate_risk=False, reasons=[], actor=None, now=NOW)
    assert send(campaign, now=NOW + MINUTE) == 8


@pytest.mark.django_db
def test_a_scheduled_campaign_tries_them_when_it_begins() -> None:
    campaign = make_campaign(count=30, canary_size=10, playable=True, starts_at=NOW + 5 * MINUTE)
    services.launch(campaign, actor=None, now=NOW)
    assert (fresh(campaign).state, Canary.objects.count()) == ("scheduled", 0)
    scheduler.start_due(NOW + 6 * MINUTE)
    assert states(campaign) == ("running", "under_way")
    assert (send(campaign, now=NOW + 6 * MINUTE), send(campaign, now=NOW + 6 * MINUTE)) == (10, 0)


@pytest.mark.django_db
def test_those_whose_recording_was_changed_before_the_launch_wait_for_both() -> None:
    campaign = make_campaign(count=30, canary_size=10, playable=True)
    other = make_recording(campaign.workspace)
    default_storage.save(other.storage_name, ContentFile(b"sound"))
    services.edit(campaign, {"recording": other}, actor=None, now=NOW)
    services.launch(campaign, actor=None, now=NOW)
    assert send(campaign) == 0
    scheduler.set_recordings(NOW)
    assert (send(campaign), send(campaign)) == (10, 0)


@pytest.mark.django_db
def test_another_recording_is_tried_on_the_next_people_first() -> None:
    campaign = launched()
    send(campaign)
    report(campaign.pk, Reason.RECORDING_REFUSED, 10, NOW)
    tick()
    assert states(campaign) == ("paused", "stopped")
    other = make_recording(campaign.workspace)
    default_storage.save(other.storage_name, ContentFile(b"sound"))
    services.edit(fresh(campaign), {"recording": other}, actor=None, now=NOW)
    assert [each.state for each in Canary.objects.order_by("id")] == ["ended", "under_way"]
    services.resume(campaign, actor=None, now=NOW)
    scheduler.set_recordings(NOW)
    assert (send(campaign), send(campaign)) == (10, 0)
    report(campaign.pk, None, 10, NOW)
    tick()
    assert (states(campaign), send(campaign)) == (("running", "passed"), 10)


@pytest.mark.django_db
def test_while_it_is_paused_how_many_are_tried_first_can_be_changed_and_counts_those_who_were() -> None:
    campaign = launched()
    send(campaign, 4)
    services.pause(campaign, actor=None, now=NOW)
    services.edit(fresh(campaign), {"canary_size": 6}, actor=None, now=NOW)
    assert (fresh(campaign).lane.canary_left, fresh(campaign).revised) == (2, False)
    services.resume(campaign, actor=None, now=NOW)
    assert (send(campaign), send(campaign)) == (2, 0)
    services.pause(campaign, actor=None, now=NOW)
    services.edit(fresh(campaign), {"canary_size": 0}, actor=None, now=NOW)
    assert states(campaign) == ("paused", "ended")
    services.resume(campaign, actor=None, now=NOW)
    assert send(campaign) == 24


@pytest.mark.django_db
def test_the_limit_is_the_one_that_is_set_when_the_reports_are_in() -> None:
    campaign = launched(canary_max_failed_percent=30)
    send(campaign)
    report(campaign.pk, Reason.REFUSED, 3, NOW)
    report(campaign.pk, None, 7, NOW)
    tick()
    assert states(campaign) == ("running", "passed")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"canary_size": -1}, "canary_size"),
        ({"canary_size": 5_001}, "canary_size"),
        ({"canary_size": True}, "canary_size"),
        ({"canary_max_failed_percent": 101}, "canary_max_failed_percent"),
        ({"canary_max_failed_percent": None}, "canary_max_failed_percent"),
        ({"canary_wait_minutes": 4}, "canary_wait_minutes"),
        ({"canary_wait_minutes": 1_441}, "canary_wait_minutes"),
    ],
)
def test_settings_out_of_bounds_are_refused_with_the_bounds(changes: dict[str, Any], field: str) -> None:
    campaign = make_campaign()
    with pytest.raises(ServiceError) as refusal:
        services.edit(campaign, changes, actor=None, now=NOW)
    assert (refusal.value.code, refusal.value.field) == ("out_of_bounds", field)
    assert "must be a whole number from" in refusal.value.message


@pytest.mark.django_db
def test_once_it_runs_the_settings_stay_and_a_copy_has_them() -> None:
    campaign = launched(canary_wait_minutes=15, canary_max_failed_percent=3)
    with pytest.raises(ServiceError):
        services.edit(campaign, {"canary_size": 20}, actor=None, now=NOW)
    copy = services.copy(campaign, actor=None, now=NOW)
    assert (copy.canary_size, copy.canary_wait_minutes, copy.canary_max_failed_percent) == (10, 15, 3)


@pytest.mark.django_db
def test_a_tick_that_comes_twice_judges_once() -> None:
    campaign = launched()
    send(campaign)
    report(campaign.pk, None, 10, NOW)
    tick(times=3)
    assert AuditEvent.objects.filter(action="campaign.canary_passed").count() == 1
    canaries.watch(fresh(campaign), NOW)
    assert AuditEvent.objects.filter(action="campaign.canary_passed").count() == 1


@pytest.mark.django_db
def test_what_a_killed_tick_did_is_done_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict, the pause, the audit and the event are one transaction."""
    campaign = launched()
    send(campaign)
    report(campaign.pk, Reason.REFUSED, 10, NOW)
    with monkeypatch.context() as dies:
        dies.setattr(canaries, "_tell", lambda *_: 1 / 0)
        tick()
    assert (states(campaign), fresh(campaign).lane.held) == (("running", "under_way"), False)
    assert not AuditEvent.objects.filter(action="campaign.paused").exists()
    tick()
    assert states(campaign) == ("paused", "stopped")


@pytest.mark.django_db(transaction=True)
def test_two_workers_try_exactly_the_first_people_before_the_verdict_and_everybody_after() -> None:
    use_case = make_use_case(setup=make_setup(pace_per_second=2000, in_flight_cap=40))
    campaign = make_campaign(use_case, 300, playable=True, canary_size=50)
    services.launch(campaign, actor=None, now=timezone.now())
    with Crew() as crew:
        crew.allowance.set(math.inf)
        until(lambda: len(crew.sent()) >= 50)
        crew.goes_round()
        crew.goes_round()
        assert len(crew.sent()) == 50
        assert Drop.objects.filter(voicemail__lane_id=campaign.pk).count() == 50
        tick(timezone.now())
        assert states(campaign) == ("running", "under_way")
        Voicemail.objects.filter(lane_id=campaign.pk, status="accepted").update(status="sending")
        Drop.objects.filter(voicemail__lane_id=campaign.pk).update(status="sending")
        report(campaign.pk, None, 50, timezone.now())
        tick(timezone.now())
        assert states(campaign) == ("running", "passed")
        until(lambda: len(crew.sent()) >= 300)
        crew.goes_round()
        assert len(crew.sent()) == len(set(crew.sent())) == 300
    assert Lane.objects.get(pk=campaign.pk).canary_left is None
    assert row_counts(campaign.pk)[("accepted", "")] == 250
    assert counter_totals(campaign.pk)[("delivered", "")] == 50
