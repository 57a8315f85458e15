"""The rights of the role that runs the processes, where another role owns the tables.

A role that owns a table can disable its triggers, so append-only tables are safe from the processes only if these run as another. It
gets what it needs: to change the rows of tables, to add and read those of append-only tables, and to make tables in one schema, which
lists under way have. `manage.py migrate` gives the rights anew each time, so that new tables have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from rvm.platform.database.append_only import FUNCTION

# Where processes make and drop tables. In the schema of the other tables, these could stand in the way of what the owner calls.
SCRATCH = "rvm_scratch"
# Instead of changing any row in any column: the head of a chain of audit events rises, and migrations are the owner's.
_OTHER_RIGHTS = {
    "platform_auditchain": "SELECT, INSERT, UPDATE (position, hash, sealed_at)",
    "django_migrations": "SELECT",
}
# Each table, whether it is append-only, and the arguments of the trigger, each with a NUL behind it: the columns that may be renewed.
_TABLES = """
SELECT c.relname, kept.args IS NOT NULL, kept.args
  FROM pg_class c CROSS JOIN LATERAL (
       SELECT string_agg(encode(t.tgargs, 'escape'), '') AS args
         FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = c.oid AND p.proname = %s) kept
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
_IS_OWNER = (
    "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('platform_auditevent')"
)
_OWNED = (
    "The role {role} of DATABASE_URL owns the tables, so whoever takes over a process can disable the triggers that keep audit"
    " events. Give the processes a role of their own, and RVM_MIGRATIONS_DATABASE_URL to `migrate`: docs/operate/postgresql.md."
)


def grant(owner: BaseDatabaseWrapper, role: str) -> None:
    """Give the role exactly the rights that the processes need, on the connection of the owner of the tables."""
    with owner.cursor() as cursor:
        cursor.execute(_TABLES, [FUNCTION])
        for statement in _statements(cursor.fetchall()):
            cursor.execute(statement.format(role=owner.ops.quote_name(role)))


def _statements(tables: list[tuple[str, bool, str | None]]) -> Iterator[str]:
    yield "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
    yield "GRANT USAGE ON SCHEMA public TO {role}"
    yield f"GRANT USAGE, CREATE ON SCHEMA {SCRATCH} TO {{role}}"
    yield "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"
    for table, append_only, arguments in tables:
        rights = "SELECT, INSERT" if append_only else "SELECT, INSERT, UPDATE, DELETE"
        if renewed := [column for column in (arguments or "").split("\\000") if column]:
            rights += f", UPDATE ({', '.join(renewed)})"
        yield f'GRANT {_OTHER_RIGHTS.get(table, rights)} ON public."{table}" TO {{role}}'


def owns_the_audit() -> bool:
    """Whether the role of this connection could disable the triggers of audit events."""
    with connection.cursor() as cursor:
        cursor.execute(_IS_OWNER)
        found = cursor.fetchone()
    return bool(found and found[0])


def check_role(databases: Iterable[str] | None = None, **_: object) -> list[CheckMessage]:
    """Django system check of the databases; in production, `worker` and `tick` warn at start where their role owns the audit."""
    try:
        if not databases or not settings.PRODUCTION or not owns_the_audit():
            return []
    except DatabaseError:
        return []  # the server may start later; code that needs it reports the error
    if (
        settings.RVM_MIGRATIONS_DATABASE
        and connection.settings_dict["USER"] == settings.RVM_MIGRATIONS_DATABASE["USER"]
    ):
        return []  # it migrates
    return [Warning(_OWNED.format(role=connection.settings_dict["USER"]), id="rvm.W002")]
