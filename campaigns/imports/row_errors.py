"""Codes of rows of a list that are not accepted, with their outcomes and messages."""

from __future__ import annotations

from typing import NamedTuple

from campaigns.states import RowOutcome
from rvm.phone_numbers.numbers import COUNTRY_NOT_OPENED, KIND_NOT_REACHABLE, NOT_VALID
from rvm.spreadsheets.cells import phones
from rvm.spreadsheets.rows import UNDECODABLE
from usecases.suppressions import MUST_NOT_BE_REACHED


class Code(NamedTuple):
    """The outcome and the message of one code. The message says what is wrong with the row and what to do."""

    outcome: RowOutcome
    message: str


_I, _N = RowOutcome.INVALID, RowOutcome.NOT_REACHABLE

CODES: dict[str, Code] = {
    # Invalid cells and rows.
    "phone_missing": Code(_I, "There is no phone number in this row; add it or leave the row out."),
    "excel_damaged": Code(
        _I,
        "A spreadsheet program rounded this number or put an error in its place; format the column as text in the original "
        "list and export it again.",
    ),
    "has_extension": Code(_I, phones.EXTENSION),
    "phone_of_another": Code(
        _I, "This number is not the person's own, as the column with its type says; give a number of the person."
    ),
    "two_numbers": Code(_I, phones.TWO),
    "crossed_out": Code(
        _I,
        "The number, the name or the appointment in this row is crossed out in the workbook, in whole or in part; write what is "
        "meant anew, or leave the row out.",
    ),
    "has_letters": Code(_I, phones.LETTERS),
    "not_a_phone": Code(_I, phones.SHAPE),
    "number_malformed": Code(_I, "The phone number must be + and 7 to 15 digits, such as +12025550142."),
    "number_not_valid": Code(_I, NOT_VALID),
    "time_zone_unknown": Code(
        _I, "The time zone is not known; write it as America/Chicago or Central, or leave it empty."
    ),
    "state_unknown": Code(_I, "The state is not known; write its postal abbreviation, such as TX, or leave it empty."),
    "postal_code_unknown": Code(_I, "The postal code is not known; write five digits, or leave it empty."),
    "country_unknown": Code(_I, "The country is not known; write its two letters, such as US, or its calling code."),
    "consent_unclear": Code(
        _I, "The consent column says neither yes nor no to this number, here or in another row; write yes or no."
    ),
    "opt_out_unclear": Code(
        _I,
        "It is not clear whether this person has opted out, here or in another row of the number: write yes, or nothing.",
    ),
    "deceased_unclear": Code(
        _I,
        "It is not clear whether this person has died, here or in another row of the number: write yes, or leave the cell empty.",
    ),
    "status_unclear": Code(
        _I,
        "The status is neither one of an appointment that stands nor of one that was canceled; write it as Scheduled or Canceled.",
    ),
    "column_unclear": Code(
        _I,
        "A column that nobody has explained answers something to this number, here or in another row; say what the column is.",
    ),
    "number_in_doubt": Code(
        _I, "Another row of this number could not be read, and may have said no; correct that row, or leave it out."
    ),
    "row_short": Code(
        _I,
        "This row ends before a column that says whether the person may be reached; export the list again, whole.",
    ),
    "row_wide": Code(
        _I,
        "This row has more cells than the list has columns, so answers may stand in the wrong one; put quotation marks around a "
        "cell that holds a comma.",
    ),
    "report_line": Code(
        _I,
        "This row is a line of the report, such as a total or the clinic's own phone, and nobody on the list; it is left out.",
    ),
    "reference_too_long": Code(_I, "The reference has more than 100 characters; shorten it."),
    "record_number_too_long": Code(_I, "The record number has more than 100 characters; shorten it."),
    "fields_too_long": Code(
        _I, "What this row says about the person is longer than 8,000 characters; shorten it or map fewer columns."
    ),
    "undecodable": Code(_I, UNDECODABLE),
    "cell_too_long": Code(
        _I, "A cell of this row is longer than 10,000 characters: close the quotation mark that was opened in it."
    ),
    "quote_open": Code(
        _I,
        "A quotation mark in this row is not closed, or has text behind it, so it cannot be seen where its cells end; close it.",
    ),
    "recording_refused": Code(
        _I, "The clips that this row's fields choose do not make a recording; see the campaign's script."
    ),
    # People who must not or cannot be reached.
    "number_country_not_opened": Code(_N, COUNTRY_NOT_OPENED),
    "number_area_code_unknown": Code(
        _N,
        "This version does not know the number's area code yet; if it is in service, ask the workspace's administrator to open it.",
    ),
    "number_sandbox_only": Code(
        _N, "Numbers +1 555 001 xxxx are for the sandbox carrier; this campaign sends for real."
    ),
    "number_kind_not_reachable": Code(_N, KIND_NOT_REACHABLE),
    "consent_refused": Code(
        _N, "The consent column says no to this number, here or in another row: this person is not reached."
    ),
    "consent_blank": Code(
        _N,
        "The consent column says nothing about this person, and nothing is no yes; write yes if the person has agreed.",
    ),
    "opted_out": Code(
        _N,
        "This number has opted out, by a column of this row or of another one: this list does not reach it. To end what else waits "
        "for it, put it on an opt-out list.",
    ),
    "deceased": Code(_N, "This person has died, by a column of this row or of another one of the number."),
    "appointment_canceled": Code(_N, "The appointment was canceled or not kept: this person is not reminded of it."),
    "says_no": Code(
        _N,
        "A cell of this row, or of another one of this number, says in words that the person must not be reached; if it means "
        "something else, say what its column is.",
    ),
    "under_heading": Code(
        _N,
        "A row above this one says only that somebody must not be reached or has canceled, as a heading over those below it does; if "
        "it means nothing, take it out, or say what its column is.",
    ),
    "under_another_header": Code(
        _N,
        "A row above this one names the columns anew, and otherwise than the header does, so that what stands in them is not known; "
        "upload the two lists one by one.",
    ),
    "clip_missing": Code(
        _N, "The campaign's script has no clip for what this row says; add the clip or an “otherwise”."
    ),
    # Codes that are known only after all rows were read.
    "duplicate_in_file": Code(
        RowOutcome.DUPLICATE_IN_FILE,
        "This number stands in an earlier row that says the same; nobody is reached twice by one list.",
    ),
    "same_phone": Code(
        RowOutcome.SAME_PHONE,
        "An earlier row has this number for another person or another visit, and is the one that is reached; give this row a number "
        "of its own, or send it in another campaign.",
    ),
    "duplicate_in_campaign": Code(
        RowOutcome.DUPLICATE_IN_CAMPAIGN,
        "This number is in the campaign already; nobody is reached twice by one campaign.",
    ),
    "suppressed": Code(RowOutcome.SUPPRESSED, MUST_NOT_BE_REACHED),
}
NOT_REACHABLE = [code for code, entry in CODES.items() if entry.outcome is RowOutcome.NOT_REACHABLE]


def message_of(code: str) -> str:
    return CODES[code].message
