"""Texts of cells: the shared texts, which a workbook stores once for all its sheets, and the escapes in texts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rvm.spreadsheets.ooxml.archive import Archive
from rvm.spreadsheets.ooxml.markup import Parser, is_true, prefix_of
from rvm.spreadsheets.ooxml.refusals import too_large

# Bytes and elements of the part with the shared texts; a text has two to four elements.
MAX_BYTES = 64 * 1024 * 1024
MAX_ELEMENTS = 4_000_000
# Characters of a cell; no spreadsheet program takes more.
MAX_LENGTH = 32_767

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class Texts(list[str]):
    """The shared texts by their place. They are read only as far as `reach` needs, because the first rows of a sheet have the first
    texts."""

    def __init__(self, archive: Archive | None = None, part: str = "") -> None:
        """Open the part; without an archive, there are no texts. Raises SheetInvalid, and so does `reach`."""
        super().__init__()
        # The places of the texts that are crossed out, in whole or in part.
        self.crossed_out = set[int]()
        if archive is not None and archive.size(part) > MAX_BYTES:
            raise too_large()
        self._chunks: Iterator[bytes] = iter(()) if archive is None else archive.chunks(part)
        self._parser = Parser(namespaces=False)
        self._expat = self._parser.expat
        self._expat.StartElementHandler = self._begin_root
        self._expat.EndElementHandler = self._end
        self._pieces: list[str] = []
        self._elements = self._run_begins = 0
        self._item = self._text = self._phonetic = self._strike = self._run = ""
        self._run_is_crossed_out = False

    def reach(self, at: int) -> None:
        """Read the texts up to that place, or all if there are fewer."""
        while len(self) <= at and (chunk := next(self._chunks, None)) is not None:
            self._parser.feed(chunk)

    def _begin_root(self, name: str, attributes: dict[str, str]) -> None:
        prefix = prefix_of(name, attributes, "sst")
        self._item, self._text, self._phonetic = (prefix + local for local in ("si", "t", "rPh"))
        self._strike, self._run = prefix + "strike", prefix + "r"
        self._expat.StartElementHandler = self._begin

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise too_large()
        if name == self._text:
            self._run_begins = len(self._pieces)
            self._expat.CharacterDataHandler = self._pieces.append
        elif name == self._phonetic:
            self._expat.StartElementHandler = self._begin_phonetic
        elif name == self._strike:
            self._run_is_crossed_out = is_true(attributes.get("val", "1"))

    def _begin_phonetic(self, _name: str, _attributes: object) -> None:
        """Skip an element of the phonetic text, which a spreadsheet program shows above the text or not at all."""
        self._elements += 1

    def _end(self, name: str) -> None:
        if name == self._text:
            self._expat.CharacterDataHandler = None
        elif name == self._run:
            # A blank run does not make its text a crossed-out one.
            if self._run_is_crossed_out and any(map(str.strip, self._pieces[self._run_begins :])):
                self.crossed_out.add(len(self))
            self._run_is_crossed_out = False
        elif name == self._item:
            self.append(as_typed("".join(self._pieces)))
            self._pieces.clear()
        elif name == self._phonetic:
            self._expat.StartElementHandler = self._begin


def as_typed(text: str) -> str:
    """The text of a cell from its form in the file, in which _x000D_ stands for a character that XML cannot have.

    Raises SheetInvalid: xlsx_too_large.
    """
    if len(text) > MAX_LENGTH:
        raise too_large()
    return _unescaped(text) if "_x" in text else text


def _unescaped(text: str) -> str:
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text).replace("\0", "")
    # Two escapes may be the surrogates of one character; a lone surrogate is replaced.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
