"""Phone numbers: validation of recipients and senders, countries, and the time zones and states of owners."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

import phonenumbers
from phonenumbers import timezone as number_zones

from rvm.phone_numbers.number_plan import ELSEWHERE, Kind, area_code, states_of_1, zones_of_1

# +1 555 001 xxxx: outcomes of the sandbox carrier; not valid numbers anywhere else.
SANDBOX_NUMBER = re.compile(r"\+1555001[0-9]{4}")
# [0-9], because \d matches the digits of every script.
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_UNKNOWN = "Etc/Unknown"

# Kinds of numbers that may have a person's voicemail box, as named in the library's metadata.
_OF_PERSONS = ("fixed_line", "mobile", "voip")
_OF_NOBODY = ("toll_free", "premium_rate", "shared_cost", "personal_number", "pager", "uan", "voicemail")
_REACHABLE_KINDS = {
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    phonenumbers.PhoneNumberType.VOIP,
}


def _patterns(kinds: Collection[str]) -> str:
    """The library's number patterns of these kinds in all regions of +1, joined to one regular expression."""
    regions = [
        phonenumbers.PhoneMetadata.metadata_for_region(name) for name in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]
    ]
    found = (getattr(region, kind) for region in regions for kind in kinds)
    return "|".join(
        dict.fromkeys(kind.national_number_pattern for kind in found if kind and kind.national_number_pattern)
    )


# For +1, the library's result in under a microsecond instead of 25. A test compares both on random numbers at every upgrade.
_REACHABLE_1 = re.compile(
    rf"\+1(?=[0-9]{{10}}\Z)(?!(?:{_patterns(_OF_NOBODY)})\Z)(?:{_patterns(_OF_PERSONS)})", re.ASCII
)


def e164_of(text: str) -> str | None:
    """The E.164 form of a number as carriers write it: with or without +, leading 1, spaces, punctuation; None if there is none."""
    digits = re.sub(r"[^0-9]", "", text)
    plus = "+" if text.lstrip().startswith("+") or len(digits) > 10 else "+1"
    return number if E164.fullmatch(number := plus + digits) else None


# The assignable area codes and exchanges (https://www.nanpa.com): N11 are services, 555 is directory assistance, and N9X, 37X and 96X
# are reserved for longer numbers. An area code of this form that the library does not know may be newer than the library.
_ASSIGNABLE = re.compile(r"\+1(?!.11|555|37|96)([2-9][0-8][0-9])[2-9][0-9]{6}", re.ASCII)
_PERHAPS_OF_PERSONS = (Kind.GEOGRAPHIC, Kind.RESERVED)


NOT_VALID = "No such phone number can exist in its country; check it for a typing error."
COUNTRY_NOT_OPENED = "This workspace sends to +1 numbers only; ask its administrator to open other countries."
KIND_NOT_REACHABLE = (
    "Nobody has a voicemail box at a number of this kind (toll-free, premium, shared, personal or pager); "
    "give the person's own mobile or landline number."
)


class NumberInvalid(ValueError):
    """The text is not a reachable number. `code` is stable; the message never contains the number."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_recipient(
    text: str, *, countries: Collection[str] = (), area_codes: Collection[str] = (), sandbox: bool = False
) -> str:
    """Validate the number of a recipient, which must be in E.164, and return it. Raises NumberInvalid.

    `countries` are ISO codes that are open in addition to +1. `area_codes` are area codes of +1, three digits each, that are open
    in addition to those that the library knows. `sandbox` means that the drop can only go to the sandbox carrier.
    """
    if _REACHABLE_1.fullmatch(text):
        return text
    if not E164.fullmatch(text):
        raise _malformed()
    if SANDBOX_NUMBER.fullmatch(text):
        if sandbox:
            return text
        raise NumberInvalid(
            "number_sandbox_only", "Numbers +1 555 001 xxxx are for the sandbox carrier; this use case sends for real."
        )
    if (new := unknown_area_code(text)) is not None:
        if new in area_codes:
            return text
        raise NumberInvalid(
            "number_area_code_unknown",
            f"This version does not know the area code {new} yet; if it is in service, ask the workspace's administrator to open it.",
        )
    number = _parse(text)
    if number is not None and number.country_code != 1 and not _opened(number, countries):
        raise NumberInvalid(
            "number_country_not_opened",
            COUNTRY_NOT_OPENED,
        )
    if number is None or not phonenumbers.is_valid_number(number):
        raise _not_valid()
    if phonenumbers.number_type(number) not in _REACHABLE_KINDS:
        raise NumberInvalid(
            "number_kind_not_reachable",
            KIND_NOT_REACHABLE,
        )
    return text


def check_sender(text: str, *, sandbox: bool = False) -> str:
    """Validate the number of a sender, which must be in E.164, and return it. Raises NumberInvalid.

    It must be a number that can exist; for `sandbox` any number in E.164 is valid.
    """
    if not E164.fullmatch(text):
        raise _malformed()
    if sandbox or unknown_area_code(text) is not None:
        return text
    number = _parse(text)
    if number is None or not phonenumbers.is_valid_number(number):
        raise _not_valid()
    return text


def unknown_area_code(e164: str) -> str | None:
    """The area code of a +1 number that may belong to a person, if the library knows no number with that code; otherwise None.

    `zones_of` returns the number plan's zones for such a number, or all zones of +1 if the plan does not have the code either.
    """
    if (assignable := _ASSIGNABLE.fullmatch(e164)) is None or _is_in_use(assignable[1]):
        return None
    area = area_code(e164)
    return assignable[1] if area is None or area.kind in _PERHAPS_OF_PERSONS else None


@lru_cache(maxsize=1000)
def _is_in_use(code: str) -> bool:
    """Whether the library knows a reachable number with this area code in any exchange."""
    return any(_REACHABLE_1.fullmatch(f"+1{code}{exchange}0142") for exchange in range(200, 1000))


def _opened(number: phonenumbers.PhoneNumber, countries: Collection[str]) -> bool:
    """Whether the number's country is open; for a number that cannot exist, whether any country with its calling code is."""
    region = phonenumbers.region_code_for_number(number)
    regions = [region] if region else phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(number.country_code or 0, ())
    return not set(countries).isdisjoint(regions)


def _malformed() -> NumberInvalid:
    return NumberInvalid(
        "number_malformed",
        "The phone number must be written as + and 7 to 15 digits, the country code first: +1 and ten digits in North America.",
    )


def _not_valid() -> NumberInvalid:
    return NumberInvalid("number_not_valid", NOT_VALID)


def _parse(text: str) -> phonenumbers.PhoneNumber | None:
    """The parsed number; None if its country does not exist or `text` is not its canonical E.164 form, as in +1 1 202 555 0142."""
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == text else None


def zones_of(e164: str) -> tuple[str, ...]:
    """All time zones in which the number's owner may be: for +1 from the number plan, otherwise from the library.

    A +1 number without an area, such as +1 800, or with an area code that the plan does not have, gets all zones of +1. The result is
    empty if not even the country's zones are known; such a number is never called.
    """
    if SANDBOX_NUMBER.fullmatch(e164):
        return ("UTC",)
    return zones_of_1(e164) if e164.startswith("+1") else _zones(e164)


def _zones(e164: str) -> tuple[str, ...]:
    number = phonenumbers.parse(e164)
    # This function handles mobile numbers, which have no area in many countries, but knows no zones for an exchange that is not in
    # use; the second one does.
    zones = number_zones.time_zones_for_number(number)
    if _UNKNOWN in zones:
        zones = number_zones.time_zones_for_geographical_number(number)
    return tuple(zone for zone in zones if zone != _UNKNOWN)


def states_of(e164: str) -> tuple[str, ...]:
    """All states and provinces in which the number's owner may be: of +1 only, ELSEWHERE for other numbers.

    Empty for a +1 number whose owner may be anywhere.
    """
    if SANDBOX_NUMBER.fullmatch(e164):
        return (ELSEWHERE,)
    return states_of_1(e164) if e164.startswith("+1") else (ELSEWHERE,)
