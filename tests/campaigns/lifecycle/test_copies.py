"""Copies of campaigns: the settings, and exactly those people who were not reached, each once."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from campaigns.lifecycle import copies, scheduler
from campaigns.lifecycle import service as services
from campaigns.models import Campaign
from delivery.identifiers import by_record_number, references_in
from delivery.lane_totals import counts_of
from delivery.lifecycle import transitions
from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import Drop, Voicemail
from delivery.reports.inbox import merge, receive
from delivery.services.retries import retry
from rvm.platform.database.ids import uuid7
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent
from tests.delivery.states import counter_totals, make_drop, row_counts
from tests.factories import (
    add_recipients,
    make_campaign,
    make_recording,
    make_suppression,
    make_use_case,
    make_user,
    patient_number,
)
from tests.sessions import Session
from tests.sounds import playable

pytestmark = pytest.mark.django_db

# Ids are of the time, and a copy comes after what it is of.
NOW = datetime.now(UTC) + timedelta(days=1)
HOUR = timedelta(hours=1)
S = VoicemailStatus
ENDINGS = [
    (0, S.FAILED, "busy"),
    (1, S.FAILED, "mailbox_full"),
    (2, S.EXPIRED, "expired"),
    (3, S.CANCELED, "canceled"),
    (4, S.SKIPPED, "no_consent"),
    (5, S.FAILED, "unreported"),
    (6, S.CANCELED, "withdrawn"),
    (7, S.FAILED, "opted_out"),
    (8, S.DELIVERED, ""),
    (9, S.ACCEPTED, ""),
    (10, S.QUEUED, ""),
]


def ended(**fields: Any) -> Campaign:
    """One of which everybody ended in another way; two still wait."""
    campaign = make_campaign(state="completed", playable=True, **fields)
    for serial, status, reason in ENDINGS:
        add_recipients(campaign, 1, first=serial, status=status, reason=reason, zones=[["America/New_York"]])
    return campaign


def copy(campaign: Campaign, *reasons: str, **fields: Any) -> Campaign:
    return services.copy(campaign, reasons=reasons, **{"actor": None, "now": NOW, **fields})


def filled(campaign: Campaign, *reasons: str, at: datetime = NOW, **fields: Any) -> Campaign:
    draft = copy(campaign, *reasons, **fields)
    scheduler.continue_copies(at)
    return fresh(draft)


def fresh(campaign: Campaign) -> Campaign:
    return Campaign.objects.get(pk=campaign.pk)


def people(campaign: Campaign) -> list[str]:
    return sorted(each.recipient or "" for each in Voicemail.objects.filter(lane_id=campaign.pk))


def refused(*arguments: Any, **fields: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        copy(*arguments, **fields)
    return caught.value.code


# settings


def test_a_copy_has_the_settings_and_neither_people_nor_start_and_end() -> None:
    settings = {"window_start": time(9), "window_end": time(17), "days": [1, 2], "pace_per_second": 2.0, "priority": 3}
    campaign = ended(
        name="Flu",
        time_zone="America/Denver",
        starts_at=NOW - HOUR,
        ends_at=NOW,
        max_attempts=2,
        retry_minutes=5,
        **settings,
    )
    draft = fresh(copy(campaign, actor=make_user(username="ann")))
    assert (draft.state, draft.name, draft.time_zone, draft.live) == ("draft", "Copy of Flu", "America/Denver", True)
    assert (draft.recording, draft.use_case, draft.starts_at, draft.ends_at) == (
        campaign.recording,
        campaign.use_case,
        None,
        None,
    )
    assert {name: getattr(draft.lane, name) for name in settings} == settings
    assert (draft.lane.max_attempts, draft.lane.retry_minutes, draft.lane.held) == (2, 5, True)
    assert (draft.copied_from, draft.is_copying, people(draft)) == (campaign, False, [])
    assert AuditEvent.objects.get(action="campaign.copied").details["source"] == str(campaign.pk)


def test_a_long_name_is_shortened() -> None:
    assert len(copy(ended(name="x" * 100)).name) == 100


def test_a_second_click_gets_the_draft_of_the_first() -> None:
    campaign, chosen = ended(), uuid7()
    first, second = (copy(campaign, "busy", campaign_id=chosen) for _ in range(2))
    assert first == second and first.pk == chosen
    scheduler.continue_copies(NOW)
    assert len(people(first)) == 1


# who was not reached


def test_exactly_those_are_added_who_were_not_reached_for_these_reasons() -> None:
    campaign = ended()
    draft = filled(campaign, "busy", "expired", "canceled", "no_consent")
    assert people(draft) == [patient_number(serial) for serial in (0, 2, 3, 4)]
    assert not draft.is_copying
    assert row_counts(draft.pk) == counter_totals(draft.pk) == {("queued", ""): 4}
    assert row_counts(campaign.pk)[("failed", "busy")] == 1
    added = AuditEvent.objects.get(action="campaign.people_copied")
    assert added.details["reasons"] == ["busy", "canceled", "expired", "no_consent"]


@pytest.mark.parametrize("reason", ["withdrawn", "opted_out", "do_not_call", "litigator", "nonsense"])
def test_who_was_taken_out_or_said_no_is_not_copied(reason: str) -> None:
    assert refused(ended(), reason) == "not_retryable"


def test_who_may_have_been_reached_is_copied_by_a_decision_only() -> None:
    campaign = ended()
    assert refused(campaign, "unreported") == "duplicate_risk"
    assert people(filled(campaign, "unreported", accept_duplicate_risk=True)) == [patient_number(5)]


def test_what_is_known_of_a_person_goes_along() -> None:
    campaign = ended()
    [row] = add_recipients(
        campaign,
        1,
        first=20,
        status=S.FAILED,
        reason="busy",
        reference="visit-8",
        record_number="MRN-8",
        merge_fields={"first_name": "Ana"},
        metadata={"a": 1},
        zones=[["America/Denver", "state:CO"]],
        attempts=2,
    )
    draft = filled(campaign, "busy")
    made = Voicemail.objects.get(lane_id=draft.pk, reference="visit-8")
    for name in ("recipient", "record_number", "merge_fields", "metadata", "zones", "last4", "recipient_index", "live"):
        assert getattr(made, name) == getattr(row, name), name
    assert (made.status, made.reason, made.attempts, made.drop_id, made.ended_at) == ("queued", "", 0, None, None)
    assert {each.voicemail_id for each in by_record_number([row.workspace_id], "mrn-8")} >= {row.pk, made.pk}
    assert {each.voicemail_id for each in references_in(draft.lane, ["visit-8"])["visit-8"]} == {made.pk}
    assert draft.lane.first_id is not None and draft.lane.last_id is not None
    assert draft.lane.first_id <= made.pk <= draft.lane.last_id


def test_they_hear_the_recording_that_the_draft_has_by_then() -> None:
    draft = copy(ended(), "busy")
    new = make_recording(draft.workspace)
    services.edit(draft, {"recording": new}, actor=None, now=NOW)
    scheduler.continue_copies(NOW)
    assert Voicemail.objects.get(lane_id=draft.pk).recording_id == new.pk


def test_who_has_no_number_any_more_is_left_out() -> None:
    campaign = ended()
    Voicemail.objects.filter(lane_id=campaign.pk, reason="busy").update(recipient=None)
    assert people(filled(campaign, "busy", "expired")) == [patient_number(2)]


def test_the_rest_is_added_in_batches_that_a_kill_does_not_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "BATCH", 4)
    campaign = make_campaign(state="completed", playable=True)
    add_recipients(campaign, 10, status=S.FAILED, reason="busy")
    draft = copy(campaign, "busy")
    for added in (4, 8):
        row = fresh(draft)
        with transaction.atomic():
            copies.add_batch(row, NOW)
        assert (len(people(draft)), fresh(draft).is_copying) == (added, True)
    try:
        with transaction.atomic():
            copies.add_batch(fresh(draft), NOW)
            raise KeyError("killed")
    except KeyError:
        pass
    assert len(people(draft)) == 8
    scheduler.continue_copies(NOW)
    assert people(draft) == [patient_number(serial) for serial in range(10)]
    scheduler.continue_copies(NOW)
    assert len(people(draft)) == 10


def test_a_draft_is_not_launched_before_everybody_is_in_it() -> None:
    draft = copy(ended(), "busy")
    with pytest.raises(ServiceError) as caught:
        services.launch(draft, actor=None, now=NOW)
    assert caught.value.code == "import_under_way"
    scheduler.continue_copies(NOW)
    assert services.launch(draft, actor=None, now=NOW).state == "running"


def test_a_canceled_draft_gets_nobody() -> None:
    draft = copy(ended(), "busy")
    services.cancel(draft, actor=None, now=NOW)
    scheduler.continue_copies(NOW)
    assert (people(draft), fresh(draft).is_copying) == ([], False)


# nobody twice


def test_who_was_copied_is_copied_into_no_other_campaign() -> None:
    campaign = ended()
    filled(campaign, "busy")
    assert people(filled(campaign, "busy", "expired")) == [patient_number(2)]


def test_a_copy_whose_people_were_not_reached_is_copied_itself() -> None:
    first = filled(ended(), "busy")
    services.cancel(first, actor=None, now=NOW)
    scheduler.cancel_remaining(NOW)
    Voicemail.objects.filter(lane_id=first.pk).update(ended_at=NOW - 48 * HOUR)
    assert people(filled(first, "canceled", at=NOW + HOUR)) == [patient_number(0)]


def test_who_was_copied_is_not_retried_where_they_came_from() -> None:
    campaign = ended()
    filled(campaign, "busy")
    found = services.retry_failed(campaign, accept_duplicate_risk=False, reasons=["busy"], actor=None, now=NOW)
    assert (found.queued, found.left_out) == (0, {"copied": 1})
    with pytest.raises(ServiceError) as caught:
        retry(Voicemail.objects.get(lane_id=campaign.pk, reason="busy"), actor=None, now=NOW)
    assert caught.value.code == "not_retryable" and "copied into another campaign" in caught.value.message


# How a voicemail has failed whose result may still be corrected.
CORRECTED: dict[str, dict[str, Any]] = {
    "an unsigned result": {"reason": "no_answer", "provisional": True},
    "a guess": {"reason": "unreported"},
}


def waits_for_a_report(how: str) -> tuple[Campaign, Campaign, Drop]:
    """A campaign that tries again, a copy that takes along whoever failed so, and the drop of one who did."""
    campaign = make_campaign(make_use_case(max_attempts=3), state="running", playable=True, expires_at=NOW + 48 * HOUR)
    [voicemail] = add_recipients(campaign, 1, status=S.FAILED, reason=CORRECTED[how]["reason"], expires_at=None)
    drop = make_drop(voicemail, "failed", **CORRECTED[how], created_at=NOW - HOUR)
    return campaign, copy(campaign, CORRECTED[how]["reason"], accept_duplicate_risk=True), drop


def fails_for_sure(drop: Drop) -> None:
    receive(drop.setup_id, b"{}", [Report(drop.pk, ReportStatus.FAILED, None, "", "", Reason.BUSY)])
    merge(NOW)


@pytest.mark.parametrize("how", CORRECTED)
def test_who_was_copied_is_not_tried_again_by_a_late_report_where_they_came_from(how: str) -> None:
    campaign, draft, drop = waits_for_a_report(how)
    scheduler.continue_copies(NOW)
    fails_for_sure(drop)
    assert row_counts(campaign.pk) == counter_totals(campaign.pk) == {("failed", "busy"): 1}
    assert row_counts(draft.pk) == {("queued", ""): 1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", CORRECTED)
def test_a_late_report_before_a_copy_at_once_tries_again_and_leaves_nobody_to_copy(how: str) -> None:
    campaign, draft, drop = waits_for_a_report(how)
    with transaction.atomic():
        fails_for_sure(drop)
        other = Session(lambda: scheduler.continue_copies(NOW))
        other.wait_until_blocked()
    other.result()
    assert (row_counts(campaign.pk), row_counts(draft.pk)) == ({("queued", ""): 1}, {})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", CORRECTED)
def test_a_copy_before_a_late_report_at_once_leaves_nobody_to_try_again(how: str) -> None:
    campaign, draft, drop = waits_for_a_report(how)
    with transaction.atomic():
        copies.add_batch(fresh(draft), NOW)
        other = Session(lambda: fails_for_sure(drop))
        other.wait_until_blocked()
    other.result()
    assert (row_counts(campaign.pk), row_counts(draft.pk)) == ({("failed", "busy"): 1}, {("queued", ""): 1})


def test_who_was_reached_after_all_by_a_late_report_is_left_out_at_the_launch() -> None:
    campaign = ended()
    draft = filled(campaign, "busy", "unreported", "expired", accept_duplicate_risk=True)
    late = Voicemail.objects.get(lane_id=campaign.pk, reason="unreported")
    reached = Transition(late.pk, S.FAILED, S.DELIVERED, from_reason="unreported")
    transitions.apply([reached], datetime.now(UTC) + HOUR)
    services.launch(draft, actor=None, now=NOW)
    assert row_counts(draft.pk) == counter_totals(draft.pk) == {("queued", ""): 2, ("canceled", "withdrawn"): 1}
    assert Voicemail.objects.get(lane_id=draft.pk, status="canceled").recipient == late.recipient


# Earlier attempts of somebody whose voicemail was queued again and then canceled.
DOUBTFUL: dict[str, tuple[str, dict[str, Any]]] = {
    "a guess": ("failed", {"reason": "unconfirmed"}),
    "an unsigned result": ("failed", {"reason": "no_answer", "provisional": True}),
}
WITH_CARRIER = ["sending", "uncertain", "accepted", "delivered"]


def canceled_after(status: str, **fields: Any) -> tuple[Campaign, Drop]:
    campaign = make_campaign(state="canceled", playable=True)
    [voicemail] = add_recipients(campaign, 1, status=S.CANCELED, reason="canceled")
    first = make_drop(voicemail, status, **fields, created_at=NOW - HOUR)
    make_drop(voicemail, "not_sent", created_at=NOW - HOUR)
    return campaign, first


@pytest.mark.parametrize("attempt", DOUBTFUL)
def test_who_may_have_been_reached_before_they_were_canceled_is_copied_by_a_decision_only(attempt: str) -> None:
    status, fields = DOUBTFUL[attempt]
    campaign, _ = canceled_after(status, **fields)
    assert people(filled(campaign, "canceled")) == []
    assert people(filled(campaign, "canceled", accept_duplicate_risk=True)) == [patient_number(0)]


@pytest.mark.parametrize("status", WITH_CARRIER)
def test_of_whom_the_carrier_has_an_attempt_nobody_is_copied_by_whatever_decision(status: str) -> None:
    campaign, _ = canceled_after(status)
    assert people(filled(campaign, "canceled", accept_duplicate_risk=True)) == []


def test_who_was_certainly_not_reached_before_they_were_canceled_is_copied() -> None:
    campaign, _ = canceled_after("failed", reason="busy")
    assert people(filled(campaign, "canceled")) == [patient_number(0)]


def test_who_was_canceled_and_reached_after_all_by_a_late_report_is_left_out_at_the_launch() -> None:
    """Their voicemail stays canceled, whatever is reported."""
    campaign, first = canceled_after("failed", reason="unconfirmed")
    add_recipients(campaign, 1, first=1, status=S.CANCELED, reason="canceled")
    draft = filled(campaign, "canceled", accept_duplicate_risk=True)
    receive(first.setup_id, b"{}", [Report(first.pk, ReportStatus.DELIVERED, None, "", "")])
    merge(NOW)
    assert row_counts(campaign.pk) == {("canceled", "canceled"): 2}
    services.launch(draft, actor=None, now=NOW)
    assert Voicemail.objects.get(lane_id=draft.pk, status="canceled").recipient == patient_number(0)
    assert Voicemail.objects.get(lane_id=draft.pk, status="queued").recipient == patient_number(1)


def test_who_must_not_be_reached_is_found_out_at_the_launch() -> None:
    draft = filled(ended(), "busy")
    make_suppression(draft.workspace, patient_number(0))
    with pytest.raises(ServiceError) as caught:
        services.launch(draft, actor=None, now=NOW)
    assert caught.value.code == "nothing_to_send"


@pytest.mark.django_db(transaction=True)
def test_a_retry_before_a_copy_at_once_leaves_nobody_to_copy() -> None:
    campaign = ended()
    draft = copy(campaign, "busy")
    with transaction.atomic():
        services.retry_failed(campaign, accept_duplicate_risk=False, reasons=["busy"], actor=None, now=NOW)
        other = Session(lambda: scheduler.continue_copies(NOW))
        other.wait_until_blocked()
    other.result()
    assert people(draft) == []
    assert row_counts(campaign.pk)[("queued", "")] == 2


@pytest.mark.django_db(transaction=True)
def test_a_copy_before_a_retry_at_once_leaves_nobody_to_retry() -> None:
    campaign = ended()
    draft = copy(campaign, "busy")
    with transaction.atomic():
        copies.add_batch(fresh(draft), NOW)
        other = Session(
            lambda: services.retry_failed(campaign, accept_duplicate_risk=False, reasons=["busy"], actor=None, now=NOW)
        )
        other.wait_until_blocked()
    assert other.result().left_out == {"copied": 1}
    assert people(draft) == [patient_number(0)]


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_draft() -> None:
    campaign, chosen = ended(), uuid7()
    with transaction.atomic():
        mine = copy(campaign, "busy", campaign_id=chosen)
        other = Session(lambda: copy(campaign, "busy", campaign_id=chosen))
        other.wait_until_blocked()
    assert other.result() == mine
    assert Campaign.objects.filter(copied_from=campaign).count() == 1
    connection.close()


def test_a_script_is_copied_with_the_message_of_each() -> None:
    campaign = ended()
    Campaign.objects.filter(pk=campaign.pk).update(recording=None, script=None)
    heard = playable(make_recording(campaign.workspace))
    Voicemail.objects.filter(lane_id=campaign.pk).update(recording=heard)
    draft = filled(fresh(campaign), "busy")
    assert Voicemail.objects.get(lane_id=draft.pk).recording_id == heard.pk
    assert counts_of([draft.pk])[draft.pk] == {"queued": 1}
    assert Reason.BUSY.value == "busy"
