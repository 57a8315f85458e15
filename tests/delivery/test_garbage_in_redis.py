"""Whatever another client of Redis writes into the limiter's and the breaker's keys: not more is sent than the pace allows, and the
worker goes on."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django_rq import get_connection
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from delivery.engine import circuit_breaker
from delivery.engine.circuit_breaker import Health
from delivery.engine.rate_limit import BURST_SECONDS, RateLimiter
from delivery.lifecycle.events import Outcome, Submission
from delivery.lifecycle.reasons import Reason
from tests import factories

PACE = 50.0
WAVE = 1 + PACE * BURST_SECONDS


class Opened:
    """A pickle that ends the process that opens it."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return SystemExit, ("opened",)  # type: ignore[return-value]


TEXTS = [
    *(b"", b"x", b"nan", b"-nan", b"inf", b"-inf", b"1e308", b"-1e308", b"-1", b"0", b"9" * 400, b"0x7fffffffffffffff"),
    *(b"\xff\xfe", b" ", b"9223372036854775807", b"12:34", b"1" * 10_000, pickle.dumps(Opened())),
]
PLANTS: dict[str, Callable[[Redis, str], object]] = {
    **{f"the text {text[:12]!r}": (lambda redis, key, text=text: redis.set(key, text)) for text in TEXTS},
    **{
        f"a hash of {text[:12]!r}": (
            lambda redis, key, text=text: redis.hset(key, mapping={"a": text, "total": text, "bad": text})
        )
        for text in TEXTS
    },
    "a list": lambda redis, key: redis.rpush(key, "x"),
    "a set": lambda redis, key: redis.sadd(key, "x"),
    "a sorted set": lambda redis, key: redis.zadd(key, {"x": 1}),
    "a stream": lambda redis, key: redis.xadd(key, {"x": 1}),
    "a crowd": lambda redis, key: redis.hset(key, mapping={f"worker-{number}": "1:1" for number in range(20_000)}),
}


def microseconds(redis: Redis) -> int:
    seconds, rest = redis.time()
    return int(seconds) * 1_000_000 + int(rest)


def granted(redis: Redis, setup_id: UUID, lane: tuple[UUID, float] | None, seconds: float) -> tuple[int, float]:
    """How many starts are granted in that time, and the time that it took."""
    door, total = RateLimiter(redis, "worker-1"), 0
    begin = microseconds(redis)
    while (now := microseconds(redis)) < begin + seconds * 1e6:
        total += door.acquire(setup_id, wanted=100, pace=PACE, cap=10_000, in_flight=0, lane=lane).count
    return total, (now - begin) / 1e6


@pytest.mark.parametrize("key", ["rvm:pace:{setup}", "rvm:pace:lane:{lane}"])
@pytest.mark.parametrize("plant", PLANTS)
def test_garbage_in_a_pace_lets_no_more_go_and_not_less_for_long(redis: Redis, key: str, plant: str) -> None:
    setup_id, lane = uuid4(), (uuid4(), PACE)
    PLANTS[plant](redis, key.format(setup=setup_id, lane=lane[0]))
    total, seconds = granted(redis, setup_id, lane, 0.15)
    assert total <= PACE * seconds + WAVE
    assert total >= 1


@pytest.mark.parametrize("plant", [name for name in PLANTS if name != "a crowd"])
def test_garbage_in_a_pace_is_no_unused_pace(redis: Redis, plant: str) -> None:
    """Nothing is granted at the next look, whatever was planted, so planting again and again grants nothing."""
    setup_id = uuid4()
    door = RateLimiter(redis, "worker-1")
    counts = []
    for _ in range(5):
        redis.delete(f"rvm:pace:{setup_id}")
        PLANTS[plant](redis, f"rvm:pace:{setup_id}")
        counts.append(door.acquire(setup_id, wanted=100, pace=PACE, cap=10_000, in_flight=0).count)
    assert counts == [0] * 5


@pytest.mark.parametrize("plant", PLANTS)
def test_garbage_in_the_slots_and_the_pause_stops_nothing_for_ever(redis: Redis, plant: str) -> None:
    setup_id = uuid4()
    door = RateLimiter(redis, "worker-1")
    PLANTS[plant](redis, f"rvm:slots:{setup_id}")
    PLANTS[plant](redis, f"rvm:pause:{setup_id}")
    assert door.acquire(setup_id, wanted=5, pace=100_000, cap=64, in_flight=10).count == 5
    assert RateLimiter(redis, "worker-2").acquire(setup_id, wanted=64, pace=100_000, cap=64, in_flight=0).count == 49
    door.pause(setup_id, timedelta(seconds=30))
    assert door.acquire(setup_id, wanted=5, pace=PACE, cap=64, in_flight=10).count == 0


@pytest.mark.parametrize(
    "slot", ["64:99999999999999999999", "64:-5", "999999:1", "-64:1", "64", ":", "64:1:1", "6 4:1"]
)
def test_a_slot_that_no_worker_reports_is_free(redis: Redis, slot: str) -> None:
    setup_id = uuid4()
    redis.hset(f"rvm:slots:{setup_id}", "ghost", slot)
    assert RateLimiter(redis, "worker-1").acquire(setup_id, wanted=64, pace=100_000, cap=64, in_flight=0).count == 64
    assert redis.hkeys(f"rvm:slots:{setup_id}") == [b"worker-1"]


def test_a_pause_of_years_ends_within_the_longest_that_a_carrier_may_ask_for(redis: Redis) -> None:
    setup_id = uuid4()
    redis.set(f"rvm:pause:{setup_id}", 1, ex=10 * 365 * 86_400)
    permit = RateLimiter(redis, "worker-1").acquire(setup_id, wanted=5, pace=PACE, cap=64, in_flight=0)
    assert (permit.count, permit.wait) == (0, 3600)
    assert redis.ttl(f"rvm:pause:{setup_id}") <= 3600


@pytest.mark.parametrize("plant", PLANTS)
def test_garbage_is_no_place_to_give_starts_back_to(redis: Redis, plant: str) -> None:
    setup_id = uuid4()
    door = RateLimiter(redis, "worker-1")
    PLANTS[plant](redis, f"rvm:pace:{setup_id}")
    door.give_back(setup_id, 50, pace=PACE)
    assert door.acquire(setup_id, wanted=100, pace=PACE, cap=10_000, in_flight=0).count == 0 or plant == "a crowd"


@settings(max_examples=100)
@given(
    text=st.one_of(
        st.binary(max_size=40), st.floats().map(repr).map(str.encode), st.integers().map(str).map(str.encode)
    )
)
def test_any_text_in_a_pace_grants_one_wave_at_most(text: bytes) -> None:
    redis, setup_id = get_connection("dispatch"), uuid4()
    redis.set(f"rvm:pace:{setup_id}", text)
    permit = RateLimiter(redis, "worker-1").acquire(setup_id, wanted=1000, pace=PACE, cap=10_000, in_flight=0)
    assert permit.count <= WAVE
    assert permit.wait <= 1 / PACE + 0.001


NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)


@pytest.mark.django_db
@pytest.mark.parametrize("plant", PLANTS)
def test_garbage_in_the_counts_opens_no_breaker_and_keeps_none_from_opening(redis: Redis, plant: str) -> None:
    setup = factories.make_setup()
    second = int(NOW.timestamp())
    for ago in range(3):
        PLANTS[plant](redis, f"rvm:health:{setup.id}:{second - ago}")
    unknown = Submission(Outcome.UNKNOWN)
    circuit_breaker.evaluate(redis, setup.id, [unknown], NOW, probing=False)
    setup.refresh_from_db()
    assert setup.breaker_until is None
    refused = Submission(Outcome.REFUSED, reason=Reason.NO_FUNDS)
    circuit_breaker.evaluate(redis, setup.id, [refused], NOW, probing=False)
    setup.refresh_from_db()
    assert setup.breaker_until is not None


def test_counts_of_nobody_are_none() -> None:
    assert [circuit_breaker._as_count(text) for text in (*TEXTS, None, b"20")] == [
        *[12 if text == b"12" else 0 for text in TEXTS],
        0,
        20,
    ]
    assert circuit_breaker.opening_reason(Health(0, 0), None) is None


def test_a_probe_that_somebody_planted_for_ever_is_free_again_within_its_time(redis: Redis) -> None:
    setup_id = uuid4()
    for plant in ("for ever", "for years"):
        redis.set(f"rvm:probe:{setup_id}", 1, ex=None if plant == "for ever" else 10**8)
        assert not circuit_breaker.may_probe(redis, setup_id)
        assert 0 < redis.ttl(f"rvm:probe:{setup_id}") <= circuit_breaker.PROBE_SECONDS
