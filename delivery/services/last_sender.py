"""Which number a person saw last under a use case: asked for a thousand of the API's and for a list's in one way."""

from __future__ import annotations


def last_sender_sql(*, matches: str, use_case: str, live: str) -> str:
    """A query in SQL for the id and the sender of the latest voicemail of a person, whose index `matches` (BlindIndex.match_sql, or
    an equation), under the use case and in the world that the other two expressions name.

    One probe of the index of recipients: OFFSET 0 keeps the planner from the other indexes. It does not know yet how many rows a new
    use case has, took its index for as good, and read all of them for each person.
    """
    return (
        "SELECT id, sender FROM (SELECT id, sender, use_case_id, live FROM delivery_voicemail v"  # noqa: S608 - ours
        f" WHERE v.recipient_index {matches} OFFSET 0) earlier"
        f" WHERE use_case_id = {use_case} AND live = {live} ORDER BY id DESC LIMIT 1"
    )
