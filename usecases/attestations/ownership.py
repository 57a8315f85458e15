"""Ownership of sender numbers: a live setup sends only from numbers that the organisation owns by an administrator's statement.

Pure. `PhoneNumberQuerySet.usable` is the same rule for rows.
"""

from __future__ import annotations

from usecases.models import SANDBOX

# For a number `p` and the setup `s` that would send from it.
USABLE_SQL = f"(s.carrier = '{SANDBOX}' OR p.owned_stated_at IS NOT NULL)"
# Whether a use case `u` may send through a setup `s`: of its numbers there one is usable. Without numbers its voicemails do not wait
# for a statement, they are skipped.
SENDER_STATED_SQL = f"""(s.carrier = '{SANDBOX}' OR coalesce(
        (SELECT bool_or(p.owned_stated_at IS NOT NULL) FROM usecases_numberassignment a
           JOIN usecases_phonenumber p ON p.id = a.phone_number_id WHERE a.use_case_id = u.id AND p.setup_id = s.id), true))"""  # noqa: S608
NOT_OWNED = (
    "Nobody has stated that your organisation owns the sender numbers of this use case, so nothing is sent from them. An "
    "administrator states it on the numbers' pages."
)
