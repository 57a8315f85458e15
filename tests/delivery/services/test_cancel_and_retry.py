"""Canceling and retrying: from which statuses, and what is said where it is not possible."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models import Sum

from delivery.lifecycle.reasons import REASONS, Reason
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.models import Drop, LaneDelta, Voicemail
from delivery.services.retries import LeftOut, requeue_failed, retry, retryable_reasons
from delivery.services.voicemails import cancel
from rvm.platform.database.ids import uuid7
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent
from tests.factories import make_suppression, make_voicemail

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
RETRYABLE = [reason for reason, facts in REASONS.items() if facts.retryable]
MAYBE_REACHED = [reason for reason, facts in REASONS.items() if facts.may_have_reached]
HOPELESS = [reason for reason, facts in REASONS.items() if not facts.retryable and not facts.may_have_reached]


def add_drop(voicemail: Voicemail, status: DropStatus = DropStatus.FAILED, number: int = 1) -> Drop:
    """As if this were the voicemail's latest drop."""
    drop = Drop.objects.create(
        id=uuid7(),
        workspace=voicemail.workspace,
        voicemail=voicemail,
        setup=voicemail.setup,
        number=number,
        live=voicemail.live,
        sender=voicemail.sender,
        status=status,
        due_at=NOW,
        created_at=NOW,
    )
    voicemail.drop_id, voicemail.attempts = drop.pk, number
    voicemail.save()
    return drop


def ended(status: str, reason: Reason | str = "", **fields: Any) -> Voicemail:
    voicemail = make_voicemail(status=status, reason=reason, **fields)
    add_drop(voicemail, DropStatus.UNCERTAIN if status == "uncertain" else DropStatus.FAILED)
    return voicemail


def counts() -> dict[tuple[str, str], int]:
    rows = LaneDelta.objects.values_list("status", "reason").annotate(count=Sum("delta"))
    return {(status, reason): count for status, reason, count in rows if count}


@pytest.mark.django_db
@pytest.mark.parametrize("reason", ["", Reason.NOT_SENT])
def test_a_queued_voicemail_is_canceled_and_counted(reason: str) -> None:
    voicemail = cancel(make_voicemail(reason=reason), actor=None, now=NOW)
    assert (voicemail.status, voicemail.reason, voicemail.ended_at) == ("canceled", "canceled", NOW)
    assert counts() == {("canceled", "canceled"): 1}
    assert AuditEvent.objects.get().action == "voicemail.canceled"


@pytest.mark.django_db
@pytest.mark.parametrize("status", [status for status in VoicemailStatus if status is not VoicemailStatus.QUEUED])
def test_what_has_left_the_queue_is_not_canceled_and_the_status_is_said(status: str) -> None:
    voicemail = make_voicemail(status=status)
    with pytest.raises(ServiceError, match=f"this one is {status}") as caught:
        cancel(voicemail, actor=None, now=NOW)
    assert (caught.value.code, caught.value.facts) == ("not_cancelable", {"voicemail_status": status})
    voicemail.refresh_from_db()
    assert voicemail.status == status
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("reason", RETRYABLE)
def test_a_failure_that_may_pass_is_queued_again_with_time_to_be_sent(reason: Reason) -> None:
    voicemail = retry(ended("failed", reason, expires_at=NOW - timedelta(days=1)), actor=None, now=NOW)
    assert (voicemail.status, voicemail.reason, voicemail.ended_at) == ("queued", "", None)
    assert voicemail.not_before == NOW
    assert voicemail.expires_at == NOW + timedelta(hours=72)
    assert counts() == {("queued", ""): 1}
    event = AuditEvent.objects.get()
    assert (event.action, event.details["was_reason"]) == ("voicemail.retried", reason)


@pytest.mark.django_db
@pytest.mark.parametrize("reason", HOPELESS)
def test_a_failure_that_a_retry_cannot_help_stays(reason: Reason) -> None:
    voicemail = ended("failed", reason)
    for accept in (False, True):
        with pytest.raises(ServiceError) as caught:
            retry(voicemail, accept_duplicate_risk=accept, actor=None, now=NOW)
        assert caught.value.code == "not_retryable"
        assert REASONS[reason].detail in caught.value.message
    voicemail.refresh_from_db()
    assert voicemail.status == "failed"


@pytest.mark.django_db
@pytest.mark.parametrize("reason", MAYBE_REACHED)
def test_what_may_have_reached_the_person_is_sent_again_only_at_an_accepted_risk(reason: Reason) -> None:
    voicemail = ended("failed", reason)
    with pytest.raises(ServiceError) as caught:
        retry(voicemail, actor=None, now=NOW)
    assert caught.value.code == "duplicate_risk"
    assert retry(voicemail, accept_duplicate_risk=True, actor=None, now=NOW).status == "queued"
    assert AuditEvent.objects.get().details["duplicate_risk_accepted"] is True


@pytest.mark.django_db
def test_an_uncertain_voicemail_is_settled_as_unconfirmed_by_whoever_accepts_the_risk() -> None:
    voicemail = ended("uncertain")
    with pytest.raises(ServiceError) as caught:
        retry(voicemail, actor=None, now=NOW)
    assert caught.value.code == "duplicate_risk"
    assert retry(voicemail, accept_duplicate_risk=True, actor=None, now=NOW).status == "queued"
    drop = Drop.objects.get()
    assert (drop.status, drop.reason, drop.ended_at) == ("failed", "unconfirmed", NOW)
    assert counts() == {("queued", ""): 1}


@pytest.mark.django_db
def test_an_uncertain_voicemail_whose_drop_was_delivered_is_not_sent_again() -> None:
    voicemail = ended("uncertain")
    Drop.objects.update(status=DropStatus.DELIVERED)
    with pytest.raises(ServiceError, match="is known by now") as caught:
        retry(voicemail, accept_duplicate_risk=True, actor=None, now=NOW)
    assert caught.value.code == "not_retryable"
    assert Voicemail.objects.get().status == "uncertain"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "status", [s for s in VoicemailStatus if s not in (VoicemailStatus.FAILED, VoicemailStatus.UNCERTAIN)]
)
def test_only_failures_are_retried_and_the_status_is_said(status: str) -> None:
    with pytest.raises(ServiceError, match=f"this one is {status}") as caught:
        retry(make_voicemail(status=status), accept_duplicate_risk=True, actor=None, now=NOW)
    assert caught.value.code == "not_retryable"


@pytest.mark.django_db
def test_nobody_is_tried_more_than_ten_times_and_drops_never_sent_do_not_count() -> None:
    voicemail = ended("failed", Reason.BUSY)
    for number in range(2, 10):
        add_drop(voicemail, DropStatus.FAILED, number=number)
    add_drop(voicemail, DropStatus.NOT_SENT, number=10)
    assert retry(voicemail, actor=None, now=NOW).status == "queued"
    Voicemail.objects.update(status="failed", reason="busy")
    add_drop(Voicemail.objects.get(), DropStatus.FAILED, number=11)
    Voicemail.objects.update(status="failed", reason="busy")
    with pytest.raises(ServiceError) as caught:
        retry(voicemail, actor=None, now=NOW)
    assert caught.value.code == "attempts_used_up"


@pytest.mark.django_db
def test_a_person_who_opted_out_meanwhile_is_not_tried_again() -> None:
    voicemail = ended("failed", Reason.BUSY)
    make_suppression(voicemail.workspace, voicemail.recipient)
    with pytest.raises(ServiceError) as caught:
        retry(voicemail, actor=None, now=NOW)
    assert caught.value.code == "blocked.suppressed"


@pytest.mark.django_db
@pytest.mark.parametrize("accept", [False, True])
@pytest.mark.parametrize("reason", [*REASONS, ""])
def test_a_voicemail_is_retried_for_itself_where_it_is_with_its_lane(reason: Reason | str, accept: bool) -> None:
    alone, together = (ended("failed" if reason else "uncertain", reason, ended_at=NOW) for _ in range(2))
    Voicemail.objects.update(updated_at=NOW)
    with contextlib.suppress(ServiceError):
        retry(alone, accept_duplicate_risk=accept, actor=None, now=NOW)
    chosen = retryable_reasons([], accept)
    found = requeue_failed(
        together.lane, chosen, since=NOW, after=UUID(int=0), expires_at=None, limit=10, now=NOW + timedelta(hours=1)
    )
    alone.refresh_from_db()
    assert (found.queued == 1) == (alone.status == "queued")


@pytest.mark.django_db
def test_of_all_that_speaks_against_a_retry_a_person_hears_of_the_attempts_and_a_lane_counts_the_suppression() -> None:
    voicemail = ended("failed", Reason.BUSY, ended_at=NOW)
    for number in range(2, 11):
        add_drop(voicemail, DropStatus.FAILED, number=number)
    make_suppression(voicemail.workspace, voicemail.recipient)
    with pytest.raises(ServiceError) as caught:
        retry(voicemail, actor=None, now=NOW)
    assert caught.value.code == "attempts_used_up"
    with transaction.atomic():
        found = requeue_failed(
            voicemail.lane, {Reason.BUSY}, since=NOW, after=UUID(int=0), expires_at=None, limit=10, now=NOW
        )
    assert (found.queued, found.left_out) == (0, {LeftOut.SUPPRESSED: 1})
