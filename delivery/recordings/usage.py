"""What needs a recording or a clip, in words. As long as something does, its sound is neither deleted nor removed with time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from delivery.lifecycle.status import OPEN_ENDED
from rvm.platform.database import sql
from usecases.models import UseCase

# What of a layer above needs which of the sounds of a workspace; a layer adds its own.
NEEDED_BY: list[Callable[[UUID, Collection[UUID]], Mapping[UUID, list[str]]]] = []

# By the index of use cases and statuses, so that only voicemails that are under way are read.
_COUNT_UNDER_WAY = f"""
SELECT recording_id, count(*) FROM delivery_voicemail
 WHERE use_case_id = ANY(%s::uuid[]) AND status IN {sql.literals(OPEN_ENDED)} AND recording_id = ANY(%s::uuid[])
 GROUP BY recording_id
"""  # noqa: S608 - of constants


def needed(workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """The sounds that something needs, with what that is, such as `3 voicemails that wait or are under way`."""
    found: dict[UUID, list[str]] = defaultdict(list)
    use_cases = UseCase.objects.filter(workspace_id=workspace_id).values_list("pk", flat=True)
    for recording_id, count in sql.run(_COUNT_UNDER_WAY, [sql.ids(use_cases), sql.ids(ids)]):
        several = "voicemails that wait or are" if count > 1 else "voicemail that waits or is"
        found[recording_id].append(f"{count:,} {several} under way")
    for needs in NEEDED_BY:
        for sound_id, told in needs(workspace_id, ids).items():
            found[sound_id] += told
    return dict(found)
