"""Why a row of a list was not accepted: each code with its outcome and its sentence, the same everywhere."""

from __future__ import annotations

from typing import NamedTuple

from campaigns.states import Outcome


class Code(NamedTuple):
    """`sentence` says what is wrong with the row and what to do about it."""

    outcome: Outcome
    sentence: str


_I, _N = Outcome.INVALID, Outcome.NOT_REACHABLE

CODES: dict[str, Code] = {
    # What the cells say.
    "phone_missing": Code(_I, "There is no phone number in this row; add it or leave the row out."),
    "excel_damaged": Code(
        _I,
        "A spreadsheet program rounded this number or put an error in its place; format the column as text in the original "
        "list and export it again.",
    ),
    "has_extension": Code(
        _I, "This number has an extension, and a voicemail cannot be left behind one; give a direct number."
    ),
    "two_numbers": Code(_I, "There is more than one number in the cell; keep the one that shall be reached."),
    "has_letters": Code(_I, "There are letters in the phone cell; it holds one number and nothing else."),
    "not_a_phone": Code(
        _I,
        "This is not written like a phone number; write 10 digits, or + and the country code for another country.",
    ),
    "number_malformed": Code(_I, "The phone number must be + and 7 to 15 digits, such as +12025550142."),
    "number_not_valid": Code(_I, "No such phone number can exist in its country; check it for a typing error."),
    "time_zone_unknown": Code(
        _I, "The time zone is not known; write it as America/Chicago or Central, or leave it empty."
    ),
    "state_unknown": Code(_I, "The state is not known; write its postal abbreviation, such as TX, or leave it empty."),
    "postal_code_unknown": Code(_I, "The postal code is not known; write five digits, or leave it empty."),
    "consent_unclear": Code(_I, "The consent column says neither yes nor no here; write yes or no."),
    "reference_too_long": Code(_I, "The reference has more than 100 characters; shorten it."),
    "fields_too_long": Code(
        _I, "What this row says about the person is longer than 8,000 characters; shorten it or map fewer columns."
    ),
    "undecodable": Code(
        _I, "This row has bytes that are no text in the list's encoding; export the list again as CSV (UTF-8)."
    ),
    "cell_too_long": Code(
        _I, "A cell of this row is longer than 10,000 characters: close the quotation mark that was opened in it."
    ),
    "quote_open": Code(
        _I,
        "A quotation mark in this row is not closed, so the lines below it were read as part of it and left out; close it.",
    ),
    "recording_refused": Code(
        _I, "The clips that this row's fields choose do not make a recording; see the campaign's script."
    ),
    # Whom the workspace's rules leave out.
    "number_country_not_opened": Code(
        _N, "This workspace sends to +1 numbers only; ask its administrator to open other countries."
    ),
    "number_sandbox_only": Code(
        _N, "Numbers +1 555 001 xxxx are for the sandbox carrier; this campaign sends for real."
    ),
    "number_kind_not_reachable": Code(
        _N,
        "Nobody has a voicemail box at a number of this kind (toll-free, premium, shared, personal or pager); give the "
        "person's own number.",
    ),
    "consent_refused": Code(
        _N, "The consent column says no to this number, here or in another row: this person is not reached."
    ),
    "clip_missing": Code(
        _N, "The campaign's script has no clip for what this row says; add the clip or an “otherwise”."
    ),
    # What is known once all rows are read.
    "duplicate_in_file": Code(
        Outcome.DUPLICATE_IN_FILE, "This number stands in an earlier row; nobody is reached twice by one list."
    ),
    "duplicate_in_campaign": Code(
        Outcome.DUPLICATE_IN_CAMPAIGN,
        "This number is in the campaign already; nobody is reached twice by one campaign.",
    ),
    "suppressed": Code(
        Outcome.SUPPRESSED, "This person is on the workspace's suppression list and must not be reached."
    ),
}
NOT_REACHABLE = [code for code, entry in CODES.items() if entry.outcome is Outcome.NOT_REACHABLE]


def sentence_of(code: str) -> str:
    return CODES[code].sentence
