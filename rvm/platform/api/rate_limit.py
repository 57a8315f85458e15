"""How often a key may ask: a fixed window a minute in Redis, told on every answer by `RateLimit` and `RateLimit-Policy`.

The counting is a courtesy between neighbours, not a guard of patients (pacing is): while Redis is away, requests go on uncounted.
The headers follow draft-ietf-httpapi-ratelimit-headers-11.
"""

from __future__ import annotations

import math
from typing import NamedTuple, cast
from uuid import UUID

import structlog
from redis import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from rvm.platform.models import ApiKey
from rvm.platform.redis_connection import redis_client

_log = structlog.get_logger(__name__)

# Counts and reads the window's remaining time in one step; a window begins with its first request.
_COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}
"""


class Policy(NamedTuple):
    name: str
    quota: int
    seconds: int


READ = Policy("read", 6000, 60)
WRITE = Policy("write", 6000, 60)


class RateLimitStatus(NamedTuple):
    """Where a caller stands in a window; `seconds` until it begins anew."""

    policy: Policy
    used: int
    seconds: int

    @property
    def exceeded(self) -> bool:
        return self.used > self.policy.quota

    @property
    def headers(self) -> dict[str, str]:
        name, quota, window = self.policy
        headers = {
            "RateLimit-Policy": f'"{name}";q={quota};w={window}',
            "RateLimit": f'"{name}";r={max(0, quota - self.used)};t={self.seconds}',
        }
        return headers | ({"Retry-After": str(self.seconds)} if self.exceeded else {})


def policy_for(method: str | None) -> Policy:
    return READ if method in ("GET", "HEAD") else WRITE


def count(key_id: UUID, policy: Policy) -> RateLimitStatus | None:
    """Count one request of an API key; None while Redis does not answer."""
    name = f"rvm:rate:{policy.name}:{key_id}"
    try:
        used, milliseconds = redis_client().eval(_COUNT, 1, name, policy.seconds * 1000)
    except RedisError:
        _log.warning("requests are not counted: Redis does not answer")
        return None
    return RateLimitStatus(policy, used, max(1, math.ceil(milliseconds / 1000)))


class KeyThrottle(BaseThrottle):
    """The rate limit of the caller's API key. Every answer from here on says where the key stands; also a refusal, also a replay."""

    status: RateLimitStatus | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.status = count(cast(ApiKey, request.auth).id, policy_for(request.method))
        if self.status is None:
            return True
        view.headers.update(self.status.headers)
        return not self.status.exceeded

    def wait(self) -> float | None:
        return None if self.status is None else self.status.seconds
