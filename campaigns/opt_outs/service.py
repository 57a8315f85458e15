"""Services of opt-out lists for users: upload, change the reading, check, confirm, undo, discard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction

from campaigns.imports import uploaded_lists
from campaigns.imports.uploaded_lists import HELP, READ_AS, Kind, Sample
from campaigns.lifecycle.transitions import change_state
from campaigns.models import OptOutImport
from campaigns.opt_outs.columns import QUESTION_TEXTS, check_opt_out_columns, read_opt_outs
from campaigns.states import OptOutState
from delivery.runtime.wakeups import wake_on_commit
from rvm.platform import audit
from rvm.platform.database.ids import uuid7_at
from rvm.platform.encryption import encrypted_files
from rvm.platform.errors import ServiceError
from rvm.platform.models import User, Workspace
from rvm.spreadsheets.workbook_notices import other_sheets
from usecases.models import Suppression
from usecases.services.persistence import in_one_line
from usecases.services.suppressions import MAX_LIFT_REASON_LENGTH, reason_missing
from usecases.suppression_kinds import SuppressionScope

KIND = Kind(
    HELP
    | {
        OptOutState.IMPORTING: "Wait until it is completed; then it can be undone.",
        OptOutState.COMPLETED: "It can be undone.",
        OptOutState.UNDOING: "Wait until it is undone.",
        OptOutState.UNDONE: "Upload it again.",
    },
    read_opt_outs,
    check_opt_out_columns,
    QUESTION_TEXTS,
    "who on it has opted out",
    name="A list",
    code="opt_out_list",
)
# The results of a check before the first check.
_ANEW: Mapping[str, Any] = {"error": "", "rows_read": 0, "rows_imported": 0, "counts": {}, "unreadable": {}}


def upload(
    *,
    workspace: Workspace,
    live: bool = True,
    file_name: str,
    chunks: Iterable[bytes],
    actor: User | None,
    now: datetime,
    reading: Mapping[str, Any] | None = None,
) -> OptOutImport:
    """Store the file encrypted and guess how it is read; `reading` overrides the guess with the settings of `read_as`.

    Raises ServiceError: quota_used_up, import_too_large, import_unreadable, storage_unavailable, and the codes of columns.
    """
    row = OptOutImport(
        id=uuid7_at(int(now.timestamp() * 1000)),  # it names the file, and its time is the file's age
        workspace=workspace,
        live=live,
        file_name=uploaded_lists.name_of(file_name),
        created_by=actor,
        created_at=now,
    )
    accents = uploaded_lists.keep(row, chunks)
    try:
        uploaded_lists.guess(row, accents, KIND)
        # Filters hide rows of people who have opted out nevertheless.
        said = {"hidden_rows": True} if row.format == "xlsx" else {}
        if said := {**said, **(reading or {})}:
            uploaded_lists.read_again(row, said, KIND)
        with transaction.atomic():
            uploaded_lists.LISTS.require(row.workspace, row.size_bytes)
            row.save(force_insert=True)
            audit.record("opt_outs.uploaded", row, actor=actor, workspace=workspace, sha256=row.sha256, live=row.live)
    except BaseException:
        encrypted_files.delete(row.storage_name)
        raise
    return row


def read_as(found: OptOutImport, changes: Mapping[str, Any], *, actor: User | None, now: datetime) -> OptOutImport:
    """Change how the file is read, as `campaigns.imports.service.read_as`. A checked list must be checked again.

    Raises ServiceError: opt_out_list_<state>, import_file_removed, import_unreadable, and the codes of columns.
    """
    with _locked(found, OptOutState.UPLOADED) as row:
        uploaded_lists.require_file(row)
        before = {name: getattr(row, name) for name in READ_AS}
        uploaded_lists.read_again(row, changes, KIND)
        change_state(row, OptOutState.UPLOADED, **_ANEW)
        changed = {name: getattr(row, name) for name in READ_AS if getattr(row, name) != before[name]}
        audit.record("opt_outs.read_as", row, actor=actor, workspace=row.workspace, **changed)
    return row


def check(found: OptOutImport, *, actor: User | None, now: datetime) -> OptOutImport:
    """uploaded or checked -> checking: a worker reads every row. Raises ServiceError, also while a column is unclear."""
    with _locked(found, OptOutState.CHECKING) as row:
        uploaded_lists.require_file(row)
        uploaded_lists.require_clear(row, KIND)
        uploaded_lists.require_columns(row.columns, KIND)
        change_state(row, OptOutState.CHECKING, **_ANEW)
        audit.record("opt_outs.check_began", row, actor=actor, workspace=row.workspace)
        wake_on_commit("imports")
    return row


def confirm(
    found: OptOutImport,
    *,
    must_not_be_reached: bool = False,
    scope: SuppressionScope = SuppressionScope.ORGANISATION,
    actor: User | None,
    now: datetime,
) -> OptOutImport:
    """checked -> importing: a worker adds its numbers to the suppression lists of all workspaces of the organisation, or of this one.

    `must_not_be_reached`: the user confirms that the people on the list must not be reached. Required if it looks like a list of
    patients. Raises ServiceError.
    """
    with _locked(found, OptOutState.IMPORTING) as row:
        if not numbers_of(row):
            raise ServiceError(
                "opt_out_list_without_numbers",
                "No number of this list can be put on the suppression list; see why, correct the list and upload it again.",
            )
        doubts = looks_like_patients(row)
        if doubts and not must_not_be_reached:
            raise ServiceError(
                "opt_out_list_looks_like_patients",
                f"{' '.join(doubts)} Say that this is a list of people who must not be reached, or discard it.",
                field="must_not_be_reached",
            )
        change_state(row, OptOutState.IMPORTING, confirmed_by=actor, scope=scope)
        audit.record(
            "opt_outs.confirmed",
            row,
            actor=actor,
            workspace=row.workspace,
            counts=row.counts,
            must_not_be_reached=must_not_be_reached,
            scope=scope,
        )
        wake_on_commit("imports")
    return row


def undo(found: OptOutImport, *, actor: User | None, now: datetime) -> OptOutImport:
    """completed or failed -> undoing: a worker removes the suppressions that only this list has added.

    Voicemails that ended because of them stay ended. Raises ServiceError.
    """
    return _begin_undo(found, "", actor)


def lift(found: OptOutImport, *, reason: str, actor: User | None, now: datetime) -> OptOutImport:
    """completed -> undoing: as `undo`, but the suppressions stay as lifted ones, with the reason. Raises ServiceError."""
    reason = in_one_line(reason)[:MAX_LIFT_REASON_LENGTH]
    if not reason:
        raise reason_missing()
    return _begin_undo(found, reason, actor)


def _begin_undo(found: OptOutImport, lift_reason: str, actor: User | None) -> OptOutImport:
    with _locked(found, OptOutState.UNDOING) as row:
        if row.state == OptOutState.FAILED and not has_listed(row):
            raise ServiceError(
                "opt_out_list_failed", "This list has put no number on the suppression list.", import_state=row.state
            )
        change_state(row, OptOutState.UNDOING, undone_by=actor, lift_reason=lift_reason)
        action, told = ("lift", {"reason": lift_reason}) if lift_reason else ("undo", {})
        audit.record(f"opt_outs.{action}_began", row, actor=actor, workspace=row.workspace, added=row.added, **told)
        wake_on_commit("imports")
    return row


def has_listed(row: OptOutImport) -> bool:
    """Whether the list has put numbers on the suppression list, or named numbers that were there already."""
    return bool(row.added) or Suppression.objects.filter(import_id=row.pk).exists()


def discard(found: OptOutImport, *, actor: User | None, now: datetime) -> OptOutImport:
    """Discard a list that is uploaded, checking, checked or failed; the tick removes its file. Raises ServiceError."""
    with _locked(found, OptOutState.DISCARDED) as row:
        change_state(row, OptOutState.DISCARDED)
        audit.record("opt_outs.discarded", row, actor=actor, workspace=row.workspace)
    return row


def sample(row: OptOutImport) -> Sample:
    """The first rows by the current reading. Raises ServiceError: import_file_removed, import_unreadable."""
    return uploaded_lists.sample(row, KIND)


def numbers_of(row: OptOutImport) -> int:
    """The number of different phone numbers on a checked list."""
    return int(row.counts.get("to_add", 0)) + int(row.counts.get("already_listed", 0))


def looks_like_patients(row: OptOutImport) -> list[str]:
    """Reasons, as sentences, why a checked list may be a list of patients, whom its confirmation would suppress; empty if none."""
    permitted, waiting, numbers = row.counts.get("permitted", 0), row.counts.get("waiting", 0), numbers_of(row)
    said = []
    if permitted:
        people = "1 row says" if permitted == 1 else f"{permitted:,} rows say"
        said.append(f"{people} in a column that the person may be reached.")
    if waiting * 2 > numbers:
        said.append(
            f"{waiting:,} of {numbers:,} number{'s' if numbers > 1 else ''} wait{'s' if waiting == 1 else ''} in a campaign."
        )
    return [f"This looks like a list of patients: {said[0]}", *said[1:]] if said else []


def warnings(row: OptOutImport) -> list[str]:
    """Warnings for the user who confirms the list, as sentences."""
    return [*looks_like_patients(row), *other_sheets(row.sheets, row.sheet), *row.notices]


@contextmanager
def _locked(found: OptOutImport, to: OptOutState) -> Iterator[OptOutImport]:
    """The current list, locked, for an action that leads to the state `to`. Raises ServiceError if its state does not allow it."""
    with transaction.atomic():
        row = OptOutImport.objects.select_for_update(no_key=True).get(pk=found.pk)
        uploaded_lists.require_as_seen(found, row)
        uploaded_lists.require_state(row, to, KIND)
        yield row
