"""Phone numbers: what is one, which country it belongs to, in which time zones its owner may be."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

import phonenumbers
from phonenumbers import timezone as number_zones

from rvm.phone_numbers.number_plan import Kind, area_code, zones_of_1

# +1 555 001 xxxx: outcomes of the sandbox carrier; not valid numbers anywhere else.
SANDBOX_NUMBER = re.compile(r"\+1555001[0-9]{4}")
# [0-9]: \d would take the digits of every script.
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_UNKNOWN = "Etc/Unknown"

# Kinds of numbers that may have a person's voicemail box behind them; the names are those of the library's metadata.
_OF_PERSONS = ("fixed_line", "mobile", "voip")
_OF_NOBODY = ("toll_free", "premium_rate", "shared_cost", "personal_number", "pager", "uan", "voicemail")
_REACHABLE_KINDS = {
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    phonenumbers.PhoneNumberType.VOIP,
}


def _patterns(kinds: Collection[str]) -> str:
    """What the library's metadata says of these kinds in all regions of +1, as one alternative."""
    regions = [
        phonenumbers.PhoneMetadata.metadata_for_region(name) for name in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]
    ]
    found = (getattr(region, kind) for region in regions for kind in kinds)
    return "|".join(
        dict.fromkeys(kind.national_number_pattern for kind in found if kind and kind.national_number_pattern)
    )


# For +1 the answer of the library in under a microsecond instead of 25; a test on random numbers holds them equal at every upgrade.
_REACHABLE_1 = re.compile(
    rf"\+1(?=[0-9]{{10}}\Z)(?!(?:{_patterns(_OF_NOBODY)})\Z)(?:{_patterns(_OF_PERSONS)})", re.ASCII
)


def e164_of(text: str) -> str | None:
    """E.164 of a number as carriers spell it: with or without +, a leading 1, spaces and punctuation; None where it is none."""
    digits = re.sub(r"[^0-9]", "", text)
    plus = "+" if text.lstrip().startswith("+") or len(digits) > 10 else "+1"
    return number if E164.fullmatch(number := plus + digits) else None


# What an area code and an exchange may be, https://www.nanpa.com: N11 are services, 555 is a directory, N9X, 37X and 96X are kept for
# longer numbers. An area code of this form that the library does not know is no typing error: it may be newer than the library.
_ASSIGNABLE = re.compile(r"\+1(?!.11|555|37|96)([2-9][0-8][0-9])[2-9][0-9]{6}", re.ASCII)
_PERHAPS_OF_PERSONS = (Kind.GEOGRAPHIC, Kind.RESERVED)


NOT_VALID = "No such phone number can exist in its country; check it for a typing error."
COUNTRY_NOT_OPENED = "This workspace sends to +1 numbers only; ask its administrator to open other countries."
KIND_NOT_REACHABLE = (
    "Nobody has a voicemail box at a number of this kind (toll-free, premium, shared, personal or pager); "
    "give the person's own mobile or landline number."
)


class NumberInvalid(ValueError):
    """The text is no number that may be reached. `code` is stable; the message never repeats the number."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def check_recipient(
    text: str, *, countries: Collection[str] = (), area_codes: Collection[str] = (), sandbox: bool = False
) -> str:
    """Return the number as E.164. Raises NumberInvalid.

    `countries` are opened besides +1, as ISO codes, and `area_codes` of +1 besides those that the library knows, as three digits;
    `sandbox` says that the drop can only go to the sandbox carrier.
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
    """Return a sender number as E.164: any that can exist, and for the `sandbox` any at all. Raises NumberInvalid."""
    if not E164.fullmatch(text):
        raise _malformed()
    if sandbox or unknown_area_code(text) is not None:
        return text
    number = _parse(text)
    if number is None or not phonenumbers.is_valid_number(number):
        raise _not_valid()
    return text


def unknown_area_code(e164: str) -> str | None:
    """The area code of a number of +1 that could be a person's, if the library knows no number with it; else None.

    `zones_of` of such a number are those of our number plan, and anywhere in +1 where it does not know the code either.
    """
    if (assignable := _ASSIGNABLE.fullmatch(e164)) is None or _is_in_use(assignable[1]):
        return None
    area = area_code(e164)
    return assignable[1] if area is None or area.kind in _PERHAPS_OF_PERSONS else None


@lru_cache(maxsize=1000)
def _is_in_use(code: str) -> bool:
    """Whether the library knows a number of persons with this area code, in some exchange."""
    return any(_REACHABLE_1.fullmatch(f"+1{code}{exchange}0142") for exchange in range(200, 1000))


def _opened(number: phonenumbers.PhoneNumber, countries: Collection[str]) -> bool:
    """Whether its country is opened; of a number that cannot exist, whether one country with its code is."""
    region = phonenumbers.region_code_for_number(number)
    regions = [region] if region else phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(number.country_code or 0, ())
    return not set(countries).isdisjoint(regions)


def _malformed() -> NumberInvalid:
    return NumberInvalid(
        "number_malformed", "The phone number must be written as + and 7 to 15 digits, for example +12025550142."
    )


def _not_valid() -> NumberInvalid:
    return NumberInvalid("number_not_valid", NOT_VALID)


def _parse(text: str) -> phonenumbers.PhoneNumber | None:
    """None where the country does not exist or the text is not the number's one spelling, as in +1 1 202 555 0142."""
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == text else None


def zones_of(e164: str) -> tuple[str, ...]:
    """Every time zone the number's owner may be in, by area code: of +1 by our own number plan, else by the library.

    A number without an area, such as +1 800, and an area code that the plan does not know give all zones of +1. Empty where not even
    the country's zones are known: such a number is never called.
    """
    if SANDBOX_NUMBER.fullmatch(e164):
        return ("UTC",)
    return zones_of_1(e164) if e164.startswith("+1") else _zones(e164)


def _zones(e164: str) -> tuple[str, ...]:
    number = phonenumbers.parse(e164)
    # The first knows that mobiles of many countries have no area; it says nothing about an exchange that is not in use.
    zones = number_zones.time_zones_for_number(number)
    if _UNKNOWN in zones:
        zones = number_zones.time_zones_for_geographical_number(number)
    return tuple(zone for zone in zones if zone != _UNKNOWN)
