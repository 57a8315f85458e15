"""References: each names at most one live and one test voicemail of a workspace, permanently."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from delivery.models import VoicemailReference

# Reserves the free references, in sorted order so that two calls cannot deadlock.
# A concurrent insert of the same reference is waited for; the reference is then free or taken.
_RESERVE_REFERENCES = """
INSERT INTO delivery_voicemailreference (workspace_id, live, reference, voicemail_id)
SELECT %s, %s, taken.reference, taken.voicemail_id FROM unnest(%s::text[], %s::uuid[]) AS taken(reference, voicemail_id)
 ORDER BY taken.reference
ON CONFLICT (workspace_id, reference, live) DO NOTHING
RETURNING reference
"""


def take_references(workspace_id: UUID, asked: Sequence[tuple[str, UUID]], *, live: bool) -> dict[UUID, UUID]:
    """Reserve references for new voicemails, all live or all test, given as (reference, voicemail id).

    Returns {voicemail id: id of the voicemail that owns the reference} for references that were already taken. Call it in the
    transaction that inserts the voicemails.
    """
    firsts: dict[str, UUID] = {}
    for reference, voicemail_id in asked:
        firsts.setdefault(reference, voicemail_id)
    if not firsts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE_REFERENCES, [workspace_id, live, list(firsts), list(firsts.values())])
        taken = {row[0] for row in cursor.fetchall()}
    owners = {reference: voicemail_id for reference, voicemail_id in firsts.items() if reference in taken}
    known = VoicemailReference.objects.filter(workspace_id=workspace_id, live=live)
    earlier = known.filter(reference__in=firsts.keys() - taken)
    owners.update(earlier.values_list("reference", "voicemail_id"))
    return {voicemail_id: owners[reference] for reference, voicemail_id in asked if owners[reference] != voicemail_id}
