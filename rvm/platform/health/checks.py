"""Health checks for load balancers and on-call operators: whether this process runs, and whether the installation can work.

Responses contain messages about components, never an address, a credential or an exception's text.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from redis import RedisError

from rvm.platform import redis_connection
from rvm.platform.database import server
from rvm.platform.database.session import TransactionsPooled
from rvm.platform.models import Heartbeat
from rvm.platform.redis_connection import redis_client, redis_now
from rvm.platform.sending_hold import service
from rvm.platform.times import tz_database

TICK_SECONDS = 15
# An idle worker updates its heartbeat every 5 s, a busy one only between two jobs. A dispatch job ends with its last response, and a
# reports job may wait for a look-up and a resubmission.
WORKER_SECONDS = settings.RVM_DISPATCH_SECONDS + 2 * settings.RVM_CARRIER_TIMEOUT_SECONDS + 15
# The most workers of a queue that are counted.
MAX_WORKERS = 1000
# Sending needs a worker on each of these; the work of other queues can wait.
SENDING_QUEUES = ("dispatch", "reports")


class Unready(Exception):
    """A component is not ready; the message is for the operator."""


class Check(NamedTuple):
    name: str
    ok: bool
    detail: str


@require_safe
def livez(_request: HttpRequest) -> JsonResponse:
    """Always 200: the response itself shows that this process runs."""
    return JsonResponse({"live": True})


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """`{"ready": true, "checks": [{name, ok, detail}], "warnings": [message], "time_zones": {tzdata, iana, max_age_days}}`.

    The HTTP status is 200, or 503 if any component is not ready.
    """
    checks = [_run(name, check) for name, check in CHECKS.items()]
    ready = all(check.ok for check in checks)
    warnings = [warning for warning in map(_warn, WARNINGS) if warning]
    body = {
        "ready": ready,
        "checks": [check._asdict() for check in checks],
        "warnings": warnings,
        "time_zones": time_zones(),
    }
    return JsonResponse(body, status=200 if ready else 503)


def _run(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except Unready as error:
        return Check(name, False, str(error))
    except TransactionsPooled as error:
        return Check(name, False, str(error))
    except DatabaseError:
        return Check(name, False, "PostgreSQL does not answer; see DATABASE_URL and the server's log.")
    except RedisError:
        return Check(name, False, "Redis does not answer; see REDIS_URL and the server's log.")


def _warn(warning: Callable[[], str]) -> str:
    try:
        return warning()
    except (DatabaseError, RedisError):
        return ""  # the checks report it


def database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only')")
        if cursor.fetchone() == ("on",):
            raise Unready(
                "PostgreSQL takes no writes: DATABASE_URL leads to a standby, or default_transaction_read_only is on there."
            )
    return "PostgreSQL answers."


def redis() -> str:
    redis_client().ping()
    return "Redis answers."


def durability() -> str:
    """A message that PostgreSQL keeps what it confirms. Raises Unready.

    Only what surely forgets stops readiness; what may be right on some machines is a warning.
    """
    if server.read_settings().fsync:
        return "PostgreSQL flushes what it confirms to the disk."
    if settings.PRODUCTION:
        raise Unready(server.NOT_FLUSHED)
    return "PostgreSQL does not flush to the disk, which is enough outside production."


def sending() -> str:
    """A message that sending is not held. Raises Unready, because whoever is called must decide soon: voicemails wait and expire."""
    if why := service.look().why_held:
        raise Unready(f"Sending is held. {why} {service.WHAT_TO_DO}")
    return "Sending is not held."


_migrated = False


def migrations() -> str:
    """A message that all migrations are applied, remembered by the process, because its code cannot gain one. Raises Unready."""
    global _migrated
    if not _migrated and (missing := unapplied_migrations()):
        raise Unready(f"{missing} migrations are not applied; run `manage.py migrate`.")
    _migrated = True
    return "All migrations are applied."


def unapplied_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def workers() -> str:
    """A message that each sending queue has a worker. Raises Unready, RedisError.

    It reads RQ's records directly, because RQ's own listing cleans up registries while it counts.
    """
    idle = [name for name in SENDING_QUEUES if not live_workers(name)]
    if idle:
        raise Unready(f"No worker listens on {', '.join(idle)}; start `manage.py worker {' '.join(idle)}`.")
    return f"A worker listens on {', '.join(SENDING_QUEUES)}."


def live_workers(queue: str) -> int:
    """The number of workers of the queue whose heartbeat is younger than WORKER_SECONDS. Raises RedisError."""
    redis = redis_client()
    now = redis_now(redis)
    keys: Any = redis.srandmember(f"rq:workers:{queue}", MAX_WORKERS)
    with redis.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hmget(key, "last_heartbeat", "death")
        # A key that is no worker's record has an error for an answer.
        answers = [row for row in pipeline.execute(raise_on_error=False) if isinstance(row, list)]
    return sum(_is_alive(beat, death, now) for beat, death in answers)


def _is_alive(beat: bytes | None, death: bytes | None, now: datetime) -> bool:
    if not beat or death:
        return False
    try:
        at = datetime.fromisoformat(beat.decode()).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return abs(now - at) < timedelta(seconds=WORKER_SECONDS)  # a sign of life from the future is nobody's


def tick() -> str:
    if not Heartbeat.objects.filter(name="tick", at__gt=Now() - timedelta(seconds=TICK_SECONDS)).exists():
        raise Unready(f"The tick gave no sign of life for {TICK_SECONDS} s; start `manage.py tick`.")
    return "The tick is alive."


def time_zones() -> dict[str, str | int]:
    """The tz database in use: the package's version, the IANA version, and its maximum age in days."""
    release = tz_database.release()
    age = release.age(_today())
    return {"tzdata": release.version, "iana": release.iana, "max_age_days": age.days}


def _today() -> date:
    return timezone.now().date()  # noqa: TID251 - compared with a year, and /readyz must work without a database


def wrong_time_zones() -> str:
    if not tz_database.reads_package_only():
        return (
            "This process reads time zones from the machine's own files, which may be years old: remove what calls"
            " zoneinfo.reset_tzpath."
        )
    release = tz_database.release()
    if release.age(_today()) <= tz_database.MAX_AGE:
        return ""
    return (
        f"The time zones in use, of tzdata {release.version} (IANA {release.iana}), may be as old as {release.earliest:%B %Y}: where"
        " clocks were changed since, people are reached at a wrong hour. Install a newer tzdata."
    )


def server_settings() -> str:
    return " ".join(server.warnings())


CHECKS: dict[str, Callable[[], str]] = {
    "database": database,
    "durability": durability,
    "redis": redis,
    "migrations": migrations,
    "workers": workers,
    "tick": tick,
    "sending": sending,
}
# Each returns a message about a problem that does not prevent work, or "". Layers above add their own.
WARNINGS: list[Callable[[], str]] = [
    wrong_time_zones,
    server_settings,
    service.unseen_parts,
    redis_connection.old_version,
]
