"""Removal of raw callbacks, and of the numbers in the reports that they held. What the reports said stays."""

from __future__ import annotations

from delivery.retention.by_setup import purge_by_setup
from rvm.platform.retention_kinds import RetentionKind

# By the partial index of these. A report that waits to be merged is none of them.
_OLD = """
  FROM delivery_carrierreport
 WHERE setup_id = %s AND received_at <= %s AND merged_at IS NOT NULL AND (raw IS NOT NULL OR recipient IS NOT NULL)
"""
_REMOVE = f"""
WITH found AS MATERIALIZED (SELECT id {_OLD} ORDER BY received_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED), removed AS (
  UPDATE delivery_carrierreport r SET raw = NULL, recipient = NULL FROM found WHERE r.id = found.id RETURNING r.id
)
SELECT count(*) FROM removed
"""  # noqa: S608 - of constants

REPORTS = purge_by_setup(RetentionKind.CALLBACKS, "carriers' reports", remove=_REMOVE, old=_OLD)
