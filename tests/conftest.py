"""Fixtures that tests of several layers share: a workspace, a client that calls its API with a key, an unfriendly database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from hypothesis import HealthCheck, settings

from rvm.platform.database.grants import grant
from rvm.platform.models import Workspace
from rvm.platform.redis_connection import redis_client
from tests.append_only import OFF, ON
from tests.factories import Api, make_api, make_workspace
from tests.key_rings import take_keys

# How long an example takes says nothing on a machine that does other work; examples share a test's fixtures, whose rows each undoes.
settings.register_profile(
    "shared", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("shared")

# An administrator may have set any of these for the server, the database or the role.
UNFRIENDLY = {
    "default_transaction_isolation": "serializable",
    "idle_in_transaction_session_timeout": "0",
    "jit": "on",
    "datestyle": "SQL, DMY",
    "intervalstyle": "iso_8601",
    "synchronous_commit": "off",
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


@pytest.fixture(autouse=True)
def redis_is_asked_again() -> Iterator[None]:
    """A Redis that was away in one test is not taken for away in the next."""
    yield
    if redis_client.cache_info().currsize:
        vars(redis_client()).pop("_silent_since", None)


@pytest.fixture(scope="session")
def runtime_role(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A role with the rights that production's processes have, on this session's database."""
    role = f"{connection.settings_dict['NAME']}_runtime"
    with django_db_blocker.unblock():
        own = connection.copy()  # a test may be within a transaction of the other
        with own.cursor() as cursor:
            cursor.execute(f'CREATE ROLE "{role}" LOGIN')
        grant(own, role)
        own.close()
    yield role
    with django_db_blocker.unblock():
        with own.cursor() as cursor:
            cursor.execute(f'DROP OWNED BY "{role}" CASCADE')
            cursor.execute(f'DROP ROLE "{role}"')
        own.close()


@pytest.fixture
def as_runtime(request: pytest.FixtureRequest, runtime_role: str) -> Iterator[str]:
    """The test's statements have the rights of the processes, not those of the tables' owner."""
    marker = request.node.get_closest_marker("django_db")
    request.getfixturevalue("transactional_db" if marker and marker.kwargs.get("transaction") else "db")
    with connection.cursor() as cursor:
        cursor.execute(f'SET SESSION AUTHORIZATION "{runtime_role}"')
    yield runtime_role
    with connection.cursor() as cursor:
        cursor.execute("RESET SESSION AUTHORIZATION")


@pytest.fixture
def keys() -> Iterator[Callable[..., None]]:
    """Calling it installs key rings (`take_keys`); after the test there is the first key again."""
    take_keys()
    yield take_keys
    take_keys()


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
