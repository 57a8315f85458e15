"""A name is found by the beginnings of its words, whatever the case, the accents and the order."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.people.names import is_searchable, matches, name_in, words_of


@pytest.mark.parametrize(
    ("sought", "fields", "found"),
    [
        ("alder", {"first_name": "Ana", "last_name": "Alder"}, True),
        ("al an", {"first_name": "Ana", "last_name": "Alder"}, True),
        ("Alder, Ana", {"name": "Ana María Alder"}, True),
        ("maria", {"name": "Ana María Alder"}, True),
        ("obrien", {"name": "Siobhán O’Brien"}, True),
        ("o'brien", {"name": "O'BRIEN"}, True),
        ("zoe", {"name": "Zoe\u0308"}, True),
        ("lder", {"name": "Ana Alder"}, False),
        ("ana alder jones", {"name": "Ana Alder"}, False),
        ("gray", {"name": "Ana Alder", "provider": "Dr. Gray"}, False),
        ("ana", {"first_name": None}, False),
        ("ana", None, False),
        ("ana", ["Ana"], False),
        ("", {"name": "Ana"}, False),
        ("...", {"name": "Ana"}, False),
    ],
)
def test_every_sought_word_begins_a_word_of_the_name(sought: str, fields: Any, found: bool) -> None:
    assert matches(words_of(sought), fields) is found


def test_one_letter_finds_too_many_to_be_sought() -> None:
    assert not is_searchable("a")
    assert not is_searchable("- .")
    assert is_searchable("a b")
    assert is_searchable("李明")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "Ana Alder", "first_name": "Ana"}, "Ana Alder"),
        ({"first_name": "Ana", "last_name": "Alder"}, "Ana Alder"),
        ({"last_name": " Alder "}, "Alder"),
        ({"day": "Monday"}, ""),
        (None, ""),
    ],
)
def test_the_whole_name_is_shown_else_its_parts(fields: Any, name: str) -> None:
    assert name_in(fields) == name
