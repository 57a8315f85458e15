"""The error report: the rejected rows as they were in the list, with reasons, to be corrected and uploaded again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from campaigns.imports.layout import REPORTED
from campaigns.imports.row_errors import message_of
from campaigns.imports.staging import dialect_of
from campaigns.imports.uploaded_lists import removed, require_file
from campaigns.models import RecipientImport, RejectedRow
from campaigns.states import OF_KNOWN_NUMBERS
from rvm.platform.encryption.crypto import Undecryptable
from rvm.spreadsheets.preview import open_list
from rvm.spreadsheets.refusals import SheetInvalid


def error_report(recipient_import: RecipientImport, *, reveal: bool = True) -> Iterator[list[str]]:
    """The header, then the rejected rows in order, each with its cells from the stored file and the columns REPORTED; without the
    right to numbers (`reveal`) none that was rejected because of what is known of its number.

    Raises ServiceError: import_file_removed."""
    require_file(recipient_import)
    try:
        yield from _report(recipient_import, reveal)
    except (FileNotFoundError, Undecryptable, SheetInvalid):
        raise removed() from None


def _report(recipient_import: RecipientImport, reveal: bool) -> Iterator[list[str]]:
    seen, rows = open_list(recipient_import.content(), dialect_of(recipient_import))
    width = len(recipient_import.columns)
    # A header that is not sure may be the row of a person.
    header = list(seen.header.names) if seen.header.sure else []
    header += [recipient_import.columns[at] or f"column {at + 1}" for at in range(len(header), width)]
    kept = [at for at, name in enumerate(header) if name not in REPORTED]
    yield [*(header[at] for at in kept), *REPORTED]
    told = RejectedRow.objects.exclude(outcome__in=[] if reveal else OF_KNOWN_NUMBERS)
    rejected = told.filter(recipient_import=recipient_import).order_by("row_number")
    number, cells = 0, list[str]()
    with closing(rows):
        for wanted, code in rejected.values_list("row_number", "code").iterator():
            while number < wanted:
                number, cells = next(rows)
            yield [*(cells[at] if at < len(cells) else "" for at in kept), str(number), code, message_of(code)]
