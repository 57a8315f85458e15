"""Recent drops of a workspace that has moved to another organisation, counted there too: a cap holds for a number over the whole
organisation, whichever of its workspaces has sent.

The tick counts them in batches, each committed with its position. Until the last one the organisation sends nothing
(`delivery/engine/lane_routes.py`), which is a matter of seconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from delivery.engine.recent_drops import KEPT, as_arrays, index_of
from delivery.models import DropRecount, Lane, RecentDrops
from delivery.models.voicemail import number_in
from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import first_id_at
from rvm.platform.models import Workspace

# Drops of all workspaces that a batch passes: no index of drops begins with the workspace.
BATCH = 20_000
# Batches of one step of the tick.
MAX_BATCHES = 10
# A claim that began before the move may commit this long after it.
SETTLED = timedelta(seconds=10)

_TABLE = RecentDrops._meta.db_table
_NEXT_DROPS = """
SELECT (array_agg(id ORDER BY id DESC))[1], count(*) FROM (SELECT id FROM delivery_drop WHERE id > %s ORDER BY id LIMIT %s) passed
"""
_FIND = """
SELECT d.id, d.created_at, v.recipient, v.workspace_id, v.id FROM delivery_drop d JOIN delivery_voicemail v ON v.id = d.voicemail_id
 WHERE d.id > %s AND d.id <= %s AND d.workspace_id = %s AND d.live ORDER BY d.id
"""
# Before what is there, whose latest drop is listed once more, later by the least time there is: a claim that has read the row before
# finds another latest drop, and looks again.
_COUNT = f"""
INSERT INTO {_TABLE} AS r (number_index, drops, at)
SELECT a.number_index, a.drops::uuid[], a.at::timestamptz[]
  FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS a(number_index, drops, at)
 ORDER BY a.number_index
ON CONFLICT (number_index) DO UPDATE SET
   drops = excluded.drops || r.drops || r.drops[cardinality(r.drops)],
   at = excluded.at || r.at
     || greatest(r.at[cardinality(r.at)] + interval '1 microsecond', excluded.at[cardinality(excluded.at)])
"""  # noqa: S608 - of constants


def begin(workspace_id: UUID) -> None:
    """Count the workspace's recent drops in the organisation to which it has just moved, in the transaction of the move."""
    if not Lane.objects.filter(workspace_id=workspace_id, live=True).exists():
        return  # it has sent nothing
    now = database_now()
    DropRecount.objects.update_or_create(
        workspace_id=workspace_id, defaults={"position": first_id_at(now - KEPT), "begun_at": now}
    )


def count_rest(now: datetime) -> None:
    """Go on counting: a step of the tick."""
    for _ in range(MAX_BATCHES):
        if not _count_batch(now):
            return


@transaction.atomic
def _count_batch(now: datetime) -> bool:
    """Count a batch; False if there is none, or if another tick has it."""
    due = DropRecount.objects.filter(begun_at__lte=now - SETTLED).order_by("pk")
    recount = due.select_for_update(skip_locked=True, no_key=True).first()
    if recount is None:
        return False
    [(last, passed)] = sql.run(_NEXT_DROPS, [recount.position, BATCH])
    if passed:
        organisation = Workspace.objects.values_list("organisation_id", flat=True).get(pk=recount.workspace_id)
        _count(organisation, sql.run(_FIND, [recount.position, last, recount.workspace_id]))
    if passed < BATCH:
        recount.delete()
    else:
        recount.position = last
        recount.save(update_fields=["position"])
    return True


def _count(organisation_id: UUID, drops: list[tuple[UUID, datetime, bytes, UUID, UUID]]) -> None:
    rows: dict[UUID, list[tuple[UUID, datetime]]] = {}
    for drop_id, at, recipient, workspace_id, voicemail_id in drops:
        if (number := number_in(recipient, workspace_id, voicemail_id)) is not None:
            rows.setdefault(index_of(organisation_id, number), []).append((drop_id, at))
    sql.run(_COUNT, as_arrays(rows))
