"""Styles of cells, as far as they have a meaning: number formats, colours, and whether cells are crossed out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

from rvm.spreadsheets.ooxml.archive import Archive
from rvm.spreadsheets.ooxml.markup import elements, is_true
from rvm.spreadsheets.ooxml.number_formats import BUILT_IN, WHOLE, Shown, shown_by
from rvm.spreadsheets.ooxml.refusals import damaged, too_large

# The maximum number of formats that cells have (spreadsheet programs allow some hundreds), and of cached values of each.
MAX_FORMATS = 2_000
_REMEMBERED = 1_024


_T = TypeVar("_T")
_RED = re.compile(r"[0-9A-F]{2}[C-F][0-9A-F][0-4][0-9A-F][0-4][0-9A-F]", re.IGNORECASE)
_WHITE = frozenset(
    {
        "rgbFFFFFFFF",
        "rgb00FFFFFF",
        "rgb00000000",
        "theme0",
        "theme0tint0",
        "indexed9",
        "indexed64",
        "indexed65",
    }
)


class Style(NamedTuple):
    """`number`, `text` and `understood` are as in `number_formats.Shown`; `colour` is that of the cell, a red of its text, or ""."""

    number: Callable[[str], str] | None
    text: Callable[[str], str] | None
    understood: bool
    crossed_out: bool
    colour: str = ""


class Styles(dict[str, Style | None]):
    """The styles by their keys in cells; None for a style without a meaning. Raises SheetInvalid for a key that does not exist."""

    def __init__(self, looks: Sequence[tuple[str, bool, str]], formats: Mapping[str, str], *, from_1904: bool) -> None:
        """`looks` has the (number of the format, crossed out, colour) of each style, and `formats` the codes of formats by number."""
        super().__init__()
        self._looks, self._formats, self._from_1904 = looks, formats, from_1904
        self._known: dict[str, tuple[Shown, Callable[[str], str] | None]] = {}

    @classmethod
    def read(cls, archive: Archive, part: str, *, from_1904: bool) -> Styles:
        formats, looks = dict[str, str](), list[tuple[str, bool, str]]()
        crossed_out, fonts, fills = list[bool](), list[str](), list[str]()
        own_fonts = False
        for parent, name, attributes in elements(archive.chunks(part)):
            if name == "font":
                own_fonts = parent == "fonts"
                crossed_out += [False] * own_fonts
                fonts += [""] * own_fonts
            elif (parent, name) == ("font", "strike") and own_fonts:
                crossed_out[-1] = is_true(attributes.get("val", "1"))
            elif (parent, name) == ("font", "color") and own_fonts:
                fonts[-1] = attributes.get("rgb", "") if _RED.fullmatch(attributes.get("rgb", "")) else ""
            elif (parent, name) == ("fills", "fill"):
                fills.append("")
            elif (parent, name) == ("patternFill", "fgColor") and fills:
                fills[-1] = _colour(attributes)
            elif (parent, name) == ("numFmts", "numFmt"):
                formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            elif (parent, name) == ("cellXfs", "xf"):
                struck = _of(crossed_out, attributes.get("fontId", ""), False)
                colour = _of(fills, attributes.get("fillId", ""), "") or _of(fonts, attributes.get("fontId", ""), "")
                looks.append((attributes.get("numFmtId", "0"), struck, colour))
        return cls(looks, formats, from_1904=from_1904)

    def __missing__(self, key: str) -> Style | None:
        if not self._looks:
            return None
        if not key.isdecimal() or int(key) >= len(self._looks):
            raise damaged()
        identifier, crossed_out, colour = self._looks[int(key)]
        code = self._formats.get(identifier) or BUILT_IN.get(
            int(identifier) if identifier.isdecimal() else 0, "General"
        )
        shown, number = self._known.get(code) or self._learned(code)
        style = Style(number, shown.text, shown.understood, crossed_out, colour)
        self[key] = style if style != _SAYS_NOTHING else None
        return self[key]

    def _learned(self, code: str) -> tuple[Shown, Callable[[str], str] | None]:
        if len(self._known) == MAX_FORMATS:
            raise too_large()
        shown = shown_by(code, from_1904=self._from_1904)
        # Values are cached because dates and amounts recur.
        self._known[code] = shown, lru_cache(_REMEMBERED)(shown.number) if shown.number else None
        return self._known[code]

    def whole_date(self) -> Callable[[str], str]:
        """The function that shows a date whose cell has no format of dates."""
        return shown_by(WHOLE, from_1904=self._from_1904).number or str


def _of(values: Sequence[_T], place: str, default: _T) -> _T:
    return values[int(place)] if place.isdecimal() and int(place) < len(values) else default


def _colour(attributes: Mapping[str, str]) -> str:
    """The colour of a fill pattern; empty for white and for the default colours of windows, which have no meaning."""
    said = "".join(f"{name}{attributes[name]}" for name in ("rgb", "theme", "tint", "indexed") if name in attributes)
    return "" if said in _WHITE else said


_SAYS_NOTHING = Style(None, None, True, False)
