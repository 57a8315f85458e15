"""Which use cases have a sender: an active number, of a live setup one that the organisation owns by an administrator's statement.

`PhoneNumberQuerySet.usable` is the rule for one number.
"""

from __future__ import annotations

from usecases.models import USABLE_SQL

NOT_OWNED = (
    "Nobody has stated that your organisation owns the active sender numbers of this use case, so nothing is sent from them. An "
    "administrator states it on the numbers' pages."
)


def sender_usable_sql(numbers_of: str = "s.id") -> str:
    """Whether a use case `u` may send through a setup `s`: of its numbers one is usable. Without numbers its voicemails do not wait
    for a statement or for a number to become active, they are skipped. `numbers_of` is the setup to which the numbers belong."""
    return f"""coalesce(
        (SELECT bool_or({USABLE_SQL}) FROM usecases_numberassignment a
           JOIN usecases_phonenumber p ON p.id = a.phone_number_id WHERE a.use_case_id = u.id AND p.setup_id = {numbers_of}), true)"""  # noqa: S608 - of constants
