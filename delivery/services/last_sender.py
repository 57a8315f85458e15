"""SQL for the number that a person last saw under a use case, shared by API calls and uploaded lists."""

from __future__ import annotations


def last_sender_sql(*, matches: str, use_case: str, live: str) -> str:
    """SQL that selects the id and the sender of a person's latest voicemail under a use case.

    `matches` is a comparison for the person's blind index (BlindIndex.match_sql or `= …`); `use_case` and `live` are SQL expressions.
    OFFSET 0 restricts the planner to the index of recipients. Without statistics on a new use case, it chose the index of use cases
    and read all rows of the use case for each person.
    """
    return (
        "SELECT id, sender FROM (SELECT id, sender, use_case_id, live FROM delivery_voicemail v"  # noqa: S608 - ours
        f" WHERE v.recipient_index {matches} OFFSET 0) earlier"
        f" WHERE use_case_id = {use_case} AND live = {live} ORDER BY id DESC LIMIT 1"
    )
