"""The rows of a sheet from its XML, cell by cell. Most of the code runs for each cell of a list, so it is written for speed.

No program writes a row or cell twice or out of order, or a cell in another row than its address says. Such a sheet is damaged and
refused, because it is not certain which answer belongs to which number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from string import ascii_uppercase
from typing import NamedTuple

from rvm.platform.observability.representation import hides
from rvm.spreadsheets.bounds import MAX_COLUMNS, too_many_columns
from rvm.spreadsheets.ooxml.date_formats import serial_of
from rvm.spreadsheets.ooxml.markup import MAX_ELEMENTS, Parser, is_true, prefix_of
from rvm.spreadsheets.ooxml.number_formats import plain
from rvm.spreadsheets.ooxml.package import Package
from rvm.spreadsheets.ooxml.refusals import damaged, too_large
from rvm.spreadsheets.ooxml.styles import Style
from rvm.spreadsheets.ooxml.texts import as_typed
from rvm.spreadsheets.refusals import SheetInvalid

MAX_ROWS = 1_048_576
# Bytes of XML in which no row ends, and characters of a row, whose cells may all have one long shared text.
MAX_ROW_BYTES = 8 * 1024 * 1024
MAX_ROW_LENGTH = 1_000_000

# The text for a formula whose result is not in the file; it has the same meaning in a spreadsheet program.
NOT_AVAILABLE = "#N/A"
_TEXTS = frozenset({"s", "str", "inlineStr"})
_NO_HEIGHT = ("0", "0.0")
_BOOLEANS = {"1": "yes", "true": "yes", "0": "no", "false": "no"}

LETTERS = [letters for size in (1, 2, 3) for letters in map("".join, product(ascii_uppercase, repeat=size))][:16_384]
COLUMNS = {letters: at for at, letters in enumerate(LETTERS)}


@hides("cells")
class Row(NamedTuple):
    """A row of a sheet. `cells` ends with the last cell that is not empty; `length` is the number of characters in all cells.

    `oddities` are (kind, column) of unusual cells, with kinds as in `sheets.Noticed`; `colours` are the colours of cells by column.
    """

    number: int
    hidden: bool
    cells: list[str]
    length: int
    oddities: Sequence[tuple[str, int]]
    colours: Mapping[int, str]


class RowParser:
    """A parser of the XML of one sheet, fed in chunks. `feed` and `close` raise SheetInvalid."""

    def __init__(self, package: Package) -> None:
        self.hidden_columns: set[int] = set()
        self._texts, self._styles = package.texts, package.styles
        self._from_1904, self._calculates_on_load = package.from_1904, package.calculates_on_load
        self._parser = Parser(namespaces=False)
        self._expat = self._parser.expat
        self._expat.StartElementHandler = self._begin_root
        self._ready: list[Row] = []
        self._seen_rows = False
        self._elements = self._bytes = 0
        # The current row; its number is 0 between rows.
        self._number = self._last = 0
        self._digits = ""
        self._hidden = False
        self._cells: list[str] = []
        self._column = -1
        self._oddities: list[tuple[str, int]] = []
        self._colours: dict[int, str] = {}
        # The current cell; its attributes are None between cells. A text may come in pieces and consist of several runs.
        self._cell: dict[str, str] | None = None
        self._value: str | None = None
        self._has_formula = False
        self._pieces: list[str] = []
        self._runs: list[str] = []
        # For text in the cell itself: whether the current run, and whether a run of the cell, is crossed out.
        self._run_is_crossed_out = self._is_crossed_out = False

    def feed(self, chunk: bytes) -> None:
        self._parser.feed(chunk)
        self._bytes = 0 if self._ready else self._bytes + len(chunk)
        if self._bytes > MAX_ROW_BYTES:
            raise too_large()

    def taken(self) -> list[Row]:
        """The rows that were completed since the last call."""
        ready, self._ready = self._ready, []
        return ready

    def close(self) -> None:
        self._parser.close()

    def _begin_root(self, name: str, attributes: dict[str, str]) -> None:
        prefix = prefix_of(name, attributes, "worksheet")
        self._sheet_data, self._col = prefix + "sheetData", prefix + "col"
        self._row, self._c, self._v, self._f = prefix + "row", prefix + "c", prefix + "v", prefix + "f"
        self._t, self._phonetic = prefix + "t", prefix + "rPh"
        self._strike, self._run = prefix + "strike", prefix + "r"
        self._expat.StartElementHandler = self._begin_beside

    def _begin_beside(self, name: str, attributes: dict[str, str]) -> None:
        """Handle an element in front of the rows or behind them."""
        if name == self._sheet_data:
            if self._seen_rows:
                raise damaged()
            self._seen_rows = True
            self._expat.StartElementHandler, self._expat.EndElementHandler = self._begin, self._end
            self._expat.CharacterDataHandler = self._pieces.append
        elif name == self._col and (is_true(attributes.get("hidden")) or attributes.get("width") == "0"):
            first, last = _whole(attributes.get("min")), _whole(attributes.get("max"))
            self.hidden_columns.update(range(max(first, 1) - 1, min(last, MAX_COLUMNS)))
        else:
            self._count()

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._c:
            if self._cell is not None or not self._number:
                raise damaged()
            self._cell = attributes
        elif name == self._v or name == self._t:
            self._pieces.clear()
        elif name == self._row:
            self._begin_row(attributes)
        elif name == self._f:
            self._has_formula = True
        elif name == self._phonetic:
            self._expat.StartElementHandler = self._begin_phonetic
        elif name == self._strike:
            self._run_is_crossed_out = is_true(attributes.get("val", "1"))
        else:
            self._count()

    def _begin_phonetic(self, _name: str, _attributes: object) -> None:
        """Skip an element of the phonetic text, which a spreadsheet program shows above the text or not at all."""
        self._count()

    def _end(self, name: str) -> None:
        if name == self._v:
            if self._value is not None:
                raise damaged()
            pieces = self._pieces
            self._value = pieces[0] if len(pieces) == 1 else "".join(pieces)
        elif name == self._c:
            self._end_cell()
        elif name == self._row:
            self._end_row()
        elif name == self._t:
            if self._expat.StartElementHandler == self._begin:
                self._runs += self._pieces
                self._is_crossed_out |= self._run_is_crossed_out and any(map(str.strip, self._pieces))
        elif name == self._run:
            self._run_is_crossed_out = False
        elif name == self._phonetic:
            self._expat.StartElementHandler = self._begin
        elif name == self._sheet_data:
            self._expat.StartElementHandler, self._expat.EndElementHandler = self._begin_beside, None
            self._expat.CharacterDataHandler = None

    def _begin_row(self, attributes: dict[str, str]) -> None:
        said = attributes.get("r")
        number = self._last + 1 if said is None else _whole(said)
        if number > MAX_ROWS:
            raise too_large()
        if number <= self._last or self._number:
            raise disordered()
        self._number, self._digits, self._column = number, str(number), -1
        self._hidden = is_true(attributes.get("hidden")) or attributes.get("ht") in _NO_HEIGHT

    def _end_row(self) -> None:
        if self._cell is not None or not self._number:
            raise damaged()
        length = sum(map(len, self._cells))
        if length > MAX_ROW_LENGTH:
            raise too_large()
        self._ready.append(Row(self._number, self._hidden, self._cells, length, self._oddities, self._colours))
        self._last, self._number, self._elements = self._number, 0, 0
        self._cells, self._oddities, self._colours = [], [], {}

    def _end_cell(self) -> None:
        attributes = self._cell
        if attributes is None:
            raise damaged()
        address = attributes.get("r")
        column = self._column + 1 if address is None else COLUMNS.get(address.removesuffix(self._digits), -1)
        if column <= self._column or column >= len(LETTERS):
            raise disordered()
        self._column = column
        value = self._value
        if value and not self._has_formula:
            text = self._shown(value, attributes.get("t"), attributes.get("s"))
        else:
            text = self._of_formula_or_runs(value, attributes.get("t"), attributes.get("s"))
        self._cell = self._value = None
        if text:
            if column >= MAX_COLUMNS:
                return _require_blank(text)
            cells = self._cells
            if column > len(cells):
                cells += [""] * (column - len(cells))
            cells.append(text)
        return None

    def _of_formula_or_runs(self, value: str | None, kind: str | None, style: str | None) -> str:
        """The text of a cell that has a formula, has its text in itself, or has no value."""
        if self._has_formula:
            self._has_formula = False
            if self._has_no_result(value, kind):
                self._oddities.append(("formulas", self._column))
                return NOT_AVAILABLE
        if self._runs:
            value, self._runs = "".join(self._runs), []
        if self._is_crossed_out:
            self._is_crossed_out = False
            self._oddities.append(("crossed_out", self._column))
        return self._shown(value, kind, style) if value else ""

    def _has_no_result(self, value: str | None, kind: str | None) -> bool:
        """Whether the result of a formula is not in the file. An empty text is a result. Some programs write 0 as all results and let
        them be calculated when the workbook is opened."""
        if value == "0" and (kind is None or kind == "n"):
            return self._calculates_on_load
        return value is None or not (value or kind == "str")

    def _shown(self, value: str, kind: str | None, styled: str | None) -> str:
        style = self._styles[styled] if styled is not None else None
        try:
            if kind == "s" and value.isdigit():
                place, texts = int(value), self._texts
                if place >= len(texts):
                    texts.reach(place)
                text = texts[place]
                if place in texts.crossed_out:
                    self._oddities.append(("crossed_out", self._column))
            elif kind is None or kind == "n":
                if style is not None and style.number is not None:
                    text = style.number(value)
                else:
                    text = value if value.isdigit() and value.isascii() and value[0] != "0" else plain(value)
            else:
                text = self._unusual(value, kind, style)
        except SheetInvalid:
            raise
        except (ValueError, LookupError) as error:
            raise damaged() from error
        return text if style is None else self._styled(text, kind, style)

    def _unusual(self, value: str, kind: str, style: Style | None) -> str:
        if kind in ("str", "inlineStr"):
            return as_typed(value)
        if kind == "b":
            return _BOOLEANS[value]
        if kind == "d":
            number = style.number if style is not None else None
            return (number or self._styles.whole_date())(serial_of(value, from_1904=self._from_1904))
        if kind != "e":
            raise damaged()
        self._oddities.append(("errors", self._column))
        return value

    def _styled(self, text: str, kind: str | None, style: Style) -> str:
        if style.crossed_out and text:
            self._oddities.append(("crossed_out", self._column))
        if style.colour and text:
            self._colours[self._column] = style.colour
        if kind in _TEXTS:
            return style.text(text) if style.text is not None else text
        if not style.understood and (kind is None or kind == "n"):
            self._oddities.append(("formats", self._column))
        return text

    def _count(self) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise too_large()


def disordered() -> SheetInvalid:
    return SheetInvalid(
        "rows_disordered",
        "Rows or cells of this workbook come twice or out of order, so it is not sure what belongs to whom. Open it in Excel, "
        "compare it with the program it comes from and save it anew, or export the list as CSV (UTF-8).",
    )


def _require_blank(text: str) -> None:
    """Check a cell beyond the columns that are read. Raises SheetInvalid if it has text."""
    if not text.isspace():
        raise too_many_columns()


def _whole(digits: str | None) -> int:
    if digits is None or not (digits.isdigit() and digits.isascii() and len(digits) < 16):
        raise damaged()
    return int(digits)
