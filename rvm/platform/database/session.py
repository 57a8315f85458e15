"""Sets every connection to PostgreSQL to what the code relies on, whatever the server, the database and the role have for defaults.

Said right after connecting: PgBouncer refuses a client that says it while it connects. What is said holds for a session, and so do
prepared statements and the lock of a list's import. A pooler that hands each transaction to whichever connection is free would have
them hold for somebody else; it is found out and refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import psycopg
from django.core.checks import CheckMessage, Error
from django.db import DatabaseError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

# How long a statement may take and wait is left to the roles: an index that a migration builds takes what it takes.
SETTINGS = {
    # A statement that waited for a row goes on with what the row has become. One level higher it fails instead, claims in a row.
    "default_transaction_isolation": "read committed",
    # A process that is stopped in the middle of a transaction holds its rows, and everybody who waits for them, no longer than this.
    "idle_in_transaction_session_timeout": "30s",
    # The engine's statements take milliseconds; to compile one takes longer, and again each time that it runs.
    "jit": "off",
    # The only forms of a moment and of an interval that psycopg reads.
    "datestyle": "ISO",
    "intervalstyle": "postgres",
}
# One exchange for all settings, and whose backend it is.
_APPLY_SETTINGS = f"SELECT pg_backend_pid(), {', '.join(['set_config(%s, %s, false)'] * len(SETTINGS))}"
# A pooler may hand out its connections in turn: so often, one client comes upon a connection that the other has used.
ROUNDS = 50
TRANSACTIONS_POOLED = (
    "The pooler between RVM and PostgreSQL pools transactions, so that settings, locks and prepared statements of one process land on"
    " connections of others. Have it pool sessions (PgBouncer: pool_mode = session), or connect to PostgreSQL itself."
)

_has_sessions = False  # as far as this process knows


class TransactionsPooled(OperationalError):
    """The message is a sentence for the operator."""


def prepare(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Set a connection that was just made, once a process after a look whether it is a session. Raises TransactionsPooled."""
    global _has_sessions
    with connection.cursor() as cursor:
        cursor.execute(_APPLY_SETTINGS, [part for setting in SETTINGS.items() for part in setting])
        backend = cursor.fetchone()[0]
    # A pooler tells its clients numbers of its own instead of those of PostgreSQL's processes.
    if not _has_sessions and backend != connection.connection.info.backend_pid and _is_shared(connection):
        connection.close()
        raise TransactionsPooled(TRANSACTIONS_POOLED)
    _has_sessions = True


def _is_shared(connection: BaseDatabaseWrapper) -> bool:
    with connection.wrap_database_errors, connection.get_new_connection(connection.get_connection_params()) as other:
        other.autocommit = True
        return share_sessions(connection.connection, other)


def share_sessions(one: psycopg.Connection[Any], other: psycopg.Connection[Any]) -> bool:
    """Whether what one client sets is ever found set by the other. Both are connected, and neither is in a transaction."""
    mark = uuid4().hex
    for _ in range(ROUNDS):
        one.execute("SELECT set_config('rvm.client', %s, false)", [mark])
        if other.execute("SELECT current_setting('rvm.client', true)").fetchone() == (mark,):
            return True
    return False


def check_pooler(databases: Iterable[str] | None = None, **_: object) -> list[CheckMessage]:
    """Django's check of the databases, which `migrate`, `worker` and `tick` begin with."""
    for alias in databases or ():
        try:
            with connections[alias].temporary_connection():
                pass
        except TransactionsPooled as error:
            return [Error(str(error), id="rvm.E001")]
        except DatabaseError:
            pass  # it may come later; what needs it says so
    return []
