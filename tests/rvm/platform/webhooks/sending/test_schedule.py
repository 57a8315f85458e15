"""When a delivery is tried again, when a destination waits as a whole, and when it is disabled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rvm.platform.webhooks.sending.answers import rest_of
from rvm.platform.webhooks.sending.schedule import DELAYS, TOLERATED, WAITS, Answer, Health, judge

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
TAKEN, FAILED = Answer(200), Answer(500, "It answered 500.")
LONG_AGO = NOW - timedelta(days=5)


def waiting(failures: int = TOLERATED, since: datetime = NOW, seconds: float = 60) -> Health:
    return Health(failures, since, NOW + timedelta(seconds=seconds))


def test_the_schedule_is_that_of_svix() -> None:
    assert DELAYS == (0, 5, 300, 1800, 7200, 18000, 36000, 36000)


@pytest.mark.parametrize("counted", range(7))
def test_an_attempt_that_failed_is_repeated_after_the_next_delay(counted: int) -> None:
    judgement = judge(Health(), FAILED, counted, now=NOW, chance=0)
    assert (judgement.ended, judgement.seconds, judgement.probe) == (None, DELAYS[counted + 1], False)
    assert judgement.health == Health(1, NOW)


def test_the_eighth_gives_up() -> None:
    assert judge(Health(), FAILED, 7, now=NOW, chance=0).ended is False


@pytest.mark.parametrize(("chance", "seconds"), [(-1, 270), (1, 330)])
def test_delays_differ_by_a_tenth(chance: float, seconds: float) -> None:
    assert judge(Health(), FAILED, 1, now=NOW, chance=chance).seconds == pytest.approx(seconds)


def test_after_five_failures_in_a_row_the_destination_waits_and_nothing_counts_for_a_delivery() -> None:
    health, waits = Health(), []
    now = NOW
    for _ in range(15):
        judgement = judge(health, FAILED, 7, now=now, chance=0)
        health = judgement.health
        if health.waits_until is not None:
            waits.append((health.waits_until - now).total_seconds())
            assert (judgement.ended, judgement.probe) == (None, True)
            assert judgement.seconds == waits[-1] + 1  # behind the others that are due then
            now = health.waits_until
    assert waits == [*WAITS, *[WAITS[-1]] * 4]
    assert health.failing_since == NOW


def test_what_is_taken_ends_all_of_it() -> None:
    judgement = judge(waiting(400, LONG_AGO), TAKEN, 3, now=NOW, chance=0)
    assert (judgement.ended, judgement.health) == (True, Health())


def test_what_was_under_way_when_the_wait_began_does_not_prolong_it() -> None:
    before = waiting()
    judgement = judge(before, FAILED, 7, now=NOW, chance=0)
    assert (judgement.health, judgement.probe, judgement.ended) == (before, True, None)


@pytest.mark.parametrize(("status", "rest", "seconds"), [(429, 60, 60), (503, 10**9, 3600), (500, 60, 0), (404, 60, 0)])
def test_a_receiver_may_ask_for_a_rest_of_an_hour_at_most(status: int, rest: float, seconds: float) -> None:
    health = judge(Health(), Answer(status, "No.", rest=rest), 0, now=NOW, chance=0).health
    assert health.waits_until == (NOW + timedelta(seconds=seconds) if seconds else None)


def test_who_took_nothing_for_five_days_is_disabled() -> None:
    over = Health(TOLERATED, LONG_AGO, NOW)
    assert judge(over, FAILED, 0, now=NOW, chance=0).disabled_because == (
        "It took nothing for 5 days. The last attempt: It answered 500."
    )
    assert not judge(over, FAILED, 0, now=NOW - timedelta(seconds=1), chance=0).disabled_because
    assert not judge(Health(1, LONG_AGO), FAILED, 0, now=NOW, chance=0).disabled_because


def test_who_is_gone_is_disabled_at_once() -> None:
    judgement = judge(Health(), Answer(410, "Gone."), 0, now=NOW, chance=0)
    assert judgement.disabled_because == "It answered 410: what receives webhooks there is gone for good."
    assert (judgement.ended, judgement.probe) == (None, True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("Mon, 02 Mar 2026 15:02:00 GMT", 120),
        ("Mon, 02 Mar 2026 14:00:00 GMT", 0),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
        ("9" * 400, 999_999_999),
        ("²", 0),
        (f"Mon, 02 Mar {'9' * 20} 15:02:00 GMT", 0),
        (f"Mon, 02 Mar 2026 15:02:00 +{'9' * 20}", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float) -> None:
    assert rest_of(text, NOW) == seconds
