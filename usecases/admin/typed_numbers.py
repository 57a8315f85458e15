"""Reads a phone number as a person types it."""

from __future__ import annotations

import phonenumbers

from usecases.numbers import E164


def typed_number(text: str) -> str | None:
    """E.164, or None where the text is no phone number. Without a + it is read as a number of +1: (202) 555-0142."""
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    plausible = E164.fullmatch(written) and phonenumbers.is_possible_number(number) and number.extension is None
    return written if plausible else None
