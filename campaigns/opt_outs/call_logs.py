"""Logs of calls or messages as opt-out lists: which columns have people's numbers, and which number is the clinic's own. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from enum import Enum

from rvm.spreadsheets.cells.phones import numbers_in
from rvm.spreadsheets.columns.samples import Sample
from rvm.spreadsheets.columns.words import words_of

# In fewer rows, a repeated number proves nothing.
MIN_ROWS = 3
# A number belongs to no person on the list if at least this many of ten cells have it.
_OF_TEN = 8


class Side(Enum):
    """The side of a call or a message whose numbers a column has, by the name of the column."""

    CALLING = "calling"
    CALLED = "called"


_WORDS = """
calling: from caller callers calling ani cli clid cid callerid originating origin originator orig source sender sent inbound incoming
calling: their theirs de origen llamante emisor remitente llama llamo entrante src
called: to called callee dialed dialled dnis did destination dest receiver recipient received outbound outgoing tracking forwarded
called: forward target transferred line hotline our ours para destino destinatario receptor marcado llamado saliente dst
beside: number numbers no num nbr phone phones telephone tel id party parties device digits address addr a e164 formatted raw user
beside: contact numero numeros telefono que that the of name side reported
"""
_MEANINGS = {
    word: meaning
    for meaning, _, words in (line.partition(": ") for line in _WORDS.strip().splitlines())
    for word in words.split()
}


def side_of(name: str) -> Side | None:
    """The side that a column's name means: “From”, “Caller ID”, “ANI”; “To”, “Dialed Number”, “DNIS”. None if it has other words."""
    said = [_MEANINGS.get(word, "") for word in words_of(name) if not word.isdigit()]
    if not all(said):
        return None
    return next((Side(meaning) for meaning in said if meaning != "beside"), None)


def is_of_one_number(sample: Sample) -> bool:
    """Whether nearly all cells of a column that are not blank have one and the same number."""
    return bool(_one_number(sample))


def _one_number(sample: Sample) -> set[str]:
    numbers = Counter(number for cell in sample.numbered for number in numbers_in(cell))
    if sample.phones < MIN_ROWS or not numbers:
        return set()
    [(number, count)] = numbers.most_common(1)
    return {number} if count * 10 >= len(sample.numbered) * _OF_TEN else set()


def numbers_of_many(rows: Sequence[Sequence[str]], phones: Collection[int]) -> set[str]:
    """The numbers that belong to no person on the list; `phones` are the positions of the phone columns.

    A number is one of them if nearly every cell of a column that is not read has it, or if nearly every row has it and it changes
    between phone columns, as the clinic's own number does in a log of both directions.
    """
    if len(rows) < MIN_ROWS:
        return set()
    met: Counter[str] = Counter()
    columns: dict[str, set[int]] = {}
    for row in rows:
        here = {(number, at) for at in phones if at < len(row) for number in numbers_in(row[at])}
        met.update({number for number, _ in here})
        for number, at in here:
            columns.setdefault(number, set()).add(at)
    found = {number for number, count in met.items() if count * 10 >= len(rows) * _OF_TEN and len(columns[number]) > 1}
    for at in range(max(map(len, rows))):
        if at not in phones:
            found |= _one_number(Sample([row[at] if at < len(row) else "" for row in rows]))
    return found
