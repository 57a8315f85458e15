"""Parts of a workbook as streams of XML: no document type, no endless tag, and a bound on elements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NoReturn
from xml.parsers import expat

from rvm.spreadsheets.ooxml.refusals import damaged, too_large
from rvm.spreadsheets.refusals import SheetInvalid

MAX_ELEMENTS = 150_000
# A tag is held as a whole, and expat before 2.6 reads it from its beginning with every chunk that it spans.
MAX_TAG_BYTES = 256 * 1024

# ECMA-376 has two vocabularies, transitional and strict; what they say is the same.
MAIN = frozenset(
    {
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",
    }
)
_PACKAGE = frozenset(
    {
        "http://schemas.openxmlformats.org/package/2006/content-types",
        "http://schemas.openxmlformats.org/package/2006/relationships",
    }
)
_KNOWN = MAIN | _PACKAGE


class Parser:
    """Feeds a part to an expat parser, whose handlers are the caller's. Raises SheetInvalid: xlsx_damaged, xlsx_too_large."""

    def __init__(self, *, namespaces: bool) -> None:
        self.expat = expat.ParserCreate(namespace_separator="}" if namespaces else None)
        self.expat.buffer_text = True
        self.expat.StartDoctypeDeclHandler = _refused  # of entities: no workbook declares any
        self._fed = 0

    def feed(self, chunk: bytes) -> None:
        try:
            self.expat.Parse(chunk, False)
        except SheetInvalid:  # of a handler
            raise
        except (expat.ExpatError, LookupError, ValueError, OSError) as error:  # the last three are of encodings
            raise damaged() from error
        self._fed += len(chunk)
        if self._fed - self.expat.CurrentByteIndex > MAX_TAG_BYTES:
            raise too_large()

    def close(self) -> None:
        try:
            self.expat.Parse(b"", True)
        except expat.ExpatError as error:
            raise damaged() from error


def elements(chunks: Iterable[bytes], most: int = MAX_ELEMENTS) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Of each element of a small part its parent's name, its own and its attributes, without namespaces; of foreign ones nothing."""
    parser, found, path = Parser(namespaces=True), list[tuple[str, str, dict[str, str]]](), [""]

    def begin(name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition("}")
        path.append(local if namespace in _KNOWN else "?")
        found.append((path[-2], path[-1], attributes))

    def end(_name: str) -> None:
        path.pop()

    parser.expat.StartElementHandler = begin
    parser.expat.EndElementHandler = end
    count = 0
    for chunk in chunks:
        parser.feed(chunk)
        count += len(found)
        if count > most:
            raise too_large()
        for parent, name, attributes in found:
            if name != "?":
                yield parent, name, {key.rpartition("}")[2]: value for key, value in attributes.items()}
        found.clear()
    parser.close()


def prefix_of(name: str, attributes: dict[str, str], expected: str) -> str:
    """By what the main vocabulary's names begin in a part whose root this is: nothing, or a prefix and a colon."""
    prefix, colon, local = name.rpartition(":")
    if local != expected or attributes.get(f"xmlns:{prefix}" if prefix else "xmlns") not in MAIN:
        raise damaged()
    return prefix + colon


def is_true(value: str | None) -> bool:
    """An attribute of type xsd:boolean."""
    return value in ("1", "true")


def _refused(*_: Any) -> NoReturn:
    raise damaged()
