"""Retry rules: whether, when and through which setup a voicemail is tried again.

Pure. Two kinds of retries: after a drop that was proved not sent, which costs no attempt and repeats until the voicemail expires;
and after a failure that the carrier reported, which costs an attempt and repeats only as often as the use case allows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from delivery.lifecycle.reasons import REASONS, Reason

NOT_SENT_FIRST_WAIT = timedelta(seconds=1)
NOT_SENT_MAX_WAIT = timedelta(minutes=5)
# After this many drops that were not sent, the failover setup tries once, then the first setup again.
NOT_SENT_BEFORE_FAILOVER = 2
# A random share of the wait, up to this, is added to it, so that voicemails which failed together are not retried together.
JITTER_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Retry settings of a use case. `failover_reasons`: reasons after which the failover setup tries; empty if there is none."""

    max_attempts: int
    wait: timedelta
    has_failover: bool = False
    failover_reasons: Collection[Reason] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry, due at `at`. `failover`: through the failover setup, else through the first one."""

    at: datetime
    failover: bool


def after_not_sent(
    now: datetime, *, drops: int, failover: bool, has_failover: bool, jitter: float, at_least: timedelta | None = None
) -> Retry:
    """The retry after a drop that was not sent.

    `drops` were made so far; `failover`: the last one went through the failover setup. `jitter` is a random number from 0 to 1;
    `at_least` is the carrier's Retry-After.
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
    """The retry after a reported failure; None if the failure is final.

    `attempts` counts the drops that reached the carrier, including this one. A voicemail that may have reached the person is never
    retried automatically, and none is retried after its expiry.
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
