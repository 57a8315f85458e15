"""The limiter on a real Redis: pace, cap and pauses hold over all workers together."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from threading import Barrier, Thread
from uuid import UUID, uuid4

import pytest
from django_rq import get_connection
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from delivery.engine.rate_limit import BURST_SECONDS, SLOT_SECONDS, Permit, RateLimiter

FAST = 100_000.0  # a pace that never binds


@pytest.fixture
def setup_id() -> UUID:
    return uuid4()


def limiter(redis: Redis, worker: str = "worker-1") -> RateLimiter:
    return RateLimiter(redis, worker)


def ask(
    limiter: RateLimiter,
    setup_id: UUID,
    *,
    wanted: int = 1000,
    pace: float = FAST,
    cap: int = 10_000,
    in_flight: int = 0,
) -> Permit:
    return limiter.acquire(setup_id, wanted=wanted, pace=pace, cap=cap, in_flight=in_flight)


def microseconds(redis: Redis) -> int:
    seconds, rest = redis.time()
    return int(seconds) * 1_000_000 + int(rest)


def starts(
    redis: Redis, setup_id: UUID, worker: str, pace: float, wanted: int, seconds: float
) -> list[tuple[int, int, int]]:
    """Ask without rest; what was granted as (Redis's time before, after, how many)."""
    door, granted = limiter(redis, worker), []
    end = microseconds(redis) + int(seconds * 1e6)
    while (before := microseconds(redis)) < end:
        count = ask(door, setup_id, wanted=wanted, pace=pace).count
        if count:
            granted.append((before, microseconds(redis), count))
    return granted


@pytest.mark.parametrize(("pace", "wanted"), [(1.0, 5), (7.0, 3), (50.0, 64), (333.0, 1), (3000.0, 200)])
def test_any_window_starts_at_most_its_share_and_one_and_the_burst(
    redis: Redis, setup_id: UUID, pace: float, wanted: int
) -> None:
    begin, granted = Barrier(3), list[tuple[int, int, int]]()

    def work(worker: str) -> None:
        connection = Redis(connection_pool=redis.connection_pool)
        begin.wait(10)
        granted.extend(starts(connection, setup_id, worker, pace, wanted, 0.4))

    threads = [Thread(target=work, args=(f"worker-{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    granted.sort()
    total = sum(count for *_, count in granted)
    assert total >= pace * 0.4 * 0.5  # it is used, too
    for first, (begins, _, _) in enumerate(granted):
        within, ends = 0, 0
        for _, after, count in granted[first:]:
            within, ends = within + count, max(ends, after)
            # The true moments lie between the two times, so the window is at most this long.
            assert within <= pace * (ends - begins) / 1e6 + 1 + pace * BURST_SECONDS


def test_the_first_wave_is_one_and_the_burst_and_the_next_waits(redis: Redis, setup_id: UUID) -> None:
    first, second = (ask(limiter(redis), setup_id, pace=50) for _ in range(2))
    assert first.count == 1 + 50 * BURST_SECONDS
    assert second.count == 0
    assert 0 < second.wait <= 1 / 50


@pytest.mark.parametrize("pace", [7.0, 333.0])
def test_starts_that_are_given_back_are_used_by_others_and_by_nobody_twice(
    redis: Redis, setup_id: UUID, pace: float
) -> None:
    door, lane = limiter(redis), (uuid4(), pace / 2)
    used: list[tuple[int, int]] = []
    end = microseconds(redis) + 600_000
    while (before := microseconds(redis)) < end:
        granted = door.acquire(setup_id, wanted=50, pace=pace, cap=10_000, in_flight=0, lane=lane).count
        if granted:
            door.give_back(setup_id, granted - granted // 2, pace=pace, lane=lane)
            used.append((before, granted // 2))
            if granted == 1:  # whoever gives back every start gets it again and again
                used.append(
                    (microseconds(redis), door.acquire(setup_id, wanted=1, pace=pace, cap=10_000, in_flight=0).count)
                )
    took = (microseconds(redis) - used[0][0]) / 1e6
    assert sum(count for _, count in used) <= pace * took + 1 + pace * BURST_SECONDS
    assert sum(count for _, count in used) >= pace / 2 * 0.6 * 0.5


def test_nothing_that_is_given_back_makes_a_burst(redis: Redis, setup_id: UUID) -> None:
    door, lane = limiter(redis), (uuid4(), 10.0)
    door.acquire(setup_id, wanted=3, pace=50, cap=100, in_flight=0, lane=lane)
    door.give_back(setup_id, 1000, pace=50, lane=lane)
    again = door.acquire(setup_id, wanted=1000, pace=50, cap=100, in_flight=0)
    assert again.count == 1 + 50 * BURST_SECONDS


def test_look_ups_take_no_starts_of_drops_and_wait_by_themselves(redis: Redis, setup_id: UUID) -> None:
    door = limiter(redis)
    assert door.acquire_look_ups(setup_id, wanted=1000, pace=20, cap=100).count == 21
    assert door.acquire_look_ups(setup_id, wanted=1000, pace=20, cap=100).count == 0
    assert ask(door, setup_id, pace=50).count == 1 + 50 * BURST_SECONDS
    assert door.acquire_look_ups(uuid4(), wanted=1000, pace=0.01, cap=100).count == 2
    assert limiter(redis, "worker-2").acquire_look_ups(uuid4(), wanted=1000, pace=50, cap=3).count == 3


def test_asking_for_nothing_that_is_free_writes_no_debt(redis: Redis, setup_id: UUID) -> None:
    ask(limiter(redis), setup_id, pace=1)
    before = redis.get(f"rvm:pace:{setup_id}")
    assert [ask(limiter(redis), setup_id, pace=1).count for _ in range(5)] == [0] * 5
    assert redis.get(f"rvm:pace:{setup_id}") == before


@settings(max_examples=60)
@given(pace=st.floats(0.01, 100_000), changed=st.floats(0.01, 100_000))
def test_a_changed_pace_takes_effect_at_the_next_ask(pace: float, changed: float) -> None:
    setup_id, door = uuid4(), limiter(get_connection("dispatch"))
    ask(door, setup_id, pace=pace)
    assert ask(door, setup_id, pace=changed).wait <= 1 / changed + 1e-5


def test_a_start_is_free_after_the_new_paces_own_wait(redis: Redis, setup_id: UUID) -> None:
    """Once it never was: what was far ahead at the slow pace was brought back at each look, and was as far ahead at the next."""
    door = limiter(redis)
    ask(door, setup_id, pace=0.01)
    wait = ask(door, setup_id, pace=200).wait
    end = microseconds(redis) + int(wait * 1e6) + 1
    while microseconds(redis) <= end:
        pass
    assert ask(door, setup_id, pace=200).count >= 1


def test_a_pause_stops_every_worker_and_says_for_how_long(redis: Redis, setup_id: UUID) -> None:
    limiter(redis, "worker-1").pause(setup_id, timedelta(seconds=30))
    for worker in ("worker-1", "worker-2"):
        permit = ask(limiter(redis, worker), setup_id)
        assert permit.count == 0
        assert 29 < permit.wait <= 30
    assert ask(limiter(redis), uuid4()).count > 0


@pytest.mark.parametrize(("first", "second"), [(30, 5), (5, 30), (30, 30)])
def test_the_longer_of_two_pauses_holds(redis: Redis, setup_id: UUID, first: int, second: int) -> None:
    limiter(redis).pause(setup_id, timedelta(seconds=first))
    limiter(redis).pause(setup_id, timedelta(seconds=second))
    longer = max(first, second) * 1000
    assert longer - 1000 < redis.pttl(f"rvm:pause:{setup_id}") <= longer


def test_a_pause_ends(redis: Redis, setup_id: UUID) -> None:
    limiter(redis).pause(setup_id, timedelta(seconds=30))
    redis.pexpire(f"rvm:pause:{setup_id}", 1)
    while redis.exists(f"rvm:pause:{setup_id}"):
        pass
    assert ask(limiter(redis), setup_id).count > 0


def test_the_cap_holds_over_all_workers(redis: Redis, setup_id: UUID) -> None:
    assert ask(limiter(redis, "worker-1"), setup_id, wanted=40, cap=64).count == 40
    assert ask(limiter(redis, "worker-2"), setup_id, wanted=40, cap=64).count == 24
    assert ask(limiter(redis, "worker-3"), setup_id, cap=64).count == 0
    # 30 of the first worker's have ended
    assert ask(limiter(redis, "worker-1"), setup_id, wanted=0, cap=64, in_flight=10).count == 0
    assert ask(limiter(redis, "worker-3"), setup_id, cap=64).count == 30


def test_a_lowered_cap_grants_nothing_until_enough_has_ended(redis: Redis, setup_id: UUID) -> None:
    ask(limiter(redis, "worker-1"), setup_id, wanted=40, cap=64)
    assert ask(limiter(redis, "worker-1"), setup_id, cap=20, in_flight=40).count == 0
    assert ask(limiter(redis, "worker-2"), setup_id, cap=20).count == 0
    assert ask(limiter(redis, "worker-1"), setup_id, cap=20, in_flight=15).count == 5


def test_who_leaves_gives_its_slots_back(redis: Redis, setup_id: UUID) -> None:
    ask(limiter(redis, "worker-1"), setup_id, wanted=64, cap=64)
    limiter(redis, "worker-1").release({setup_id})
    assert ask(limiter(redis, "worker-2"), setup_id, cap=64).count == 64


@pytest.mark.parametrize(("silent", "free"), [(SLOT_SECONDS - 1, 0), (SLOT_SECONDS + 1, 64)])
def test_a_dead_workers_slots_come_back_once_it_was_silent_for_long(
    redis: Redis, setup_id: UUID, silent: float, free: int
) -> None:
    ask(limiter(redis, "dead"), setup_id, wanted=64, cap=64)
    redis.hset(f"rvm:slots:{setup_id}", "dead", f"64:{microseconds(redis) - int(silent * 1_000_000)}")
    assert ask(limiter(redis, "worker-2"), setup_id, cap=64).count == free


@pytest.mark.parametrize(("silent", "free"), [(124, 0), (126, 64)])
def test_where_a_carrier_may_take_longer_a_worker_may_be_silent_longer(
    redis: Redis, setup_id: UUID, silent: int, free: int
) -> None:
    ask(RateLimiter(redis, "full", slot_seconds=125), setup_id, wanted=64, cap=64)
    redis.hset(f"rvm:slots:{setup_id}", "full", f"64:{microseconds(redis) - silent * 1_000_000}")
    assert ask(RateLimiter(redis, "worker-2", slot_seconds=125), setup_id, cap=64).count == free


def test_a_flushed_redis_knows_the_slots_again_once_each_worker_has_asked(redis: Redis, setup_id: UUID) -> None:
    ask(limiter(redis, "worker-1"), setup_id, wanted=40, cap=64)
    redis.flushdb()
    ask(limiter(redis, "worker-1"), setup_id, wanted=0, cap=64, in_flight=40)
    assert ask(limiter(redis, "worker-2"), setup_id, cap=64).count == 24


def test_a_flushed_script_is_loaded_again(redis: Redis, setup_id: UUID) -> None:
    door = limiter(redis)
    ask(door, setup_id)
    redis.script_flush()
    assert ask(door, setup_id).count > 0


def test_a_lane_is_bound_by_its_own_pace_and_by_its_setups(redis: Redis, setup_id: UUID) -> None:
    lane, other = uuid4(), uuid4()
    door = limiter(redis)
    slow = door.acquire(setup_id, wanted=100, pace=200, cap=100, in_flight=0, lane=(lane, 20))
    assert slow.count == 1 + 20 * BURST_SECONDS
    again = door.acquire(setup_id, wanted=100, pace=200, cap=100, in_flight=0, lane=(lane, 20))
    assert again.count == 0
    assert 1 / 200 < again.wait <= 1 / 20
    # what the lane did not take is there for another: 21 in all, within what a few milliseconds add
    rest = door.acquire(setup_id, wanted=100, pace=200, cap=100, in_flight=0, lane=(other, 1000))
    assert 18 <= rest.count <= 30


def test_what_the_setup_refuses_costs_the_lane_nothing(redis: Redis, setup_id: UUID) -> None:
    lane = uuid4()
    limiter(redis).pause(setup_id, timedelta(seconds=30))
    assert limiter(redis).acquire(setup_id, wanted=5, pace=50, cap=64, in_flight=0, lane=(lane, 1)).count == 0
    assert redis.get(f"rvm:pace:lane:{lane}") is None


def test_the_wait_is_exact_enough_to_be_slept(redis: Redis, setup_id: UUID) -> None:
    """After waiting as told, a start is free."""
    door = limiter(redis)
    moments = []
    while len(moments) < 12:
        permit = ask(door, setup_id, wanted=1, pace=200)
        moments.append(microseconds(redis))
        if not permit.count:
            end = moments[-1] + int(permit.wait * 1e6) + 1
            while microseconds(redis) <= end:
                pass
            assert ask(door, setup_id, wanted=1, pace=200).count == 1
    assert all(before < after for before, after in pairwise(moments))
