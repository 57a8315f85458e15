"""The row that names the columns, among the titles, dates and blank rows that reports begin with; or that there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rvm.spreadsheets.cells.answers import Answer, answer, is_date
from rvm.spreadsheets.cells.phones import SAYS_NONE, looks_like_phone
from rvm.spreadsheets.columns.names import Meaning, Sense, meaning_of
from rvm.spreadsheets.columns.samples import Sample
from rvm.spreadsheets.columns.words import meanings_of, words_of
from rvm.spreadsheets.trimming import folded, trimmed

Row = tuple[int, Sequence[str]]

# Rows in which it is looked for: heads of reports are shorter.
MAX_ROWS_ABOVE = 30
# Between the clinic's phone and the row that names the columns.
_MAX_ROWS_OF_TITLES = 4
_PLAIN = (Answer.YES, Answer.NO)
_IDENTIFIERS = ("record_number", "reference")
# Names of columns as well as answers.
_NAMES_TOO = frozenset({"ok", "okay", "check"})
# Words that stand above a group of columns, and belong to the name of each.
_OF_GROUPS = frozenset(
    (
        "person",
        "contact",
        "other",
        "guardian",
        "phone",
        "mobile",
        "home",
        "work",
        "permit",
        "refuse",
        "call",
        "message",
        "voicemail",
        "leave",
        "reach",
        "appointment",
        "address",
        "medical",
        "record",
        "name",
        "filler",
        "alternate",
        "primary",
    )
)


@dataclass(frozen=True, slots=True)
class Header:
    """`row` is the number of the last row of it, 0 where there is none. `names` may be of two rows together.

    `sure` says that it names columns, which anybody may see, and is no person whom somebody took for that. `titles` stand above.
    """

    row: int
    names: list[str] = field(default_factory=list)
    sure: bool = False
    titles: list[Row] = field(default_factory=list)


NO_HEADER = Header(0)


def find_header(rows: Sequence[Row]) -> Header:
    """Of the first rows of a list that are not blank."""
    scored = [(score, -at) for at in range(_last_candidate(rows) + 1) if (score := _score(rows, at)) > 0]
    if scored:
        at = -max(scored)[1]
        follows = at + 1 < len(rows) and _continues(rows, at)
        return _header(rows, at + 1 if follows else at, sure=True)
    if rows and (_is_alone(rows) or _stands_apart(rows)):
        return _header(rows, 0, sure=_is_alone_and_known(rows) or _stands_apart(rows))
    return NO_HEADER


def header_at(rows: Sequence[Row], number: int) -> Header:
    """The row that somebody says is the header, if it is among these rows; a blank one names nothing."""
    if number == 0:
        return NO_HEADER
    at = next((at for at, (each, _) in enumerate(rows) if each == number), None)
    if at is None:
        return Header(number, titles=[row for row in rows if row[0] < number])
    sure = (
        _score(rows, at) > 0
        or (at > 0 and _score(rows, at - 1) > 0 and _continues(rows, at - 1))
        or _stands_apart(rows[at:])
    )
    return _header(rows, at, sure=sure)


def _header(rows: Sequence[Row], at: int, *, sure: bool) -> Header:
    number, cells = rows[at]
    above = rows[:at]
    names = [trimmed(cell) for cell in cells]
    if above and _is_band(above[-1], number, names):
        names = _under(above[-1][1], names)
        above = above[:-1]
    return Header(number, names, sure, list(above))


def _last_candidate(rows: Sequence[Row]) -> int:
    """Up to the first row with a phone that is as wide as a person's: what stands below a person is no header."""
    for at, (_, cells) in enumerate(rows[: MAX_ROWS_ABOVE + 1]):
        if any(map(looks_like_phone, cells)) and not _is_title(rows, at):
            return at - 1
    return min(len(rows), MAX_ROWS_ABOVE) - 1


def _is_title(rows: Sequence[Row], at: int) -> bool:
    """The clinic's own phone stands in the head of a report beside no more than its name: above rows that are wider, or close above
    one that names a column of phones and all others."""
    if _filled(rows[at][1]) > 2 or any(_names_people(rows, above) for above in range(at)):
        return False
    below = rows[at + 1 :]
    return max((_filled(cells) for _, cells in below), default=0) > 2 or any(
        _names_all(cells) and _score(rows, at + 1 + after)
        for after, (_, cells) in enumerate(below[:_MAX_ROWS_OF_TITLES])
    )


def _names_people(rows: Sequence[Row], at: int) -> bool:
    """Whether a row names columns so well that those below it are people, also where another header stands further down."""
    score = _score(rows, at)
    return score > 2 or (score > 1 and _names_all(rows[at][1]))


def _names_all(cells: Sequence[str]) -> bool:
    senses = [meaning_of(trimmed(cell)).sense for cell in cells if trimmed(cell)]
    return len(senses) > 1 and Sense.PHONE in senses and Sense.UNKNOWN not in senses


def _filled(cells: Sequence[str]) -> int:
    return sum(1 for cell in cells if trimmed(cell))


def _last_filled(cells: Sequence[str]) -> int:
    return max((at + 1 for at, cell in enumerate(cells) if trimmed(cell)), default=0)


def _score(rows: Sequence[Row], at: int) -> int:
    """How many cells name a column, if the cells below agree with one of them at least; 0: the row is none."""
    cells = [trimmed(cell) for cell in rows[at][1]]
    if any(_is_data(cell) for cell in cells):
        return 0
    # Reports name their columns anew on each page.
    below = [row for _, row in rows[at + 1 :] if list(map(trimmed, row)) != cells]
    named = [
        (place, meaning)
        for place, cell in enumerate(cells)
        if (meaning := meaning_of(cell)).sense not in (Sense.BLANK, Sense.UNKNOWN, Sense.HARMLESS, Sense.DESCRIBES)
        and not any(_repeats(row, place, cell) for row in below)
    ]
    # Where every cell is one, and not for want of others, nothing has to agree.
    nothing_else = len(named) == _filled(cells) and (len(named) > 1 or max(map(_last_filled, below), default=1) <= 1)
    agreeing = nothing_else or any(_agrees(meaning, _column(below, place)) for place, meaning in named)
    return len(named) if agreeing else 0


def _repeats(row: Sequence[str], place: int, name: str) -> bool:
    """Whether a row has the same word in a column, and is not the header of another list further down."""
    return place < len(row) and folded(row[place]) == folded(name) and not _names_all(row)


def names_other_columns(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Whether a row in the midst of a list is the header of another one: each of its cells names a column, and not as `header` does.

    Of a header of two rows reports repeat the lower one.
    """
    said = list(map(trimmed, cells))
    if any(map(_is_data, said)):
        return False
    meanings = [meaning_of(cell) for cell in said if cell]
    named = [meaning for meaning in meanings if meaning.sense in (Sense.KIND, Sense.PHONE)]
    finds = any(meaning.sense is Sense.PHONE or meaning.kind in _IDENTIFIERS for meaning in named)
    if not finds or len(named) < 2 or any(meaning.sense is Sense.UNKNOWN for meaning in meanings):
        return False
    names = [*map(folded, header), *[""] * (len(said) - len(header))]
    return any(cell and not name.endswith(folded(cell)) for cell, name in zip(said, names, strict=False))


def _is_data(cell: str) -> bool:
    """A header has no phone, date, mail address or figure in it, and no bare yes."""
    figures = sum(map(str.isdigit, cell))
    return (
        figures > 6
        or (figures > 3 and cell.isdigit())
        or looks_like_phone(cell)
        or is_date(cell)
        or "@" in cell
        or (answer(cell) in _PLAIN and folded(cell) not in _NAMES_TOO)
    )


def _column(rows: Sequence[Sequence[str]], place: int) -> Sample:
    return Sample([row[place] if place < len(row) else "" for row in rows])


def _agrees(meaning: Meaning, sample: Sample) -> bool:
    if meaning.sense is Sense.PHONE:
        return sample.holds_phones
    if meaning.sense is Sense.KIND and meaning.kind in _AGREES:
        return bool(sample.filled) and _AGREES[meaning.kind](sample)
    return meaning.sense is not Sense.KIND and sample.holds_answers


def _holds_words(sample: Sample) -> bool:
    return sample.share(lambda cell: any(map(str.isalpha, cell)) and not any(map(str.isdigit, cell))) > 0.5


def _holds_digits(sample: Sample) -> bool:
    return sample.holds_digits


_AGREES: dict[str, Callable[[Sample], bool]] = {
    **dict.fromkeys(("name", "first_name", "last_name"), _holds_words),
    **dict.fromkeys(("consent", "opt_out", "deceased", "canceled"), lambda sample: sample.answers_or_dates),
    **dict.fromkeys(
        ("record_number", "reference", "postal_code", "appointment_day", "appointment_time", "consent_date"),
        _holds_digits,
    ),
    "appointment_status": lambda sample: sample.names_standings,
}


def _continues(rows: Sequence[Row], at: int) -> bool:
    """Whether the row below a header goes on with it: nothing but names, and some under a name of a group or of no name."""
    (number, upper), (below, lower) = rows[at], rows[at + 1]
    cells = [trimmed(cell) for cell in lower]
    return (
        below == number + 1
        and not any(_is_data(cell) for cell in cells)
        and any(cells)
        and all(_is_known(cell) for cell in cells if cell)
        and _score(rows, at + 1) > 0
        and any(not trimmed(upper[place]) if place < len(upper) else True for place, cell in enumerate(cells) if cell)
    )


def _is_band(row: Row, number: int, names: Sequence[str]) -> bool:
    """Whether the row above the header names groups of its columns, as merged cells do: Patient | Emergency contact | Consent."""
    above, cells = row
    said = [trimmed(cell) for cell in cells]
    # What stands alone in the first cell is a title over all.
    return (
        above == number - 1
        and any(said[1:])
        and all(_is_known(cell) and not any(map(str.isdigit, cell)) and ":" not in cell for cell in said if cell)
    )


def _is_known(cell: str) -> bool:
    words = words_of(cell)
    return not all(map(str.isdigit, words)) and all(
        word.isdigit()
        or not meanings_of(word).isdisjoint(_OF_GROUPS)
        or meaning_of(word).sense not in (Sense.UNKNOWN, Sense.BLANK)
        for word in words
    )


def _under(band: Sequence[str], names: Sequence[str]) -> list[str]:
    """Each name with that of its group before it; a group reaches to the right as far as no other begins."""
    together: list[str] = []
    group = ""
    for place in range(max(len(band), len(names))):
        over = trimmed(band[place]) if place < len(band) else ""
        group = over or group
        name = names[place] if place < len(names) else ""
        together.append(f"{group} {name}".strip() if name else over)
    return together


def _is_alone(rows: Sequence[Row]) -> bool:
    """One word over a single column of phones, in whatever language."""
    cells = [trimmed(cell) for cell in rows[0][1]]
    others = [row for _, row in rows[1:]]
    single = max(map(_last_filled, [cells, *others])) == 1
    return single and not any(map(str.isdigit, cells[0])) and not _says_none(cells[0])


def _is_alone_and_known(rows: Sequence[Row]) -> bool:
    return _is_alone(rows) and meaning_of(rows[0][1][0]).sense not in (Sense.BLANK, Sense.UNKNOWN)


def _says_none(cell: str) -> bool:
    return cell.casefold() in SAYS_NONE or answer(cell) is not Answer.UNCLEAR


def _stands_apart(rows: Sequence[Row]) -> bool:
    """Whether the first row has words over two columns or more that are nothing but figures below: no person lacks that many."""
    if len(rows) < 2:
        return False
    cells = [trimmed(cell) for cell in rows[0][1]]
    if any(any(map(str.isdigit, cell)) for cell in cells):
        return False
    below = [row for _, row in rows[1:]]
    over_figures = [
        place
        for place, cell in enumerate(cells)
        if cell and not _says_none(cell) and _column(below, place).share(lambda each: any(map(str.isdigit, each))) > 0.8
    ]
    return len(over_figures) >= 2
