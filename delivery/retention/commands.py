"""Removal of commands to calls that have ended. Until then they keep a repeated callback from playing a message twice."""

from __future__ import annotations

from delivery.retention.by_setup import purge_by_setup
from rvm.platform.retention_kinds import RetentionKind

_OLD = """
  FROM delivery_callcommand WHERE setup_id = %s AND created_at <= %s AND state NOT IN ('waiting', 'leaving')
"""
_REMOVE = f"""
WITH found AS MATERIALIZED (SELECT id {_OLD} ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED), removed AS (
  DELETE FROM delivery_callcommand c USING found WHERE c.id = found.id RETURNING c.id
)
SELECT count(*) FROM removed
"""  # noqa: S608 - of constants

COMMANDS = purge_by_setup(RetentionKind.CALLBACKS, "commands to calls", remove=_REMOVE, old=_OLD)
