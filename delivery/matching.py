"""Finds the drop that a report means where the carrier does not repeat our key.

Such a report names the carrier's own id of the drop and the recipient. The id is the drop's own once an earlier report has brought
both together. Until then the recipient decides, and only where there is no choice: exactly one drop of this setup to this number is
open and was made before the report's event. Whatever remains in doubt stays unmatched: to leave a voicemail without its report is an
open question, to give it another's is a wrong answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from delivery import sql

# The recipient's voicemails are found by an index that the listings have anyway; a person's are few.
_MATCH = """
WITH candidate AS (
  SELECT r.id AS report_id, d.id AS drop_id, d.carrier_reference = r.carrier_reference AS named,
         d.created_at <= r.occurred_at
         AND (d.status IN ('sending', 'uncertain', 'accepted') OR d.reason IN ('unconfirmed', 'unreported')) AS open
    FROM delivery_carrierreport r
    JOIN usecases_telephonysetup s ON s.id = r.setup_id
    JOIN delivery_voicemail v ON v.workspace_id = s.workspace_id AND v.recipient_index = r.recipient_index
    JOIN delivery_drop d ON d.voicemail_id = v.id AND d.setup_id = r.setup_id
   WHERE r.id = ANY(%s) AND r.drop_id IS NULL
), chosen AS (
  SELECT report_id,
         CASE WHEN bool_or(named) THEN (array_agg(drop_id) FILTER (WHERE named))[1]
              WHEN count(*) FILTER (WHERE open) = 1 THEN (array_agg(drop_id) FILTER (WHERE open))[1] END AS drop_id
    FROM candidate GROUP BY report_id
)
UPDATE delivery_carrierreport r SET drop_id = chosen.drop_id FROM chosen WHERE r.id = chosen.report_id
"""


def match(report_ids: Sequence[int]) -> None:
    """Give the reports without a drop theirs, as far as there is no doubt. The caller holds the reports' locks."""
    if report_ids:
        sql.run(_MATCH, [list(report_ids)])
