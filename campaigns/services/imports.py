"""What people do with a list of recipients: upload it, see how it is read, have it checked, confirm it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import PurePath
from typing import Any, NamedTuple

from django.db import connection, transaction

from campaigns.importing.codes import sentence_of
from campaigns.importing.report import EXTRA
from campaigns.importing.staging import dialect_of
from campaigns.models import Campaign, RecipientImport
from campaigns.services.standing import locked
from campaigns.spreadsheets.columns import check_columns
from campaigns.spreadsheets.dialect import DELIMITERS, ENCODINGS, Dialect
from campaigns.spreadsheets.preview import PREVIEW_ROWS, Preview, examine, preview
from campaigns.spreadsheets.refusals import ColumnsRefused, SheetRefused
from campaigns.spreadsheets.trimming import trimmed
from campaigns.spreadsheets.workbook_notices import other_sheets
from campaigns.states import EDITABLE, IMPORT_MOVES, ImportState, Outcome
from delivery.doorbell import ring_on_commit
from rvm.platform import audit, sealed_files
from rvm.platform.crypto import Undecryptable
from rvm.platform.ids import uuid7_at
from rvm.platform.masking import mask_numbers
from rvm.platform.models import User
from usecases.errors import Refused

MOST_BYTES = 100_000_000
LONGEST_STATEMENT = 1000
READ_AS = ("format", "encoding", "delimiter", "has_header", "sheet", "hidden_rows", "columns")


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

    Raises Refused: campaign_claimed, recording_missing, import_too_large, import_unreadable, storage_unavailable.
    """
    _require_editable(campaign)
    row = RecipientImport(
        id=uuid7_at(int(now.timestamp() * 1000)),  # it names the file, which is as old as it says
        workspace_id=campaign.workspace_id,
        campaign=campaign,
        file_name=_name(file_name),
        created_by=actor,
        created_at=now,
    )
    try:
        row.size_bytes, row.sha256 = sealed_files.seal(row.storage_name, _bounded(chunks))
    except OSError:
        raise Refused(
            "storage_unavailable", "The list could not be stored; upload it again later, and tell the operator."
        ) from None
    try:
        with _readable():
            dialect, seen = examine(lambda: sealed_files.unseal(row.storage_name))
        _set(row, dialect, _guessed(seen), seen)
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
        sealed_files.delete(row.storage_name)
        raise
    return row


def read_as(
    recipient_import: RecipientImport, changes: Mapping[str, Any], *, actor: User | None, now: datetime
) -> RecipientImport:
    """Override the guess: format, encoding, delimiter, has_header, sheet, hidden_rows, columns. What had been checked must be checked
    again; columns are guessed anew where the file is read in another way and they are not named.

    Raises Refused: campaign_claimed, import_<state>, import_file_removed, import_unreadable, and the codes of columns.
    """
    with _locked(recipient_import, ImportState.UPLOADED) as row:
        dialect = _dialect(row, changes)
        with _readable():
            seen = preview(_content(row), dialect)
        if "columns" in changes:
            columns = _columns(changes["columns"], len(seen.columns))
        elif dialect == dialect_of(row):
            columns = list(row.columns)
        else:
            columns = _guessed(seen)
        before = {name: getattr(row, name) for name in READ_AS}
        _set(row, dialect, columns, seen)
        _begin_anew(row, ImportState.UPLOADED)
        row.save()
        changed = {name: getattr(row, name) for name in READ_AS if getattr(row, name) != before[name]}
        audit.record("import.read_as", row, actor=actor, workspace=row.campaign.workspace, **changed)
    return row


def check(recipient_import: RecipientImport, *, actor: User | None, now: datetime) -> RecipientImport:
    """uploaded -> checking: every row is judged in the background. Raises Refused."""
    with _locked(recipient_import, ImportState.CHECKING) as row:
        _require_file(row)
        _check_columns(row.columns)
        _begin_anew(row, ImportState.CHECKING)
        row.save()
        audit.record("import.check_began", row, actor=actor, workspace=row.campaign.workspace)
        ring_on_commit("imports")
    return row


def confirm(
    recipient_import: RecipientImport, *, consent_statement: str, actor: User | None, now: datetime
) -> RecipientImport:
    """checked -> importing: accepted rows become voicemails in the background.

    `consent_statement` is what the person attests about the list. Raises Refused.
    """
    statement = consent_statement.strip()
    if not statement:
        raise Refused(
            "consent_missing",
            "Say on what consent these people are reached, such as “They agreed at registration to voicemail reminders”.",
            field="consent_statement",
        )
    if len(statement) > LONGEST_STATEMENT:
        raise Refused(
            "too_long",
            f"The statement has {len(statement)} characters; at most {LONGEST_STATEMENT} are kept.",
            field="consent_statement",
        )
    with _locked(recipient_import, ImportState.IMPORTING) as row:
        if not row.counts.get(Outcome.ACCEPTED):
            raise Refused(
                "import_without_accepted_rows",
                "No row of this list can be accepted; download its errors, mend them and upload it again.",
            )
        row.state, row.consent_statement, row.confirmed_by = ImportState.IMPORTING, statement, actor
        row.save()
        audit.record(
            "import.confirmed",
            row,
            actor=actor,
            workspace=row.campaign.workspace,
            counts=row.counts,
            statement=statement,
        )
        ring_on_commit("imports")
    return row


def discard(recipient_import: RecipientImport, *, actor: User | None, now: datetime) -> RecipientImport:
    """Drop an import that has imported nothing; its file is removed within moments. Raises Refused."""
    with _locked(recipient_import, ImportState.DISCARDED, of_editable=False) as row:
        row.state = ImportState.DISCARDED
        row.save()
        audit.record("import.discarded", row, actor=actor, workspace=row.campaign.workspace)
    return row


def sample(recipient_import: RecipientImport) -> Sample:
    """Raises Refused where the file is gone (import_file_removed) or cannot be read as it is said to be."""
    _require_file(recipient_import)
    with _readable():
        seen: Preview = preview(_content(recipient_import), dialect_of(recipient_import))
    rows = [[trimmed(cell) for cell in cells] for _, cells in seen.rows[:PREVIEW_ROWS]]
    width = max(len(seen.columns), len(recipient_import.columns), *map(len, [seen.header or [], *rows]))

    def padded(cells: list[str]) -> list[str]:
        return cells + [""] * (width - len(cells))

    return Sample(padded(seen.header or []), padded(list(recipient_import.columns)), [padded(row) for row in rows])


_FIRST = """
SELECT row_number, outcome, code
  FROM (SELECT row_number, outcome, code, row_number() OVER (PARTITION BY code ORDER BY row_number) AS nth
          FROM campaigns_rejectedrow WHERE recipient_import_id = %s) numbered
 WHERE nth <= %s ORDER BY row_number
"""


def first_errors(recipient_import: RecipientImport, per_code: int = 5) -> list[RowError]:
    """Of each code the first rows that were not accepted, in the order of rows."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [recipient_import.pk, per_code])
        return [
            RowError(number, Outcome(outcome), code, sentence_of(code)) for number, outcome, code in cursor.fetchall()
        ]


def warnings(recipient_import: RecipientImport) -> list[str]:
    """Sentences: what somebody should know before they confirm."""
    same = RecipientImport.objects.filter(
        campaign_id=recipient_import.campaign_id, sha256=recipient_import.sha256, pk__lt=recipient_import.pk
    )
    earlier = same.filter(state__in=[ImportState.IMPORTING, ImportState.COMPLETED]).order_by("-pk").first()
    said = [*other_sheets(recipient_import.sheets, recipient_import.sheet), *recipient_import.notices]
    if earlier is None:
        return said
    return [
        *said,
        f"The same file was imported into this campaign on {earlier.created_at:%-d %B %Y at %H:%M} UTC. Whoever is in the campaign "
        "already counts as a duplicate, so importing it again changes nothing.",
    ]


def _name(file_name: str) -> str:
    """Without the folders of whoever sent it, and without a number: it is kept in clear and shown to everybody."""
    return mask_numbers(PurePath(file_name.replace("\\", "/")).name)[:200] or "list"


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MOST_BYTES:
            raise Refused(
                "import_too_large",
                f"The list has more than {MOST_BYTES // 1_000_000} MB, the most that one import takes; split it.",
                field="file",
            )
        yield chunk


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except SheetRefused as refused:
        raise Refused("import_unreadable", str(refused), field="file", why=refused.code) from None
    except (FileNotFoundError, Undecryptable):
        raise _removed() from None


def _content(row: RecipientImport) -> Iterator[bytes]:
    return sealed_files.unseal(row.storage_name)


def _set(row: RecipientImport, dialect: Dialect, columns: list[str], seen: Preview) -> None:
    for name, value in asdict(dialect).items():
        setattr(row, name, value)
    row.columns, row.sheet, row.notices = columns, seen.sheet, seen.notices
    row.sheets = [
        {"name": sheet.name, "visibility": sheet.visibility, "has_rows": sheet.has_rows} for sheet in seen.sheets
    ]


CHOICES: dict[str, Callable[[Any], bool]] = {
    "format": lambda value: value in ("csv", "xlsx"),
    "encoding": lambda value: value in ENCODINGS,
    "delimiter": lambda value: value in DELIMITERS,
    "has_header": lambda value: isinstance(value, bool),
    "sheet": lambda value: isinstance(value, str),
    "hidden_rows": lambda value: isinstance(value, bool),
}


def _dialect(row: RecipientImport, changes: Mapping[str, Any]) -> Dialect:
    chosen = {name: value for name, value in changes.items() if name in CHOICES}
    for name, value in chosen.items():
        if not CHOICES[name](value) and not (name in ("encoding", "delimiter") and value == ""):
            raise Refused("invalid_choice", f"{value!r} is not a {name.replace('_', ' ')} of lists.", field=name)
    if "sheet" in chosen and chosen["sheet"] not in [sheet["name"] for sheet in row.sheets]:
        raise Refused(
            "invalid_choice", "The list has no sheet of that name; `sheets` has those that it has.", field="sheet"
        )
    dialect = replace(dialect_of(row), **chosen)
    if dialect.format == "xlsx":
        return replace(dialect, encoding="", delimiter="")
    return replace(dialect, encoding=dialect.encoding or "utf-8", delimiter=dialect.delimiter or ",")


def _columns(columns: Iterable[str | None], width: int) -> list[str]:
    named = [column or "" for column in columns]
    if len(named) > max(width, 1):
        raise Refused("too_many_columns", f"{len(named)} columns are named and the list has {width}.", field="columns")
    named += [""] * (width - len(named))
    _check_columns(named)
    return named


def _check_columns(named: Iterable[str]) -> None:
    try:
        check_columns([column or None for column in named])
    except ColumnsRefused as refused:
        raise Refused(refused.code, str(refused), field="columns") from None


def _guessed(seen: Preview) -> list[str]:
    """Without the columns of our own error report, which comes back mended."""
    return ["" if column is None or column in EXTRA else column for column in seen.columns]


def _begin_anew(row: RecipientImport, state: ImportState) -> None:
    row.state, row.error, row.counts, row.codes, row.rows_read, row.rows_imported = state, "", {}, {}, 0, 0


def _require_editable(campaign: Campaign) -> None:
    if campaign.state not in EDITABLE:
        raise Refused(
            "campaign_claimed",
            f"This campaign is {campaign.state}: nobody can be added to it any more. Make another campaign for this list.",
            campaign_state=campaign.state,
        )
    if campaign.recording_id is None and campaign.script is None:
        raise Refused(
            "recording_missing", "Give the campaign its recording, or a script of clips, before you add people to it."
        )


def _require_file(row: RecipientImport) -> None:
    if row.file_removed_at is not None:
        raise _removed()


def _removed() -> Refused:
    return Refused("import_file_removed", "The uploaded file is kept for 24 hours and is gone; upload it again.")


_DONE = {
    ImportState.UPLOADED: "read in another way",
    ImportState.CHECKING: "checked",
    ImportState.IMPORTING: "confirmed",
    ImportState.DISCARDED: "discarded",
}


@contextmanager
def _locked(
    recipient_import: RecipientImport, to: ImportState, *, of_editable: bool = True
) -> Iterator[RecipientImport]:
    """The row as it is now, for a verb that moves it to `to`. Refused where its state or its campaign's does not allow that.

    The campaign is locked first, as whoever launches it does.
    """
    with transaction.atomic():
        campaign = locked(recipient_import.campaign)
        if of_editable:
            _require_editable(campaign)
        row = RecipientImport.objects.select_for_update(no_key=True).get(pk=recipient_import.pk)
        row.campaign = campaign
        was = ImportState(row.state)
        if to not in IMPORT_MOVES[was] and not (was is to is ImportState.UPLOADED):
            raise Refused(
                f"import_{was}", f"An import that is {was} cannot be {_DONE[to]}.{_HELP.get(was, '')}", import_state=was
            )
        yield row


_HELP = {
    ImportState.UPLOADED: " Have it checked first.",
    ImportState.CHECKING: " Wait until it is checked, or discard it.",
    ImportState.IMPORTING: " It becomes voicemails now; those can be canceled with the campaign.",
    ImportState.COMPLETED: " Upload another list.",
    ImportState.DISCARDED: " Upload it again.",
    ImportState.FAILED: " See why, read it in another way or upload a mended list.",
}
