"""Whether, when and through which setup a voicemail is tried again.

Pure. Two kinds, kept apart: a drop that provably was not sent costs no attempt and is tried again until the voicemail expires; a
failure that the carrier reported costs an attempt and is tried again only as often as the use case allows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from delivery.lifecycle.reasons import REASONS, Reason

NOT_SENT_FIRST_WAIT = timedelta(seconds=1)
NOT_SENT_MAX_WAIT = timedelta(minutes=5)
# So many drops that the first setup could not send, then the failover setup has its turn, then the first again.
NOT_SENT_BEFORE_FAILOVER = 2
# Retries spread over this share of their wait, so that what failed together does not come back together.
JITTER_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A use case's choice. `failover_reasons`: ends after which the failover setup tries; empty where there is none."""

    max_attempts: int
    wait: timedelta
    has_failover: bool = False
    failover_reasons: Collection[Reason] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again, not before `at`; through the failover setup or the first one."""

    at: datetime
    failover: bool


def after_not_sent(
    now: datetime, *, drops: int, failover: bool, has_failover: bool, jitter: float, at_least: timedelta | None = None
) -> Retry:
    """`drops` made so far, the last one through the failover setup or not. `jitter` is drawn from 0 to 1 by the caller.

    `at_least` is the carrier's own Retry-After.
    """
    wait = min(NOT_SENT_FIRST_WAIT * 2 ** min(drops - 1, 16), NOT_SENT_MAX_WAIT)
    spread = wait * (1 + JITTER_SHARE * jitter)
    turn = has_failover and not failover and drops >= NOT_SENT_BEFORE_FAILOVER
    return Retry(now + max(spread, at_least or timedelta()), failover=turn)


def after_failure(
    reason: Reason,
    now: datetime,
    policy: RetryPolicy,
    *,
    attempts: int,
    failover: bool,
    expires_at: datetime | None,
    jitter: float,
) -> Retry | None:
    """`attempts` that reached the carrier, this one counted. None where the failure is final.

    What may have reached the person is never tried again by itself, and nothing after its expiry.
    """
    facts = REASONS[reason]
    through_failover = policy.has_failover and not failover and reason in policy.failover_reasons
    if facts.may_have_reached or facts.suppresses or not (facts.retryable or through_failover):
        return None
    if attempts >= policy.max_attempts:
        return None
    wait = timedelta() if through_failover else policy.wait * 2 ** (attempts - 1) * (1 + JITTER_SHARE * jitter)
    at = now + wait
    return Retry(at, failover=through_failover or failover) if expires_at is None or at < expires_at else None
