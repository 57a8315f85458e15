"""The one Redis client of a process for short questions: it gives up after a second, so that an unreachable Redis costs no more."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry


@lru_cache(maxsize=1)
def redis_client() -> Redis:
    """Bytes in, bytes out; safe to share between threads."""
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), retries=0)
    )


def redis_now(redis: Redis) -> datetime:
    """The time by Redis's clock, for what is only in Redis. Raises RedisError."""
    seconds, microseconds = redis.time()
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(microseconds))
