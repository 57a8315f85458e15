"""Phone numbers: what is one, which country it belongs to, in which time zones its owner may be."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

import phonenumbers
from phonenumbers import timezone as number_zones

from usecases.windows import WIDEST_PLUS_ONE

# +1 555 001 xxxx: outcomes of the sandbox carrier; not valid numbers anywhere else.
SANDBOX_NUMBER = re.compile(r"\+1555001\d{4}")
_E164 = re.compile(r"\+[1-9]\d{6,14}")


class NumberRefused(ValueError):
    """The text is no number that may be reached. `code` is stable; the message never repeats the number."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def check_recipient(text: str, *, countries: Collection[str] = (), sandbox: bool = False) -> str:
    """Return the number as E.164. Raises NumberRefused.

    `countries` are opened besides +1, as ISO codes; `sandbox` says that the drop can only go to the sandbox carrier.
    """
    if not _E164.fullmatch(text):
        raise NumberRefused(
            "number_malformed", "The phone number must be written as + and 7 to 15 digits, for example +12025550142."
        )
    if SANDBOX_NUMBER.fullmatch(text):
        if sandbox:
            return text
        raise NumberRefused(
            "number_sandbox_only", "Numbers +1 555 001 xxxx are for the sandbox carrier; this use case sends for real."
        )
    number = phonenumbers.parse(text)
    if number.country_code != 1 and phonenumbers.region_code_for_number(number) not in countries:
        raise NumberRefused(
            "number_country_not_opened",
            "This workspace sends to +1 numbers only; ask its administrator to open other countries.",
        )
    if not phonenumbers.is_valid_number(number):
        raise NumberRefused("number_not_valid", "No such phone number can exist in its country; check it for a typing error.")
    return text


def zones_of(e164: str) -> tuple[str, ...]:
    """Every time zone the number's owner may be in, by area code. An unknown one gives the widest pair of +1."""
    if SANDBOX_NUMBER.fullmatch(e164):
        return ("UTC",)
    return _zones_by_prefix(e164[:8]) if e164.startswith("+1") else _zones(e164)


@lru_cache(maxsize=65_536)
def _zones_by_prefix(prefix: str) -> tuple[str, ...]:
    # The library decides +1 by six digits at most; equality over 200,000 numbers is checked in the tests.
    return _zones(prefix + "0100")


def _zones(e164: str) -> tuple[str, ...]:
    zones = number_zones.time_zones_for_number(phonenumbers.parse(e164))
    known = tuple(zone for zone in zones if zone != "Etc/Unknown")
    return known or WIDEST_PLUS_ONE
