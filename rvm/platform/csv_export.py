"""The one CSV writer of every export: opens rightly in spreadsheet programs, and nothing in it is run there as a formula.

Excel needs the byte order mark to read UTF-8. A cell is a formula by its first character whether it is quoted or not (OWASP ASVS
1.2.10), so such a cell gets an apostrophe before it, which marks text. Whoever takes one leading apostrophe off has the cell as it
was.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from django.http import StreamingHttpResponse

BLOCK_ROWS = 1000
BROKEN_OFF = b'"INCOMPLETE: something failed here, and rows are missing. Export again."\r\n'
_BOM = "\ufeff"
# Spaces of every kind and what takes no room may stand before it: programs trim them. The apostrophe, so that one of the cell's own
# is not taken for our mark.
_TRIGGER = re.compile(r"'|[\s\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠\t\r\n\0]")
_HARMLESS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789•([{") | {""}
# Also shorter than E.164 has them: what begins with + and goes on in digits is a number, never a formula that does something.
_E164 = re.compile(r"\+[0-9]{8,15}")
_NORTH_AMERICAN = re.compile(r"\+1([0-9]{3})([0-9]{3})([0-9]{4})")


def csv_lines(rows: Iterable[Sequence[object]], *, e164: bool = False) -> Iterator[bytes]:
    """The rows as UTF-8 with CRLF and every cell quoted, in blocks of up to 1,000 lines; None is an empty cell.

    Phone numbers are written as people of North America write them, (202) 555-0142, and with `e164` as they are, for machines.
    """
    text = io.StringIO(newline="")
    text.write(_BOM)
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    write = _for_machines if e164 else _for_people
    remaining = iter(rows)
    while block := list(islice(remaining, BLOCK_ROWS)):
        writer.writerows(
            [cell if type(cell) is str and cell[:1] in _HARMLESS else write(cell) for cell in row] for row in block
        )
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def csv_answer(rows: Iterable[Sequence[object]], file_name: str, *, e164: bool = False) -> StreamingHttpResponse:
    """The rows as a file to download, read while it is sent. `file_name` is ASCII without quotes.

    What fails before the first block is raised here, for whoever answers errors. What fails later is said in a last line and raised
    to the web server, which cuts the connection before the last chunk: the client sees a broken download, and the file says so too.
    """
    lines = csv_lines(rows, e164=e164)
    first = next(lines, _BOM.encode())
    return StreamingHttpResponse(
        chain([first], _ending_in_words(lines)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"', "Cache-Control": "no-store"},
    )


def _ending_in_words(lines: Iterator[bytes]) -> Iterator[bytes]:
    """A proxy that speaks HTTP/1.0 to us takes a cut connection for the end, and some clients keep what they have of a file."""
    try:
        yield from lines
    except Exception:
        yield BROKEN_OFF
        raise


def _for_people(cell: object) -> str:
    text = "" if cell is None else str(cell)
    if match := _NORTH_AMERICAN.fullmatch(text):
        return "({}) {}-{}".format(*match.groups())
    return f"'{text}" if _TRIGGER.match(text) else text


def _for_machines(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if _TRIGGER.match(text) and not _E164.fullmatch(text) else text
