"""References: each names at most one live and one test voicemail of a workspace, permanently."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from delivery.models import VoicemailReference

# Reserves the free ones of the references of new voicemails, in their order so that two calls cannot deadlock; `rows` is SQL for
# their ids and references, `workspace` and `live` are parameters. A concurrent insert of the same reference is waited for; the
# reference is then free or taken. Returns the ids of the voicemails that have theirs; of several in one call, the first has it.
RESERVE_REFERENCES = """
INSERT INTO delivery_voicemailreference (workspace_id, live, reference, voicemail_id)
SELECT %(workspace)s, %(live)s, reference, id FROM {rows} WHERE reference <> '' ORDER BY reference, id
ON CONFLICT (workspace_id, reference, live) DO NOTHING
RETURNING voicemail_id
"""


def owners_of(references: Collection[str], workspace_id: UUID, *, live: bool) -> dict[str, UUID]:
    """The ids of the voicemails, all live or all test, that have these references."""
    known = VoicemailReference.objects.filter(workspace_id=workspace_id, live=live, reference__in=references)
    return dict(known.values_list("reference", "voicemail_id"))
