"""Stops sending through a setup whose carrier is failing, and tries again by itself with one drop at a time.

Opens on a share of unknown outcomes and server errors, or at once where the account is refused or out of funds. While it is open the
setup's voicemails stay queued; when its time is over one probe goes out, and its outcome closes the breaker or opens it for longer.
The state lies on the setup's row, where the admin and the API show it with its reason; the counts of the last minute lie in Redis.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import structlog
from redis import Redis

from delivery.engine.results import Result
from delivery.lifecycle.events import Outcome, Submission
from delivery.lifecycle.reasons import REASONS, Reason
from rvm.platform.database import sql
from usecases.models import TelephonySetup

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60
MIN_SUBMISSIONS = 20  # submissions in the window before a share says anything
SHARE = 0.5
FIRST_OPENING = timedelta(seconds=30)
MAX_OPENING_LENGTH = timedelta(minutes=10)
PROBE_SECONDS = 30  # a probe whose worker died is given up after this
ACCOUNT_REASONS = {
    Reason.CARRIER_ACCOUNT: "The carrier refused the account's credentials or rights.",
    Reason.NO_FUNDS: REASONS[Reason.NO_FUNDS].sentence,
}


@dataclass(frozen=True, slots=True)
class Health:
    """Submissions of the last minute: how many, and how many had an unknown outcome or a server error."""

    total: int
    bad: int


class State(StrEnum):
    CLOSED = "closed"  # drops go out
    OPEN = "open"  # nothing goes out until `breaker_until`
    HALF_OPEN = "half_open"  # the time is over: one drop is the probe


def state_of(setup: TelephonySetup, now: datetime) -> State:
    if setup.breaker_until is None:
        return State.CLOSED
    return State.OPEN if setup.breaker_until > now else State.HALF_OPEN


def warning() -> str:
    """For /readyz, which anybody may read: how many, and neither whose nor why."""
    failing = TelephonySetup.objects.not_deleted().filter(breaker_until__isnull=False).count()
    those = f"{failing} telephony setups are" if failing > 1 else "1 telephony setup is"
    return f"{those} held back because the carrier fails; the admin's list of setups says why." if failing else ""


def is_bad(submission: Submission) -> bool:
    """Whether this outcome speaks against the carrier: a throttled or refused drop does not."""
    return submission.outcome is Outcome.UNKNOWN or (
        submission.outcome is Outcome.NOT_SENT and submission.retry_after is None
    )


def why_open(health: Health, account_reason: Reason | None) -> str | None:
    """Pure: the sentence with which the breaker opens, or None."""
    if account_reason is not None:
        return ACCOUNT_REASONS[account_reason]
    if health.total >= MIN_SUBMISSIONS and health.bad >= SHARE * health.total:
        return f"{health.bad} of the last {health.total} drops within a minute had no clear answer or a server error."
    return None


def watch(redis: Redis, results: Sequence[Result], now: datetime) -> None:
    """Count results, and open or close the breakers of their setups."""
    by_setup: dict[UUID, list[Result]] = defaultdict(list)
    for result in results:
        by_setup[result.claim.route.setup_id].append(result)
    for setup_id, own in by_setup.items():
        judge(redis, setup_id, [result.submission for result in own], now, probing=own[0].claim.route.probing)


def judge(redis: Redis, setup_id: UUID, submissions: Sequence[Submission], now: datetime, *, probing: bool) -> None:
    """Count what one setup's carrier answered, and open or close its breaker. `probing`: it was half open, and this was the probe."""
    account = next((one.reason for one in submissions if one.reason in ACCOUNT_REASONS), None)
    bad = sum(is_bad(submission) for submission in submissions)
    if probing and not bad and account is None:
        close(setup_id)
        forget(redis, setup_id)
        return
    health = _count(redis, setup_id, len(submissions), bad, now)
    why = why_open(health, account) or ("The probe had no clear answer either." if probing and bad else None)
    if why is not None:
        _open(redis, setup_id, why, now)


def may_probe(redis: Redis, setup_id: UUID) -> bool:
    """Whether the caller, and for now nobody else, may try a half-open setup with one drop."""
    return bool(redis.set(_probe_key(setup_id), 1, nx=True, ex=PROBE_SECONDS))


def return_probe(redis: Redis, setup_id: UUID) -> None:
    """No drop went out for it, so somebody else may try at once."""
    redis.delete(_probe_key(setup_id))


def _probe_key(setup_id: UUID) -> str:
    return f"rvm:probe:{setup_id}"


def _count(redis: Redis, setup_id: UUID, total: int, bad: int, now: datetime) -> Health:
    """Add to the current second's counts and sum the window."""
    second = int(now.timestamp())
    keys = [f"rvm:health:{setup_id}:{second - ago}" for ago in range(WINDOW_SECONDS)]
    with redis.pipeline(transaction=False) as pipe:
        pipe.hincrby(keys[0], "total", total)
        pipe.hincrby(keys[0], "bad", bad)
        pipe.expire(keys[0], WINDOW_SECONDS + 5)
        if bad:
            for key in keys:
                pipe.hmget(key, "total", "bad")
        answers = pipe.execute()[3:]
    return Health(sum(int(row[0] or 0) for row in answers), sum(int(row[1] or 0) for row in answers))


# Opens it for twice as long each time, unless somebody has just done so.
_OPEN_BREAKER = """
UPDATE usecases_telephonysetup
   SET breaker_reason = %s, breaker_openings = least(breaker_openings + 1, 1000),
       breaker_until = %s + least(%s * power(2, least(breaker_openings, 10)), %s)
 WHERE id = %s AND (breaker_until IS NULL OR breaker_until <= %s) RETURNING breaker_until
"""


def _open(redis: Redis, setup_id: UUID, why: str, now: datetime) -> None:
    _open_row(setup_id, why, now)
    redis.delete(_probe_key(setup_id))


def open_for_account(setup_id: UUID, reason: Reason, now: datetime) -> None:
    """Some carriers accept everything and only report that the account is refused or out of funds."""
    _open_row(setup_id, ACCOUNT_REASONS[reason], now)


def _open_row(setup_id: UUID, why: str, now: datetime) -> None:
    rows = sql.run(_OPEN_BREAKER, [why, now, FIRST_OPENING, MAX_OPENING_LENGTH, setup_id, now])
    if rows:
        log.error("breaker_opened", setup_id=str(setup_id), why=why, until=rows[0][0].isoformat())


def close(setup_id: UUID) -> bool:
    """Let its voicemails go out again; whether it was open."""
    open_one = TelephonySetup.objects.filter(pk=setup_id, breaker_until__isnull=False)
    closed = bool(open_one.update(breaker_until=None, breaker_reason="", breaker_openings=0))
    if closed:
        log.warning("breaker_closed", setup_id=str(setup_id))
    return closed


def forget(redis: Redis, setup_id: UUID) -> None:
    """Count anew: what opened it says nothing about the carrier now."""
    keys = list(redis.scan_iter(f"rvm:health:{setup_id}:*", count=200))
    redis.delete(_probe_key(setup_id), *keys)
