"""What the first cells of a column look like: phones, answers, dates, marks beside blanks."""

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
# Meanings of the words of a way to reach somebody: “Text message”, “Home phone”, “Email only”.
_WAYS = frozenset({"channel", "phone", "mobile", "home", "call", "voicemail", "message"})
_BESIDE_WAYS = frozenset({"restrict", "no", "filler"})
_MAX_WAYS = 40
_MIN_IDENTIFIER = 4
# A figure, or a sum of money.
_AMOUNT = re.compile(r"\$?[0-9]{1,15}(?:,[0-9]{3})*(?:\.[0-9]{1,2})?", re.ASCII)
# Affirmations of everyday notes.
_OK = frozenset({"ok", "okay", "done", "given", "signed", "approved"})


class Sample:
    """Of one column; `blank` counts its empty cells, `filled` holds the others."""

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
        """Without the cells that say that there is no number."""
        return [cell for cell in self.filled if cell.casefold() not in SAYS_NONE]

    @property
    def worded(self) -> list[str]:
        """Without the words that say that there is no number. An “x” may say that, and may be a mark."""
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
        """Yes and no, or marks: at least half of what stands in it."""
        return self.answered > 0 and (self.answered + self.answers[Answer.DATE]) * 2 >= len(self.filled)

    @property
    def permits(self) -> bool:
        """Somebody's yes, or a mark."""
        return self.answers[Answer.YES] + self.answers[Answer.PERMITS] > 0

    @property
    def holds_dates(self) -> bool:
        return 0 < len(self.filled) <= self.answers[Answer.DATE] * 2

    @property
    def answers_or_dates(self) -> bool:
        return self.holds_answers or self.holds_dates

    @property
    def marks_with_dates(self) -> bool:
        """Dates for some people and nothing for others."""
        return self.holds_dates and self.blank > 0

    @property
    def objects_with_dates(self) -> bool:
        """Somebody's no in words beside dates, which may be the days of others."""
        return self.answers[Answer.DATE] > 0 and any(map(objects, self.filled))

    @property
    def holds_texts(self) -> bool:
        """Most of what stands in it answers nothing."""
        return self.answers[Answer.UNCLEAR] * 2 > len(self.filled)

    @property
    def holds_digits(self) -> bool:
        return self.share(lambda cell: any(map(str.isdigit, cell))) > 0.5

    @property
    def answers_somewhere(self) -> bool:
        return any(answers_something(cell) for cell in self.filled if not self._is_code(cell))

    @property
    def answers_in_words(self) -> bool:
        """At least half of it is a yes or a no, and no figure. That there is none of something answers nothing."""
        worded = [cell for cell in self.filled if not cell.isdigit() and folded(cell) != "none"]
        return self.holds_answers and Sample(worded).holds_answers

    @property
    def consents(self) -> bool:
        """At least half of it answers whether somebody may be reached."""
        return self.share(lambda cell: consented(cell) in (*_ANSWERS, Answer.DATE)) >= 0.5

    @property
    def names_ways(self) -> bool:
        """At least half of it says by which way somebody is reached: Voice, Home phone, Email."""
        return self.share(lambda cell: bool(_ways_of(cell))) >= 0.5

    @property
    def names_other_ways(self) -> bool:
        """And one of these is none by which a phone rings."""
        return self.names_ways and any("channel" in _ways_of(cell) for cell in self.filled)

    @property
    def holds_addresses(self) -> bool:
        return any("@" in cell for cell in self.filled)

    @property
    def counts(self) -> bool:
        """How many of something: figures, and others than 0 and 1."""
        return self._counts_otherwise and all(map(str.isdigit, self.filled))

    @property
    def holds_codes(self) -> bool:
        return self._counts_otherwise or self._letters_otherwise

    @property
    def holds_short_codes(self) -> bool:
        """Letters, two of them or single figures, of which somebody else knows what they stand for: C, N, R; CA, NS; 1, 4."""
        return (
            self.share(lambda cell: (len(cell) <= 2 and cell.isalpha()) or (len(cell) == 1 and cell.isdigit())) >= 0.5
        )

    @property
    def identifies(self) -> bool:
        """Hardly any cell stands in it twice, and most are long and have figures: numbers of something."""
        long = self.share(lambda cell: len(cell) >= _MIN_IDENTIFIER and any(map(str.isdigit, cell))) > 0.5
        return long and not self.holds_dates and len({*self.filled}) * 10 >= len(self.filled) * 9

    @property
    def notes_answer(self) -> bool:
        """Whether notes are no notes but answers; “ok” may be either."""
        plain = Sample([cell for cell in self.filled if folded(cell) not in _OK])
        return plain.holds_answers

    @cached_property
    def standings(self) -> Counter[Standing]:
        return Counter(map(standing, self.filled))

    @property
    def names_standings(self) -> bool:
        """Whether at least half of it are words for how an appointment or a person stands."""
        known = sum(self.standings.values()) - self.standings[Standing.UNCLEAR]
        return bool(self.filled) and known * 2 >= len(self.filled)

    @property
    def ends_somebody(self) -> bool:
        """Whether a cell says by itself that the person is out: “Remove”, “Deceased”, “Cancelled”."""
        out = (Standing.CANCELED, Standing.DECEASED, Standing.FORBIDS)
        return any(self.standings[each] for each in out) or self.answers[Answer.FORBIDS] > 0

    @property
    def ends_somebody_plainly(self) -> bool:
        """In a word that means nothing else, whatever the column is: no “CX” or “Moved”."""
        return any(map(ends_plainly, self.filled))

    def share(self, holds: Callable[[str], bool]) -> float:
        return sum(map(holds, self.filled)) / len(self.filled) if self.filled else 0.0

    def reads_as(self, read: Callable[[str], object]) -> bool:
        """Whether at least half of it can be read so; what is empty can."""
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
        """A figure among others, a letter among others: 0, 1, 2; A, N, Y."""
        return (self._counts_otherwise and cell in ("0", "1")) or (self._letters_otherwise and len(cell) == 1)


def _ways_of(cell: str) -> frozenset[str]:
    """What the words of a cell mean that has no others than those for ways to reach somebody."""
    words = folded(cell).split() if len(cell) <= _MAX_WAYS else []
    meanings = [MEANINGS.get(word, frozenset()) & (_WAYS | _BESIDE_WAYS) for word in words]
    return frozenset().union(*meanings) & _WAYS if all(meanings) else frozenset()


def _can(read: Callable[[str], object], cell: str) -> bool:
    try:
        read(cell)
    except CellInvalid:
        return False
    return True
