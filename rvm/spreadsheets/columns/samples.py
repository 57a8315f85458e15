"""Description of the first cells of a column: phones, answers, dates, marks beside blank cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property

from rvm.spreadsheets.cells.answers import Answer, Standing, answer, consented, standing
from rvm.spreadsheets.cells.objections import answers_something, ends_plainly, objects
from rvm.spreadsheets.cells.phones import SAYS_NONE, lacks_area_code, looks_like_phone
from rvm.spreadsheets.columns.vocabulary import MEANINGS
from rvm.spreadsheets.refusals import CellInvalid
from rvm.spreadsheets.trimming import folded, trimmed

_ANSWERS = (Answer.YES, Answer.NO, Answer.PERMITS, Answer.FORBIDS, Answer.CROSS)
# Meanings of the words for ways to reach a person: “Text message”, “Home phone”, “Email only”.
_WAYS = frozenset({"channel", "phone", "mobile", "home", "call", "voicemail", "message"})
_BESIDE_WAYS = frozenset({"restrict", "no", "filler"})
_MAX_WAYS = 40
_MIN_IDENTIFIER = 4
# A number or a sum of money.
_AMOUNT = re.compile(r"\$?[0-9]{1,15}(?:,[0-9]{3})*(?:\.[0-9]{1,2})?", re.ASCII)
# Affirmative words that are common in notes.
_OK = frozenset({"ok", "okay", "done", "given", "signed", "approved"})


class Sample:
    """The first cells of one column. `blank` is the number of empty cells, and `filled` are the other cells, trimmed."""

    def __init__(self, cells: Sequence[str]) -> None:
        said = list(map(trimmed, cells))
        self.filled = [cell for cell in said if cell]
        self.blank = len(said) - len(self.filled)

    @cached_property
    def phones(self) -> int:
        return sum(map(looks_like_phone, self.filled))

    @cached_property
    def answers(self) -> Counter[Answer]:
        return Counter(answer(cell) for cell in self.filled if not self._is_code(cell))

    @cached_property
    def numbered(self) -> list[str]:
        """The filled cells, without those that say that there is no number."""
        return [cell for cell in self.filled if cell.casefold() not in SAYS_NONE]

    @property
    def worded(self) -> list[str]:
        """The filled cells, without those that say that there is no number. An “x” stays, because it may also be a mark."""
        return [cell for cell in self.filled if cell.casefold() not in SAYS_NONE or cell in "xX"]

    @property
    def holds_phones(self) -> bool:
        return self.phones * 2 > len(self.numbered)

    @property
    def lacks_area_codes(self) -> bool:
        return any(map(lacks_area_code, self.filled))

    @property
    def answered(self) -> int:
        return sum(self.answers[kind] for kind in _ANSWERS)

    @property
    def holds_answers(self) -> bool:
        """Whether at least half of the filled cells are answers, marks or dates, and at least one is not a date."""
        return self.answered > 0 and (self.answered + self.answers[Answer.DATE]) * 2 >= len(self.filled)

    @property
    def permits(self) -> bool:
        """Whether at least one cell is a yes, a mark or a permission."""
        return self.answers[Answer.YES] + self.answers[Answer.PERMITS] > 0

    @property
    def holds_dates(self) -> bool:
        return 0 < len(self.filled) <= self.answers[Answer.DATE] * 2

    @property
    def answers_or_dates(self) -> bool:
        return self.holds_answers or self.holds_dates

    @property
    def marks_with_dates(self) -> bool:
        """Whether some people have dates and others have nothing."""
        return self.holds_dates and self.blank > 0

    @property
    def objects_with_dates(self) -> bool:
        """Whether a cell objects in words beside dates, which may be the days on which other people objected."""
        return self.answers[Answer.DATE] > 0 and any(map(objects, self.filled))

    @property
    def holds_texts(self) -> bool:
        """Whether more than half of the filled cells are no answers."""
        return self.answers[Answer.UNCLEAR] * 2 > len(self.filled)

    @property
    def holds_digits(self) -> bool:
        return self.share(lambda cell: any(map(str.isdigit, cell))) > 0.5

    @property
    def answers_somewhere(self) -> bool:
        return any(answers_something(cell) for cell in self.filled if not self._is_code(cell))

    @property
    def answers_in_words(self) -> bool:
        """Whether the column holds answers, also without its numbers and without “none”, which may be a quantity."""
        worded = [cell for cell in self.filled if not cell.isdigit() and folded(cell) != "none"]
        return self.holds_answers and Sample(worded).holds_answers

    @property
    def consents(self) -> bool:
        """Whether at least half of the filled cells answer whether the person may be reached."""
        return self.share(lambda cell: consented(cell) in (*_ANSWERS, Answer.DATE)) >= 0.5

    @property
    def names_ways(self) -> bool:
        """Whether at least half of the filled cells name a way to reach a person: Voice, Home phone, Email."""
        return self.share(lambda cell: bool(_ways_of(cell))) >= 0.5

    @property
    def names_other_ways(self) -> bool:
        """Whether the cells name ways to reach a person, and at least one of them is no phone call, such as Email."""
        return self.names_ways and any("channel" in _ways_of(cell) for cell in self.filled)

    @property
    def holds_addresses(self) -> bool:
        return any("@" in cell for cell in self.filled)

    @property
    def counts(self) -> bool:
        """Whether the cells are counts: whole numbers, at least one of them greater than 1."""
        return self._counts_otherwise and all(map(str.isdigit, self.filled))

    @property
    def holds_codes(self) -> bool:
        return self._counts_otherwise or self._letters_otherwise

    @property
    def holds_short_codes(self) -> bool:
        """Whether at least half of the filled cells are short codes, whose meaning is not known: C, NS or 4."""
        return (
            self.share(lambda cell: (len(cell) <= 2 and cell.isalpha()) or (len(cell) == 1 and cell.isdigit())) >= 0.5
        )

    @property
    def identifies(self) -> bool:
        """Whether the cells are identifiers and not dates: at most a tenth repeat another cell, and most are long and have digits."""
        long = self.share(lambda cell: len(cell) >= _MIN_IDENTIFIER and any(map(str.isdigit, cell))) > 0.5
        return long and not self.holds_dates and len({*self.filled}) * 10 >= len(self.filled) * 9

    @property
    def notes_answer(self) -> bool:
        """Whether the cells of a column of notes are answers; words such as “ok” do not count, because they may be either."""
        plain = Sample([cell for cell in self.filled if folded(cell) not in _OK])
        return plain.holds_answers

    @cached_property
    def standings(self) -> Counter[Standing]:
        return Counter(map(standing, self.filled))

    @property
    def names_standings(self) -> bool:
        """Whether at least half of the filled cells are known statuses of an appointment or a person."""
        known = sum(self.standings.values()) - self.standings[Standing.UNCLEAR]
        return bool(self.filled) and known * 2 >= len(self.filled)

    @property
    def ends_somebody(self) -> bool:
        """Whether at least one cell says by itself that the person must be left out: “Remove”, “Deceased”, “Cancelled”."""
        out = (Standing.CANCELED, Standing.DECEASED, Standing.FORBIDS)
        return any(self.standings[each] for each in out) or self.answers[Answer.FORBIDS] > 0

    @property
    def ends_somebody_plainly(self) -> bool:
        """Whether at least one cell leaves the person out by a word that means the same in every column, unlike “CX” or “Moved”."""
        return any(map(ends_plainly, self.filled))

    def share(self, holds: Callable[[str], bool]) -> float:
        """The part of the filled cells, from 0 to 1, for which `holds` is true; 0 if there are none."""
        return sum(map(holds, self.filled)) / len(self.filled) if self.filled else 0.0

    def reads_as(self, read: Callable[[str], object]) -> bool:
        """Whether `read` raises no CellInvalid for at least half of the filled cells; also if there are none."""
        return not self.filled or self.share(lambda cell: _can(read, cell)) >= 0.5

    @cached_property
    def _counts_otherwise(self) -> bool:
        return any(
            _AMOUNT.fullmatch(cell) is not None and float(cell.lstrip("$").replace(",", "")) > 1 for cell in self.filled
        )

    @cached_property
    def _letters_otherwise(self) -> bool:
        return any(len(cell) == 1 and cell.isalpha() and answer(cell) is Answer.UNCLEAR for cell in self.filled)

    def _is_code(self, cell: str) -> bool:
        """Whether a cell that could be an answer is a code, as others in the column are: 0 beside 1 and 2, or N beside A and Y."""
        return (self._counts_otherwise and cell in ("0", "1")) or (self._letters_otherwise and len(cell) == 1)


def _ways_of(cell: str) -> frozenset[str]:
    """The ways to reach a person that the words of a cell mean; empty if the cell has any other word."""
    words = folded(cell).split() if len(cell) <= _MAX_WAYS else []
    meanings = [MEANINGS.get(word, frozenset()) & (_WAYS | _BESIDE_WAYS) for word in words]
    return frozenset().union(*meanings) & _WAYS if all(meanings) else frozenset()


def _can(read: Callable[[str], object], cell: str) -> bool:
    try:
        read(cell)
    except CellInvalid:
        return False
    return True
