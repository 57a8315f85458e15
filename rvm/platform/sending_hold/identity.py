"""Which database this is, by what PostgreSQL says of itself; compared in SQL with the one that is kept, by every claim.

A standby that takes over may have forgotten claims, and a restored backup has: their messages are with people, their voicemails are
queued again. Both show another timeline or another cluster than the one in which RVM sent last, and a copy within the cluster is
another database. A part that PostgreSQL does not tell is not compared. The function belongs to the platform's first migration.
"""

from __future__ import annotations

from typing import NamedTuple

from django.db.migrations import RunSQL

# The newest log file's name begins with the timeline, also right after a promotion, when the control file still has the old one.
# Managed PostgreSQL may refuse any of these, so each is asked alone.
CREATE_FUNCTION = RunSQL(
    """
CREATE FUNCTION rvm_database_identity(OUT system bigint, OUT timeline integer, OUT database bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
  BEGIN
    system := (SELECT system_identifier FROM pg_control_system());
  EXCEPTION WHEN OTHERS THEN
    system := NULL;
  END;
  BEGIN
    timeline := ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer;
  EXCEPTION WHEN OTHERS THEN
    timeline := NULL;
  END;
  database := (SELECT oid FROM pg_database WHERE datname = current_database());
END
$$;
""",
    "DROP FUNCTION rvm_database_identity();",
)
# Whether no claim and no resubmission may begin. It names no other table, so a statement evaluates it once; it takes 50 microseconds.
# Without a row nothing was ever sent from here, and the tick keeps the identity with its first look.
HELD_SQL = """EXISTS (
  SELECT FROM platform_databaseidentity kept CROSS JOIN rvm_database_identity() seen
   WHERE kept.held_at IS NOT NULL
      OR kept.system <> seen.system OR kept.timeline <> seen.timeline OR kept.database <> seen.database)"""


class Identity(NamedTuple):
    """`system`: of the cluster, made by initdb. `timeline`: rises with each promotion. `database`: its oid. None: not told."""

    system: int | None
    timeline: int | None
    database: int | None

    def __str__(self) -> str:
        """As people compare it, and as commands take it."""
        return "/".join("?" if part is None else str(part) for part in self)

    def change_to(self, seen: Identity) -> str:
        """A sentence on how this database is another than the kept one, or "" if it is the same as far as is known."""
        if _differ(self.system, seen.system):
            return (
                "It lies in another PostgreSQL cluster than the one from which RVM sent last: a restored backup, a copy, or a new"
                " version of PostgreSQL."
            )
        if _differ(self.database, seen.database):
            return (
                "It is another database than the one from which RVM sent last, in the same PostgreSQL cluster: a copy."
            )
        if _differ(self.timeline, seen.timeline):
            return (
                f"PostgreSQL is on timeline {seen.timeline}, and was on {self.timeline} when RVM sent last: a standby has taken"
                " over, or a backup was restored."
            )
        return ""

    def completed_by(self, seen: Identity) -> Identity:
        """The same, with what was not told before."""
        return Identity(*(new if old is None else old for old, new in zip(self, seen, strict=True)))


def _differ(kept: int | None, seen: int | None) -> bool:
    return kept is not None and seen is not None and kept != seen
