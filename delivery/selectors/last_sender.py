"""The number that a person last saw under a use case, among those that may be used now: for API calls, uploaded lists and claims."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from rvm.platform.database import sql


def last_sender_sql(*, matches: str, use_case: str, live: str, senders: str) -> str:
    """SQL that selects the id and the sender of a person's latest voicemail under a use case from one of the senders.

    `matches` is a comparison for the person's blind index (BlindIndex.match_sql or `= …`); `use_case`, `live` and `senders`, a
    `text[]`, are SQL expressions. What the failover setup sent in between came from a number of its own, and is passed over.
    OFFSET 0 restricts the planner to the index of recipients. Without statistics on a new use case, it chose the index of use cases
    and read all rows of the use case for each person.
    """
    return (
        "SELECT id, sender FROM (SELECT id, sender, use_case_id, live FROM delivery_voicemail v"  # noqa: S608 - ours
        f" WHERE v.recipient_index {matches} OFFSET 0) earlier"
        f" WHERE use_case_id = {use_case} AND live = {live} AND sender = ANY({senders}) ORDER BY id DESC LIMIT 1"
    )


_OF_MANY = f"""
SELECT wanted.index, last.sender
  FROM (SELECT use_case_id, live FROM delivery_lane WHERE id = %s) lane, unnest(%s::bytea[]) AS wanted(index)
 CROSS JOIN LATERAL ({
    last_sender_sql(matches="= wanted.index", use_case="lane.use_case_id", live="lane.live", senders="%s::text[]")
}) last
"""  # noqa: S608 - of constants


def last_senders(lane_id: UUID, indexes: Sequence[bytes], senders: Collection[str]) -> dict[bytes, str]:
    """The last of the senders that each person saw under the lane's use case, by blind index; without those who saw none."""
    found = sql.run(_OF_MANY, [lane_id, sql.binaries(indexes), sql.texts(senders)])
    return {bytes(index): sender for index, sender in found}
