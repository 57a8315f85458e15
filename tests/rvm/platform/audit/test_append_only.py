"""Audit events and their seals are kept as they were written: the database refuses every change, whoever writes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from rvm.platform import audit
from rvm.platform.audit.chain import seal
from rvm.platform.models import AuditChain, AuditEvent, AuditSeal, Workspace

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def sealed(workspace: Workspace) -> None:
    for number in range(3):
        audit.record("test.done", workspace, actor=None, workspace=workspace, number=number)
    seal(NOW)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE platform_auditevent SET details = '{}'",
        "UPDATE platform_auditevent SET at = at",
        "DELETE FROM platform_auditevent",
        "TRUNCATE platform_auditevent CASCADE",
        "UPDATE platform_auditseal SET position = position + 1",
        "DELETE FROM platform_auditseal",
        "TRUNCATE platform_auditseal",
        "DELETE FROM platform_auditchain",
        "TRUNCATE platform_auditchain CASCADE",
    ],
)
def test_no_writer_changes_or_removes_any(statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)
    assert AuditEvent.objects.count() == AuditSeal.objects.count() == 3


@pytest.mark.parametrize(
    "change",
    [
        "position = 2",
        "position = position",
        "hash = 'x'",
        "workspace_id = NULL, position = 4",
        "id = gen_random_uuid(), position = 4",
    ],
)
def test_no_writer_lowers_the_head_of_a_chain_or_gives_it_to_another(change: str) -> None:
    with pytest.raises(IntegrityError, match="only rises"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE platform_auditchain SET {change}")
    assert AuditChain.objects.get().position == 3
