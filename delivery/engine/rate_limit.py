"""Rate limiter for the drops of a setup: pace, cap on requests in flight and pauses that the carrier asked for, over all workers.

GCRA in one Redis script: the theoretical arrival time (TAT) of the next drop is the only state of a pace, so any window of w seconds
starts at most rate x w + 1 + burst drops, whatever the number of workers. The clock is Redis's own. Each worker reports its number of
requests in flight with every call, as an absolute value, so a flushed Redis has it again after one claim, and a dead worker's share
expires. While Redis is down nothing is permitted: sending pauses. A value that no worker writes permits nothing and is replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from redis import Redis

# The burst that a claim may start at once, in seconds of the pace.
BURST_SECONDS = 0.1
# Look-ups reach no person: they have the setup's pace to themselves beside the drops, and at least one a second, which is never too
# much for a carrier. Reconciliation runs about once a second.
MIN_LOOK_UPS_PER_SECOND = 1.0
LOOK_UP_BURST_SECONDS = 1.0
# A worker reports its requests in flight with every claim; after this long without a report it counts as dead and its share is free.
# A worker at full concurrency is silent for as long as a carrier may take to respond, so a longer timeout makes this longer too.
SLOT_SECONDS = 20.0
# The longest pause that a carrier may ask for. A longer one in Redis is nobody's.
MAX_PAUSE = timedelta(hours=1)

# A number in a key: nil if there is no key, and false for anything that is no number of a plausible length. NaN is no number.
_NUMBER_IN = """
local function number_in(key)
  local kind = redis.call('TYPE', key).ok
  if kind == 'none' then return nil end
  local kept = kind == 'string' and redis.call('STRLEN', key) <= 32 and tonumber(redis.call('GET', key))
  return kept and kept == kept and kept or false
end
"""

_PERMIT = (
    _NUMBER_IN
    + """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wanted, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local cap, worker, in_flight, slot_us = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])

local others = 0
if redis.call('TYPE', KEYS[2]).ok ~= 'hash' or redis.call('HLEN', KEYS[2]) > 10000 then redis.call('DEL', KEYS[2]) end
local slots = redis.call('HGETALL', KEYS[2])
for i = 1, #slots, 2 do
  local count, reported = string.match(slots[i + 1], '^(%d%d?%d?%d?%d?):(%d+)$')
  local silent = count and now - tonumber(reported)
  if not silent or silent > slot_us or silent < -slot_us then redis.call('HDEL', KEYS[2], slots[i])
  elseif slots[i] ~= worker then others = others + tonumber(count) end
end

local paused = redis.call('PTTL', KEYS[3])
if paused > tonumber(ARGV[8]) then paused = tonumber(ARGV[8]) redis.call('PEXPIRE', KEYS[3], paused) end
local permitted = math.max(0, math.min(wanted, cap - others - in_flight))
local wait = 0
if paused > 0 then permitted, wait = 0, paused * 1000 end

local paces = {{KEYS[1], rate}}
if KEYS[4] then paces[2] = {KEYS[4], tonumber(ARGV[9])} end
for _, pace in ipairs(paces) do
  local room = burst * 1000000
  pace.interval = 1000000 / pace[2]
  -- No permit at this rate leaves a TAT farther ahead: it comes from a slower one, or from a clock that went back. It is brought
  -- back for good, or it would be as far ahead at every later look. One that is long past would have expired, so it and whatever
  -- is no number count as the latest: the next start waits.
  local latest = now + room + pace.interval
  local kept = number_in(pace[1])
  pace.wrong = kept ~= nil and (not kept or kept > latest or kept < now - 60000000)
  pace.tat = pace.wrong and latest or math.max(kept or now, now)
  permitted = math.max(0, math.min(permitted, math.floor((room - (pace.tat - now)) / pace.interval) + 1))
  wait = math.max(wait, pace.tat - room - now)
end
for _, pace in ipairs(paces) do
  if permitted > 0 or pace.wrong then
    local tat = math.ceil(pace.tat + permitted * pace.interval)  -- rounding down would add up to more than the rate
    redis.call('SET', pace[1], string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000) + 1000)
  end
end
redis.call('HSET', KEYS[2], worker, string.format('%d:%.0f', in_flight + permitted, now))
redis.call('PEXPIRE', KEYS[2], slot_us / 1000)
return {permitted, math.ceil(wait)}
"""
)

# A TAT is never set before now, so that unused pace does not add up to a burst. What is no TAT is left to the next permit.
_GIVE_BACK = (
    _NUMBER_IN
    + """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for place, key in ipairs(KEYS) do
  local kept = number_in(key)
  if kept and kept > now and kept < now + 10000000000000 then
    local tat = kept - tonumber(ARGV[1]) * 1000000 / tonumber(ARGV[place + 1])
    if tat <= now then redis.call('DEL', key)
    else redis.call('SET', key, string.format('%.0f', math.ceil(tat)), 'PX', math.ceil((tat - now) / 1000) + 1000) end
  end
end
"""
)

# PEXPIRE's own GT is unknown before Redis 7.
_PAUSE = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end
"""


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission to start `count` drops now. If `count` is 0, no start is permitted before `wait` seconds."""

    count: int
    wait: float


class RateLimiter:
    """Client of one worker for the limits of all setups, which all workers share. Methods raise RedisError."""

    def __init__(self, redis: Redis, worker: str, *, slot_seconds: float = SLOT_SECONDS) -> None:
        self.redis = redis
        self._worker = worker
        self._slot_us = int(max(slot_seconds, SLOT_SECONDS) * 1_000_000)
        self._permit: Any = redis.register_script(_PERMIT)
        self._give_back: Any = redis.register_script(_GIVE_BACK)
        self._pause: Any = redis.register_script(_PAUSE)

    def acquire(
        self,
        setup_id: UUID,
        *,
        wanted: int,
        pace: float,
        cap: int,
        in_flight: int,
        lane: tuple[UUID, float] | None = None,
    ) -> Permit:
        """A permit for up to `wanted` starts. `in_flight` is this worker's own count; `lane` (id, pace) adds the lane's slower pace.

        `pace` is in starts per second.
        """
        return self._acquire(str(setup_id), wanted, pace, BURST_SECONDS, cap, in_flight, lane)

    def acquire_look_ups(self, setup_id: UUID, *, wanted: int, pace: float, cap: int) -> Permit:
        """A permit for up to `wanted` look-ups. `pace` and `cap` are the setup's. All earlier look-ups of this worker have ended."""
        rate = max(MIN_LOOK_UPS_PER_SECOND, pace)
        return self._acquire(_look_ups(setup_id), wanted, rate, LOOK_UP_BURST_SECONDS, cap, 0, None)

    def _acquire(
        self,
        name: str,
        wanted: int,
        pace: float,
        burst: float,
        cap: int,
        in_flight: int,
        lane: tuple[UUID, float] | None,
    ) -> Permit:
        keys = [f"rvm:pace:{name}", f"rvm:slots:{name}", f"rvm:pause:{name}"]
        longest_pause = _milliseconds(MAX_PAUSE)
        arguments: list[Any] = [wanted, pace, burst, cap, self._worker, in_flight, self._slot_us, longest_pause]
        if lane is not None:
            keys.append(f"rvm:pace:lane:{lane[0]}")
            arguments.append(lane[1])
        count, wait = self._permit(keys=keys, args=arguments)
        return Permit(int(count), int(wait) / 1_000_000)

    def give_back(self, setup_id: UUID, count: int, *, pace: float, lane: tuple[UUID, float] | None = None) -> None:
        """Return `count` permitted starts that were not used, so that other workers may have them. `pace` and `lane` are those of the
        permit. This worker's share of the cap is corrected by its next report."""
        paces = [(f"rvm:pace:{setup_id}", pace), *([(f"rvm:pace:lane:{lane[0]}", lane[1])] if lane else [])]
        self._give_back(keys=[key for key, _ in paces], args=[count, *(rate for _, rate in paces)])

    def release(self, setup_ids: set[UUID]) -> None:
        """Free this worker's share of the caps: it has no requests in flight any more."""
        for setup_id in setup_ids:
            self.redis.hdel(f"rvm:slots:{setup_id}", self._worker)

    def release_look_ups(self, setup_ids: set[UUID]) -> None:
        for setup_id in setup_ids:
            self.redis.hdel(f"rvm:slots:{_look_ups(setup_id)}", self._worker)

    def pause(self, setup_id: UUID, duration: timedelta) -> None:
        """Stop all starts of the setup for `duration`, because the carrier asked for it. A longer pause is never shortened."""
        self._wait(str(setup_id), duration)

    def pause_look_ups(self, setup_id: UUID, duration: timedelta) -> None:
        """The same for look-ups."""
        self._wait(_look_ups(setup_id), duration)

    def _wait(self, name: str, duration: timedelta) -> None:
        self._pause(keys=[f"rvm:pause:{name}"], args=[_milliseconds(min(duration, MAX_PAUSE))])


def _milliseconds(duration: timedelta) -> int:
    return max(1, int(duration.total_seconds() * 1000))


def _look_ups(setup_id: UUID) -> str:
    return f"look-up:{setup_id}"
