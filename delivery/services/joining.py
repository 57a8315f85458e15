"""Whether a workspace waits because it, or another one, has just joined its organisation."""

from __future__ import annotations

from delivery.engine.lane_routes import JOINING_SQL
from rvm.platform.database import sql
from rvm.platform.models import Workspace

_IS_JOINING = f"SELECT {JOINING_SQL} FROM platform_workspace w WHERE w.id = %s"  # noqa: S608 - of constants


def is_joining(workspace: Workspace) -> bool:
    """Whether suppressions of the organisation are yet to be copied to it, or recent drops of another to be counted."""
    [(joining,)] = sql.run(_IS_JOINING, [workspace.pk])
    return bool(joining)
