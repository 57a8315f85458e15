"""Kinds that a column may have, and the rules for the kinds of the columns of one list together."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rvm.spreadsheets.refusals import ColumnsInvalid

# The phones of the person, in the order in which they are tried.
PHONES = ("phone", *(f"phone_{nth}" for nth in range(2, 10)))
# Every column of these kinds must permit reaching the person. A list may have several columns of one kind.
DECIDING = ("consent", "opt_out", "deceased", "canceled", "appointment_status")
# The extension of the nearest phone on the left, or of the first phone if none is on the left.
EXTENSION = "extension"
# The first three digits of a phone whose other seven digits are in another column.
AREA_CODE = "area_code"
# The type or the owner of the phone beside it: Cell, Work, Emergency contact.
PHONE_TYPE = "phone_type"
# Which of the person's phones is tried first: Home, Cell.
PREFERRED_PHONE = "preferred_phone"
REPEATED = (*DECIDING, EXTENSION, AREA_CODE, PHONE_TYPE)
NAMES = ("name", "first_name", "last_name")
ONCE = (
    *NAMES,
    "record_number",
    "reference",
    "appointment_day",
    "appointment_time",
    "language",
    "time_zone",
    "postal_code",
    "state",
    "country",
    PREFERRED_PHONE,
    "consent_date",
    "consent_source",
)
# Every other name in a mapping is the name of a merge field.
KINDS = (*PHONES, *ONCE, *REPEATED)
_NTH = ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
# Labels in the words of people who make lists.
CALLED = {
    "phone": "Phone number",
    **{f"phone_{at}": f"The person's {nth} phone number" for at, nth in enumerate(_NTH, 2)},
    "name": "Full name",
    "first_name": "First name",
    "last_name": "Last name",
    "record_number": "Record number (MRN, chart, account)",
    "reference": "Reference of your own",
    "appointment_day": "Day of the appointment",
    "appointment_time": "Time of the appointment",
    "language": "Language",
    "time_zone": "Time zone",
    "postal_code": "Postal code",
    "state": "State",
    "country": "Country of the phone",
    PREFERRED_PHONE: "Which of the person's phones is tried first: home, cell, work",
    "consent_date": "Consent date",
    "consent_source": "Consent source",
    "consent": "Consent: yes means may be reached",
    "opt_out": "Opted out: yes means must not be reached",
    "deceased": "Deceased",
    "canceled": "Appointment canceled",
    "appointment_status": "Status of the appointment",
    "extension": "Extension of the phone",
    "area_code": "Area code of the phone",
    "phone_type": "Type of the phone: cell, home, emergency contact",
}
# The kind of a column in a mapping until a user has said what it is.
UNCLEAR = "unclear"
MERGE_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")


def check_columns(columns: Sequence[str | None]) -> None:
    """Checks that a mapping has a `phone`, well-formed names, and no kind or merge field twice except the kinds of REPEATED.

    Columns may be UNCLEAR, and one of them may be the phone; a list is not checked until all are clear. Raises ColumnsInvalid with
    the code column_name_malformed, column_twice or phone_column_missing.
    """
    named = [column for column in columns if column is not None]
    for column in named:
        if not MERGE_FIELD.fullmatch(column):
            raise ColumnsInvalid(
                "column_name_malformed",
                "A merge field's name has a letter first, then at most 39 lower-case letters, digits and underscores.",
            )
        if named.count(column) > 1 and column not in (*REPEATED, UNCLEAR):
            raise column_twice(column)
    if "phone" not in named and UNCLEAR not in named:
        raise ColumnsInvalid(
            "phone_column_missing", "No column is the phone number (phone); say which one holds the numbers to reach."
        )


def unclear_of(columns: Sequence[str | None]) -> list[int]:
    """The indexes of the columns that are UNCLEAR."""
    return [at for at, column in enumerate(columns) if column == UNCLEAR]


def column_twice(kind: str) -> ColumnsInvalid:
    """The error for a kind or a merge field that two columns have; the caller raises it."""
    called = f"“{CALLED[kind]}” ({kind})" if kind in CALLED else kind
    return ColumnsInvalid(
        "column_twice", f"Two columns are read as {called}; say of one of them that it is something else."
    )
