"""Rate limit per API key: a one-minute window in Redis, reported in the headers `RateLimit` and `RateLimit-Policy`.

It protects other clients, not patients; the pace of setups protects those. Without Redis, requests are not counted. The headers
follow draft-ietf-httpapi-ratelimit-headers-11; `X-RateLimit-*` say the same to clients that know no standard, `-Reset` as Unix time.
"""

from __future__ import annotations

import math
from typing import NamedTuple
from uuid import UUID

import structlog
from redis import RedisError

from rvm.platform.redis_connection import redis_client

_log = structlog.get_logger(__name__)

# One script increments the count and reads the window's remaining time atomically, and the time, by one clock for all web hosts. A
# window begins with its first request. What is no count of such a window is replaced by a new one.
_COUNT = """
local left, kind = redis.call('PTTL', KEYS[1]), redis.call('TYPE', KEYS[1]).ok
local count = kind == 'string' and redis.call('STRLEN', KEYS[1]) < 16 and string.match(redis.call('GET', KEYS[1]), '^%d+$')
if not count or left < 0 or left > tonumber(ARGV[1]) then
  left = tonumber(ARGV[1])
  redis.call('SET', KEYS[1], 0, 'PX', left)
end
return {redis.call('INCR', KEYS[1]), left, redis.call('TIME')[1]}
"""


class Policy(NamedTuple):
    name: str
    quota: int
    seconds: int


READ = Policy("read", 6000, 60)
WRITE = Policy("write", 6000, 60)
# Questions about the owner of one number. The last four digits of a number leave few candidates, which nobody shall try out.
NUMBERS = Policy("numbers", 600, 60)


class RateLimitStatus(NamedTuple):
    """A caller's use of the current window, which ends in `seconds`, at the Unix time `ends`."""

    policy: Policy
    used: int
    seconds: int
    ends: int

    @property
    def exceeded(self) -> bool:
        return self.used > self.policy.quota

    @property
    def headers(self) -> dict[str, str]:
        name, quota, window = self.policy
        left = max(0, quota - self.used)
        headers = {
            "RateLimit-Policy": f'"{name}";q={quota};w={window}',
            "RateLimit": f'"{name}";r={left};t={self.seconds}',
            "X-RateLimit-Limit": str(quota),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(self.ends),
        }
        return headers | ({"Retry-After": str(self.seconds)} if self.exceeded else {})


def policy_for(method: str | None) -> Policy:
    return READ if method in ("GET", "HEAD") else WRITE


def count(name: str | UUID, policy: Policy) -> RateLimitStatus | None:
    """Count one request under a name, or the id of an API key, and return its window's status; None if Redis is unavailable."""
    try:
        used, milliseconds, now = redis_client().eval(
            _COUNT, 1, f"rvm:rate:{policy.name}:{name}", policy.seconds * 1000
        )
    except RedisError:
        _log.warning("requests are not counted: Redis does not answer")
        return None
    seconds = max(1, math.ceil(milliseconds / 1000))
    return RateLimitStatus(policy, used, seconds, int(now) + seconds)
