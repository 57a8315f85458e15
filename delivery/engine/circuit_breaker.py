"""Circuit breaker per telephony setup: stops sending while the carrier fails, then probes it automatically with one drop at a time.

It opens on a share of unknown outcomes and server errors, or at once if the carrier refuses the account or the account has no funds.
While it is open, the setup's voicemails stay queued. After its time one probe is sent; the outcome closes the breaker or opens it for
longer. What a report has opened, no acceptance closes, because some carriers accept every drop and report only later that the
account is refused: it stays open until a drop that was begun since has ended in another way, and if nothing is heard of the probe,
another one is sent after some minutes. The state is stored in the setup's row, and the admin and the API show it with its reason;
counts of the last minute are in Redis.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import structlog
from redis import Redis

from delivery.carriers.base import Carrier
from delivery.engine.results import Result
from delivery.lifecycle.events import Outcome, Submission
from delivery.lifecycle.reasons import REASONS, Reason
from delivery.lifecycle.vendor_texts import safe_text
from delivery.transport.interface import CarrierResponse
from rvm.platform.database import sql
from usecases.models import TelephonySetup

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60
MIN_SUBMISSIONS = 20  # fewer submissions in the window are too few to judge the carrier by
SHARE = 0.5
MAX_DIGITS = 9  # of a count in Redis
FIRST_OPENING = timedelta(seconds=30)
MAX_OPENING_LENGTH = timedelta(minutes=10)
MAX_SAID = 200  # characters of a carrier's words in a sentence
PROBE_SECONDS = 30  # after this, another worker may probe in place of one that died
# Until the next probe while nothing is reported of one that was accepted: results of most vendors take seconds to a few minutes.
REPORT_WAIT = timedelta(minutes=5)
# What is wrong with an account that its carrier refuses, and what to do about it.
ACCOUNT_REASONS = {
    Reason.CARRIER_ACCOUNT: (
        "The carrier refused the account's credentials or rights.",
        "Put them right and test the setup.",
    ),
    Reason.NO_FUNDS: (REASONS[Reason.NO_FUNDS].detail, "Add funds at the carrier; it is tried again by itself."),
}


@dataclass(frozen=True, slots=True)
class Health:
    """Numbers of the last minute: submissions in total, and those with an unknown outcome or a server error."""

    total: int
    bad: int


class State(StrEnum):
    CLOSED = "closed"  # drops are sent
    OPEN = "open"  # nothing is sent until `breaker_until`
    HALF_OPEN = "half_open"  # `breaker_until` is past: one drop is sent as the probe


def state_of(setup: TelephonySetup, now: datetime) -> State:
    if setup.breaker_until is None:
        return State.CLOSED
    return State.OPEN if setup.breaker_until > now else State.HALF_OPEN


def warning() -> str:
    """Warning for /readyz, or "". That page is public, so it gives the number of setups without workspaces or reasons."""
    failing = TelephonySetup.objects.not_deleted().filter(breaker_until__isnull=False).count()
    those = f"{failing} telephony setups are" if failing > 1 else "1 telephony setup is"
    return f"{those} held back because the carrier fails; the admin's list of setups says why." if failing else ""


def is_bad(submission: Submission) -> bool:
    """Whether this outcome counts against the carrier: a throttled or refused drop does not."""
    return submission.outcome is Outcome.UNKNOWN or (
        submission.outcome is Outcome.NOT_SENT and submission.retry_after is None
    )


def account_message(reason: Reason, *said: str) -> str:
    """Why an account is refused, what its carrier said, which is masked, and what to do."""
    what, to_do = ACCOUNT_REASONS[reason]
    words = safe_text(" ".join(filter(None, said)))[:MAX_SAID].rstrip(" .")
    return " ".join(filter(None, (what, f"It said: {words}." if words else "", to_do)))


def opening_reason(health: Health, refused: Submission | None) -> str | None:
    """The reason to open the breaker, as a sentence for users, or None; `refused`: the carrier refused the account. Pure."""
    if refused is not None and refused.reason is not None:
        return account_message(refused.reason, refused.code, refused.text)
    if health.total >= MIN_SUBMISSIONS and health.bad >= SHARE * health.total:
        return f"{health.bad} of the last {health.total} drops within a minute had no clear answer or a server error."
    return None


def watch(redis: Redis, results: Sequence[Result], now: datetime) -> None:
    """Count results, and open or close the breakers of their setups."""
    by_setup: dict[UUID, list[Result]] = defaultdict(list)
    for result in results:
        by_setup[result.claim.route.setup_id].append(result)
    for setup_id, own in by_setup.items():
        evaluate(redis, setup_id, [result.submission for result in own], now, probing=own[0].claim.route.probing)


def evaluate(redis: Redis, setup_id: UUID, submissions: Sequence[Submission], now: datetime, *, probing: bool) -> None:
    """Count the submissions of one setup, and open or close its breaker. `probing`: the breaker was half open; this was the probe."""
    refused = next((one for one in submissions if one.reason in ACCOUNT_REASONS), None)
    bad = sum(is_bad(submission) for submission in submissions)
    if probing and not bad and refused is None:
        if not close(setup_id, reported=False):
            _await_report(setup_id, now)
        reset_counts(redis, setup_id)
        return
    health = _count(redis, setup_id, len(submissions), bad, now)
    why = opening_reason(health, refused) or ("The probe had no clear answer either." if probing and bad else None)
    if why is not None:
        _open(redis, setup_id, why, now)


def may_probe(redis: Redis, setup_id: UUID) -> bool:
    """Whether the caller may probe a half-open setup with one drop. If so, all other callers wait up to PROBE_SECONDS."""
    key = _probe_key(setup_id)
    if redis.set(key, 1, nx=True, ex=PROBE_SECONDS):
        return True
    if not 0 <= redis.ttl(key) <= PROBE_SECONDS:  # no worker sets one that lasts longer
        redis.expire(key, PROBE_SECONDS)
    return False


def return_probe(redis: Redis, setup_id: UUID) -> None:
    """Release a probe for which no drop was sent, so that another worker may probe at once."""
    redis.delete(_probe_key(setup_id))


def _probe_key(setup_id: UUID) -> str:
    return f"rvm:probe:{setup_id}"


def _count(redis: Redis, setup_id: UUID, total: int, bad: int, now: datetime) -> Health:
    """Add to the counts of the current second and return the sums of the window; without bad submissions nothing is summed.

    A value that is no count is 0: it neither opens a breaker nor keeps the account's own refusal from opening it.
    """
    second = int(now.timestamp())
    keys = [f"rvm:health:{setup_id}:{second - ago}" for ago in range(WINDOW_SECONDS)]
    with redis.pipeline(transaction=False) as pipe:
        pipe.hincrby(keys[0], "total", total)
        pipe.hincrby(keys[0], "bad", bad)
        pipe.expire(keys[0], WINDOW_SECONDS + 5)
        if bad:
            for key in keys:
                pipe.hmget(key, "total", "bad")
        answers = [row for row in pipe.execute(raise_on_error=False)[3:] if isinstance(row, list)]
    return Health(sum(_as_count(row[0]) for row in answers), sum(_as_count(row[1]) for row in answers))


def _as_count(value: bytes | None) -> int:
    return int(value) if value and len(value) <= MAX_DIGITS and value.isdigit() else 0


# Opens the breaker for twice as long each time; `{}` is when, and what else is written.
_OPEN_BREAKER = """
UPDATE usecases_telephonysetup
   SET breaker_reason = %s, breaker_openings = least(breaker_openings + 1, 1000),
       breaker_until = %s + least(%s * power(2, least(breaker_openings, 10)), %s){}
 WHERE id = %s AND {} RETURNING breaker_until
"""
# Unless another worker has just opened it.
_OPEN_UNLESS_OPEN = _OPEN_BREAKER.format("", "(breaker_until IS NULL OR breaker_until <= %s)")
# Of drops that were begun since a report opened it: reports about earlier ones tell nothing new, however many are on their way. The
# row has the database's time, as the drops have.
_BEGUN_SINCE = (
    "EXISTS (SELECT FROM delivery_drop d WHERE d.id = ANY(%s::uuid[]) AND d.created_at > breaker_reported_at)"
)
_OPEN_BY_REPORT = _OPEN_BREAKER.format(", breaker_reported_at = %s", f"(breaker_reported_at IS NULL OR {_BEGUN_SINCE})")
_CLOSE_BY_REPORT = f"""
UPDATE usecases_telephonysetup
   SET breaker_until = NULL, breaker_reason = '', breaker_openings = 0, breaker_reported_at = NULL
 WHERE id = %s AND {_BEGUN_SINCE} RETURNING id
"""  # noqa: S608 - of constants


def _open(redis: Redis, setup_id: UUID, why: str, now: datetime) -> None:
    _open_row(setup_id, why, now)
    redis.delete(_probe_key(setup_id))


def open_for_account(setup_id: UUID, reason: Reason, now: datetime, *said: str) -> None:
    """Open the breaker because of a test, an upload or the answer to a question or a command."""
    _open_row(setup_id, account_message(reason, *said), now)


def open_by_report(setup_id: UUID, drop_ids: Iterable[UUID], reason: Reason, now: datetime, *said: str) -> None:
    """Open the breaker because reports about these drops refuse the account."""
    why = account_message(reason, *said)
    facts = [why, now, FIRST_OPENING, MAX_OPENING_LENGTH, now, setup_id, sql.ids(drop_ids)]
    _log_opened(setup_id, why, sql.run(_OPEN_BY_REPORT, facts))


def close_by_report(setup_id: UUID, drop_ids: Iterable[UUID]) -> None:
    """Close the breaker that a report has opened if one of these drops, which ended otherwise, was begun since."""
    if sql.run(_CLOSE_BY_REPORT, [setup_id, sql.ids(drop_ids)]):
        log.warning("breaker_closed", setup_id=str(setup_id))


def heed(setup_id: UUID, carrier: Carrier, response: CarrierResponse, now: datetime) -> None:
    """Open the breaker if this answer to a question or a command refuses the account, as one to a submission does."""
    said = carrier.read_refusal(response)
    if said is not None and said.reason in ACCOUNT_REASONS:
        open_for_account(setup_id, said.reason, now, said.code, said.text)


def _open_row(setup_id: UUID, why: str, now: datetime) -> None:
    facts = [why, now, FIRST_OPENING, MAX_OPENING_LENGTH, setup_id, now]
    _log_opened(setup_id, why, sql.run(_OPEN_UNLESS_OPEN, facts))


def _log_opened(setup_id: UUID, why: str, rows: list[tuple[datetime]]) -> None:
    if rows:
        log.error("breaker_opened", setup_id=str(setup_id), why=why, until=rows[0][0].isoformat())


def close(setup_id: UUID, *, reported: bool = True) -> bool:
    """Close the breaker and return whether it was open; without `reported`, not one that a report has opened."""
    open_one = TelephonySetup.objects.filter(pk=setup_id, breaker_until__isnull=False)
    if not reported:
        open_one = open_one.filter(breaker_reported_at=None)
    closed = bool(open_one.update(breaker_until=None, breaker_reason="", breaker_openings=0, breaker_reported_at=None))
    if closed:
        log.warning("breaker_closed", setup_id=str(setup_id))
    return closed


def _await_report(setup_id: UUID, now: datetime) -> None:
    """Send nothing more until the accepted probe is reported, or for REPORT_WAIT; unless it was reported already."""
    half_open = TelephonySetup.objects.filter(pk=setup_id, breaker_reported_at__isnull=False, breaker_until__lte=now)
    half_open.update(breaker_until=now + REPORT_WAIT)


def reset_counts(redis: Redis, setup_id: UUID) -> None:
    """Delete the counts and the probe of a setup: the failures that opened the breaker must not open it again."""
    keys = list(redis.scan_iter(f"rvm:health:{setup_id}:*", count=200))
    redis.delete(_probe_key(setup_id), *keys)
