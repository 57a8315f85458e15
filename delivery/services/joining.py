"""Whether a workspace waits because it, or another one, has just joined its organisation."""

from __future__ import annotations

from rvm.platform.database import sql
from rvm.platform.models import Workspace

# As in the routes of lanes.
_IS_JOINING = """
SELECT EXISTS (SELECT FROM usecases_suppressioncopying WHERE target_id = %s)
    OR EXISTS (SELECT FROM delivery_droprecount r JOIN platform_workspace m ON m.id = r.workspace_id WHERE m.organisation_id = %s)
"""


def is_joining(workspace: Workspace) -> bool:
    """Whether suppressions of the organisation are yet to be copied to it, or recent drops of another to be counted."""
    [(joining,)] = sql.run(_IS_JOINING, [workspace.pk, workspace.organisation_id])
    return bool(joining)
