"""Fixtures that tests of several layers share: a workspace, a client that calls its API with a key, an unfriendly database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from rvm.platform.models import Workspace
from tests.factories import Api, make_api, make_workspace

# An administrator may have set any of these for the server, the database or the role.
UNFRIENDLY = {
    "default_transaction_isolation": "serializable",
    "idle_in_transaction_session_timeout": "0",
    "jit": "on",
    "datestyle": "SQL, DMY",
    "intervalstyle": "iso_8601",
}


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
