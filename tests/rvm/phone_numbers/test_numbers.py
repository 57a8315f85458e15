"""What counts as a number that may be reached, and where its owner may be."""

from __future__ import annotations

import random
from collections import Counter

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.phone_numbers.numbers import E164, NumberInvalid, check_recipient, check_sender, unknown_area_code, zones_of

ACCEPTED = [
    ("+12025550142", {}),
    ("+19075550107", {}),
    ("+18085550199", {}),
    ("+17875550142", {}),
    ("+442079460018", {"countries": ["GB"]}),
    ("+442079460018", {"countries": ["DE", "GB"]}),
    ("+15550010001", {"sandbox": True}),
    ("+15550019999", {"sandbox": True}),
]
REFUSED = [
    ("", "number_malformed"),
    ("2025550142", "number_malformed"),
    ("12025550142", "number_malformed"),
    ("(202) 555-0142", "number_malformed"),
    ("+1 202 555 0142", "number_malformed"),
    ("+12025550142\n", "number_malformed"),
    (" +12025550142", "number_malformed"),
    ("+02025550142", "number_malformed"),
    ("+120255", "number_malformed"),
    ("+1202555014212345", "number_malformed"),
    ("+1２０２5550142", "number_malformed"),  # digits of another script
    ("+1٢٠٢5550142", "number_malformed"),
    ("+1202555０142", "number_malformed"),
    ("tel:+12025550142", "number_malformed"),
    ("+1202555014", "number_not_valid"),  # a digit short
    ("+120255501422", "number_not_valid"),
    ("+10005550142", "number_not_valid"),  # no such area code
    ("+12021550142", "number_not_valid"),  # no exchange begins with 1
    ("+112025550142", "number_not_valid"),  # the trunk 1 twice: the library would read it as another spelling
    ("+9991234567", "number_not_valid"),  # no such country
    ("+15550020001", "number_not_valid"),
    ("+15550010001", "number_sandbox_only"),
    ("+442079460018", "number_country_not_opened"),
    ("+447700900123", "number_country_not_opened"),  # cannot exist, and its country is not opened either
    ("+8001234567", "number_country_not_opened"),
    ("+88213300655", "number_country_not_opened"),
    ("+18005550142", "number_kind_not_reachable"),  # toll-free
    ("+18885550142", "number_kind_not_reachable"),
    ("+19005550142", "number_kind_not_reachable"),  # premium rate
    ("+15005550142", "number_kind_not_reachable"),  # personal, a class of its own since 1995
    ("+13105550", "number_kind_not_reachable"),  # company-wide in Canada: seven digits in all of the country
    ("+12422250142", "number_kind_not_reachable"),  # company-wide in the Bahamas
    ("+12423000142", "number_kind_not_reachable"),  # toll-free there
]


@pytest.mark.parametrize(("text", "options"), ACCEPTED)
def test_a_number_that_may_be_reached_is_returned_unchanged(text: str, options: dict[str, object]) -> None:
    assert check_recipient(text, **options) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_a_number_that_may_not_be_reached_is_refused_with_its_code_and_never_repeated(text: str, code: str) -> None:
    with pytest.raises(NumberInvalid) as refusal:
        check_recipient(text)
    assert refusal.value.code == code
    if text:
        assert text.strip() not in str(refusal.value).replace("+12025550142", "")


def test_a_country_that_is_opened_still_needs_a_number_that_can_exist_there() -> None:
    with pytest.raises(NumberInvalid) as refusal:
        check_recipient("+4420794600189", countries=["GB"])
    assert refusal.value.code == "number_not_valid"
    with pytest.raises(NumberInvalid) as refusal:
        check_recipient("+4402079460018", countries=["GB"])  # with the trunk 0
    assert refusal.value.code == "number_not_valid"


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+448081570000", "GB"),  # freephone
        ("+449098790000", "GB"),  # premium rate
        ("+448450000000", "GB"),  # shared cost
        ("+447012345678", "GB"),  # personal
        ("+447640123456", "GB"),  # pager
        ("+445512345678", "GB"),  # company-wide
    ],
)
def test_kinds_without_a_voicemail_box_are_refused_in_other_countries_too(number: str, country: str) -> None:
    with pytest.raises(NumberInvalid) as refusal:
        check_recipient(number, countries=[country])
    assert refusal.value.code == "number_kind_not_reachable"


@pytest.mark.parametrize("code", ["621", "624", "465", "761", "880", "238", "300"])
def test_an_area_code_that_is_newer_than_this_version_can_be_opened(code: str) -> None:
    number = f"+1{code}5550142"
    with pytest.raises(NumberInvalid) as refusal:
        check_recipient(number, area_codes=["999"])
    assert (refusal.value.code, code in str(refusal.value)) == ("number_area_code_unknown", True)
    assert "typing error" not in str(refusal.value)
    assert check_recipient(number, area_codes=[code]) == number
    assert check_sender(number) == number


@pytest.mark.parametrize(
    "number",
    ["+19995550142", "+12115550142", "+13705550142", "+15555550142", "+16211550142", "+1621555014", "+162155501422"],
)
def test_what_cannot_be_an_area_code_or_a_number_in_it_is_a_typing_error_also_where_it_is_opened(number: str) -> None:
    with pytest.raises(NumberInvalid) as refusal:
        check_recipient(number, area_codes=[number[2:5]])
    assert refusal.value.code == "number_not_valid"


@pytest.mark.parametrize("number", ["+18005550142", "+15005550142", "+12423000142"])
def test_an_area_code_of_nobody_is_not_opened(number: str) -> None:
    with pytest.raises(NumberInvalid) as refusal:
        check_recipient(number, area_codes=[number[2:5]])
    assert refusal.value.code == "number_kind_not_reachable"


def test_people_of_an_area_code_that_nobody_knows_may_be_anywhere() -> None:
    assert unknown_area_code("+12285550142") is None  # Mississippi
    assert unknown_area_code("+12385550142") == "238"
    assert set(zones_of("+12385550142")) >= {"America/New_York", "America/Los_Angeles", "Pacific/Honolulu"}


def test_a_sender_may_be_toll_free() -> None:
    assert check_sender("+18005550142") == "+18005550142"


KINDS_OF_PERSONS = {
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    phonenumbers.PhoneNumberType.VOIP,
}


def by_the_library(text: str) -> str:
    number = phonenumbers.parse(text)
    if not phonenumbers.is_valid_number(number):
        return "number_not_valid"
    return "accepted" if phonenumbers.number_type(number) in KINDS_OF_PERSONS else "number_kind_not_reachable"


def by_us(text: str) -> str:
    try:
        check_recipient(text)
    except NumberInvalid as refused:
        return refused.code
    return "accepted"


def area_codes() -> list[str]:
    """Those that the library's own example numbers and time zones know, of all regions of +1."""
    known = {f"{code:03}" for code in range(200, 1000) if zones_of(f"+1{code}2000100") != zones_of("+19995550142")}
    return sorted(known | {"500", "521", "533", "600", "700", "710", "800", "833", "888", "900"})


@pytest.mark.parametrize("seed", range(5))
def test_the_pattern_of_plus_one_equals_the_library_on_random_numbers(seed: int) -> None:
    draw, areas = random.Random(seed), area_codes()
    answers: Counter[str] = Counter()
    for _ in range(5_000):
        for text in (
            f"+1{draw.choice(areas)}{draw.randint(0, 9_999_999):07}",
            f"+1{draw.randint(0, 9_999_999_999):010}" if draw.random() < 0.9 else f"+1{draw.randint(0, 99_999_999)}",
        ):
            if text.startswith("+1555001") or not E164.fullmatch(text):
                continue
            answer = by_us(text)
            # Another spelling of a number, such as +1 1 202 555 0142, is refused before the library is asked; and an area code that
            # it does not know is none that cannot exist.
            told = "number_not_valid" if answer == "number_area_code_unknown" else answer
            assert told == by_the_library(text) or (told == "number_not_valid" and text.startswith("+11")), text
            answers[answer] += 1
    assert min(answers[each] for each in ("accepted", "number_not_valid", "number_kind_not_reachable")) > 100


def test_every_example_number_of_the_library_for_plus_one_is_judged_as_the_library_does() -> None:
    seen = set()
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]:
        for kind in phonenumbers.PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is not None:
                text = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
                assert by_us(text) == by_the_library(text), text
                seen.add(kind)
    assert {phonenumbers.PhoneNumberType.UAN, phonenumbers.PhoneNumberType.PERSONAL_NUMBER} <= seen


@given(st.text(alphabet="+0123456789 ()-x", max_size=18) | st.text(max_size=18))
def test_any_text_is_a_canonical_number_or_refused(text: str) -> None:
    try:
        accepted = check_recipient(text, countries=["GB", "DE", "MX"])
    except NumberInvalid:
        return
    parsed = phonenumbers.parse(accepted)
    assert phonenumbers.is_valid_number(parsed)
    assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == text


ZONES = [
    ("+12025550142", ("America/New_York",)),
    ("+13125550142", ("America/Chicago",)),
    ("+16025550142", ("America/Phoenix",)),
    ("+19285550142", ("America/Denver", "America/Phoenix")),  # the Navajo Nation has daylight time
    ("+17195550142", ("America/Denver",)),
    ("+18085550142", ("Pacific/Honolulu",)),
    ("+16715550142", ("Pacific/Guam",)),
    ("+12425550142", ("America/Nassau",)),  # an exchange that is not in use: still its area
    ("+15550010001", ("UTC",)),
    ("+442079460018", ("Europe/London",)),
]


@pytest.mark.parametrize(("number", "zones"), ZONES)
def test_an_area_code_names_its_zone(number: str, zones: tuple[str, ...]) -> None:
    assert zones_of(number) == zones


def test_an_area_code_that_spans_zones_gives_them_all() -> None:
    assert set(zones_of("+19075550142")) == {"America/Adak", "America/Anchorage"}


@pytest.mark.parametrize("number", ["+18005550142", "+15005550142", "+19995550142"])
def test_a_number_without_a_known_area_may_be_anywhere_in_its_country(number: str) -> None:
    assert {"America/St_Johns", "Pacific/Honolulu", "Pacific/Guam", "America/Puerto_Rico"} <= set(zones_of(number))


def test_a_number_of_which_not_even_the_country_has_zones_has_none() -> None:
    assert zones_of("+88213300655") == ()
