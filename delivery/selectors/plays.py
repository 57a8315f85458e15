"""Calls that were told to play a message: whoever may have heard it is not called again, whatever else is said of the drop."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from rvm.platform.database import sql

# A command that is too late never leaves. By the time before this look, so that none that is taken after it counts as too late. A
# drop has one such call at most.
_MAY_HAVE_PLAYED = """
SELECT drop_id, carrier_reference FROM delivery_callcommand
 WHERE drop_id = ANY(%s::uuid[]) AND action = 'play' AND state NOT IN ('refused', 'dropped')
   AND NOT (state = 'waiting' AND not_after < statement_timestamp())
"""


def may_have_played(drop_ids: Collection[UUID]) -> dict[UUID, str]:
    """The drops whose call was told to play the message, or may still be told, with the vendor's id of the call. Final
    for a caller that holds the locks of their voicemails, under which a PLAY is written."""
    return dict(sql.run(_MAY_HAVE_PLAYED, [sql.ids(drop_ids)])) if drop_ids else {}
