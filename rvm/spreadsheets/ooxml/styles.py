"""How cells look, as far as that says something: their number formats, and whether they are crossed out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rvm.spreadsheets.ooxml.archive import Archive
from rvm.spreadsheets.ooxml.markup import elements, is_true
from rvm.spreadsheets.ooxml.number_formats import BUILT_IN, WHOLE, Shown, shown_by
from rvm.spreadsheets.ooxml.refusals import damaged, too_large

# Formats that cells have: spreadsheet programs take some hundreds. And values that are remembered of each.
MAX_FORMATS = 2_000
_REMEMBERED = 1_024


class Style(NamedTuple):
    """`number`, `text` and `understood` as of `number_formats.Shown`."""

    number: Callable[[str], str] | None
    text: Callable[[str], str] | None
    understood: bool
    crossed_out: bool


class Styles(dict[str, Style | None]):
    """By what cells say is their style; None where it says no more than the cell. Raises SheetInvalid for one that there is not."""

    def __init__(self, looks: Sequence[tuple[str, bool]], formats: Mapping[str, str], *, from_1904: bool) -> None:
        """`looks` are (format, crossed out) of each style, `formats` the codes by their numbers."""
        super().__init__()
        self._looks, self._formats, self._from_1904 = looks, formats, from_1904
        self._known: dict[str, tuple[Shown, Callable[[str], str] | None]] = {}

    @classmethod
    def read(cls, archive: Archive, part: str, *, from_1904: bool) -> Styles:
        formats, crossed_out, looks = dict[str, str](), list[bool](), list[tuple[str, bool]]()
        fonts = False
        for parent, name, attributes in elements(archive.chunks(part)):
            if name == "font":
                fonts = parent == "fonts"
                crossed_out += [False] * fonts
            elif (parent, name) == ("font", "strike") and fonts:
                crossed_out[-1] = is_true(attributes.get("val", "1"))
            elif (parent, name) == ("numFmts", "numFmt"):
                formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            elif (parent, name) == ("cellXfs", "xf"):
                font = attributes.get("fontId", "")
                struck = font.isdecimal() and int(font) < len(crossed_out) and crossed_out[int(font)]
                looks.append((attributes.get("numFmtId", "0"), struck))
        return cls(looks, formats, from_1904=from_1904)

    def __missing__(self, key: str) -> Style | None:
        if not self._looks:
            return None
        if not key.isdecimal() or int(key) >= len(self._looks):
            raise damaged()
        identifier, crossed_out = self._looks[int(key)]
        code = self._formats.get(identifier) or BUILT_IN.get(
            int(identifier) if identifier.isdecimal() else 0, "General"
        )
        shown, number = self._known.get(code) or self._learned(code)
        style = Style(number, shown.text, shown.understood, crossed_out)
        self[key] = style if style != _SAYS_NOTHING else None
        return self[key]

    def _learned(self, code: str) -> tuple[Shown, Callable[[str], str] | None]:
        if len(self._known) == MAX_FORMATS:
            raise too_large()
        shown = shown_by(code, from_1904=self._from_1904)
        # Dates and amounts come again and again.
        self._known[code] = shown, lru_cache(_REMEMBERED)(shown.number) if shown.number else None
        return self._known[code]

    def whole_date(self) -> Callable[[str], str]:
        """How a date is shown whose format is none of dates."""
        return shown_by(WHOLE, from_1904=self._from_1904).number or str


_SAYS_NOTHING = Style(None, None, True, False)
