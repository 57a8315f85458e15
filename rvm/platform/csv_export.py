"""The CSV writer of all exports: spreadsheet programs read the encoding correctly and run no cell as a formula.

Excel needs the byte order mark to read UTF-8. Spreadsheet programs decide by the first character whether a cell is a formula, even
if the cell is quoted (OWASP ASVS 1.2.10). Such a cell gets a leading apostrophe, which marks text. Removing one leading apostrophe
restores the original cell.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from itertools import chain, islice

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.text import slugify

BLOCK_ROWS = 1000
MAX_PART = 60  # letters of each part of a file's name
INCOMPLETE_LINE = b'"INCOMPLETE: something failed here, and rows are missing. Export again."\r\n'
_BOM = "\ufeff"
# Programs trim leading spaces and zero-width characters, so these may precede the trigger. A cell's own leading apostrophe is
# escaped too, so that it is not mistaken for the mark.
_TRIGGER = re.compile(r"'|[\s\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠\t\r\n\0]")
_HARMLESS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789•([{") | {""}
# Shorter than the shortest E.164 number on purpose: a plus sign followed by digits only is never a harmful formula.
_E164 = re.compile(r"\+[0-9]{8,15}")
_NORTH_AMERICAN = re.compile(r"\+1([0-9]{3})([0-9]{3})([0-9]{4})")


def csv_lines(rows: Iterable[Sequence[object]], *, e164: bool = False) -> Iterator[bytes]:
    """The rows as UTF-8 with CRLF and every cell quoted, in blocks of up to 1,000 lines; None becomes an empty cell.

    North American phone numbers are written as (202) 555-0142; with `e164` they stay in E.164, for programs. Times within texts are
    in UTC, whoever asks, and whether a line is made before the response begins or after.
    """
    text = io.StringIO(newline="")
    text.write(_BOM)
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    write = _e164_format if e164 else _national_format
    remaining = iter(rows)
    while block := _in_utc(remaining):
        writer.writerows(
            [cell if type(cell) is str and cell[:1] in _HARMLESS else write(cell) for cell in row] for row in block
        )
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def _in_utc(rows: Iterator[Sequence[object]]) -> list[Sequence[object]]:
    with timezone.override(UTC):
        return list(islice(rows, BLOCK_ROWS))


def file_name(*parts: str) -> str:
    """The name of a CSV file from words of people: ASCII letters, digits and hyphens, short enough for any file system."""
    return f"{'-'.join(filter(None, (slugify(part)[:MAX_PART] for part in parts)))}.csv"


def csv_response(rows: Iterable[Sequence[object]], file_name: str, *, e164: bool = False) -> StreamingHttpResponse:
    """A streamed file download of the rows. `file_name` is ASCII without quotes.

    An error before the first block is raised here, so that the view can respond with it. A later error is written as a last line
    and raised to the web server, which closes the connection before the last chunk: the client sees a broken download.
    """
    lines = csv_lines(rows, e164=e164)
    first = next(lines, _BOM.encode())
    return StreamingHttpResponse(
        chain([first], _marking_errors(lines)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"', "Cache-Control": "no-store"},
    )


def _marking_errors(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The lines, with `INCOMPLETE_LINE` as the last one if an error interrupts them.

    An HTTP/1.0 proxy takes a closed connection for the end of the file, and some clients keep partial downloads.
    """
    try:
        yield from lines
    except Exception:
        yield INCOMPLETE_LINE
        raise


def _national_format(cell: object) -> str:
    text = "" if cell is None else str(cell)
    if match := _NORTH_AMERICAN.fullmatch(text):
        return "({}) {}-{}".format(*match.groups())
    return f"'{text}" if _TRIGGER.match(text) else text


def _e164_format(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if _TRIGGER.match(text) and not _E164.fullmatch(text) else text
