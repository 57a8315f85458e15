"""Tables whose rows are never changed or removed, held by triggers, for whichever role writes.

The function belongs to the platform's first migration; a later one that makes such a table takes `append_only` as an operation.
"""

from __future__ import annotations

from django.db.migrations import RunSQL

FUNCTION = "rvm_refuse_change"
CREATE_FUNCTION = RunSQL(
    f"""
CREATE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: add a row', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
""",
    f"DROP FUNCTION {FUNCTION}();",
)


def append_only(table: str, *, but_update: bool = False) -> RunSQL:
    """The migration that makes PostgreSQL refuse UPDATE (unless `but_update`), DELETE and TRUNCATE of the table."""
    refused = "DELETE" if but_update else "UPDATE OR DELETE"
    return RunSQL(
        f"""
CREATE TRIGGER {table}_kept BEFORE {refused} ON {table} FOR EACH ROW EXECUTE FUNCTION {FUNCTION}();
CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}();
""",
        f"DROP TRIGGER {table}_kept ON {table}; DROP TRIGGER {table}_not_emptied ON {table};",
    )
