"""Colours that mark a few people among others, as opposed to stripes and to columns that are coloured as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rvm.spreadsheets.bounds import MAX_COLUMNS
from rvm.spreadsheets.ooxml.rows import LETTERS

# The numbers of rows after which stripes may repeat, and how often they must have repeated to be taken for stripes.
_PERIODS = range(2, 11)
_REPEATS = 3
_MAX_COLOURS = 1_000


class Colours:
    """The colours of the cells of people, collected row by row. Memory is bounded by the number of columns, not of rows."""

    def __init__(self) -> None:
        self._rows = 0
        self._met = {period: set[int]() for period in _PERIODS}
        self._columns: dict[int, _Column] = {}

    def meet(self, number: int, cells: list[str], colours: Mapping[int, str]) -> None:
        for at in colours:
            if at < MAX_COLUMNS and at not in self._columns:
                self._columns[at] = _Column(self._rows, self._met)
        for at, column in self._columns.items():
            if at < len(cells) and cells[at].strip():
                column.meet(number, colours.get(at, ""))
        self._rows += 1
        if self._columns and not any(column.periods for column in self._columns.values()):
            return
        for period, met in self._met.items():
            met.add(number % period)

    def own(self) -> dict[str, int]:
        """The number of people's cells that have another colour than most of their column, by the letters of the column."""
        return {LETTERS[at]: count for at, column in sorted(self._columns.items()) if (count := column.own())}


class _Column:
    def __init__(self, plain: int, met: Mapping[int, set[int]]) -> None:
        self._counts = Counter({"": plain})
        # For each possible period of stripes, the colour of the rows of each remainder. A period with two colours for one is removed.
        self.periods = {period: dict.fromkeys(remainders, "") for period, remainders in met.items()}

    def meet(self, number: int, colour: str) -> None:
        if len(self._counts) < _MAX_COLOURS or colour in self._counts:
            self._counts[colour] += 1
        broken = [
            period for period, colours in self.periods.items() if colours.setdefault(number % period, colour) != colour
        ]
        for period in broken:
            del self.periods[period]
        # When all remainders have a colour, a row that breaks the shortest period also breaks the longer ones, so it is enough.
        if len(self.periods) > 1 and sum(map(len, self.periods.values())) == sum(self.periods):
            self.periods = {min(self.periods): self.periods[min(self.periods)]}

    def own(self) -> int:
        rows = sum(self._counts.values())
        if any(rows >= period * _REPEATS for period in self.periods):
            return 0
        return rows - max(self._counts.values())
