"""The number that a person last saw under a use case, among those that may be used now: for API calls, uploaded lists and claims."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from rvm.platform.database import sql


def last_sender_sql(*, indexes: str, use_case: str, live: str, senders: str) -> str:
    """SQL that selects the id and the sender of a person's latest voicemail under a use case from one of the senders.

    `indexes`, a `bytea[]` of the person's blind indexes (BlindIndex.array_sql), `use_case`, `live` and `senders`, a `text[]`, are SQL
    expressions. What the failover setup sent in between came from a number of its own, and is passed over.
    The index of recipients has a person's voicemails in order, and is read to the first that matches. BETWEEN in place of an equality
    leaves the planner no other index: it drops from an order what is equal to something, and the primary key has what remains, which
    it would walk for each person, newest first, where its statistics are of few people. The other conditions are hidden from it by
    `coalesce`: without statistics on a new use case, it chose the index of use cases and read all its rows for each person.
    """
    return (
        f"SELECT last.id, last.sender FROM unnest({indexes}) AS person(index) CROSS JOIN LATERAL ("  # noqa: S608 - ours
        "SELECT v.id, v.sender FROM delivery_voicemail v WHERE v.recipient_index BETWEEN person.index AND person.index"
        f" AND coalesce(v.use_case_id = {use_case} AND v.live = {live} AND v.sender = ANY({senders}), false)"
        " ORDER BY v.recipient_index, v.id DESC LIMIT 1) AS last ORDER BY last.id DESC LIMIT 1"
    )


_OF_MANY = f"""
SELECT wanted.index, last.sender
  FROM (SELECT use_case_id, live FROM delivery_lane WHERE id = %s) lane, unnest(%s::bytea[]) AS wanted(index)
 CROSS JOIN LATERAL ({
    last_sender_sql(indexes="ARRAY[wanted.index]", use_case="lane.use_case_id", live="lane.live", senders="%s::text[]")
}) last
"""  # noqa: S608 - of constants


def last_senders(lane_id: UUID, indexes: Sequence[bytes], senders: Collection[str]) -> dict[bytes, str]:
    """The last of the senders that each person saw under the lane's use case, by blind index; without those who saw none."""
    found = sql.run(_OF_MANY, [lane_id, sql.binaries(indexes), sql.texts(senders)])
    return {bytes(index): sender for index, sender in found}
