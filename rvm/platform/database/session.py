"""Session settings of every PostgreSQL connection, independent of the defaults of server, database and role.

They are set right after connecting, because PgBouncer refuses them as startup parameters. Settings, prepared statements and the
lock of a list's import belong to a session. A pooler that assigns a connection per transaction would apply them to other clients;
such a pooler is detected and refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import psycopg
from django.core.checks import CheckMessage, Error
from django.db import DatabaseError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

# Statement and lock timeouts belong to the roles: a migration that builds an index may need a long time.
SETTINGS = {
    # A statement that waited for a row continues with the row's new version. At "repeatable read" it would fail, and claims would
    # fail one after another.
    "default_transaction_isolation": "read committed",
    # The longest time for which a process that is suspended within a transaction keeps its row locks.
    "idle_in_transaction_session_timeout": "30s",
    # The engine's statements take milliseconds. Compiling one takes longer and is repeated at each execution.
    "jit": "off",
    # The only formats of timestamps and intervals that psycopg parses.
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    # A commit waits for the disk, and for a synchronous standby where there is one. A request leaves after the commit of its claim,
    # and a claim that is forgotten is made again.
    "synchronous_commit": "on",
}
# What an administrator may have chosen instead, because it waits even longer.
STRONGER = {"synchronous_commit": "remote_apply"}


def _applied(name: str, value: str) -> str:
    stronger = STRONGER.get(name, value)
    return f"set_config('{name}', CASE current_setting('{name}') WHEN '{stronger}' THEN '{stronger}' ELSE '{value}' END, false)"


# One round trip applies all settings and returns the backend's process id.
_APPLY_SETTINGS = f"SELECT pg_backend_pid(), {', '.join(_applied(*setting) for setting in SETTINGS.items())}"
# A pooler may assign its connections in turn. Within this many tries, one client meets a connection that the other has used.
ROUNDS = 50
TRANSACTIONS_POOLED = (
    "The pooler between RVM and PostgreSQL pools transactions, so that settings, locks and prepared statements of one process land on"
    " connections of others. Have it pool sessions (PgBouncer: pool_mode = session), or connect to PostgreSQL itself."
)

_has_sessions = False  # as far as this process knows


class TransactionsPooled(OperationalError):
    """A transaction-pooling pooler was detected; the message is a sentence for the operator."""


def prepare(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Apply SETTINGS to a new connection; the first one of a process is also checked for transaction pooling.

    Raises TransactionsPooled.
    """
    global _has_sessions
    with connection.cursor() as cursor:
        cursor.execute(_APPLY_SETTINGS)
        backend = cursor.fetchone()[0]
    # A pooler reports process ids of its own instead of those of PostgreSQL's backends.
    if not _has_sessions and backend != connection.connection.info.backend_pid and _is_shared(connection):
        connection.close()
        raise TransactionsPooled(TRANSACTIONS_POOLED)
    _has_sessions = True


def _is_shared(connection: BaseDatabaseWrapper) -> bool:
    with connection.wrap_database_errors, connection.get_new_connection(connection.get_connection_params()) as other:
        other.autocommit = True
        return share_sessions(connection.connection, other)


def share_sessions(one: psycopg.Connection[Any], other: psycopg.Connection[Any]) -> bool:
    """Whether a setting made through `one` becomes visible through `other` within ROUNDS tries.

    Both are connected, and neither is in a transaction.
    """
    mark = uuid4().hex
    for _ in range(ROUNDS):
        one.execute("SELECT set_config('rvm.client', %s, false)", [mark])
        if other.execute("SELECT current_setting('rvm.client', true)").fetchone() == (mark,):
            return True
    return False


def check_pooler(databases: Iterable[str] | None = None, **_: object) -> list[CheckMessage]:
    """Django system check of the databases; `migrate`, `worker` and `tick` run it at start."""
    for alias in databases or ():
        try:
            with connections[alias].temporary_connection():
                pass
        except TransactionsPooled as error:
            return [Error(str(error), id="rvm.E001")]
        except DatabaseError:
            pass  # the server may start later; code that needs it reports the error
    return []
