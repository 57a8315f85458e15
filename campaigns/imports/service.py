"""Services of recipient imports for users: upload, change the reading, check, confirm, discard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import PurePath
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Window
from django.db.models.functions import RowNumber

from campaigns.imports import uploaded_lists
from campaigns.imports.row_errors import message_of
from campaigns.imports.uploaded_lists import (
    LISTS,
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
from campaigns.lifecycle import approvals
from campaigns.lifecycle.transitions import change_state, locked, require_as_seen
from campaigns.models import Campaign, RecipientImport
from campaigns.models.recipient_import import MAX_STATEMENT_LENGTH
from campaigns.states import EDITABLE, OF_KNOWN_NUMBERS, ImportState, RowOutcome
from delivery.runtime.wakeups import wake_on_commit
from rvm.platform import audit
from rvm.platform.database.ids import uuid7_at
from rvm.platform.encryption import encrypted_files
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from rvm.platform.times import moments
from rvm.spreadsheets.columns.headings import any_says_no
from rvm.spreadsheets.workbook_notices import other_sheets
from usecases.services.consents import record_for_list

__all__ = ["sample"]
# The results of a check before the first check.
_ANEW: Mapping[str, Any] = {"error": "", "rows_read": 0, "rows_imported": 0, "counts": {}, "codes": {}, "answers": {}}


class RowError(NamedTuple):
    """A rejected row. `row_number` is the number that a spreadsheet program shows beside it. If an earlier row has the same phone
    number, `earlier_row` is that row's number, and `differs` has the names (see `called`) of the columns in which the two differ."""

    row_number: int
    outcome: RowOutcome
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
    """Store the file encrypted and guess how it is read; `reading` overrides the guess with the settings of `read_as`.

    Raises ServiceError: campaign_begun, recording_missing, quota_used_up, import_too_large, import_unreadable,
    storage_unavailable, and the codes of columns.
    """
    _require_editable(campaign)
    row = RecipientImport(
        id=uuid7_at(int(now.timestamp() * 1000)),  # it names the file, and its time is the file's age
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
            LISTS.require(row.workspace, row.size_bytes)
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
    """Change how the file is read. `changes` may have format, encoding, delimiter, header_row, sheet, hidden_rows, columns and
    columns_said. A checked list must be checked again. Columns that are not given are guessed again if another setting changes.

    `columns_said` are the positions of the given columns whose kind the user has set, by default all. In these only explicit refusals
    are searched for, and nothing if the column is not read.

    Raises ServiceError: campaign_begun, import_<state>, import_file_removed, import_unreadable, and the codes of columns.
    """
    with _locked(recipient_import, ImportState.UPLOADED) as row:
        before = {name: getattr(row, name) for name in READ_AS}
        read_again(row, changes)
        change_state(row, ImportState.UPLOADED, **_ANEW)
        changed = {name: getattr(row, name) for name in READ_AS if getattr(row, name) != before[name]}
        audit.record("import.read_as", row, actor=actor, workspace=row.campaign.workspace, **changed)
    return row


def check(recipient_import: RecipientImport, *, actor: User | None, now: datetime) -> RecipientImport:
    """uploaded or checked -> checking: a worker checks every row. Raises ServiceError, also while a column is unclear."""
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
    """checked -> importing: a worker inserts the accepted rows as voicemails.

    `consent_statement` is the user's attestation of these people's consent. Raises ServiceError.
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
        if not row.counts.get(RowOutcome.ACCEPTED):
            raise ServiceError(
                "import_without_accepted_rows",
                "No row of this list can be accepted; download its errors, correct them and upload it again.",
            )
        change_state(row, ImportState.IMPORTING, consent_statement=statement, consent_stated_at=now, confirmed_by=actor)
        approvals.take_back_if_changed(
            row.campaign, actor, "People were added by another list.", added=row.counts[RowOutcome.ACCEPTED]
        )
        if row.campaign.live:
            _record_consent(row, statement, actor, now)
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


def _record_consent(row: RecipientImport, statement: str, actor: User | None, now: datetime) -> None:
    use_case = row.campaign.lane.use_case
    record_for_list(
        workspace=row.campaign.workspace,
        list_id=row.pk,
        purpose=use_case.purpose,
        basis=use_case.basis,
        statement=statement,
        actor=actor,
        now=now,
    )


def discard(recipient_import: RecipientImport, *, actor: User | None, now: datetime) -> RecipientImport:
    """Discard an import that is neither importing nor completed; the tick removes its file. Raises ServiceError."""
    with _locked(recipient_import, ImportState.DISCARDED, of_editable=False) as row:
        change_state(row, ImportState.DISCARDED)
        audit.record("import.discarded", row, actor=actor, workspace=row.campaign.workspace)
    return row


def first_errors(recipient_import: RecipientImport, per_code: int = 5, *, reveal: bool) -> list[RowError]:
    """The first `per_code` rejected rows of each code, ordered by row number; without the right to numbers (`reveal`) none that was
    rejected because of what is known of its number."""
    nth = Window(RowNumber(), partition_by="code", order_by="row_number")
    told = recipient_import.rejected.exclude(outcome__in=[] if reveal else OF_KNOWN_NUMBERS)
    first = told.annotate(nth=nth).filter(nth__lte=per_code).order_by("row_number")
    return [
        RowError(
            row.row_number,
            RowOutcome(row.outcome),
            row.code,
            message_of(row.code),
            row.earlier_row,
            called(recipient_import, row.differs or ()),
        )
        for row in first
    ]


def called(recipient_import: RecipientImport, places: Iterable[int]) -> list[str]:
    """The names of the columns at these positions: a kind or a merge field, or “column N” if the column is not read."""
    columns = recipient_import.columns
    return [(columns[at] if at < len(columns) else "") or f"column {at + 1}" for at in places]


def warnings(recipient_import: RecipientImport) -> list[str]:
    """Warnings for the user who confirms the list, as sentences."""
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
        f"The same file was imported into this campaign on {moments.moment(earlier.created_at)}. Whoever is in the campaign "
        "already counts as a duplicate, so importing it again changes nothing.",
    ]


_NAMED_SO = (
    "The file is named like a list of people who must not be reached, or have canceled. If it is one, discard it, and upload it as a "
    "list of opt-outs or of canceled appointments."
)


def _require_editable(campaign: Campaign) -> None:
    if campaign.state not in EDITABLE:
        raise ServiceError(
            "campaign_begun",
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
    """The current import, locked, for an action that leads to the state `to`. Raises ServiceError if its state or its campaign's does
    not allow the action.

    The campaign is locked first, as by a launch.
    """
    with transaction.atomic():
        campaign = locked(recipient_import.campaign)
        if of_editable:
            require_as_seen(recipient_import.campaign, campaign)
            _require_editable(campaign)
        row = RecipientImport.objects.select_for_update(no_key=True).get(pk=recipient_import.pk)
        row.campaign = campaign
        uploaded_lists.require_as_seen(recipient_import, row)
        require_state(row, to)
        yield row
