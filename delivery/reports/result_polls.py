"""Questions for the results of accepted drops, whose answers go through the inbox like signed reports.

The carrier is asked by its own id of the drop, and the question carries the account's credentials, so its answer is as good a proof
as a signature. An answer proves something only if it is about this drop; anything else, and any fault, leaves the drop as it is, and
it is asked about again when it is due next. Once the drop has ended nobody asks any more; but a few times where the platform has
only guessed how, such as when a callback claims a result after all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from delivery.carriers.abilities import ResultPoll
from delivery.carriers.parsing import throttled_for
from delivery.engine import circuit_breaker
from delivery.engine.rate_limit import RateLimiter
from delivery.lifecycle.awaited_results import WAITS
from delivery.lifecycle.events import MAX_REFERENCE, ReportStatus
from delivery.lifecycle.reasons import GUESSES
from delivery.lifecycle.status import DROP_UNDER_WAY
from delivery.reports.evidence import contradiction
from delivery.reports.inbox import receive
from delivery.reports.reconciliation import BATCH, Lookup, ends, isolated_errors, lookups_of
from delivery.transport.interface import CarrierResponse, Transport
from rvm.platform.database import sql
from rvm.platform.database.clock import database_now

log = structlog.get_logger(__name__)

MAX_FORGOTTEN = 1000  # rows of ended drops, in one round

# For a row `a`: whether its drop `d` has ended by a guess of the platform's, and few questions were asked. A callback lets their
# count begin anew, so one that comes after the end has the vendor asked a few times more.
_GUESSED = (
    f"(d.status = 'failed' AND d.reason IN {sql.literals(GUESSES)} AND d.carrier_code = '' AND a.checks < {len(WAITS)})"
)
# Due rows whose drops have ended, or are gone.
_FORGET = f"""
DELETE FROM delivery_awaitedresult WHERE drop_id = ANY(ARRAY(
  SELECT a.drop_id FROM delivery_awaitedresult a LEFT JOIN delivery_drop d ON d.id = a.drop_id
   WHERE a.due_at <= %s AND (d.id IS NULL OR d.status NOT IN {sql.literals(DROP_UNDER_WAY)} AND NOT {_GUESSED})
   ORDER BY a.due_at LIMIT %s FOR UPDATE OF a SKIP LOCKED))
"""  # noqa: S608 - of constants
# Of one setup. One that is not accepted yet is due as soon as its report was merged, which is the next thing to be done.
_DUE = f"""
  FROM delivery_awaitedresult a JOIN delivery_drop d ON d.id = a.drop_id AND (d.status = 'accepted' OR {_GUESSED})
 WHERE a.setup_id = {{setup}} AND a.due_at <= %s ORDER BY a.due_at LIMIT %s
"""
# Per setup, so that one with thousands of them does not delay the others.
_COUNT_DUE = f"""
SELECT s.id, s.pace_per_second, s.in_flight_cap, due.count FROM usecases_telephonysetup s
 CROSS JOIN LATERAL (SELECT count(*) FROM (SELECT 1 {_DUE.format(setup="s.id")}) first) due
 WHERE s.id = ANY(ARRAY(SELECT DISTINCT setup_id FROM delivery_awaitedresult WHERE due_at <= %s)) AND due.count > 0
"""  # noqa: S608 - of constants
# Takes due rows and sets the time of the next question, so that two workers never ask the same at once, and one that dies in between
# has it asked again.
_TAKE_DUE = f"""
UPDATE delivery_awaitedresult r SET checks = checks + 1, due_at = %s + (%s::interval[])[least(checks + 1, %s)]
 WHERE drop_id = ANY(ARRAY(SELECT a.drop_id {_DUE.format(setup="%s")} FOR NO KEY UPDATE OF a SKIP LOCKED))
RETURNING drop_id
"""  # noqa: S608 - of constants


def poll_results(transport: Transport[Lookup], limiter: RateLimiter, now: Callable[[], datetime] = database_now) -> int:
    """Ask for the results that are due, and return how many were asked for."""
    moment = now()
    sql.run(_FORGET, [moment, MAX_FORGOTTEN])
    lookups = lookups_of(_take_due(limiter, moment))
    for lookup in lookups:
        with isolated_errors(lookup.drop):
            adapter, reference = lookup.adapter, lookup.drop.carrier_reference
            if isinstance(adapter, ResultPoll) and reference:
                transport.submit(adapter.result_request(reference), lookup)
    for lookup, end in ends(transport):
        with isolated_errors(lookup.drop):
            if isinstance(end, CarrierResponse):
                circuit_breaker.heed(lookup.drop.setup_id, lookup.adapter, end, now())
                _read(lookup, end, limiter)
    limiter.release_look_ups({lookup.drop.setup_id for lookup in lookups})
    return len(lookups)


def _take_due(limiter: RateLimiter, now: datetime) -> list[UUID]:
    """Due drops, of each setup as many as the limiter permits to look up now."""
    ids: list[UUID] = []
    setups = sql.run(_COUNT_DUE, [now, BATCH, now])
    for position, (setup_id, pace, cap, due) in enumerate(setups):
        share = max(1, (BATCH - len(ids)) // (len(setups) - position))
        if count := limiter.acquire_look_ups(setup_id, wanted=min(share, due), pace=pace, cap=cap).count:
            ids += [row[0] for row in sql.run(_TAKE_DUE, [now, list(WAITS), len(WAITS), setup_id, now, count])]
    return ids


def _read(lookup: Lookup, response: CarrierResponse, limiter: RateLimiter) -> None:
    """Put the result into the inbox if the answer has one and is about this drop."""
    adapter, drop = lookup.adapter, lookup.drop
    if pause := throttled_for(response):
        limiter.pause_look_ups(drop.setup_id, pause)
    report = adapter.read_result(response, drop.pk) if isinstance(adapter, ResultPoll) else None
    if report is None or report.attempt_key != drop.pk or report.status is ReportStatus.ACCEPTED:
        return
    if report.carrier_reference and report.carrier_reference[:MAX_REFERENCE] != drop.carrier_reference:
        why = "names another drop of the carrier"
    else:
        why = contradiction(report, one_reference=False)
    if why:
        log.warning("result_of_another_drop", drop_id=str(drop.pk), why=why)
        return
    receive(drop.setup_id, response.body, [replace(report, recipient="", unsigned=False)])
