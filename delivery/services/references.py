"""A customer's own reference names one voicemail of the workspace for ever, whoever comes second: one live and one test voicemail."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from delivery.models import VoicemailReference

# Reserves what nobody has taken, in one order, so that two calls cannot wait for each other.
# Waits for whoever is inserting the same reference, and then sees what became of it.
_RESERVE_REFERENCES = """
INSERT INTO delivery_voicemailreference (workspace_id, live, reference, voicemail_id)
SELECT %s, %s, taken.reference, taken.voicemail_id FROM unnest(%s::text[], %s::uuid[]) AS taken(reference, voicemail_id)
 ORDER BY taken.reference
ON CONFLICT (workspace_id, reference, live) DO NOTHING
RETURNING reference
"""


def take_references(workspace_id: UUID, asked: Sequence[tuple[str, UUID]], *, live: bool) -> dict[UUID, UUID]:
    """Reserve references for new voicemails, all live or all test ones, given as (reference, voicemail id).

    Returns, for each of them that comes too late, the id of the voicemail that has the reference. Call it in the transaction that
    writes the voicemails.
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
