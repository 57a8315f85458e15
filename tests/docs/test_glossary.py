"""The glossary says where each word lives in the code, and the words that it gives up do not come back as names."""

from __future__ import annotations

import re
import tokenize
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, PROJECT, WORD, modules, name_of, table, tables, words

GLOSSARY = DOCS / "contribute" / "glossary.md"
ENTRIES = [row for rows in tables(GLOSSARY, "word | meaning") for row in rows]
NOT_USED = words(table(GLOSSARY, "word | say instead"))
PARTS = {word for word in NOT_USED if word.isalpha() and word.islower()}
WHOLE = set(NOT_USED) - PARTS

# The words of a name: `wake_on_commit`, `ServiceError`, `HTTPError`.
PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@cache
def names_in(path: Path) -> frozenset[str]:
    """Every identifier that a module's code has, without what its comments and texts say."""
    with path.open("rb") as source:
        return frozenset(token.string for token in tokenize.tokenize(source.readline) if token.type == tokenize.NAME)


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry[0] for entry in ENTRIES])
def test_each_word_lives_where_the_glossary_says(entry: list[str]) -> None:
    place, *names = WORD.findall(entry[2])
    path = PROJECT / place
    assert path.exists(), place
    of_the_place = [path] if path.is_file() else list(path.glob("*.py"))
    assert names, f"{entry[0]} has no name of the code"
    assert [name for name in names if not any(name in names_in(module) for module in of_the_place)] == []


def test_each_word_is_explained_once() -> None:
    explained = [word for entry in ENTRIES for word in entry[0].split(", ")]
    assert sorted(set(explained)) == sorted(explained)
    assert [entry[0] for entry in ENTRIES if not entry[1]] == []


def test_no_two_words_are_explained_by_one_name_of_the_code() -> None:
    places = [WORD.findall(entry[2]) for entry in ENTRIES]
    explaining = [(place, name) for place, *names in places for name in names]
    assert [name for name, times in Counter(explaining).items() if times > 1] == []


def test_words_that_are_not_used_are_no_names_of_the_code() -> None:
    assert PARTS and WHOLE
    found = [
        f"{name_of(path)}: {name}"
        for path in modules()
        for name in {path.stem, path.parent.name, *names_in(path)}
        if name in WHOLE or not PARTS.isdisjoint(part.lower() for part in PART.findall(name))
    ]
    assert found == []


def test_the_names_to_use_instead_are_names_of_the_code() -> None:
    names = frozenset[str]().union(*(names_in(path) for path in modules()))
    instead = words(table(GLOSSARY, "word | say instead"), 1)
    assert [word for word in instead if not any(name.startswith(word) for name in names)] == []


def test_no_page_speaks_of_a_name_that_was_given_up() -> None:
    pages = (page for page in PAGES if page != GLOSSARY)
    assert [f"{name_of(page)}: {name}" for page in pages for name in WHOLE & set(WORD.findall(page.read_text()))] == []
