"""Fixtures that tests of several layers share: a workspace, a client that calls its API with a key, an unfriendly database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

from rvm.platform.models import Workspace
from tests.append_only import OFF, ON
from tests.factories import Api, make_api, make_workspace

# An administrator may have set any of these for the server, the database or the role.
UNFRIENDLY = {
    "default_transaction_isolation": "serializable",
    "idle_in_transaction_session_timeout": "0",
    "jit": "on",
    "datestyle": "SQL, DMY",
    "intervalstyle": "iso_8601",
}


@pytest.fixture(autouse=True, scope="session")
def flush_of_append_only_tables() -> Iterator[None]:
    """After a test with transactions of its own, Django empties all tables; only there, past the triggers that refuse it."""
    flush = DatabaseOperations.execute_sql_flush

    def flush_past_triggers(self: DatabaseOperations, sql_list: list[str]) -> None:
        flush(self, [OFF, *sql_list, ON] if sql_list else sql_list)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", flush_past_triggers)
        yield


@pytest.fixture
def workspace(db: None) -> Workspace:
    return make_workspace()


@pytest.fixture
def api(workspace: Workspace) -> Api:
    """Calls `/v1/{workspace}/…` with a live key that has every scope."""
    return make_api(workspace)


@pytest.fixture
def unfriendly_database(transactional_db: None) -> Iterator[None]:
    """The database has defaults that nobody expects, for every connection that is made from now on."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        for setting, value in UNFRIENDLY.items():
            cursor.execute(f"ALTER DATABASE {name} SET {setting} = %s", [value])
        yield
        cursor.execute(f"ALTER DATABASE {name} RESET ALL")
