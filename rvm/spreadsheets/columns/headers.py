"""Finder of the header: the row that names the columns, below the titles, dates and blank rows with which reports begin."""

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

# The number of rows that may stand above a header; the titles of reports are shorter.
MAX_ROWS_ABOVE = 30
# The number of rows below a title with the clinic's phone among which the header must be.
_MAX_ROWS_OF_TITLES = 4
_PLAIN = (Answer.YES, Answer.NO)
_IDENTIFIERS = ("record_number", "reference")
# Words that may be the name of a column or an answer.
_NAMES_TOO = frozenset({"ok", "okay", "check"})
# Meanings of words above a group of columns, which belong to the name of each column in the group.
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
    """Header of a list.

    `row` is the number of its last row, or 0 if there is no header. `names` may combine two rows. `sure` means that the cells prove
    that the row is a header and not a person. `titles` are the rows above it.
    """

    row: int
    names: list[str] = field(default_factory=list, repr=False)
    sure: bool = False
    titles: list[Row] = field(default_factory=list)


NO_HEADER = Header(0)


def find_header(rows: Sequence[Row]) -> Header:
    """The header among the first rows of a list, without its blank rows; NO_HEADER if there is none."""
    scored = [(score, -at) for at in range(_last_candidate(rows) + 1) if (score := _score(rows, at)) > 0]
    if scored:
        at = -max(scored)[1]
        follows = at + 1 < len(rows) and _continues(rows, at)
        return _header(rows, at + 1 if follows else at, sure=True)
    if rows and (_is_alone(rows) or _stands_apart(rows)):
        return _header(rows, 0, sure=_is_alone_and_known(rows) or _stands_apart(rows))
    return NO_HEADER


def header_at(rows: Sequence[Row], number: int) -> Header:
    """The header at the row number that a user has given; NO_HEADER for 0.

    A number that is not among these rows, such as that of a blank row, gives a header without names.
    """
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
    """The index of the last row that may be a header: the one above the first person, because no header stands below a person.

    A row with a phone is a person, unless it is a title.
    """
    for at, (_, cells) in enumerate(rows[: MAX_ROWS_ABOVE + 1]):
        if any(map(looks_like_phone, cells)) and not _is_title(rows, at):
            return at - 1
    return min(len(rows), MAX_ROWS_ABOVE) - 1


def _is_title(rows: Sequence[Row], at: int) -> bool:
    """Whether a row with a phone is a title of a report with the clinic's own phone.

    A title has at most two filled cells and no header above it. Below it a row has more cells, or a row within _MAX_ROWS_OF_TITLES
    names every column, one of them as phones.
    """
    if _filled(rows[at][1]) > 2 or any(_names_people(rows, above) for above in range(at)):
        return False
    below = rows[at + 1 :]
    return max((_filled(cells) for _, cells in below), default=0) > 2 or any(
        _names_all(cells) and _score(rows, at + 1 + after)
        for after, (_, cells) in enumerate(below[:_MAX_ROWS_OF_TITLES])
    )


def _names_people(rows: Sequence[Row], at: int) -> bool:
    """Whether a row names columns so clearly that the rows below it are people, even if another header follows further down."""
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
    """The number of cells that name a column, if the cells below agree with at least one of them; 0 if the row is not a header."""
    cells = [trimmed(cell) for cell in rows[at][1]]
    if any(_is_data(cell) for cell in cells):
        return 0
    # Reports repeat the header on each page.
    below = [row for _, row in rows[at + 1 :] if list(map(trimmed, row)) != cells]
    named = [
        (place, meaning)
        for place, cell in enumerate(cells)
        if (meaning := meaning_of(cell)).sense not in (Sense.BLANK, Sense.UNKNOWN, Sense.HARMLESS, Sense.DESCRIBES)
        and not any(_repeats(row, place, cell) for row in below)
    ]
    # If every filled cell names a column, the cells below need not agree. A single cell is enough only if the list has one column.
    nothing_else = len(named) == _filled(cells) and (len(named) > 1 or max(map(_last_filled, below), default=1) <= 1)
    agreeing = nothing_else or any(_agrees(meaning, _column(below, place)) for place, meaning in named)
    return len(named) if agreeing else 0


def _repeats(row: Sequence[str], place: int, name: str) -> bool:
    """Whether a row has this name in this column as a value; the header of another list further down does not count."""
    return place < len(row) and folded(row[place]) == folded(name) and not _names_all(row)


def names_other_columns(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Whether a row inside a list is the header of another list: its cells name columns, at least one differently from `header`.

    A cell that equals the end of the name in `header` does not differ, because reports repeat the lower row of a header of two rows.
    """
    said = list(map(trimmed, cells))
    if any(map(_is_data, said)):
        return False
    meanings = [meaning_of(cell) for cell in said if cell]
    known = [meaning for meaning in meanings if meaning.sense in (Sense.KIND, Sense.PHONE)]
    finds = any(meaning.sense is Sense.PHONE or meaning.kind in _IDENTIFIERS for meaning in known)
    if not finds or len(known) < 2 or any(meaning.sense is Sense.UNKNOWN for meaning in meanings):
        return False
    names = [*map(folded, header), *[""] * (len(said) - len(header))]
    return any(cell and not name.endswith(folded(cell)) for cell, name in zip(said, names, strict=False))


def _is_data(cell: str) -> bool:
    """Whether a cell cannot be in a header: a phone, a date, an e-mail address, a long number, or a yes or no that is no name."""
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
    """Whether the row below a header is its second row: it has only names of columns, and at least one of them below a blank cell."""
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
    """Whether the row above the header names groups of columns, as merged cells do: Patient | Emergency contact | Consent."""
    above, cells = row
    said = [trimmed(cell) for cell in cells]
    # Text in the first cell only is a title of the whole list.
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
    """The names of columns, each after the name of its group; a group extends to the right until the next one begins."""
    together: list[str] = []
    group = ""
    for place in range(max(len(band), len(names))):
        over = trimmed(band[place]) if place < len(band) else ""
        group = over or group
        name = names[place] if place < len(names) else ""
        together.append(f"{group} {name}".strip() if name else over)
    return together


def _is_alone(rows: Sequence[Row]) -> bool:
    """Whether the first row is a text above a single column, in any language, and not an answer or a word for a missing number."""
    cells = [trimmed(cell) for cell in rows[0][1]]
    others = [row for _, row in rows[1:]]
    single = max(map(_last_filled, [cells, *others])) == 1
    return single and not any(map(str.isdigit, cells[0])) and not _says_none(cells[0])


def _is_alone_and_known(rows: Sequence[Row]) -> bool:
    return _is_alone(rows) and meaning_of(rows[0][1][0]).sense not in (Sense.BLANK, Sense.UNKNOWN)


def _says_none(cell: str) -> bool:
    return cell.casefold() in SAYS_NONE or answer(cell) is not Answer.UNCLEAR


def _stands_apart(rows: Sequence[Row]) -> bool:
    """Whether the first row has words above at least two columns of numbers, because no person lacks that many of them."""
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
