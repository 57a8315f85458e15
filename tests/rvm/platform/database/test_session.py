"""What every connection of ours asks of PostgreSQL, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client

from rvm.platform.database import session
from tests.conftest import UNFRIENDLY

KEPT = {**session.SETTINGS, "datestyle": "ISO, DMY"}  # the order of day and month is for what people type


@pytest.fixture
def another() -> Iterator[BaseDatabaseWrapper]:
    """A connection as a new process makes one."""
    made = connection.copy()
    yield made
    made.close()


def test_what_the_code_relies_on_does_not_hang_on_the_defaults_of_the_database(
    unfriendly_database: None, another: BaseDatabaseWrapper
) -> None:
    with psycopg.connect(**_address(another)) as bare:
        assert {name: bare.execute(f"SHOW {name}").fetchone()[0] for name in UNFRIENDLY} == UNFRIENDLY
    with another.cursor() as cursor:
        found = {}
        for name in UNFRIENDLY:
            cursor.execute(f"SHOW {name}")
            found[name] = cursor.fetchone()[0]
        assert found == KEPT
        cursor.execute("SELECT timestamptz '2026-11-28 12:00+00', interval '90 seconds'")
        assert [str(value) for value in cursor.fetchone()] == ["2026-11-28 12:00:00+00:00", "0:01:30"]


@pytest.fixture
def of_a_role(runtime_role: str, transactional_db: None) -> Iterator[BaseDatabaseWrapper]:
    """A connection as the role of the processes, whose defaults the test may set."""
    made = connection.copy()
    made.settings_dict = {**made.settings_dict, "USER": runtime_role}
    yield made
    made.close()
    _execute(connection, f'ALTER ROLE "{runtime_role}" RESET ALL')


def _execute(wrapper: BaseDatabaseWrapper, statement: str) -> Any:
    with wrapper.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


@pytest.mark.parametrize(
    ("chosen", "used"), [("off", "on"), ("local", "on"), ("remote_write", "on"), ("remote_apply", "remote_apply")]
)
def test_commits_wait_for_the_disk_whatever_the_role_is_set_to(
    runtime_role: str, of_a_role: BaseDatabaseWrapper, chosen: str, used: str
) -> None:
    _execute(connection, f'ALTER ROLE "{runtime_role}" SET synchronous_commit = {chosen}')
    assert _execute(of_a_role, "SHOW synchronous_commit") == used
    of_a_role.set_autocommit(False)
    for _ in range(20):
        _execute(of_a_role, "INSERT INTO platform_heartbeat VALUES (gen_random_uuid()::text, now())")
        written = _execute(of_a_role, "SELECT pg_current_wal_insert_lsn()")
        of_a_role.commit()
        assert _execute(connection, f"SELECT pg_current_wal_flush_lsn() >= '{written}'")


def _address(wrapper: BaseDatabaseWrapper) -> dict[str, Any]:
    parameters = wrapper.get_connection_params()
    return {name: parameters[name] for name in ("host", "port", "dbname", "user", "password") if name in parameters}


@pytest.mark.django_db
def test_a_connection_says_nothing_while_it_connects_that_a_pooler_refuses(another: BaseDatabaseWrapper) -> None:
    """PgBouncer takes the parameters that follow PostgreSQL's protocol, and of others these few:
    https://www.pgbouncer.org/config.html#ignore_startup_parameters."""
    another.ensure_connection()
    said = another.connection.info.get_parameters()
    assert "options" not in said and "replication" not in said


@pytest.mark.django_db
def test_two_connections_to_postgresql_are_two_sessions_and_one_is_one(another: BaseDatabaseWrapper) -> None:
    another.ensure_connection()
    third = connection.copy()
    third.ensure_connection()
    try:
        assert not session.share_sessions(another.connection, third.connection)
        assert session.share_sessions(another.connection, another.connection)
    finally:
        third.close()


class PooledTransactions:
    """Makes this process believe that it is behind PgBouncer: its numbers of processes, and one session for all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(psycopg.ConnectionInfo, "backend_pid", property(lambda _: -1))
        monkeypatch.setattr(session, "_has_sessions", False)
        monkeypatch.setattr(session, "share_sessions", self._share)
        self.looks = 0
        self.shared = True

    def _share(self, one: psycopg.Connection[Any], other: psycopg.Connection[Any]) -> bool:
        assert one is not other and one.autocommit and other.autocommit
        self.looks += 1
        return self.shared


@pytest.fixture
def pooler(monkeypatch: pytest.MonkeyPatch) -> PooledTransactions:
    return PooledTransactions(monkeypatch)


@pytest.mark.django_db
def test_a_pooler_of_transactions_is_refused_with_what_to_do(
    pooler: PooledTransactions, another: BaseDatabaseWrapper
) -> None:
    for _ in range(2):
        with pytest.raises(session.TransactionsPooled, match="pool_mode = session"):
            another.ensure_connection()
        assert another.connection is None
    assert pooler.looks == 2


@pytest.mark.django_db
def test_a_pooler_of_sessions_is_looked_at_once(pooler: PooledTransactions, another: BaseDatabaseWrapper) -> None:
    pooler.shared = False
    for _ in range(2):
        another.ensure_connection()
        another.close()
    assert pooler.looks == 1


@pytest.fixture
def on_a_new_connection(monkeypatch: pytest.MonkeyPatch, another: BaseDatabaseWrapper) -> Iterator[None]:
    """What uses the default connection connects anew."""
    usual = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = another
    yield
    connections[DEFAULT_DB_ALIAS] = usual


@pytest.mark.django_db
@pytest.mark.usefixtures("pooler", "on_a_new_connection")
@pytest.mark.parametrize("command", [["tick"], ["events"], ["worker", "dispatch"], ["migrate"]], ids=" ".join)
def test_nothing_starts_behind_a_pooler_of_transactions(command: list[str]) -> None:
    with pytest.raises(SystemCheckError, match="pool_mode = session"):
        call_command(*command, skip_checks=False)


@pytest.mark.django_db
@pytest.mark.usefixtures("pooler", "on_a_new_connection")
def test_readyz_says_that_transactions_are_pooled() -> None:
    checks = {check["name"]: check for check in Client().get("/readyz").json()["checks"]}
    assert (checks["database"]["ok"], checks["database"]["detail"]) == (False, session.TRANSACTIONS_POOLED)


@pytest.mark.django_db
@pytest.mark.usefixtures("on_a_new_connection")
def test_a_server_that_does_not_answer_yet_is_no_reason_not_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections[DEFAULT_DB_ALIAS].settings_dict, "HOST", "/nowhere")
    assert not [
        found for found in run_checks(tags=["database"], databases=[DEFAULT_DB_ALIAS]) if found.id == "rvm.E001"
    ]
