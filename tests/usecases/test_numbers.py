"""What counts as a number that may be reached, and where its owner may be."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import timezone as number_zones

from usecases.numbers import NumberRefused, check_recipient, zones_of

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
]


@pytest.mark.parametrize(("text", "options"), ACCEPTED)
def test_a_number_that_may_be_reached_is_returned_unchanged(text: str, options: dict[str, object]) -> None:
    assert check_recipient(text, **options) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_a_number_that_may_not_be_reached_is_refused_with_its_code_and_never_repeated(text: str, code: str) -> None:
    with pytest.raises(NumberRefused) as refusal:
        check_recipient(text)
    assert refusal.value.code == code
    if text:
        assert text.strip() not in str(refusal.value).replace("+12025550142", "")


def test_a_country_that_is_opened_still_needs_a_number_that_can_exist_there() -> None:
    with pytest.raises(NumberRefused) as refusal:
        check_recipient("+4420794600189", countries=["GB"])
    assert refusal.value.code == "number_not_valid"
    with pytest.raises(NumberRefused) as refusal:
        check_recipient("+4402079460018", countries=["GB"])  # with the trunk 0
    assert refusal.value.code == "number_not_valid"


@given(st.text(alphabet="+0123456789 ()-x", max_size=18) | st.text(max_size=18))
def test_any_text_is_a_canonical_number_or_refused(text: str) -> None:
    try:
        accepted = check_recipient(text, countries=["GB", "DE", "MX"])
    except NumberRefused:
        return
    parsed = phonenumbers.parse(accepted)
    assert phonenumbers.is_valid_number(parsed)
    assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == text


ZONES = [
    ("+12025550142", ("America/New_York",)),
    ("+13125550142", ("America/Chicago",)),
    ("+16025550142", ("America/Phoenix",)),
    ("+19285550142", ("America/Phoenix",)),
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


def test_the_memo_by_prefix_equals_the_library_on_random_valid_numbers() -> None:
    draw = random.Random(1)
    compared = 0
    while compared < 3_000:
        number = f"+1{draw.randint(200, 999)}{draw.randint(200, 999)}{draw.randint(0, 9999):04}"
        parsed = phonenumbers.parse(number)
        if not phonenumbers.is_valid_number(parsed):
            continue
        compared += 1
        assert zones_of(number) == tuple(number_zones.time_zones_for_number(parsed)), number
