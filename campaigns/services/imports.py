"""What people do with a list of recipients: upload it, see how it is read, have it checked, confirm it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import PurePath
from typing import Any, NamedTuple

from django.db import connection, transaction

from campaigns.importing.codes import sentence_of
from campaigns.importing.layout import REPORTED
from campaigns.importing.staging import dialect_of
from campaigns.models import Campaign, RecipientImport
from campaigns.services.standing import locked
from campaigns.spreadsheets.columns.kinds import check_columns, unclear_of
from campaigns.spreadsheets.columns.questions import SENTENCES, Question
from campaigns.spreadsheets.columns.reading import Sureness, Why
from campaigns.spreadsheets.dialect import DELIMITERS, ENCODINGS, Dialect
from campaigns.spreadsheets.encodings import Accents
from campaigns.spreadsheets.preview import Preview, examine, preview
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
MAX_HEADER_ROW = 1000
LONGEST_STATEMENT = 1000
READ_AS = ("format", "encoding", "delimiter", "header_row", "sheet", "hidden_rows", "columns")


class ColumnRead(NamedTuple):
    """What a column is taken for: `kind` as in the mapping, how `sure` that is and `why`, and what is asked of a person, if so."""

    position: int
    kind: str
    sure: Sureness
    why: Why
    question: Question


@dataclass(frozen=True)
class Sample:
    """The first 20 rows as they are read now, all as wide as the widest of them. A column that is not read is "".

    `header` names people unless `header_sure`; `titles` are the rows above it.
    """

    header: list[str]
    header_sure: bool
    titles: list[list[str]]
    columns: list[str]
    reading: list[ColumnRead]
    rows: list[list[str]]


class RowError(NamedTuple):
    """`row_number` is what a spreadsheet program shows beside the row. Of a number that stands in an earlier row, `earlier_row` is
    that one and `differs` the columns in which the two differ, as the mapping has them."""

    row_number: int
    outcome: Outcome
    code: str
    sentence: str
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

    Raises Refused: campaign_claimed, recording_missing, import_too_large, import_unreadable, storage_unavailable, and the codes of
    columns.
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
    accents = Accents()
    try:
        row.size_bytes, row.sha256 = sealed_files.seal(row.storage_name, accents.pass_on(_bounded(chunks)))
    except OSError:
        raise Refused(
            "storage_unavailable", "The list could not be stored; upload it again later, and tell the operator."
        ) from None
    try:
        with _readable():
            dialect, seen = examine(lambda: sealed_files.unseal(row.storage_name), accents=accents.kept)
        _set(row, dialect, _guessed(seen), [], seen)
        if reading:
            _read_as(row, reading)
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
    """Override the guess: format, encoding, delimiter, header_row, sheet, hidden_rows, columns. What had been checked must be checked
    again; columns are guessed anew where the file is read in another way and they are not named.

    Of named columns `columns_said` are the places of which a person says what they are, by default all: in these a no is not looked
    for that the column's kind does not ask for.

    Raises Refused: campaign_claimed, import_<state>, import_file_removed, import_unreadable, and the codes of columns.
    """
    with _locked(recipient_import, ImportState.UPLOADED) as row:
        before = {name: getattr(row, name) for name in READ_AS}
        _read_as(row, changes)
        _begin_anew(row, ImportState.UPLOADED)
        row.save()
        changed = {name: getattr(row, name) for name in READ_AS if getattr(row, name) != before[name]}
        audit.record("import.read_as", row, actor=actor, workspace=row.campaign.workspace, **changed)
    return row


def _read_as(row: RecipientImport, changes: Mapping[str, Any]) -> None:
    dialect = _dialect(row, changes)
    with _readable():
        seen = preview(_content(row), dialect)
    if "columns" in changes:
        columns = _columns(changes["columns"], len(seen.columns))
        said = sorted(changes.get("columns_said", range(len(columns))))
    elif dialect == dialect_of(row):
        columns, said = list(row.columns), list(row.columns_said)
    else:
        columns, said = _guessed(seen), []
    _set(row, dialect, columns, said, seen)


def check(recipient_import: RecipientImport, *, actor: User | None, now: datetime) -> RecipientImport:
    """uploaded -> checking: every row is judged in the background. Raises Refused, also while a column is unclear."""
    with _locked(recipient_import, ImportState.CHECKING) as row:
        _require_file(row)
        _require_clear(row)
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
    header, rows = seen.header, [[trimmed(cell) for cell in cells] for _, cells in seen.rows]
    width = max(len(seen.columns), len(recipient_import.columns), *map(len, [header.names, *rows]))

    def padded(cells: list[str]) -> list[str]:
        return cells + [""] * (width - len(cells))

    titles = [[trimmed(cell) for cell in cells if trimmed(cell)] for _, cells in header.titles]
    columns = padded(list(recipient_import.columns))
    reading = _reading(columns, recipient_import.columns_said, seen)
    return Sample(padded(header.names), header.sure, titles, columns, reading, [padded(row) for row in rows])


def _reading(columns: Sequence[str], said: Collection[int], seen: Preview) -> list[ColumnRead]:
    """Of each column what is kept of it, and why: what the guess says no more, a person has said."""
    guessed = _guessed(seen)
    return [
        ColumnRead(at, kind, Sureness.SURE, Why.SAID, Question.NONE)
        if at in said or at >= len(guessed) or kind != guessed[at]
        else ColumnRead(at, kind, seen.columns[at].sure, seen.columns[at].why, seen.columns[at].question)
        for at, kind in enumerate(columns)
    ]


_FIRST = """
SELECT row_number, outcome, code, earlier_row, coalesce(differs, '{}')
  FROM (SELECT rejected.*, row_number() OVER (PARTITION BY code ORDER BY row_number) AS nth
          FROM campaigns_rejectedrow rejected WHERE recipient_import_id = %s) numbered
 WHERE nth <= %s ORDER BY row_number
"""


def first_errors(recipient_import: RecipientImport, per_code: int = 5) -> list[RowError]:
    """Of each code the first rows that were not accepted, in the order of rows."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [recipient_import.pk, per_code])
        return [
            RowError(number, Outcome(outcome), code, sentence_of(code), earlier, called(recipient_import, differs))
            for number, outcome, code, earlier, differs in cursor.fetchall()
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


def _set(row: RecipientImport, dialect: Dialect, columns: list[str], said: list[int], seen: Preview) -> None:
    for name, value in asdict(dialect).items():
        setattr(row, name, value)
    row.columns, row.columns_said, row.sheet, row.notices = columns, said, seen.sheet, seen.notices
    row.sheets = [
        {"name": sheet.name, "visibility": sheet.visibility, "has_rows": sheet.has_rows} for sheet in seen.sheets
    ]


CHOICES: dict[str, Callable[[Any], bool]] = {
    "format": lambda value: value in ("csv", "xlsx"),
    "encoding": lambda value: value in ENCODINGS,
    "delimiter": lambda value: value in DELIMITERS,
    "header_row": lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_HEADER_ROW,
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


def _require_clear(row: RecipientImport) -> None:
    if not (places := unclear_of(row.columns)):
        return
    seen = sample(row)
    asked = [(column, _name_of(seen, column.position)) for column in seen.reading if column.position in places]
    raise Refused(
        "columns_unclear",
        f"Say what {'this column is' if len(asked) == 1 else 'these columns are'} before the list is checked, because it could "
        f"decide whether somebody may be reached: {', '.join(_called(column, name) for column, name in asked)}.",
        field="columns",
        columns=[
            {"position": column.position, "name": name, "question": SENTENCES[column.question or Question.UNKNOWN]}
            for column, name in asked
        ],
    )


def _name_of(seen: Sample, position: int) -> str:
    """As the list calls it, if its header is none of its people."""
    return mask_numbers(seen.header[position]) if seen.header_sure else ""


def _called(column: ColumnRead, name: str) -> str:
    return f"“{name}” (column {column.position + 1})" if name else f"column {column.position + 1}"


def _guessed(seen: Preview) -> list[str]:
    """Without the columns of our own error report, which comes back mended."""
    return ["" if column.kind in REPORTED else column.kind for column in seen.columns]


def _begin_anew(row: RecipientImport, state: ImportState) -> None:
    row.state, row.error, row.rows_read, row.rows_imported = state, "", 0, 0
    row.counts, row.codes, row.answers = {}, {}, {}


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
