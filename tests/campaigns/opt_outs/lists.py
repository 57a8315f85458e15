"""Lists of people who must not be reached, as the tests put them on a workspace's suppression list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from campaigns.models import OptOutImport
from campaigns.opt_outs import service
from campaigns.opt_outs.runner import work
from rvm.platform.models import User, Workspace
from usecases.models import Suppression

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


def uploaded(workspace: Workspace, content: bytes | str, **options: Any) -> OptOutImport:
    content = content.encode() if isinstance(content, str) else content
    said: dict[str, Any] = {"file_name": "stop.csv", "actor": None, "now": NOW, **options}
    return service.upload(workspace=workspace, chunks=[content], **said)


def checked(workspace: Workspace, content: bytes | str, **options: Any) -> OptOutImport:
    return check(uploaded(workspace, content, **options))


def check(row: OptOutImport) -> OptOutImport:
    service.check(row, actor=None, now=NOW)
    return after_work(row)


def confirmed(row: OptOutImport, *, actor: User | None = None, must_not_be_reached: bool = True) -> OptOutImport:
    service.confirm(row, actor=actor, now=NOW, must_not_be_reached=must_not_be_reached)
    return after_work(row)


def undone(row: OptOutImport, *, actor: User | None = None) -> OptOutImport:
    service.undo(row, actor=actor, now=NOW)
    return after_work(row)


def after_work(row: OptOutImport) -> OptOutImport:
    work()
    row.refresh_from_db()
    return row


def imported(workspace: Workspace, content: bytes | str, **options: Any) -> OptOutImport:
    return confirmed(checked(workspace, content, **options))


def listed(workspace: Workspace) -> dict[str, str]:
    """The reasons by the numbers; the latest where there are several."""
    return {row.number: row.reason for row in Suppression.objects.filter(workspace=workspace).order_by("id")}
