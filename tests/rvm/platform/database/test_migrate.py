"""`manage.py migrate` works as the owner of the tables, then gives the role of the processes its rights."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)


def rights_on_audit(role: str) -> tuple[bool, bool]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(%s, 'platform_auditevent', 'INSERT'),"
            " has_table_privilege(%s, 'platform_auditevent', 'DELETE')",
            [role, role],
        )
        found: tuple[bool, bool] = cursor.fetchone()
    return found


def test_after_it_the_processes_have_their_rights_and_their_connection(
    settings: Any, runtime_role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = dict(connection.settings_dict)
    with connection.cursor() as cursor:
        cursor.execute(f'REVOKE ALL ON platform_auditevent FROM "{runtime_role}"')
        cursor.execute(f'GRANT DELETE ON platform_auditevent TO "{runtime_role}"')
    assert rights_on_audit(runtime_role) == (False, True)
    settings.RVM_MIGRATIONS_DATABASE = owner
    monkeypatch.setitem(connection.settings_dict, "USER", runtime_role)
    out = StringIO()
    call_command("migrate", stdout=out)
    assert connection.settings_dict["USER"] == runtime_role
    assert f"The role {runtime_role} has the rights" in out.getvalue()
    monkeypatch.undo()
    connection.close()
    assert rights_on_audit(runtime_role) == (True, False)
