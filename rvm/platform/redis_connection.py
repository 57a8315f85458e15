"""The Redis client of a process for short commands: it times out after one second, so that an unreachable Redis blocks no longer."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry


@lru_cache(maxsize=1)
def redis_client() -> Redis:
    """The process's client; it takes and returns bytes, and threads may share it."""
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), retries=0)
    )


def redis_now(redis: Redis) -> datetime:
    """The time by Redis's clock, for comparison with values that are only in Redis. Raises RedisError."""
    seconds, microseconds = redis.time()
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(microseconds))
