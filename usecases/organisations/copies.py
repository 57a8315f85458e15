"""Copies of what was said to an organisation, into a workspace that joins it, and from a workspace that had belonged to another.

The first ones are copied in the transaction in which a workspace joins; of longer lists the rest by the tick, in batches. Until all
are there the workspace sends nothing (`delivery/engine/lane_routes.py`), so that each binds from the moment of joining. A batch is
committed with its position, so a copy that was interrupted goes on where it was.
"""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q

from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import Undecryptable, blind_index
from rvm.platform.encryption.fields import EncryptedTextField
from rvm.platform.health.failed_work import record_on_commit
from rvm.platform.models import Workspace
from rvm.platform.observability.representation import hides
from rvm.platform.organisations import lock_alone
from usecases.models import Suppression, SuppressionCopying
from usecases.suppression_kinds import SuppressionScope
from usecases.suppressions import Row, put

log = structlog.get_logger(__name__)

BATCH = 1000
# Batches of one step of the tick.
MAX_BATCHES = 10

_NUMBER: EncryptedTextField = Suppression._meta.get_field("number")
# What was said in another workspace of the organisation is copied from there, so that nothing is copied once for each workspace that
# has a copy. A number that could not be read when it was suppressed has no index in another workspace.
_NEXT = """
SELECT s.id, s.number, s.last4, s.kind, s.origin, s.created_at, s.source, s.purposes::text[], s.import_id
  FROM usecases_suppression s JOIN platform_workspace own ON own.id = s.workspace_id
 WHERE s.workspace_id = %s AND s.id > %s AND s.scope = 'organisation' AND s.lifted_at IS NULL AND s.number IS NOT NULL
   AND NOT EXISTS (SELECT FROM platform_workspace other
                    WHERE other.id = s.origin AND other.id <> own.id AND other.organisation_id = own.organisation_id)
 ORDER BY s.id LIMIT %s
"""


@hides("number", "last4")
class _Original(NamedTuple):
    id: UUID
    number: bytes
    last4: str
    kind: str
    origin: UUID | None
    created_at: datetime
    source: str
    purposes: list[str]
    import_id: UUID | None

    @property
    def common(self) -> tuple[str, list[str], str]:
        """What rows of one insert share."""
        return self.source, self.purposes, str(self.import_id or "")


def begin(source: UUID, target: UUID) -> None:
    """Copy the first suppressions of one workspace to another, and leave the rest to the tick. The caller holds the organisation's
    lock alone."""
    if sql.run(_NEXT, [source, UUID(int=0), 1]):
        copying, _ = SuppressionCopying.objects.update_or_create(
            source_id=source, target_id=target, defaults={"position": UUID(int=0)}
        )
        _copy_batch(copying)


def abandon(workspace_id: UUID) -> None:
    """Forget what is yet to be copied from and to a workspace that leaves its organisation."""
    SuppressionCopying.objects.filter(Q(source=workspace_id) | Q(target=workspace_id)).delete()


def copy_rest(now: datetime) -> None:
    """Go on with the copies under way: a step of the tick."""
    for _ in range(MAX_BATCHES):
        if not _go_on():
            return


def _go_on() -> bool:
    """Copy a batch; False if there is none, or if other ticks have them."""
    with transaction.atomic():
        first = SuppressionCopying.objects.order_by("pk").first()
        if first is None:
            return False
        # The lock comes before the row's, as in a transaction in which a workspace joins.
        organisation = Workspace.objects.values_list("organisation_id", flat=True).get(pk=first.target_id)
        lock_alone([organisation])
        copying = SuppressionCopying.objects.select_for_update().filter(pk=first.pk).first()
        if copying is not None:
            _copy_batch(copying)
        return True


def _copy_batch(copying: SuppressionCopying) -> None:
    originals = [_Original(*row) for row in sql.run(_NEXT, [copying.source_id, copying.position, BATCH])]
    for _, group in groupby(sorted(originals, key=attrgetter("common")), attrgetter("common")):
        rows = list(group)
        put(
            sorted(filter(None, (_copy(each, copying.source_id, copying.target_id) for each in rows)), key=_index),
            Suppression.Source(rows[0].source),
            scope=SuppressionScope.ORGANISATION,
            purposes=rows[0].purposes,
            import_id=rows[0].import_id,
            later=True,
        )
    if len(originals) < BATCH:
        copying.delete()
    else:
        copying.position = originals[-1].id
        copying.save(update_fields=["position"])


def _copy(original: _Original, source: UUID, target: UUID) -> tuple[Row, tuple[bytes, ...]] | None:
    """The row for the other workspace; None for a number that the keys of this installation do not decrypt."""
    index = blind_index()
    try:
        number = _NUMBER.decrypt(original.number, source, original.id)
    except Undecryptable:
        log.error("suppression_unreadable", suppression_id=str(original.id))
        reason = "They are not copied to the other workspaces of the organisation."
        record_on_commit("unreadable", "suppressions", name="Suppressions", reason=reason)
        return None
    own = index.of(target, number)
    row_id = uuid7()
    ciphertext = _NUMBER.encrypt(number, target, row_id)
    row = Row(row_id, target, ciphertext, own, original.last4, "", original.kind, original.origin, original.created_at)
    return row, tuple(index.known_of(target, own, number))


def _index(each: tuple[Row, tuple[bytes, ...]]) -> bytes:
    return each[0].number_index
