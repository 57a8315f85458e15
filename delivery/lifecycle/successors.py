"""The condition that a voicemail was copied into another lane, for statements that must leave it alone then."""

from __future__ import annotations

# What a voicemail and its copies have in common of their ids: the half that is not the time.
HALF_SQL = "substring(uuid_send({row}.id) FROM 9)"
# Of the row `v`, which the statement's transaction has locked. OFFSET 0 restricts the planner to the index of recipients.
HAS_SUCCESSOR_SQL = f"""EXISTS (
  SELECT FROM (SELECT id FROM delivery_voicemail WHERE recipient_index = v.recipient_index OFFSET 0) n
   WHERE n.id > v.id AND {HALF_SQL.format(row="n")} = {HALF_SQL.format(row="v")})
"""  # noqa: S608 - of constants
