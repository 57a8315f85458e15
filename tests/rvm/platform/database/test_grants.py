"""The role of the processes can do their work, and cannot change what only grows.

By their marks, `test_importing.py` and `test_drop_cowboy_faults.py` import lists, send voicemails and merge reports as this role.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from structlog.testing import capture_logs

from delivery.worker.tick import tick
from rvm.platform import audit
from rvm.platform.audit.chain import seal
from rvm.platform.audit.verification import Verification, verify
from rvm.platform.database.grants import SCRATCH, check_role, grant
from rvm.platform.models import AuditEvent, Workspace
from tests.factories import Api, make_consent, make_user, make_voicemail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_runtime")]
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE platform_auditevent SET details = '{}'",
        "DELETE FROM platform_auditevent",
        "TRUNCATE platform_auditevent",
        "ALTER TABLE platform_auditevent DISABLE TRIGGER ALL",
        "DROP TRIGGER platform_auditevent_kept ON platform_auditevent",
        "SET session_replication_role = replica",
        "DROP TABLE platform_auditevent CASCADE",
        "CREATE OR REPLACE FUNCTION rvm_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "UPDATE platform_auditseal SET hash = ''",
        "DELETE FROM platform_auditseal",
        "DELETE FROM platform_auditchain",
        "UPDATE platform_auditchain SET workspace_id = NULL",
        "DELETE FROM usecases_consent",
        "UPDATE usecases_consent SET purposes = purposes",
        "TRUNCATE delivery_voicemail CASCADE",
        "ALTER TABLE platform_user ADD COLUMN x int",
        "DELETE FROM django_migrations",
        "CREATE TABLE public.mine (x int)",
        "CREATE ROLE mine",
        "COPY platform_user TO PROGRAM 'cat'",
    ],
)
def test_it_can_neither_change_what_only_grows_nor_make_it_possible(workspace: Workspace, statement: str) -> None:
    audit.record("test.done", workspace, actor=None, workspace=workspace)
    make_consent(workspace)
    seal(NOW)
    connection.check_constraints()
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        execute(statement)


def test_every_table_of_ours_can_be_read_and_added_to_and_none_is_owned() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, has_table_privilege(oid, 'SELECT'), has_table_privilege(oid, 'INSERT'),"
            " has_table_privilege(oid, 'TRUNCATE') OR has_table_privilege(oid, 'TRIGGER')"
            "  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        )
        rights = {name: (reads, adds, more) for name, reads, adds, more in cursor.fetchall()}
    assert len(rights) > 40
    assert {name for name, found in rights.items() if found != (True, True, False)} == {"django_migrations"}
    assert rights["django_migrations"] == (True, False, False)


def test_it_records_seals_and_verifies_audit_events(workspace: Workspace) -> None:
    audit.record("test.done", workspace, actor=None, workspace=workspace)
    assert seal(NOW) == AuditEvent.objects.count()
    assert [*verify({}, Verification())] == []


def test_it_takes_every_step_of_the_tick(workspace: Workspace) -> None:
    make_voicemail()
    with capture_logs() as logs:
        tick(NOW)
    assert [line for line in logs if line["event"] == "tick_step_failed"] == []


def test_it_answers_the_api_and_the_desk(api: Api, workspace: Workspace) -> None:
    voicemail = make_voicemail()
    assert api.get("voicemail").status_code == 200
    assert api.post("suppressions", {"recipient_phone_number": "+12025550111", "reason": "opt_out"}).status_code == 201
    client = Client()
    client.force_login(make_user(workspace=voicemail.workspace, is_staff=True, is_superuser=True, password=None))
    assert client.get("/admin/delivery/voicemail/").status_code == 200


def test_it_makes_and_drops_tables_in_the_schema_for_them() -> None:
    execute(
        f"CREATE UNLOGGED TABLE {SCRATCH}.list (x int); COMMENT ON TABLE {SCRATCH}.list IS 'a'; ANALYZE {SCRATCH}.list"
    )
    execute(f"DROP TABLE {SCRATCH}.list")


def test_in_production_processes_warn_if_their_role_owns_the_audit(settings: Any) -> None:
    settings.PRODUCTION = True
    assert check_role(["default"]) == []
    with connection.cursor() as cursor:
        cursor.execute("RESET SESSION AUTHORIZATION")
    [warning] = check_role(["default"])
    assert "owns the tables" in warning.msg
    settings.RVM_MIGRATIONS_DATABASE = dict(connection.settings_dict)
    assert check_role(["default"]) == []
    settings.PRODUCTION = False
    settings.RVM_MIGRATIONS_DATABASE = None
    assert check_role(["default"]) == []


def test_rights_that_it_should_not_have_are_taken_away(as_runtime: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET SESSION AUTHORIZATION")
        cursor.execute(f'GRANT ALL ON platform_auditevent TO "{as_runtime}"')
        grant(connection, as_runtime)
        cursor.execute(f'SET SESSION AUTHORIZATION "{as_runtime}"')
    with pytest.raises(ProgrammingError, match="permission denied"):
        execute("DELETE FROM platform_auditevent")


def test_migrations_by_the_role_of_the_processes_are_refused_where_another_is_named(settings: Any) -> None:
    settings.RVM_MIGRATIONS_DATABASE = dict(connection.settings_dict)
    with pytest.raises(CommandError, match="name the same role"):
        call_command("migrate")
