"""Kinds of files by their first bytes or the parts of their archive: workbooks, text, and others, with advice what to upload."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NoReturn

from rvm.spreadsheets.refusals import SheetInvalid

_SAVE_AS = "open it in the program it comes from, save it as CSV (UTF-8), and upload that."
# The header of a part of a zip archive: the length of its name is 22 bytes behind the signature, and the name follows 4 bytes later.
_PART = re.compile(rb"PK\x03\x04.{22}(..)..", re.DOTALL)
_ARCHIVE = re.compile(rb"PK\x03\x04|PK\x05\x06")
_OPEN_DOCUMENT = f"This is an OpenDocument file; {_SAVE_AS}"
_OFFICE_DOCUMENT = f"This is a document or a presentation; {_SAVE_AS}"
# The kind of an archive by the names of its parts; the first pattern that matches one of them decides.
_PARTS: tuple[tuple[str, str, str], ...] = (
    (
        r"xl/workbook\.bin",
        "xlsb",
        "This is a binary workbook (.xlsb); open it in Excel, save it as Excel Workbook (.xlsx) or CSV (UTF-8), and upload that.",
    ),
    (
        r"(?:.+/)?index(?:\.zip|/.*\.iwa)",
        "numbers",
        "This is a document of Apple’s Numbers (or Pages or Keynote); open it there, choose File > Export To > Excel or CSV, "
        "and upload what that makes.",
    ),
    (r"(?:word|ppt)/.*", "document", _OFFICE_DOCUMENT),
    (r"mimetype|content\.xml", "document", _OPEN_DOCUMENT),
    (
        r"xl/.*",
        "xlsx_damaged",
        "This workbook lacks parts that every workbook has, it is damaged; save the list as CSV (UTF-8) and upload that.",
    ),
    (r"\[content_types\]\.xml", "document", _OFFICE_DOCUMENT),
    (r".*", "archive", "This is an archive; unpack it and upload the list inside."),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED, _OLD_WORKBOOK = (name.encode("utf-16-le") for name in ("EncryptedPackage", "Workbook"))
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (
        rb"%PDF-",
        "pdf",
        "This is a PDF, a picture of pages; export the list as CSV (UTF-8) from the program it comes from.",
    ),
    (rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis", "document", _OPEN_DOCUMENT),
    (rb"\x1f\x8b|7z\xbc\xaf|Rar!", "archive", "This is an archive; unpack it and upload the list inside."),
    (
        rb"\x89PNG|\xff\xd8\xff|GIF8|ID3|OggS|RIFF",
        "media",
        "This is a picture or a sound, not a list; upload a CSV file.",
    ),
    (rb"\{\\rtf", "document", f"This is a text document (RTF); {_SAVE_AS}"),
    (
        rb"BEGIN:VCARD",
        "contacts",
        "These are contacts (vCard); export them from the address book as CSV (UTF-8) instead.",
    ),
    (
        rb"<(?:!doctype|html|table|\?xml|head|body|meta|style)",
        "markup",
        f"This is a web page or XML, whatever its name says; {_SAVE_AS}",
    ),
    (rb"[\[{]\s*[\[{\"]", "json", "This is JSON; a list is a CSV file, or send JSON through the API."),
)


def kind_of(head: bytes, *, whole: bool) -> Literal["xlsx", "text"]:
    """Whether a file is a workbook or may be text. Raises SheetInvalid if it is something else, with what it is and what to do.

    If `head` is not the whole file, an archive of unknown parts is taken for a workbook and may be refused later, because the
    directory of an archive is at its end.
    """
    names = list(_names(head))
    if any(name.startswith("xl/") for name in names):
        return "xlsx"
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if begins.startswith(_OLE):
        raise _of_ole(head)
    for signature, code, message in _KINDS:
        if re.match(signature, begins, re.IGNORECASE | re.DOTALL):
            raise SheetInvalid(code, message)
    if not _ARCHIVE.match(begins):
        return "text"
    if whole:
        refuse_archive(names)
    return "xlsx"


def refuse_archive(names: Iterable[str]) -> NoReturn:
    """Raises SheetInvalid for an archive that is not a workbook, by the names of its parts in lower case and with slashes."""
    named = list(names)
    code, message = next(
        (code, message) for part, code, message in _PARTS if any(re.fullmatch(part, name) for name in [*named, ""])
    )
    raise SheetInvalid(code, message)


def _names(head: bytes) -> Iterator[str]:
    """The names of those parts of an archive that begin in the head, in lower case and with slashes."""
    for match in _PART.finditer(head):
        name = head[match.end() : match.end() + int.from_bytes(match[1], "little")]
        yield name.decode("utf-8", "replace").replace("\\", "/").lower()


def _of_ole(head: bytes) -> SheetInvalid:
    """The refusal of an OLE file: a workbook of Office before 2007, or one that a newer Office has encrypted."""
    if _ENCRYPTED in head:
        return SheetInvalid("password", f"This workbook is protected by a password; {_SAVE_AS}")
    # The directory, which has the name of the encrypted part, may be behind the head.
    or_else = "" if _OLD_WORKBOOK in head else ", or one that is protected by a password"
    return SheetInvalid("xls", f"This is a workbook of Excel 97-2003 (.xls){or_else}; {_SAVE_AS}")
