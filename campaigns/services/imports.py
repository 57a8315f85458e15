"""What people do with a list of recipients: upload, see how it is read, check, confirm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from campaigns.models import Campaign, RecipientImport
from campaigns.states import Outcome
from rvm.platform.models import User


@dataclass(frozen=True)
class Sample:
    """The first 20 rows as they are read now, all as wide as the widest of them. A column that is not read is ""."""

    header: list[str]
    columns: list[str]
    rows: list[list[str]]


class RowError(NamedTuple):
    """`row_number` is what a spreadsheet program shows beside the row."""

    row_number: int
    outcome: Outcome
    code: str
    sentence: str


def upload(
    *, campaign: Campaign, file_name: str, chunks: Iterable[bytes], actor: User | None, now: datetime
) -> RecipientImport:
    """Keep the file encrypted, and guess how it is written and what its columns are.

    Raises Refused: campaign_claimed, recording_missing, import_too_large, import_empty, and what a file is unreadable by.
    """
    raise NotImplementedError


def read_as(
    recipient_import: RecipientImport, changes: Mapping[str, Any], *, actor: User | None, now: datetime
) -> RecipientImport:
    """Override the guess: format, encoding, delimiter, has_header, columns. What had been checked must be checked again.

    Raises Refused: campaign_claimed, import_<state>, and the codes of columns and files that cannot be read so.
    """
    raise NotImplementedError


def check(recipient_import: RecipientImport, *, actor: User | None, now: datetime) -> RecipientImport:
    """uploaded -> checking: every row is judged in the background. Raises Refused."""
    raise NotImplementedError


def confirm(
    recipient_import: RecipientImport, *, consent_statement: str, actor: User | None, now: datetime
) -> RecipientImport:
    """checked -> importing: accepted rows become voicemails in the background. Raises Refused."""
    raise NotImplementedError


def discard(recipient_import: RecipientImport, *, actor: User | None, now: datetime) -> RecipientImport:
    """Drop an import that has imported nothing, and its file with it. Raises Refused."""
    raise NotImplementedError


def sample(recipient_import: RecipientImport) -> Sample:
    """Raises Refused where the file is gone (import_file_removed) or cannot be read as it is said to be."""
    raise NotImplementedError


def first_errors(recipient_import: RecipientImport, per_code: int = 5) -> list[RowError]:
    """Of each code the first rows that were not accepted, in the order of rows."""
    raise NotImplementedError


def warnings(recipient_import: RecipientImport) -> list[str]:
    """Sentences: what somebody should know before they confirm, such as that the same file was imported before."""
    raise NotImplementedError
