"""What a file is by its first bytes, when it is no text: a workbook that we can read, or what to save it as instead."""

from __future__ import annotations

import re
from typing import Literal

from campaigns.spreadsheets.refusals import SheetRefused

_SAVE_AS = "open it in the program it comes from, save it as CSV (UTF-8), and upload that."
# A part of a zip archive: its name stands 26 bytes behind the signature.
_WORKBOOK_PART = re.compile(rb"PK\x03\x04.{26}xl/", re.DOTALL)
_OLE_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (
        rb"%PDF-",
        "pdf",
        "This is a PDF, a picture of pages; export the list as CSV (UTF-8) from the program it comes from.",
    ),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls", f"This is a workbook of Excel 97-2003 (.xls); {_SAVE_AS}"),
    (rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis", "document", f"This is an OpenDocument file; {_SAVE_AS}"),
    (rb"PK\x03\x04.{26}(?:word|ppt)/", "document", f"This is a document or a presentation; {_SAVE_AS}"),
    (
        rb"PK\x03\x04|PK\x05\x06|\x1f\x8b|7z\xbc\xaf|Rar!",
        "archive",
        "This is an archive; unpack it and upload the list inside.",
    ),
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


def kind_of(head: bytes) -> Literal["xlsx", "text"]:
    """Whether it is a workbook or may be text. Raises SheetRefused with what else it is and what to do."""
    if _WORKBOOK_PART.search(head):
        return "xlsx"
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    for signature, code, sentence in _KINDS:
        if re.match(signature, begins, re.IGNORECASE | re.DOTALL):
            if _OLE_ENCRYPTED in head:
                code, sentence = "password", f"This workbook is protected by a password; {_SAVE_AS}"
            raise SheetRefused(code, sentence)
    return "text"
