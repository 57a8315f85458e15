"""Reads a phone number as a person types it."""

from __future__ import annotations

import phonenumbers

from rvm.phone_numbers.numbers import E164


def typed_number(text: str) -> str | None:
    """E.164, or None where the text is no phone number. Without a + it is read as a number of +1: (202) 555-0142."""
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # Not "possible locally": seven digits without an area reach nobody for sure.
    whole = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    return written if whole and number.extension is None and E164.fullmatch(written) else None
