"""Settings of the PostgreSQL server by which it may forget what it has confirmed, or write to its log what it must not.

RVM cannot set them: they belong to the server. A claim that is forgotten after its request has left is made again, and the person is
reached twice. Outside production data is disposable, and the servers of tests do without the disk on purpose.
"""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.db import connection

NOT_FLUSHED = (
    "PostgreSQL does not flush what it confirms to the disk (fsync is off): after a power cut it may have forgotten claims, or be"
    " destroyed, and people are reached twice. Set fsync = on."
)
TORN_PAGES = (
    "PostgreSQL's full_page_writes is off: after a power cut pages may be half old and half new, unless the file system writes them"
    " as a whole, as ZFS does. On any other, set it on."
)
ASYNCHRONOUS = (
    "The default of synchronous_commit is {} for this role, database or server. RVM's own connections are set to on, so no claim"
    " hangs on it; whatever else writes here may be forgotten after a crash."
)
FORGETFUL_STANDBYS = (
    "{} without synchronous_standby_names: if a standby takes over, it may have forgotten the last claims. Sending is held then"
    " until a person lets it go (docs/operate/failover.md); a synchronous standby forgets none."
)
STANDBYS_UNSEEN = (
    "{} this PostgreSQL, perhaps standbys: without the role pg_read_all_stats it cannot be seen. Standbys copy it"
)
LOGGED = (
    "PostgreSQL's log may hold values of statements, which may be about patients: {}. Set what"
    " docs/operate/postgresql.md lists under Log."
)
# Values with which the server writes no values of statements to its log, for each setting that decides about that.
SILENT = {
    "log_statement": ("none", "ddl"),
    "log_min_error_statement": ("log", "fatal", "panic"),
    "log_error_verbosity": ("terse",),
    "log_min_duration_statement": ("-1",),
    "log_min_duration_sample": ("-1",),
    "log_transaction_sample_rate": ("0",),
}
_OF_LOG = ", ".join(f"current_setting('{name}')" for name in SILENT)
# Without pg_read_all_stats, the state of a connection that copies the server is null. Among those that are seen, base backups do not
# count. In a session, the reset value is the default that the session began with.
_READ = f"""
SELECT current_setting('fsync') = 'on', current_setting('full_page_writes') = 'on',
       (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'), current_setting('synchronous_standby_names') <> '',
       r.standbys, r.unseen, ARRAY[{_OF_LOG}]
  FROM (SELECT count(*) FILTER (WHERE state IN ('catchup', 'streaming')) AS standbys,
               count(*) FILTER (WHERE state IS NULL) AS unseen FROM pg_stat_replication) r
"""  # noqa: S608 - of constants


class ServerSettings(NamedTuple):
    """What the server is set to. `standbys`: connections that copy it; `unseen`: those that may, or may be something else."""

    fsync: bool
    full_page_writes: bool
    commit: str
    has_synchronous: bool
    standbys: int
    unseen: int
    of_log: list[str]

    def warnings(self) -> list[str]:
        """A sentence for each setting to look at."""
        found = []
        if not self.full_page_writes:
            found.append(TORN_PAGES)
        if self.commit in ("off", "local"):
            found.append(ASYNCHRONOUS.format(self.commit))
        if not self.has_synchronous and self.standbys:
            copies = "1 standby copies" if self.standbys == 1 else f"{self.standbys} standbys copy"
            found.append(FORGETFUL_STANDBYS.format(f"{copies} this PostgreSQL"))
        elif not self.has_synchronous and self.unseen:
            copies = "1 connection copies" if self.unseen == 1 else f"{self.unseen} connections copy"
            found.append(FORGETFUL_STANDBYS.format(STANDBYS_UNSEEN.format(copies)))
        spoken = [
            f"{name} is {value}"
            for (name, silent), value in zip(SILENT.items(), self.of_log, strict=True)
            if value not in silent
        ]
        if spoken:
            found.append(LOGGED.format(", ".join(spoken)))
        return found


def read_settings() -> ServerSettings:
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        return ServerSettings(*cursor.fetchone())


def warnings() -> list[str]:
    """Sentences about the server in production, for administrators."""
    return read_settings().warnings() if settings.PRODUCTION else []
