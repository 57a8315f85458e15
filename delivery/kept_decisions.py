"""Decisions of the guards that are kept with voicemails: written set-wise, read for one voicemail or for a page of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from delivery.lifecycle.status import DropStatus
from delivery.models import Drop, KeptDecision, Voicemail
from rvm.platform.database import sql
from usecases.eligibility import Decision, Defer, Expire, Facts, Send, Skip
from usecases.facts_json import COMMON, PLAIN, common_json, own_json


class Withheld(NamedTuple):
    """A decision to be kept. `hours_end`: of a voicemail that is sent, the end of the allowed time. Not `whole`: only the facts that
    differ from plain ones are known, and they decided."""

    voicemail_id: UUID
    facts: Facts
    decision: Decision
    hours_end: datetime | None = None
    whole: bool = True


# Keeps the latest decision about each voicemail, and the facts of their lane once. The caller has locked the voicemails.
_KEEP = """
WITH shared AS (
  INSERT INTO delivery_keptpolicy (id, facts)
  SELECT policy.id, policy.facts::jsonb FROM unnest(%s::uuid[], %s::text[]) AS policy(id, facts) ON CONFLICT DO NOTHING)
INSERT INTO delivery_keptdecision (voicemail_id, decision, reason, until, policy_id, facts, step, decided_at)
SELECT r.id, r.decision, r.reason, r.until, r.policy, r.facts::jsonb, %s, %s
  FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::uuid[], %s::text[])
    AS r(id, decision, reason, until, policy, facts)
ON CONFLICT (voicemail_id) DO UPDATE SET decision = EXCLUDED.decision, reason = EXCLUDED.reason, until = EXCLUDED.until,
   policy_id = EXCLUDED.policy_id, facts = EXCLUDED.facts, step = EXCLUDED.step, decided_at = EXCLUDED.decided_at
"""


def keep(withheld: Sequence[Withheld], step: KeptDecision.Step, decided_at: datetime) -> None:
    """Keep the decisions, in place of earlier ones about these voicemails. Each voicemail is named once.

    Call it last in a transaction, before only the counts of `delivery.engine.recent_drops`: of two that keep a new policy, one waits
    for the other's end.
    """
    if not withheld:
        return
    rows = sorted(withheld, key=lambda row: row.voicemail_id.int)
    policies = [_policy(row.facts) if row.whole else None for row in rows]
    new = dict(sorted({policy for policy in policies if policy is not None}))
    sql.run(
        _KEEP,
        [
            sql.ids(new),
            list(new.values()),
            step.value,
            decided_at,
            sql.ids(row.voicemail_id for row in rows),
            sql.texts(type(row.decision).__name__.lower() for row in rows),
            sql.texts(_reason(row.decision) for row in rows),
            sql.times(_until(row) for row in rows),
            sql.ids(policy[0] if policy else None for policy in policies),
            [orjson.dumps(own_json(row.facts)).decode() for row in rows],
        ],
    )


# Of voicemails by their ids: why a guard has deferred each, and until when.
DEFERRED_SQL = """
SELECT voicemail_id, reason, until FROM delivery_keptdecision WHERE voicemail_id = ANY(%s::uuid[]) AND decision = 'defer'
"""


def kept_decision(voicemail: Voicemail) -> KeptDecision | None:
    """The latest decision that withheld the voicemail; None if it never was."""
    return KeptDecision.objects.filter(pk=voicemail.pk).select_related("policy").first()


def after_hours(kept: KeptDecision, drops: Sequence[Drop]) -> bool | None:
    """Whether the drop that was sent at the end of the allowed time was accepted or left after it; None if there is no such drop."""
    if kept.hours_end is None:
        return None
    end = kept.hours_end
    sent = [drop for drop in drops if drop.created_at >= kept.decided_at]
    times = [at for drop in sent for at in (drop.accepted_at, _left_at(drop)) if at is not None]
    return any(at > end for at in times) if times else None


def _left_at(drop: Drop) -> datetime | None:
    return drop.ended_at if drop.status == DropStatus.DELIVERED else None


def _policy(facts: Facts) -> tuple[UUID, str]:
    """The id and the JSON of the facts that a lane's decisions have in common."""
    return _hashed(tuple(getattr(facts, name) for name in COMMON))


@lru_cache(maxsize=1024)
def _hashed(common: tuple[Any, ...]) -> tuple[UUID, str]:
    text = orjson.dumps(
        common_json(replace(PLAIN, **dict(zip(COMMON, common, strict=True)))), option=orjson.OPT_SORT_KEYS
    )
    return UUID(bytes=hashlib.sha256(text).digest()[:16]), text.decode()


def _reason(decision: Decision) -> str:
    match decision:
        case Defer(reason=reason) | Skip(reason=reason):
            return reason.value
        case Expire() | Send():
            return ""
    raise AssertionError(decision)


def _until(row: Withheld) -> datetime | None:
    return row.decision.until if isinstance(row.decision, Defer) else row.hours_end
