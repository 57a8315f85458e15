"""Parts of a workbook as streams of XML, without document types and with bounds on the length of tags and the number of elements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NoReturn
from xml.parsers import expat

from rvm.spreadsheets.ooxml.refusals import damaged, too_large
from rvm.spreadsheets.refusals import SheetInvalid

MAX_ELEMENTS = 150_000
# expat holds a whole tag in memory, and before 2.6 it reads a tag from its beginning again with every chunk that the tag spans.
MAX_TAG_BYTES = 256 * 1024

# ECMA-376 has two vocabularies with the same meaning, transitional and strict.
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
    """An expat parser of one part; the caller sets the handlers. Raises SheetInvalid: xlsx_damaged, xlsx_too_large."""

    def __init__(self, *, namespaces: bool) -> None:
        self.expat = expat.ParserCreate(namespace_separator="}" if namespaces else None)
        self.expat.buffer_text = True
        self.expat.StartDoctypeDeclHandler = _refused  # a document type could declare entities; workbooks have none
        self._fed = 0

    def feed(self, chunk: bytes) -> None:
        try:
            self.expat.Parse(chunk, False)
        except SheetInvalid:  # from a handler
            raise
        except (expat.ExpatError, LookupError, ValueError, OSError) as error:  # encodings raise the last three
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
    """Yield (parent's name, name, attributes) of each element of a small part, without namespaces and without foreign elements.

    Raises SheetInvalid: xlsx_damaged, xlsx_too_large.
    """
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
    """The beginning of the main vocabulary's names in a part with this root: empty, or a prefix and a colon. Raises SheetInvalid."""
    prefix, colon, local = name.rpartition(":")
    if local != expected or attributes.get(f"xmlns:{prefix}" if prefix else "xmlns") not in MAIN:
        raise damaged()
    return prefix + colon


def is_true(value: str | None) -> bool:
    """Whether an attribute of type xsd:boolean is true."""
    return value in ("1", "true")


def _refused(*_: Any) -> NoReturn:
    raise damaged()
