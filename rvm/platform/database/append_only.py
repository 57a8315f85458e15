"""Tables whose rows are never changed or removed, held by triggers, for whichever role writes.

The function belongs to the platform's first migration; a later one that makes such a table takes `append_only` as an operation.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.migrations import RunSQL

FUNCTION = "rvm_refuse_change"
CREATE_FUNCTION = RunSQL(
    f"""
CREATE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND TG_NARGS > 0 AND NEW IS DISTINCT FROM OLD AND to_jsonb(NEW) - TG_ARGV = to_jsonb(OLD) - TG_ARGV THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% is append-only: add a row', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
""",
    f"DROP FUNCTION {FUNCTION}();",
)


def append_only(table: str, *, but_update: bool = False, renewed: Iterable[str] = ()) -> RunSQL:
    """The migration that makes PostgreSQL refuse UPDATE (unless `but_update`), DELETE and TRUNCATE of the table. `renewed`: columns
    that are written anew when a key is replaced, ciphertexts and blind indexes."""
    refused = "DELETE" if but_update else "UPDATE OR DELETE"
    columns = ", ".join(f"'{column}'" for column in renewed)
    return RunSQL(
        f"""
CREATE TRIGGER {table}_kept BEFORE {refused} ON {table} FOR EACH ROW EXECUTE FUNCTION {FUNCTION}({columns});
CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}();
""",
        f"DROP TRIGGER {table}_kept ON {table}; DROP TRIGGER {table}_not_emptied ON {table};",
    )
