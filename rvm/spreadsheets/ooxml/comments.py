"""Comments on cells, which a user sees beside them: “DO NOT CALL” may be in a comment and nowhere else."""

from __future__ import annotations

import re

from rvm.spreadsheets.cells.objections import denies, objects
from rvm.spreadsheets.ooxml.archive import Archive
from rvm.spreadsheets.ooxml.markup import Parser, prefix_of
from rvm.spreadsheets.ooxml.refusals import too_large
from rvm.spreadsheets.ooxml.rows import COLUMNS
from rvm.spreadsheets.ooxml.texts import as_typed

MAX_BYTES = 32 * 1024 * 1024
MAX_ELEMENTS = 2_000_000

_ADDRESS = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
# Excel writes the author above a note, and a whole explanation above the comment of a conversation.
_ABOVE = re.compile(r"\A(?:\[Threaded comment\].*?\bComment:|[^\n:]{1,100}:\s*\n)\s*", re.DOTALL)

# Texts by the number of the row, from 1, and then by the column, from 0.
Comments = dict[int, dict[int, str]]


def read_comments(archive: Archive, part: str) -> Comments:
    """The texts of the comments on a sheet's cells, without their authors. Raises SheetInvalid."""
    if archive.size(part) > MAX_BYTES:
        raise too_large()
    reader = _Reader()
    for chunk in archive.chunks(part):
        reader.parser.feed(chunk)
    reader.parser.close()
    return reader.comments


def heard(text: str) -> str:
    """The text that a comment adds to its cell: if it says no, words that reject the row in any column; "" for other comments."""
    if objects(text):
        return f"[comment: {text}]"
    return f"[comment: do not call: {text}]" if denies(text) else ""


class _Reader:
    def __init__(self) -> None:
        self.comments: Comments = {}
        self.parser = Parser(namespaces=False)
        self._expat = self.parser.expat
        self._expat.StartElementHandler = self._begin_root
        self._at: tuple[int, int] | None = None
        self._pieces: list[str] = []
        self._elements = 0
        self._comment = self._text = ""

    def _begin_root(self, name: str, attributes: dict[str, str]) -> None:
        prefix = prefix_of(name, attributes, "comments")
        self._comment, self._text = prefix + "comment", prefix + "t"
        self._expat.StartElementHandler, self._expat.EndElementHandler = self._begin, self._end

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise too_large()
        if name == self._comment:
            address = _ADDRESS.fullmatch(attributes.get("ref", ""))
            known = address is not None and address[1] in COLUMNS
            self._at = (int(address[2]), COLUMNS[address[1]]) if address is not None and known else None
        elif name == self._text:
            self._expat.CharacterDataHandler = self._pieces.append

    def _end(self, name: str) -> None:
        if name == self._text:
            self._expat.CharacterDataHandler = None
        elif name == self._comment:
            text = _ABOVE.sub("", as_typed("".join(self._pieces))).strip()
            self._pieces.clear()
            if self._at is not None and text:
                row, column = self._at
                self.comments.setdefault(row, {})[column] = text
