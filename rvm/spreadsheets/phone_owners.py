"""Numbers in one cell and their owners: those written out and those that only end otherwise, without other people's. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rvm.platform.observability.representation import hides
from rvm.spreadsheets.cells import cell_values
from rvm.spreadsheets.cells.phones import ANY_NUMBER, numbers_in
from rvm.spreadsheets.columns.names import Whose, says_whose, whose
from rvm.spreadsheets.columns.words import meanings_of, words_of
from rvm.spreadsheets.refusals import CellInvalid
from rvm.spreadsheets.trimming import in_ascii

# Cells refused with these codes are searched for numbers: each number in them is meant, also among others or beside text.
_SEARCHED = frozenset({"two_numbers", "crossed_out", "has_letters", "not_a_phone"})
_LONGEST_SEARCHED = 1000
_BETWEEN = re.compile(r"[,;/|\\&\n]|\b(?:or|and|y|o|e|et|ou|und|oder)\b", re.IGNORECASE)
# The end of a further number behind a number: “/0102” or “or 555-0102”. It begins as the number before does. A year is not an end.
_GOES_ON = re.compile(
    r"\s*(?:(?:[/\\&,;\n]|\b(?:or|and|y|o)\b)\s*([2-9][0-9]{2}[-. ]?[0-9]{4})"
    r"|(?:[/\\&]|\b(?:or|and|y|o)\b)\s*(?!(?:19|20)[0-9]{2})([0-9]{4}))(?![-./]?[0-9])",
    re.IGNORECASE,
)
_EXTENSION = re.compile(r"\s*(?:(?:extension|extn|ext|ex|x)\.?\s*[:=]?|#)\s*[0-9]{1,8}\b", re.IGNORECASE)
_WITHOUT_BEGINNING = re.compile(r"(?<![0-9])[2-9][0-9]{2}[-. ]?[0-9]{4}(?![0-9])")


@hides("numbers")
class Found(NamedTuple):
    """The numbers of a cell in E.164. `missed` is the code of the first number that was left out, or "" if there is none or it is
    another person's."""

    numbers: list[str]
    missed: str


def is_anothers(words: str) -> bool:
    """Whether words beside a number say that it is another person's: “Emergency contact”, “wife”. Old and wrong numbers are not."""
    if whose(words) is not Whose.OTHER:
        return False
    return not any("former" in meanings_of(word) for word in words_of(words))


def numbers_of_cell(cell: str, region: str) -> Found:
    """The numbers of a cell that are the person's; `region` is a country in two letters. Raises CellInvalid if there are none."""
    try:
        return Found([cell_values.phone(cell, region)], "")
    except CellInvalid as refused:
        if refused.code not in _SEARCHED:
            raise
        numbers: list[str] = []
        missed = ""
        for number, code in _written(in_ascii(cell[:_LONGEST_SEARCHED]), region):
            missed = missed or code
            if not code:
                numbers.append(number)
        if not numbers:
            raise CellInvalid(missed, "") if missed else refused from None
        return Found(list(dict.fromkeys(numbers)), missed if missed != "phone_of_another" else "")


def _written(text: str, region: str) -> Iterator[tuple[str, str]]:
    """Each number of the text (E.164, or "" if it is incomplete) with the code of why it is not the person's, or ""."""
    places = list(ANY_NUMBER.finditer(text))
    before = text[: places[0].start()] if places else ""
    begun, left = bool(before.strip(" (-")), [before]
    for at, place in enumerate(places):
        last = at + 1 == len(places)
        between = text[place.end() : len(text) if last else places[at + 1].start()]
        behind, next_before = (between, "") if last else _parted(between, begun=begun)
        numbers = numbers_in(place[0], region)
        anothers = says_whose(words := f"{_words(before)} {_words(behind)}") and is_anothers(words)
        extended = _EXTENSION.match(behind) is not None
        code = "phone_of_another" if anothers else "has_extension" if extended else "" if numbers else "not_a_phone"
        yield numbers[0] if numbers else "", code
        if numbers and not code:
            further, between = _going_on(numbers[0], between)
            yield from ((number, "") for number in further)
        left.append(between)
        before = next_before
    if any(map(_WITHOUT_BEGINNING.search, left)):
        yield "", "not_a_phone"


def _parted(between: str, *, begun: bool) -> tuple[str, str]:
    """The text between two numbers in two parts: the part that belongs to the number before it, and that for the number behind it.

    Without a separator, all of it belongs to the number behind it if the cell has `begun` with words, else to the one before.
    """
    if sign := _BETWEEN.search(between):
        return between[: sign.start()], between[sign.end() :]
    return ("", between) if begun else (between, "")


def _words(text: str) -> str:
    return " ".join(word for word in words_of(text) if not word.isdigit())


def _going_on(number: str, behind: str) -> tuple[list[str], str]:
    """The numbers behind this one that give only their end, completed by its beginning, and the text that is left behind them."""
    found: list[str] = []
    while number.startswith("+1") and (further := _GOES_ON.match(behind)):
        digits = re.sub(r"[^0-9]", "", further[1] or further[2])
        number = number[: -len(digits)] + digits
        found.append(number)
        behind = behind[further.end() :]
    return found, behind
