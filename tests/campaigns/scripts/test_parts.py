"""A script is read strictly, and chooses clips as people mean values."""

from __future__ import annotations

import unicodedata
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.scripts.parts import Chosen, Fixed, choose, key_of, read_script
from rvm.platform.errors import ServiceError

GREETING, ANA, ZOE, OTHERS, CLOSING = (uuid4() for _ in range(5))
FOR_NAMES: dict[str, Any] = {"field": "first_name", "clips": {"ana": str(ANA), "Zoë": str(ZOE)}, "otherwise": None}
SCRIPT: list[dict[str, Any]] = [{"clip": str(GREETING)}, FOR_NAMES, {"clip": str(CLOSING)}]


def test_everybody_hears_the_fixed_clips_and_each_the_clip_of_their_value() -> None:
    script = read_script(SCRIPT)
    assert choose(script, {"first_name": "Ana"}) == (GREETING, ANA, CLOSING)
    assert choose(script, {"first_name": "Zoë", "last_name": "Ana"}) == (GREETING, ZOE, CLOSING)


@pytest.mark.parametrize(
    "value",
    ["zoë", "ZOË", " Zoë ", "Zoe\u0308", "ZOE\u0308", "\u00a0Zoë\u200b", "Zoë\n"],
)
def test_case_spaces_and_the_encoding_of_accents_do_not_count(value: str) -> None:
    assert choose(read_script(SCRIPT), {"first_name": value}) == (GREETING, ZOE, CLOSING)


@pytest.mark.parametrize("value", ["Zoe", "Zo", "Ana Zoë", "anä"])
def test_a_letter_more_or_an_accent_less_is_somebody_else(value: str) -> None:
    with pytest.raises(ServiceError):
        choose(read_script(SCRIPT), {"first_name": value})


@given(st.text())
def test_a_value_in_any_normal_form_and_case_has_one_key(value: str) -> None:
    key = key_of(value)
    assert key_of(key) == key
    assert key_of(f"  {unicodedata.normalize('NFD', unicodedata.normalize('NFC', value))} ") == key_of(
        f" {unicodedata.normalize('NFC', value)}"
    )


@pytest.mark.parametrize("merge_fields", [{"first_name": "Guadalupe"}, {"first_name": ""}, {"name": "Ana"}, {}, None])
def test_a_value_without_a_clip_is_refused_by_its_field_and_never_by_the_value(merge_fields: Any) -> None:
    with pytest.raises(ServiceError) as caught:
        choose(read_script(SCRIPT), merge_fields)
    assert (caught.value.code, caught.value.field) == ("clip_missing", "first_name")
    assert "first_name" in caught.value.message
    assert "Guadalupe" not in repr(caught.value) + caught.value.message + repr(caught.value.facts)


@pytest.mark.parametrize("merge_fields", [{"first_name": "Guadalupe"}, {"first_name": None}, {}, None])
def test_otherwise_is_heard_where_no_clip_is_for_the_value(merge_fields: Any) -> None:
    script = read_script([{"clip": str(GREETING)}, {**FOR_NAMES, "otherwise": str(OTHERS)}])
    assert choose(script, merge_fields) == (GREETING, OTHERS)


def test_two_fields_may_choose() -> None:
    days = {"field": "weekday", "clips": {"Monday": str(ZOE), "1": str(OTHERS)}}
    script = read_script([FOR_NAMES, days])
    assert choose(script, {"first_name": "ana", "weekday": "MONDAY"}) == (ANA, ZOE)
    assert choose(script, {"first_name": "ana", "weekday": 1}) == (ANA, OTHERS)


def test_values_that_are_the_same_to_a_person_may_stand_twice_for_one_clip() -> None:
    [part] = read_script([{"field": "first_name", "clips": {"Ana": str(ANA), " ANA": str(ANA)}}])
    assert part == Chosen("first_name", {"ana": ANA}, None)
    assert read_script([{"clip": str(GREETING)}]) == (Fixed(GREETING),)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "a list of 1 to 10 parts"),
        ({"clip": str(ANA)}, "a list of 1 to 10 parts"),
        ([], "this one has 0"),
        ([{"clip": str(ANA)}] * 11, "this one has 11"),
        ([FOR_NAMES] * 3, "At most 2 parts are chosen by a field; this script has 3"),
        ([{"clip": str(ANA)}, str(ANA)], "Part 2 must be"),
        ([{"clip": str(ANA), "field": "first_name"}], "Part 1 must be"),
        ([{"clip": "ana"}], "Part 1 names a clip by something that is no id"),
        ([{"clip": 7}], "no id"),
        ([{**FOR_NAMES, "field": "First Name"}], "must name a field as lists do"),
        ([{**FOR_NAMES, "field": 7}], "must name a field as lists do"),
        ([{**FOR_NAMES, "clips": {}}], "at least one value of first_name"),
        ([{**FOR_NAMES, "clips": [str(ANA)]}], "at least one value of first_name"),
        ([{**FOR_NAMES, "clips": {"Guadalupe": "x"}}], "no id"),
        ([{**FOR_NAMES, "otherwise": "x"}], "no id"),
        (
            [{**FOR_NAMES, "clips": {"Guadalupe": str(ANA), "GUADALUPE ": str(ZOE)}}],
            "two clips for one value of first_name",
        ),
    ],
)
def test_what_is_no_script_is_refused_with_the_place_and_without_a_value(script: Any, said: str) -> None:
    with pytest.raises(ServiceError) as caught:
        read_script(script)
    assert (caught.value.code, caught.value.field) == ("script_malformed", "script")
    assert said in caught.value.message
    assert "guadalupe" not in caught.value.message.casefold()
