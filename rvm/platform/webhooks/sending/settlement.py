"""What came of requests, written set-wise: deliveries, attempts, and how their destinations do."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import transaction

from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.models.webhooks import MAX_BECAUSE, WebhookDelivery, WebhookDestination
from rvm.platform.webhooks import switches
from rvm.platform.webhooks.sending.feed import Due
from rvm.platform.webhooks.sending.schedule import Answer, Health, Judgement, judge

log = structlog.get_logger(__name__)
_STATES = {
    None: WebhookDelivery.State.PENDING,
    True: WebhookDelivery.State.DELIVERED,
    False: WebhookDelivery.State.FAILED,
}


class Result(NamedTuple):
    """The end of a request."""

    delivery: Due
    answer: Answer


# A process whose lease of a destination has ended settles nothing of it: another one may be sending the same.
_LEASED = """
SELECT id, failures, failing_since, waits_until FROM platform_webhookdestination
 WHERE id = ANY(%s::uuid[]) AND leased_by = %s AND leased_until > statement_timestamp() ORDER BY id FOR NO KEY UPDATE
"""
_SETTLE = """
WITH result AS (
  SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::bigint[], %s::bigint[],
                       %s::text[], %s::text[])
             AS r(id, state, probe, due_at, began_at, milliseconds, status, error, answer)
), settled AS (
  UPDATE platform_webhookdelivery d
     SET state = r.state, attempts = d.attempts + 1, probes = d.probes + r.probe, due_at = r.due_at,
         ended_at = CASE WHEN r.due_at IS NULL THEN clock_timestamp() END
    FROM result r WHERE d.id = r.id AND d.state = 'pending'
  RETURNING d.id, d.attempts
)
INSERT INTO platform_webhookattempt (delivery_id, number, at, milliseconds, status, error, answer)
SELECT s.id, s.attempts, r.began_at, r.milliseconds, r.status, r.error, r.answer
  FROM settled s JOIN result r USING (id) ORDER BY s.id
"""
_REMEMBER = """
UPDATE platform_webhookdestination d SET failures = h.failures, failing_since = h.failing_since, waits_until = h.waits_until
  FROM unnest(%s::uuid[], %s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS h(id, failures, failing_since, waits_until)
 WHERE d.id = h.id
"""


@transaction.atomic
def settle(process_id: UUID, results: Sequence[Result]) -> dict[UUID, Health]:
    """Write what came of requests, in their order, and return how each destination does that the process goes on with."""
    destinations = sql.ids({each.delivery.destination_id for each in results})
    before = {row[0]: Health(*row[1:]) for row in sql.run(_LEASED, [destinations, process_id])}
    healths = dict(before)
    disabled: dict[UUID, str] = {}
    now = database_now()
    settled: list[tuple[Result, Judgement]] = []
    for result in results:
        destination_id = result.delivery.destination_id
        if destination_id not in healths:
            continue
        chance = random.uniform(-1, 1)  # noqa: S311 - spreads retries
        judgement = judge(healths[destination_id], result.answer, result.delivery.counted, now=now, chance=chance)
        healths[destination_id] = judgement.health
        if judgement.disabled_because:
            disabled[destination_id] = judgement.disabled_because
        settled.append((result, judgement))
    if settled:
        sql.run(
            _SETTLE,
            [
                sql.ids(result.delivery.id for result, _ in settled),
                sql.texts(_STATES[judgement.ended].value for _, judgement in settled),
                sql.numbers(int(judgement.probe) for _, judgement in settled),
                sql.times(
                    None if judgement.ended is not None else now + timedelta(seconds=judgement.seconds)
                    for _, judgement in settled
                ),
                sql.times(now - timedelta(milliseconds=result.answer.milliseconds) for result, _ in settled),
                sql.numbers(result.answer.milliseconds for result, _ in settled),
                sql.numbers(result.answer.status for result, _ in settled),
                sql.texts(result.answer.error for result, _ in settled),
                sql.texts(result.answer.text for result, _ in settled),
            ],
        )
    if changed := {key: health for key, health in healths.items() if health != before[key]}:
        sql.run(
            _REMEMBER,
            [
                sql.ids(changed),
                sql.numbers(health.failures for health in changed.values()),
                sql.times(health.failing_since for health in changed.values()),
                sql.times(health.waits_until for health in changed.values()),
            ],
        )
    for destination_id, because in disabled.items():
        _disable(destination_id, because)
        del healths[destination_id]
    return healths


def _disable(destination_id: UUID, because: str) -> None:
    destination = WebhookDestination.objects.select_related("workspace").get(pk=destination_id)
    if switches.disable(destination, actor=None, because=because[:MAX_BECAUSE]):
        log.warning("webhook_destination_disabled", destination_id=str(destination_id))
