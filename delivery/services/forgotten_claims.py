"""What a database that went back in time may have forgotten: sentences for who releases the hold, and an end for what may be sent.

A claim that is forgotten leaves its voicemail queued. Which ones these are cannot be known, but only voicemails that were due when
the hold was set, in lanes that could send, can be among them.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import Drop
from rvm.platform.database import sql
from rvm.platform.sending_hold import service
from rvm.platform.times import moments

BATCH = 1000
# What a look counts at most, so that the page opens quickly.
MAX_COUNTED = 100_000
WHY = "It was due when the database failed over or was restored, which may have forgotten that it was sent."

# By lane, in the order of the index of due voicemails.
_MAY_BE_SENT = """
SELECT due.id FROM delivery_lane l CROSS JOIN (VALUES (false), (true)) AS via(failover)
 CROSS JOIN LATERAL (SELECT v.id FROM delivery_voicemail v
         WHERE v.lane_id = l.id AND v.failover = via.failover AND v.status = 'queued' AND v.not_before <= %s
         ORDER BY v.not_before LIMIT %s) due
 WHERE l.id = ANY(ARRAY(SELECT id FROM delivery_lane WHERE NOT idle AND NOT held ORDER BY id)) LIMIT %s
"""
_COUNT = f"SELECT count(*) FROM ({_MAY_BE_SENT}) found"  # noqa: S608 - of constants
_LOCK = f"""
SELECT id FROM delivery_voicemail WHERE status = 'queued' AND id = ANY(ARRAY({_MAY_BE_SENT}))
 ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608
# Reports that came since the hold was set and name an attempt that is not here.
_UNKNOWN = """
SELECT count(*) FROM (SELECT id, drop_id, received_at FROM delivery_carrierreport ORDER BY id DESC LIMIT %s) r
 WHERE r.received_at >= %s AND r.drop_id IS NOT NULL AND NOT EXISTS (SELECT FROM delivery_drop d WHERE d.id = r.drop_id)
"""


def newest_attempt(held_at: datetime) -> str:
    newest = Drop.objects.order_by("-pk").values_list("created_at", flat=True).first()
    if newest is None:
        return "This database knows of no attempt."
    return (
        f"The newest attempt that this database knows began at {moments.moment_to_the_second(newest)}. If RVM sent anything "
        "after that, this database has forgotten it, and with it what people said since: opt-outs must be entered again."
    )


def waiting(held_at: datetime) -> str:
    [(count,)] = sql.run(_COUNT, [held_at, MAX_COUNTED, MAX_COUNTED])
    if not count:
        return "No voicemail was due when the hold was set."
    those = "1 voicemail was" if count == 1 else f"{count:,}{' or more' * (count == MAX_COUNTED)} voicemails were"
    return f"{those} due when the hold was set. On release they are sent, and what was sent already is then sent a second time."


def unknown_attempts(held_at: datetime) -> str:
    [(count,)] = sql.run(_UNKNOWN, [MAX_COUNTED, held_at])
    if not count:
        return ""
    those = "1 report names an attempt" if count == 1 else f"{count:,} reports name attempts"
    return (
        f"{those} of which this database knows nothing: proof that claims were forgotten (Carrier reports lists them)."
    )


def end_waiting(now: datetime) -> None:
    """End a batch of what was due, if a person chose that at the release; sending goes on after the last one. A step of the tick."""
    until = service.ends_what_was_due_until()
    if until is None:
        return
    with transaction.atomic():
        rows = sql.run(_LOCK, [until, BATCH, BATCH])
        transitions.apply(
            [
                Transition(row[0], VoicemailStatus.QUEUED, VoicemailStatus.FAILED, reason=Reason.UNCONFIRMED, text=WHY)
                for row in rows
            ],
            now,
        )
        [(left,)] = sql.run(_COUNT, [until, 1, 1])
        if not left:
            service.finish_release()
