"""The Redis client of a process for short commands: an unreachable Redis holds none of them up for long.

A command has one second. After one that failed so, others fail at once for a while: a request that sends several waits once.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from redis import Redis
from redis import exceptions as errors
from redis.backoff import NoBackoff
from redis.retry import Retry

_SILENT = (errors.TimeoutError, errors.ConnectionError)
_REMEMBERED_SECONDS = 1.0


class BriefRedis(Redis):
    _silent_since = float("-inf")

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if time.monotonic() < self._silent_since + _REMEMBERED_SECONDS:
            raise errors.ConnectionError("Redis has just not answered.")
        try:
            return super().execute_command(*args, **options)
        except _SILENT:
            self._silent_since = time.monotonic()
            raise


@lru_cache(maxsize=1)
def redis_client() -> Redis:
    """The process's client; it takes and returns bytes, and threads may share it."""
    return BriefRedis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), retries=0)
    )


def redis_now(redis: Redis) -> datetime:
    """The time by Redis's clock, for comparison with values that are only in Redis. Raises RedisError."""
    seconds, microseconds = redis.time()
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(microseconds))


# The first release of each line without a known hole by which commands run code, of July 2026; other lines get no releases any more.
PATCHED = {
    "redis": {(6, 2): 23, (7, 2): 15, (7, 4): 10, (8, 2): 8, (8, 4): 5, (8, 6): 5, (8, 8): 1},
    "valkey": {(7, 2): 11, (8, 0): 6, (8, 1): 7, (9, 0): 5, (9, 1): 1},
}
_OLD = (
    "{} {} is reached over the network and lacks fixes of known holes, by which whoever may send it commands may take over its"
    " machine. Install the newest release of a line that is maintained."
)


def old_version() -> str:
    """A message if Redis is reached over TCP and lacks a known patch, or "". Raises RedisError."""
    if urlsplit(settings.REDIS_URL).scheme == "unix":
        return ""
    found = redis_client().info("server")
    name = str(found.get("server_name", "redis"))
    version = str(found.get("valkey_version" if name == "valkey" else "redis_version", ""))
    return "" if is_patched(name, version) else _OLD.format(name.capitalize(), version)


def is_patched(name: str, version: str) -> bool:
    """Whether this release of Redis or Valkey has the patch; of another server, or a version that is no number, nothing is known."""
    first = PATCHED.get(name)
    try:
        major, minor, patch = (int(part) for part in version.split(".")[:3])
    except ValueError:
        return True
    if first is None or (major, minor) > max(first):
        return True
    return patch >= first.get((major, minor), patch + 1)
