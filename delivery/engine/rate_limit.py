"""How many drops a setup may start now: pace, requests in flight and carrier-ordered pauses, shared by all workers.

GCRA in one Redis script: the theoretical arrival time (TAT) of the next drop is the only state of a pace, so any window of w seconds
starts at most rate x w + 1 + burst drops, whatever the number of workers. The clock is Redis's own. Requests in flight are reported
absolutely by each worker with every call, so a flushed Redis knows them again within one claim, and a dead worker's share runs out.
Redis down means that nothing is granted: sending pauses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from redis import Redis

# A claim may start this much of a second's pace at once.
BURST_SECONDS = 0.1
# Look-ups reach nobody: they keep the setup's pace beside its drops, but one a second is never too much for a carrier. Reconciliation
# comes by about once a second.
MIN_LOOK_UPS_PER_SECOND = 1.0
LOOK_UP_BURST_SECONDS = 1.0
# A worker reports what it has in flight with every claim; silent this long, it is dead and its share is given back. A worker that is
# full is silent for as long as its carriers may take, so where that is longer, so is this.
SLOT_SECONDS = 20.0

_GRANT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wanted, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local cap, worker, in_flight, slot_us = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])

local others = 0
local slots = redis.call('HGETALL', KEYS[2])
for i = 1, #slots, 2 do
  local count, reported = string.match(slots[i + 1], '(%d+):(%d+)')
  if now - tonumber(reported) > slot_us then redis.call('HDEL', KEYS[2], slots[i])
  elseif slots[i] ~= worker then others = others + tonumber(count) end
end

local paused = redis.call('PTTL', KEYS[3])
local granted = math.max(0, math.min(wanted, cap - others - in_flight))
local wait = 0
if paused > 0 then granted, wait = 0, paused * 1000 end

local paces = {{KEYS[1], rate}}
if KEYS[4] then paces[2] = {KEYS[4], tonumber(ARGV[8])} end
for _, pace in ipairs(paces) do
  local room = burst * 1000000
  pace.interval = 1000000 / pace[2]
  -- No permit at this rate leaves a TAT farther ahead: it comes from a slower one, or from a clock that went back. It is brought
  -- back for good, or it would be as far ahead at every later look.
  local farthest = now + room + pace.interval
  local kept = tonumber(redis.call('GET', pace[1]) or '0')
  pace.tat = math.min(math.max(kept, now), farthest)
  pace.wrong = kept > farthest
  granted = math.max(0, math.min(granted, math.floor((room - (pace.tat - now)) / pace.interval) + 1))
  wait = math.max(wait, pace.tat - room - now)
end
for _, pace in ipairs(paces) do
  if granted > 0 or pace.wrong then
    local tat = math.ceil(pace.tat + granted * pace.interval)  -- rounding down would add up to more than the rate
    redis.call('SET', pace[1], string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000) + 1000)
  end
end
redis.call('HSET', KEYS[2], worker, string.format('%d:%.0f', in_flight + granted, now))
redis.call('PEXPIRE', KEYS[2], slot_us / 1000)
return {granted, math.ceil(wait)}
"""

# A TAT is never brought before now: what nobody used for a while makes no burst.
_GIVE_BACK = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for place, key in ipairs(KEYS) do
  local tat = tonumber(redis.call('GET', key) or '0') - tonumber(ARGV[1]) * 1000000 / tonumber(ARGV[place + 1])
  if tat <= now then redis.call('DEL', key)
  else redis.call('SET', key, string.format('%.0f', math.ceil(tat)), 'PX', math.ceil((tat - now) / 1000) + 1000) end
end
"""

# PEXPIRE's own GT is unknown before Redis 7.
_PAUSE = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end
"""


@dataclass(frozen=True, slots=True)
class Permit:
    """`count` drops may start now; where it is 0, asking again before `wait` seconds is in vain."""

    count: int
    wait: float


class RateLimiter:
    """The pace of all setups, shared by all workers, as one of them uses it."""

    def __init__(self, redis: Redis, worker: str, *, slot_seconds: float = SLOT_SECONDS) -> None:
        self.redis = redis
        self._worker = worker
        self._slot_us = int(max(slot_seconds, SLOT_SECONDS) * 1_000_000)
        self._grant: Any = redis.register_script(_GRANT)
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
        """A permit for up to `wanted` starts. `in_flight` is this worker's own count; `lane` adds the lane's own slower pace."""
        return self._acquire(str(setup_id), wanted, pace, BURST_SECONDS, cap, in_flight, lane)

    def acquire_look_ups(self, setup_id: UUID, *, wanted: int, pace: float, cap: int) -> Permit:
        """A permit for up to `wanted` look-ups. `pace` and `cap` are the setup's; this worker's earlier ones have all ended."""
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
        arguments: list[Any] = [wanted, pace, burst, cap, self._worker, in_flight, self._slot_us]
        if lane is not None:
            keys.append(f"rvm:pace:lane:{lane[0]}")
            arguments.append(lane[1])
        count, wait = self._grant(keys=keys, args=arguments)
        return Permit(int(count), int(wait) / 1_000_000)

    def give_back(self, setup_id: UUID, count: int, *, pace: float, lane: tuple[UUID, float] | None = None) -> None:
        """Starts that were granted and not used, with the paces they were asked at: others may have them now. This worker's share of
        the cap is reported anew with its next call."""
        paces = [(f"rvm:pace:{setup_id}", pace), *([(f"rvm:pace:lane:{lane[0]}", lane[1])] if lane else [])]
        self._give_back(keys=[key for key, _ in paces], args=[count, *(rate for _, rate in paces)])

    def release(self, setup_ids: set[UUID]) -> None:
        """Nothing of this worker is in flight any more."""
        for setup_id in setup_ids:
            self.redis.hdel(f"rvm:slots:{setup_id}", self._worker)

    def release_look_ups(self, setup_ids: set[UUID]) -> None:
        for setup_id in setup_ids:
            self.redis.hdel(f"rvm:slots:{_look_ups(setup_id)}", self._worker)

    def pause(self, setup_id: UUID, duration: timedelta) -> None:
        """The carrier said to wait: nobody starts a drop on this setup before then. A longer pause is never shortened."""
        self._wait(str(setup_id), duration)

    def pause_look_ups(self, setup_id: UUID, duration: timedelta) -> None:
        """The same about look-ups."""
        self._wait(_look_ups(setup_id), duration)

    def _wait(self, name: str, duration: timedelta) -> None:
        milliseconds = max(1, int(duration.total_seconds() * 1000))
        self._pause(keys=[f"rvm:pause:{name}"], args=[milliseconds])


def _look_ups(setup_id: UUID) -> str:
    return f"look-up:{setup_id}"
