"""Scenes of every `make test`: killed workers, a flushed Redis, and a carrier with all its faults enabled."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import Play
from tests.chaos.scene import LATE_REPORTS

# Servers and every process of the platform are started within a test's time, beside other tests: on a slow machine in 90 seconds.
pytestmark = pytest.mark.timeout(300)

EVERY_FAULT = {
    "refuse": 0.05,
    "throttle": 0.02,
    "hang": 0.04,
    "cut": 0.05,
    "error": 0.05,
    "garbage": 0.05,
    "slow": 0.05,
    "callback_lose": 0.05,
    "callback_delay": 0.2,
    "callback_duplicate": 0.2,
    "callback_reorder": 0.2,
    "slow_ms": 500,
    "callback_delay_ms": 700,
}


def test_workers_killed_in_the_middle_of_their_load_lose_nothing_and_send_nothing_twice(play: Play) -> None:
    with play(sandbox_options=("--latency-ms", "100", *LATE_REPORTS), pace=100) as scene:
        scene.queue(200)
        for moment in sorted(scene.chance.sample(range(20, 180), 2)):
            scene.wait_for_drops(moment)
            victim = scene.chance.choice(["dispatch-1", "dispatch-2"])
            scene.kill(victim)
            scene.start(victim)


def test_a_redis_flushed_again_and_again_costs_wake_ups_only(play: Play) -> None:
    with play() as scene:
        scene.queue(200)
        for moment in [0, *sorted(scene.chance.sample(range(10, 190), 5))]:
            scene.wait_for_drops(moment)
            scene.servers.flush_redis()
        scene.wait_until_ended()
        scene.wait_until_ready()  # the workers have registered again


def test_a_carrier_that_does_everything_wrong_is_obeyed_once_and_believed_only_where_it_proves_something(
    play: Play,
) -> None:
    with play(pace=200) as scene:
        scene.set_faults(**EVERY_FAULT)
        scene.queue(200)
        scene.give_up_on_lost_reports()
        unreported = "SELECT count(*) FROM delivery_voicemail WHERE reason = 'unreported'"
        scene.wait_until_ended()
        assert scene.rows(unreported)[0][0] <= len(scene.keys_of_lost_reports())
