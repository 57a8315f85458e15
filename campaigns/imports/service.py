"""What people do with a list of recipients: upload it, see how it is read, have it checked, confirm it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import PurePath
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Window
from django.db.models.functions import RowNumber

from campaigns.imports.row_errors import message_of
from campaigns.imports.uploaded_lists import (
    READ_AS,
    guess,
    keep,
    name_of,
    read_again,
    require_clear,
    require_columns,
    require_file,
    require_state,
    sample,
)
from campaigns.lifecycle.transitions import change_state, locked
from campaigns.models import Campaign, RecipientImport
from campaigns.models.recipient_import import MAX_STATEMENT_LENGTH
from campaigns.states import EDITABLE, ImportState, Outcome
from delivery.runtime.wakeups import wake_on_commit
from rvm.platform import audit
from rvm.platform.database.ids import uuid7_at
from rvm.platform.encryption import encrypted_files
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from rvm.spreadsheets.columns.headings import any_says_no
from rvm.spreadsheets.workbook_notices import other_sheets

__all__ = ["sample"]
# What a check has found, before there was one.
_ANEW: Mapping[str, Any] = {"error": "", "rows_read": 0, "rows_imported": 0, "counts": {}, "codes": {}, "answers": {}}


class RowError(NamedTuple):
    """`row_number` is what a spreadsheet program shows beside the row. Of a number that stands in an earlier row, `earlier_row` is
    that one and `differs` the columns in which the two differ, as the mapping has them."""

    row_number: int
    outcome: Outcome
    code: str
    message: str
    earlier_row: int | None
    differs: list[str]


def upload(
    *,
    campaign: Campaign,
    file_name: str,
    chunks: Iterable[bytes],
    actor: User | None,
    now: datetime,
    reading: Mapping[str, Any] | None = None,
) -> RecipientImport:
    """Keep the file encrypted, and guess how it is written and what its columns are, but for what `reading` says, as `read_as`.

    Raises ServiceError: campaign_claimed, recording_missing, import_too_large, import_unreadable, storage_unavailable, and the
    codes of columns.
    """
    _require_editable(campaign)
    row = RecipientImport(
        id=uuid7_at(int(now.timestamp() * 1000)),  # it names the file, which is as old as it says
        workspace_id=campaign.workspace_id,
        campaign=campaign,
        file_name=name_of(file_name),
        created_by=actor,
        created_at=now,
    )
    accents = keep(row, chunks)
    try:
        guess(row, accents)
        if reading:
            read_again(row, reading)
        with transaction.atomic():
            row.save(force_insert=True)
            audit.record(
                "import.uploaded",
                row,
                actor=actor,
                workspace=campaign.workspace,
                campaign=str(campaign.pk),
                sha256=row.sha256,
            )
    except BaseException:
        encrypted_files.delete(row.storage_name)
        raise
    return row


def read_as(
    recipient_import: RecipientImport, changes: Mapping[str, Any], *, actor: User | None, now: datetime
) -> RecipientImport:
    """Override the guess: format, encoding, delimiter, header_row, sheet, hidden_rows, columns. What had been checked must be checked
    again; columns are guessed anew where the file is read in another way and they are not named.

    Of named columns `columns_said` are the places of which a person says what they are, by default all: in these a no is not looked
    for that the column's kind does not ask for.

    Raises ServiceError: campaign_claimed, import_<state>, import_file_removed, import_unreadable, and the codes of columns.
    """
    with _locked(recipient_import, ImportState.UPLOADED) as row:
        before = {name: getattr(row, name) for name in READ_AS}
        read_again(row, changes)
        change_state(row, ImportState.UPLOADED, **_ANEW)
        changed = {name: getattr(row, name) for name in READ_AS if getattr(row, name) != before[name]}
        audit.record("import.read_as", row, actor=actor, workspace=row.campaign.workspace, **changed)
    return row


def check(recipient_import: RecipientImport, *, actor: User | None, now: datetime) -> RecipientImport:
    """uploaded -> checking: every row is judged in the background. Raises ServiceError, also while a column is unclear."""
    with _locked(recipient_import, ImportState.CHECKING) as row:
        require_file(row)
        require_clear(row)
        require_columns(row.columns)
        change_state(row, ImportState.CHECKING, **_ANEW)
        audit.record("import.check_began", row, actor=actor, workspace=row.campaign.workspace)
        wake_on_commit("imports")
    return row


def confirm(
    recipient_import: RecipientImport, *, consent_statement: str, actor: User | None, now: datetime
) -> RecipientImport:
    """checked -> importing: accepted rows become voicemails in the background.

    `consent_statement` is what the person attests about the list. Raises ServiceError.
    """
    statement = consent_statement.strip()
    if not statement:
        raise ServiceError(
            "consent_missing",
            "Say on what consent these people are reached, such as “They agreed at registration to voicemail reminders”.",
            field="consent_statement",
        )
    if len(statement) > MAX_STATEMENT_LENGTH:
        raise ServiceError(
            "too_long",
            f"The statement has {len(statement)} characters; at most {MAX_STATEMENT_LENGTH} are kept.",
            field="consent_statement",
        )
    with _locked(recipient_import, ImportState.IMPORTING) as row:
        if not row.counts.get(Outcome.ACCEPTED):
            raise ServiceError(
                "import_without_accepted_rows",
                "No row of this list can be accepted; download its errors, correct them and upload it again.",
            )
        change_state(row, ImportState.IMPORTING, consent_statement=statement, confirmed_by=actor)
        audit.record(
            "import.confirmed",
            row,
            actor=actor,
            workspace=row.campaign.workspace,
            counts=row.counts,
            statement=statement,
        )
        wake_on_commit("imports")
    return row


def discard(recipient_import: RecipientImport, *, actor: User | None, now: datetime) -> RecipientImport:
    """Drop an import that has imported nothing; its file is removed within moments. Raises ServiceError."""
    with _locked(recipient_import, ImportState.DISCARDED, of_editable=False) as row:
        change_state(row, ImportState.DISCARDED)
        audit.record("import.discarded", row, actor=actor, workspace=row.campaign.workspace)
    return row


def first_errors(recipient_import: RecipientImport, per_code: int = 5) -> list[RowError]:
    """Of each code the first rows that were not accepted, in the order of rows."""
    nth = Window(RowNumber(), partition_by="code", order_by="row_number")
    first = recipient_import.rejected.annotate(nth=nth).filter(nth__lte=per_code).order_by("row_number")
    return [
        RowError(
            row.row_number,
            Outcome(row.outcome),
            row.code,
            message_of(row.code),
            row.earlier_row,
            called(recipient_import, row.differs or ()),
        )
        for row in first
    ]


def called(recipient_import: RecipientImport, places: Iterable[int]) -> list[str]:
    """Columns as the mapping calls them; one that is not read by its place."""
    columns = recipient_import.columns
    return [(columns[at] if at < len(columns) else "") or f"column {at + 1}" for at in places]


def warnings(recipient_import: RecipientImport) -> list[str]:
    """Sentences: what somebody should know before they confirm."""
    same = RecipientImport.objects.filter(
        campaign_id=recipient_import.campaign_id, sha256=recipient_import.sha256, pk__lt=recipient_import.pk
    )
    earlier = same.filter(state__in=[ImportState.IMPORTING, ImportState.COMPLETED]).order_by("-pk").first()
    said = [*other_sheets(recipient_import.sheets, recipient_import.sheet), *recipient_import.notices]
    if any_says_no([PurePath(recipient_import.file_name).stem.replace("_", " ")]):
        said.insert(0, _NAMED_SO)
    if earlier is None:
        return said
    return [
        *said,
        f"The same file was imported into this campaign on {earlier.created_at:%-d %B %Y at %H:%M} UTC. Whoever is in the campaign "
        "already counts as a duplicate, so importing it again changes nothing.",
    ]


_NAMED_SO = (
    "The file is named like a list of people who must not be reached, or have canceled. If it is one, discard it, and upload it as a "
    "list of opt-outs or of canceled appointments."
)


def _require_editable(campaign: Campaign) -> None:
    if campaign.state not in EDITABLE:
        raise ServiceError(
            "campaign_claimed",
            f"This campaign is {campaign.state}: nobody can be added to it any more. Make another campaign for this list.",
            campaign_state=campaign.state,
        )
    if campaign.recording_id is None and campaign.script is None:
        raise ServiceError(
            "recording_missing", "Give the campaign its recording, or a script of clips, before you add people to it."
        )


@contextmanager
def _locked(
    recipient_import: RecipientImport, to: ImportState, *, of_editable: bool = True
) -> Iterator[RecipientImport]:
    """The row as it is now, for a verb that leads to `to`. ServiceError where its state or its campaign's does not allow that.

    The campaign is locked first, as whoever launches it does.
    """
    with transaction.atomic():
        campaign = locked(recipient_import.campaign)
        if of_editable:
            _require_editable(campaign)
        row = RecipientImport.objects.select_for_update(no_key=True).get(pk=recipient_import.pk)
        row.campaign = campaign
        require_state(row, to)
        yield row
