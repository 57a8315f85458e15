"""What a text costs grows with its length and no faster, whatever is in it: cells, names of columns, fields, vendors' texts.

A pattern that tries each of n places and from each reads on to the end takes n² steps. Every regular expression of the packages is
either reached through a function of `READERS`, which is tested with texts made of the pattern's own words, or tested itself.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from campaigns.opt_outs import returns
from campaigns.withdrawals import standing
from rvm.phone_numbers import numbers
from rvm.platform import csv_export
from rvm.platform.observability import masking
from rvm.spreadsheets import phone_owners, trimming
from rvm.spreadsheets.cells import (
    answers,
    countries,
    departures,
    name_remarks,
    objections,
    phones,
    places,
    report_lines,
)
from rvm.spreadsheets.columns import headings, names, words
from rvm.spreadsheets.ooxml import comments, number_formats, texts
from rvm.spreadsheets.rows import MAX_CELL_LENGTH
from usecases.inbound import numbers as inbound_numbers
from usecases.inbound import words as inbound_words

PACKAGES = (
    "rvm.platform",
    "rvm.phone_numbers",
    "rvm.spreadsheets",
    "rvm.simulators",
    "usecases",
    "delivery",
    "campaigns",
)
# By module, the functions through which its patterns meet texts of others.
READERS: dict[str, tuple[Callable[[str], Any], ...]] = {
    objections.__name__: (
        objections.objects,
        lambda text: objections.objects(f"call {text}"),  # without such a word a text is not searched
        objections.denies,
        objections.ends_plainly,
        objections.answers_something,
    ),
    departures.__name__: (departures.is_gone,),
    name_remarks.__name__: (name_remarks.remarks_no,),
    answers.__name__: (answers.answer, answers.standing, answers.is_date),
    phones.__name__: (
        phones.phone,
        phones.looks_like_phone,
        phones.numbers_in,
        phones.area_code,
        phones.lacks_area_code,
    ),
    places.__name__: (places.time_zone, places.state, places.postal_code),
    countries.__name__: (countries.country,),
    report_lines.__name__: (
        report_lines.begins_as_one,
        report_lines.names_a_clinic,
        lambda text: report_lines.names_a_clinic_alone([text]),
    ),
    headings.__name__: (headings.keeps_out, headings.says_no, lambda text: headings.heading_at([text])),
    words.__name__: (words.words_of, names.meaning_of),
    trimming.__name__: (trimming.trimmed, trimming.folded),
    phone_owners.__name__: (lambda text: phone_owners.numbers_of_cell(text, "US"),),
    comments.__name__: (comments.heard,),
    texts.__name__: (texts.as_typed,),
    number_formats.__name__: (lambda text: number_formats.shown_by(text, from_1904=False),),
    returns.__name__: (returns.comes_back, lambda text: returns.permits_below([text])),
    standing.__name__: (
        lambda text: standing.keeps([text]),
        lambda text: standing.cancels_some([text]),
        lambda text: list(map(standing.under_headings([text]), [[text]])),
    ),
    inbound_words.__name__: (inbound_words.opts_out,),
    inbound_numbers.__name__: (inbound_numbers.written_number,),
    numbers.__name__: (numbers.e164_of,),
    masking.__name__: (masking.mask_numbers,),
    csv_export.__name__: (lambda text: list(csv_export.csv_lines([[text]])),),
}
# Patterns that are not matched at the start of a text.
SEARCHED = {"_BETWEEN", "_SEAMS"}
SIGNS = (
    "(",
    "[",
    " ",
    ".",
    ",",
    "-",
    "_",
    "1",
    "a",
    "é",
    "~",
    "\x1f",
    "\u200b",
    "(,",
    "1 ",
    "a ",
    "1.",
    "1-",
    "+1",
    "a_",
    "1(",
    "$",
)
GROWTH = 4
# A quadratic pattern takes 16 times as long for a text of four times the length, a linear one four times.
ALLOWED = 9
NEGLIGIBLE_SECONDS = 0.02


@cache
def patterns() -> dict[str, tuple[tuple[str, re.Pattern[Any]], ...]]:
    """The compiled patterns of all packages by their module."""
    found: dict[str, tuple[tuple[str, re.Pattern[Any]], ...]] = {}
    for package in map(importlib.import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if ".migrations." in module.name or ".commands." in module.name:
                continue
            of_it = vars(importlib.import_module(module.name)).items()
            if here := tuple((name, value) for name, value in of_it if isinstance(value, re.Pattern)):
                found[module.name] = here
    return found


def literals(tree: Any) -> Iterator[str]:
    """The words in a parsed pattern, and its single characters."""
    run = ""
    for operation, argument in tree:
        if operation is _parser.LITERAL:
            run += chr(argument)
            continue
        yield run
        run = ""
        if operation is _parser.IN:
            yield from (chr(value) for kind, value in argument if kind is _parser.LITERAL)
        elif operation is _parser.BRANCH:
            for branch in argument[1]:
                yield from literals(branch)
        elif operation in (_parser.MAX_REPEAT, _parser.MIN_REPEAT):
            yield from literals(argument[2])
        elif operation is _parser.SUBPATTERN:
            yield from literals(argument[3])
        elif operation in (_parser.ASSERT, _parser.ASSERT_NOT):
            yield from literals(argument[1])
    yield run


def texts_for(module: str) -> list[Callable[[int], str]]:
    """Makers of texts of any length that are hard to read for the module's patterns.

    Their words are whole: the rest of one that is cut off can be another word, with which a text is read further than without.
    """
    said: set[str] = set()
    for _, pattern in patterns().get(module, ()):
        said |= (
            set(literals(_parser.parse(pattern.pattern, pattern.flags))) if isinstance(pattern.pattern, str) else set()
        )
    said.discard("")
    single = sorted({word for word in said if len(word) == 1} | set(SIGNS))
    several = sorted(word for word in said if len(word) > 1)
    pumps = [("", sign, "x") for sign in single]
    pumps += [("", word + " ", "?") for word in several[:: 1 + len(several) // 40]]
    pumps += [(word, sign, "x") for word in several[:: 1 + len(several) // 12] for sign in (" ", "1", "( ")]
    return [
        lambda size, begin=begin, pump=pump, end=end: begin + pump * ((size - len(begin + end)) // len(pump)) + end
        for begin, pump, end in pumps
    ]


def seconds(read: Callable[[str], Any], text: str) -> float:
    best = 60.0
    for again in range(3):
        began = time.thread_time()
        try:
            read(f"{text}{again}")  # another text each time, because some readers remember
        except Exception as refused:
            assert hasattr(refused, "message"), refused
        best = min(best, time.thread_time() - began)
        if best < NEGLIGIBLE_SECONDS:
            break
    return best


def grows_too_fast(read: Callable[[str], Any], make: Callable[[int], str], longest: int) -> str:
    """The lengths and seconds that show it; empty for a function that reads on as fast as it began."""
    size = longest // GROWTH**2
    before = seconds(read, make(size))
    while size < longest:
        size *= GROWTH
        now = seconds(read, make(size))
        if now > NEGLIGIBLE_SECONDS and now > ALLOWED * before:
            return f"{make(20)!r}: {before:.4f} s for {size // GROWTH} characters, {now:.4f} s for {size}"
        before = now
    return ""


@pytest.mark.parametrize("module", sorted(READERS))
def test_reading_a_text_takes_time_by_its_length(module: str) -> None:
    slow = [
        found
        for make in texts_for(module)
        for read in READERS[module]
        if (found := grows_too_fast(read, make, MAX_CELL_LENGTH))
    ]
    assert slow == []


@pytest.mark.parametrize("module", sorted(set(patterns()) - set(READERS)))
def test_a_pattern_that_is_used_alone_takes_time_by_the_length_of_the_text(module: str) -> None:
    slow = [
        found
        for name, pattern in patterns()[module]
        if isinstance(pattern.pattern, str)
        for make in texts_for(module)
        for use in (pattern.fullmatch, pattern.search if name in SEARCHED else pattern.match)
        if (found := grows_too_fast(use, make, MAX_CELL_LENGTH))
    ]
    assert slow == []
