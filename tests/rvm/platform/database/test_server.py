"""What PostgreSQL may forget, or write to its log, is said in sentences; to whoever may not see a part of it, that too."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from rvm.platform.database.server import SILENT, ServerSettings, read_settings, warnings
from rvm.platform.models import Workspace
from rvm.platform.roles import Role
from tests.factories import make_user

GOOD = ServerSettings(
    fsync=True,
    full_page_writes=True,
    commit="on",
    has_synchronous=False,
    standbys=0,
    unseen=0,
    of_log=[values[0] for values in SILENT.values()],
)
OF_A_FRESH_SERVER = ["none", "error", "default", "-1", "-1", "0"]


def test_a_server_that_forgets_nothing_and_is_silent_is_not_warned_of() -> None:
    assert GOOD.warnings() == []
    assert GOOD._replace(has_synchronous=True, standbys=2, unseen=1).warnings() == []
    assert GOOD._replace(commit="remote_apply").warnings() == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"full_page_writes": False}, "full_page_writes is off"),
        ({"commit": "off"}, "The default of synchronous_commit is off"),
        ({"commit": "local"}, "The default of synchronous_commit is local"),
        ({"standbys": 1}, "1 standby copies this PostgreSQL without synchronous_standby_names"),
        ({"standbys": 2, "unseen": 1}, "2 standbys copy this PostgreSQL"),
        ({"unseen": 1}, "without the role pg_read_all_stats it cannot be seen"),
        ({"of_log": OF_A_FRESH_SERVER}, "log_min_error_statement is error, log_error_verbosity is default"),
        ({"of_log": ["mod", *GOOD.of_log[1:]]}, "log_statement is mod"),
    ],
)
def test_each_setting_to_look_at_has_a_sentence(changed: dict[str, Any], told: str) -> None:
    [sentence] = GOOD._replace(**changed).warnings()
    assert told in sentence and sentence[-1] == "."


@pytest.mark.django_db
@pytest.mark.usefixtures("as_runtime")
def test_the_role_of_the_processes_reads_the_settings_of_the_server() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        assert read_settings().fsync is (cursor.fetchone() == ("on",))
    assert read_settings().of_log == ["none", "panic", "terse", "-1", "-1", "0"], "the embedded server is silent"


@pytest.mark.django_db
def test_the_desk_tells_those_who_configure(client: Client, workspace: Workspace, settings: Any) -> None:
    settings.PRODUCTION = True
    told = {}
    for role in (Role.VIEWER, Role.ADMIN):
        client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None))
        told[role] = "fsync is off" in client.get("/admin/").content.decode()
    assert told == {Role.VIEWER: False, Role.ADMIN: True}


@pytest.mark.django_db
def test_outside_production_nothing_is_warned_of() -> None:
    assert warnings() == []
