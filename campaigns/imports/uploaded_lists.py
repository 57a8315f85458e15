"""Uploaded lists of any kind before their check: storage, the guessed reading, changes of the reading, and a sample of the rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePath
from typing import Any, NamedTuple
from uuid import UUID

from campaigns.imports.layout import REPORTED
from campaigns.imports.staging import dialect_of
from campaigns.lifecycle.transitions import can_become
from campaigns.models import OptOutImport, RecipientImport, UploadedList
from campaigns.models.uploaded_list import READ_AS as READ_AS
from campaigns.states import ImportState, OptOutState
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.encryption.encrypted_files import encrypt_file
from rvm.platform.errors import ServiceError
from rvm.platform.observability.masking import mask_numbers
from rvm.platform.quotas import Quota, Usage
from rvm.platform.versions import ChangedMeanwhile
from rvm.spreadsheets.columns.kinds import check_columns, unclear_of
from rvm.spreadsheets.columns.questions import QUESTION_TEXTS, Question
from rvm.spreadsheets.columns.reading import Sureness, Why, read_patients
from rvm.spreadsheets.dialect import DELIMITERS, ENCODINGS, Dialect
from rvm.spreadsheets.encodings import Accents
from rvm.spreadsheets.preview import Preview, ReadColumns, examine, preview
from rvm.spreadsheets.refusals import ColumnsInvalid, SheetInvalid
from rvm.spreadsheets.trimming import trimmed

MAX_BYTES = 100_000_000
MAX_HEADER_ROW = 1000


@dataclass(frozen=True)
class Kind:
    """The rules and the texts of one kind of list.

    `columns` guesses the kinds of columns, `check` raises ColumnsInvalid for kinds that do not fit together, `sentences` are the
    questions about columns, and `decided` says what the answers decide. In messages, `name` is the subject and `code` begins the
    error code; `help` has, by the state of the list, what a user can do instead of a refused action."""

    help: Mapping[str, str]
    columns: ReadColumns = read_patients
    check: Callable[[Sequence[str | None]], None] = check_columns
    question_texts: Mapping[Question, str] = field(default_factory=lambda: QUESTION_TEXTS)
    decided: str = "whether somebody may be reached"
    name: str = "An import"
    code: str = "import"


# Participles for messages (“cannot be checked”), by the state that an action leads to.
_ASKED: Mapping[str, str] = {
    ImportState.UPLOADED: "read in another way",
    ImportState.CHECKING: "checked",
    ImportState.IMPORTING: "confirmed",
    ImportState.DISCARDED: "discarded",
    OptOutState.UNDOING: "undone",
}
HELP: dict[str, str] = {
    ImportState.UPLOADED: "Have it checked first.",
    ImportState.CHECKING: "Wait until it is checked, or discard it.",
    ImportState.DISCARDED: "Upload it again.",
    ImportState.FAILED: "See why, read it in another way or upload a corrected list.",
}
RECIPIENTS = Kind(
    HELP
    | {
        ImportState.IMPORTING: "It becomes voicemails now; those can be canceled with the campaign.",
        ImportState.COMPLETED: "Upload another list.",
    }
)


class ColumnRead(NamedTuple):
    """The reading of one column: `kind` as in the list's `columns`, how `sure` it is and `why`, and the question to the user."""

    position: int
    kind: str
    sure: Sureness
    why: Why
    question: Question


@dataclass(frozen=True)
class Sample:
    """The first 20 rows by the current reading, padded to the widest of them. In `columns`, "" is a column that is not read.

    `header` may be the row of a person unless `header_sure`; `titles` are the rows above it.
    """

    header: list[str] = field(repr=False)
    header_sure: bool
    titles: list[list[str]] = field(repr=False)
    columns: list[str]
    reading: list[ColumnRead]
    rows: list[list[str]] = field(repr=False)


_COUNT_LISTS = """
SELECT count(*), coalesce(sum(size_bytes), 0)::bigint
  FROM (SELECT size_bytes FROM campaigns_recipientimport WHERE workspace_id = %s AND file_removed_at IS NULL
        UNION ALL SELECT size_bytes FROM campaigns_optoutimport WHERE workspace_id = %s AND file_removed_at IS NULL) kept
"""


def _lists_of(workspace_id: UUID) -> Usage:
    return Usage(*sql.run(_COUNT_LISTS, [workspace_id, workspace_id])[0])


LISTS = Quota(
    "lists",
    "uploaded lists",
    "Discard lists that are not needed; each is removed after the workspace's days of lists.",
    _lists_of,
)


def keep(row: UploadedList, chunks: Iterable[bytes]) -> Accents:
    """Store the file encrypted, set its size and SHA-256 on the row, and return its first bytes that are not ASCII, for `guess`.

    Raises ServiceError: quota_used_up, import_too_large, storage_unavailable."""
    LISTS.require(row.workspace)
    accents = Accents()
    try:
        row.size_bytes, row.sha256 = encrypt_file(
            row.storage_name, accents.pass_on(_bounded(chunks)), row.associated_data
        )
    except OSError:
        raise ServiceError(
            "storage_unavailable", "The list could not be stored; upload it again later, and tell the operator."
        ) from None
    return accents


def guess(row: UploadedList, accents: Accents, kind: Kind = RECIPIENTS) -> None:
    """Guess the dialect and the columns of the stored file, and set them on the row. Raises ServiceError: import_unreadable."""
    with readable():
        dialect, seen = examine(row.content, accents=accents.kept, columns=kind.columns)
    _set(row, dialect, _guessed(seen), [], seen)


def read_again(row: UploadedList, changes: Mapping[str, Any], kind: Kind = RECIPIENTS) -> None:
    """Read the stored file with `changes` of the settings READ_AS, and set the new reading on the row.

    Columns that are not given are guessed again if another setting changes. `columns_said` are the positions of the given columns
    whose kind the user has set, by default all.

    Raises ServiceError: invalid_choice, import_file_removed, import_unreadable, and the codes of columns.
    """
    dialect = _dialect(row, changes)
    with readable():
        seen = preview(row.content(), dialect, kind.columns)
    if "columns" in changes:
        columns = _columns(changes["columns"], len(seen.columns), kind)
        said = sorted(changes.get("columns_said", range(len(columns))))
    elif dialect == dialect_of(row):
        columns, said = list(row.columns), list(row.columns_said)
    else:
        columns, said = _guessed(seen), []
    _set(row, dialect, columns, said, seen)


def sample(row: UploadedList, kind: Kind = RECIPIENTS) -> Sample:
    """The first rows by the current reading. Raises ServiceError: import_file_removed, import_unreadable."""
    require_file(row)
    with readable():
        seen: Preview = preview(row.content(), dialect_of(row), kind.columns)
    header, rows = seen.header, [[trimmed(cell) for cell in cells] for _, cells in seen.rows]
    width = max(len(seen.columns), len(row.columns), *map(len, [header.names, *rows]))

    def padded(cells: list[str]) -> list[str]:
        return cells + [""] * (width - len(cells))

    titles = [[trimmed(cell) for cell in cells if trimmed(cell)] for _, cells in header.titles]
    columns = padded(list(row.columns))
    reading = _reading(columns, row.columns_said, seen)
    return Sample(padded(header.names), header.sure, titles, columns, reading, [padded(cells) for cells in rows])


def _reading(columns: Sequence[str], said: Collection[int], seen: Preview) -> list[ColumnRead]:
    """The reading of each column. A kind that differs from the guess was set by a user."""
    guessed = _guessed(seen)
    return [
        ColumnRead(at, kind, Sureness.SURE, Why.SAID, Question.NONE)
        if at in said or at >= len(guessed) or kind != guessed[at]
        else ColumnRead(at, kind, seen.columns[at].sure, seen.columns[at].why, seen.columns[at].question)
        for at, kind in enumerate(columns)
    ]


def require_as_seen(found: UploadedList, row: UploadedList) -> None:
    """Raise ServiceError if the list is not as the caller saw it; `row` is locked."""
    if found.seen is not None and found.seen != row.version:
        raise ChangedMeanwhile(
            "This list was changed while you had its page open, so nothing was done. Look at how it is read now and what is in it."
        )


def require_state(row: OptOutImport | RecipientImport, to: str, kind: Kind = RECIPIENTS) -> None:
    """Raise ServiceError if the list cannot become `to` from its current state. The code is the kind's `code` and the current state,
    such as import_checking."""
    if can_become(row, to):
        return
    help = f" {kind.help[row.state]}" if row.state in kind.help else ""
    raise ServiceError(
        f"{kind.code}_{row.state}",
        f"{kind.name} that is {row.state} cannot be {_ASKED[to]}.{help}",
        import_state=row.state,
    )


def name_of(file_name: str) -> str:
    """The file's name without folders and with phone numbers masked, because it is stored unencrypted and shown to all users."""
    return mask_numbers(PurePath(file_name.replace("\\", "/")).name)[:200] or "list"


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_BYTES:
            raise ServiceError(
                "import_too_large",
                f"The list has more than {MAX_BYTES // 1_000_000} MB, the most that one import takes; split it.",
                field="file",
            )
        yield chunk


@contextmanager
def readable() -> Iterator[None]:
    """Turn exceptions about the stored file into ServiceError: import_unreadable, import_file_removed."""
    try:
        yield
    except SheetInvalid as refused:
        raise ServiceError("import_unreadable", str(refused), field="file", why=refused.code) from None
    except (FileNotFoundError, Undecryptable):
        raise removed() from None


def _set(row: UploadedList, dialect: Dialect, columns: list[str], said: list[int], seen: Preview) -> None:
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


def _dialect(row: UploadedList, changes: Mapping[str, Any]) -> Dialect:
    chosen = {name: value for name, value in changes.items() if name in CHOICES}
    for name, value in chosen.items():
        if not CHOICES[name](value) and not (name in ("encoding", "delimiter") and value == ""):
            raise ServiceError("invalid_choice", f"{value!r} is not a {name.replace('_', ' ')} of lists.", field=name)
    if "sheet" in chosen and chosen["sheet"] not in [sheet["name"] for sheet in row.sheets]:
        raise ServiceError(
            "invalid_choice", "The list has no sheet of that name; `sheets` has those that it has.", field="sheet"
        )
    dialect = replace(dialect_of(row), **chosen)
    if dialect.format == "xlsx":
        return replace(dialect, encoding="", delimiter="")
    return replace(dialect, encoding=dialect.encoding or "utf-8", delimiter=dialect.delimiter or ",")


def _columns(columns: Iterable[str | None], width: int, kind: Kind) -> list[str]:
    named = [column or "" for column in columns]
    if len(named) > max(width, 1):
        raise ServiceError(
            "too_many_columns", f"{len(named)} columns are named and the list has {width}.", field="columns"
        )
    named += [""] * (width - len(named))
    require_columns(named, kind)
    return named


def require_columns(named: Iterable[str], kind: Kind = RECIPIENTS) -> None:
    """Raise ServiceError if a column's kind is unknown or the kinds do not fit together."""
    try:
        kind.check([column or None for column in named])
    except ColumnsInvalid as refused:
        raise ServiceError(refused.code, str(refused), field="columns") from None


def require_clear(row: UploadedList, kind: Kind = RECIPIENTS) -> None:
    """Raise ServiceError (columns_unclear) while a column that could decide is unclear."""
    if not (places := unclear_of(row.columns)):
        return
    seen = sample(row, kind)
    asked = [(column, _name_of(seen, column.position)) for column in seen.reading if column.position in places]
    raise ServiceError(
        "columns_unclear",
        f"Say what {'this column is' if len(asked) == 1 else 'these columns are'} before the list is checked, because it could "
        f"decide {kind.decided}: {', '.join(_called(column, name) for column, name in asked)}.",
        field="columns",
        columns=[
            {
                "position": column.position,
                "name": name,
                "question": kind.question_texts[column.question or Question.UNKNOWN],
            }
            for column, name in asked
        ],
    )


def _name_of(seen: Sample, position: int) -> str:
    """The column's name with phone numbers masked; empty if the header may be the row of a person."""
    return mask_numbers(seen.header[position]) if seen.header_sure else ""


def _called(column: ColumnRead, name: str) -> str:
    return f"“{name}” (column {column.position + 1})" if name else f"column {column.position + 1}"


def _guessed(seen: Preview) -> list[str]:
    """The guessed kind of each column. Columns of an uploaded error report are not read."""
    return ["" if column.kind in REPORTED else column.kind for column in seen.columns]


def require_file(row: UploadedList) -> None:
    if row.file_removed_at is not None:
        raise removed()


def removed() -> ServiceError:
    return ServiceError(
        "import_file_removed",
        "The uploaded file was kept for as long as the workspace keeps lists and is gone; upload it again.",
    )
