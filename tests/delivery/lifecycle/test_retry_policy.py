"""When a voicemail is tried again, and when never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from delivery.lifecycle.reasons import REASONS, Reason
from delivery.lifecycle.retries import retry_failed
from delivery.lifecycle.retry_policy import (
    JITTER_SHARE,
    NOT_SENT_MAX_WAIT,
    Retry,
    RetryPolicy,
    after_failure,
    after_not_sent,
)
from delivery.models import Drop, Voicemail
from tests import factories

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
NEVER = NOW + timedelta(days=30)
HOUR = timedelta(hours=1)
THREE = RetryPolicy(3, HOUR)
FAILOVER = RetryPolicy(3, HOUR, has_failover=True, failover_reasons=[Reason.REFUSED])

jitters = st.floats(min_value=0, max_value=1)


def failure(reason: Reason, policy: RetryPolicy, attempts: int = 1, *, failover: bool = False) -> Retry | None:
    return after_failure(reason, NOW, policy, attempts=attempts, failover=failover, expires_at=NEVER, jitter=0)


@given(st.integers(1, 1000), jitters, st.booleans(), st.booleans())
def test_what_was_not_sent_waits_longer_each_time_within_bounds(
    drops: int, jitter: float, failover: bool, has_failover: bool
) -> None:
    retry = after_not_sent(NOW, drops=drops, failover=failover, has_failover=has_failover, jitter=jitter)
    assert timedelta(seconds=1) <= retry.at - NOW <= NOT_SENT_MAX_WAIT * (1 + JITTER_SHARE)
    assert not retry.failover or (has_failover and not failover)


def test_the_failover_setup_has_its_turn_after_two_drops_and_hands_back() -> None:
    turns, failover = [], False
    for drops in range(1, 6):
        failover = after_not_sent(NOW, drops=drops, failover=failover, has_failover=True, jitter=0).failover
        turns.append(failover)
    assert turns == [False, True, False, True, False]


def test_the_carriers_own_wait_is_kept() -> None:
    wait = timedelta(minutes=9)
    retry = after_not_sent(NOW, drops=1, failover=False, has_failover=False, jitter=1, at_least=wait)
    assert retry.at == NOW + wait


@pytest.mark.parametrize(
    ("reason", "policy", "attempts", "expected"),
    [
        (Reason.BUSY, THREE, 1, Retry(NOW + HOUR, failover=False)),
        (Reason.BUSY, THREE, 2, Retry(NOW + 2 * HOUR, failover=False)),
        (Reason.BUSY, THREE, 3, None),
        (Reason.MAILBOX_FULL, THREE, 1, None),
        (Reason.REFUSED, THREE, 1, None),
        (Reason.REFUSED, FAILOVER, 1, Retry(NOW, failover=True)),
        (Reason.BUSY, RetryPolicy(1, HOUR), 1, None),
    ],
)
def test_a_failure_is_tried_again_only_as_the_policy_says(
    reason: Reason, policy: RetryPolicy, attempts: int, expected: Retry | None
) -> None:
    assert failure(reason, policy, attempts) == expected


def test_a_failure_through_the_failover_setup_does_not_fail_over_again() -> None:
    assert failure(Reason.REFUSED, FAILOVER, 2, failover=True) is None


@given(st.sampled_from(list(Reason)), st.integers(1, 12), st.integers(1, 10), st.booleans(), jitters)
def test_nothing_is_tried_again_past_its_expiry_or_where_somebody_may_have_been_reached(
    reason: Reason, attempts: int, most: int, failover: bool, jitter: float
) -> None:
    policy = RetryPolicy(most, HOUR, has_failover=True, failover_reasons=list(Reason))
    expires = NOW + 3 * HOUR
    retry = after_failure(reason, NOW, policy, attempts=attempts, failover=failover, expires_at=expires, jitter=jitter)
    facts = REASONS[reason]
    if retry is not None:
        assert retry.at < expires
        assert attempts < most
        assert not (facts.may_have_reached or facts.suppresses)


@pytest.mark.django_db
def test_a_failed_voicemail_is_queued_again_in_its_lane() -> None:
    use_case = factories.make_use_case(max_attempts=2, retry_minutes=30)
    voicemail = factories.make_voicemail(use_case, status="failed", reason="busy", attempts=1)
    final = factories.make_voicemail(use_case, status="failed", reason="mailbox_full", attempts=1)
    for row in (voicemail, final):
        Drop.objects.create(
            workspace=row.workspace,
            voicemail=row,
            setup=row.setup,
            number=1,
            live=True,
            sender=row.sender,
            status="failed",
            reason=row.reason,
            due_at=timezone.now(),
            created_at=timezone.now(),
        )
    now = timezone.now()
    retry_failed([voicemail.id, final.id], now)
    voicemail.refresh_from_db()
    assert voicemail.status == "queued"
    assert timedelta(minutes=30) <= voicemail.not_before - now <= timedelta(minutes=36)
    assert Voicemail.objects.get(id=final.id).status == "failed"
