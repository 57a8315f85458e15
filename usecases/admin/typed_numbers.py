"""Parsing of phone numbers as users type them."""

from __future__ import annotations

import phonenumbers

from rvm.phone_numbers.numbers import E164


def typed_number(text: str) -> str | None:
    """The number in E.164, or None if the text is not a phone number. Without a +, it is read as a number of +1: (202) 555-0142."""
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # Excludes "possible locally": seven digits without an area code do not identify a number.
    whole = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    return written if whole and number.extension is None and E164.fullmatch(written) else None
