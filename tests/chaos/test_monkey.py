"""Random faults, one after the other from a seed, under continuous load for RVM_CHAOS_SECONDS (default 60)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.chaos.conftest import Play
from tests.chaos.scene import Scene
from tests.chaos.test_short import EVERY_FAULT

pytestmark = pytest.mark.chaos

SECONDS = float(os.environ.get("RVM_CHAOS_SECONDS", "60"))
LOAD = 60  # voicemails between two faults


def test_a_monkey_with_all_the_tools_loses_nothing_and_sends_nothing_twice(play: Play) -> None:
    pranks: list[str] = []
    with play(sandbox_options=("--latency-ms", "100"), pace=100) as scene:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            scene.queue(LOAD)
            sent = scene.drops()
            scene.wait(
                "the load goes on, or a breaker is open",
                lambda sent=sent: (
                    scene.drops() > sent or scene.ended() == len(scene.recipients) or scene.breaker_is_open()
                ),
            )
            prank = scene.chance.choice(PRANKS)
            pranks.append(prank.__name__)
            scene.note = " ".join(pranks)
            prank(scene)
        scene.set_faults()
        scene.give_up_on_lost_reports(seconds=300)
        scene.wait_until_ended(seconds=60)
        scene.wait_until_ready()


def kill_a_worker(scene: Scene) -> None:
    name = scene.chance.choice(["dispatch-1", "dispatch-2", "reports", "tick"])
    scene.kill(name)
    scene.start(name)


def kill_the_web_server(scene: Scene) -> None:
    scene.kill("web", group=scene.chance.random() < 0.5)
    scene.start_web()


def kill_the_carrier(scene: Scene) -> None:
    scene.kill("sandbox")
    scene.start("sandbox")
    scene.wait_for_the_carrier()


def stop_a_worker_for_a_while(scene: Scene) -> None:
    process = scene.children.processes[scene.chance.choice(["dispatch-1", "dispatch-2", "reports"])]
    process.send_signal(signal.SIGSTOP)
    scene.pass_time(scene.chance.uniform(0.5, 8))
    process.send_signal(signal.SIGCONT)


def flush_redis(scene: Scene) -> None:
    scene.servers.flush_redis()


def restart_redis(scene: Scene) -> None:
    scene.servers.stop_redis()
    scene.pass_time(scene.chance.uniform(0, 2))
    scene.servers.start_redis()


def restart_postgres(scene: Scene) -> None:
    scene.chance.choice([scene.servers.stop_postgres, scene.servers.kill_postgres])()
    scene.pass_time(scene.chance.uniform(0, 2))
    scene.servers.start_postgres()


def kill_a_backend(scene: Scene) -> None:
    scene.servers.kill_a_backend(scene.chance)
    scene.wait("PostgreSQL answers again", scene.servers.postgres_answers)


def change_the_carriers_mind(scene: Scene) -> None:
    shares = {name: value for name, value in EVERY_FAULT.items() if scene.chance.random() < 0.5}
    scene.set_faults(**shares)


def change_the_pace(scene: Scene) -> None:
    scene.set_pace(scene.chance.choice([30, 60, 100, 200]))


PRANKS: list[Callable[[Scene], None]] = [
    kill_a_worker,
    kill_a_worker,
    kill_the_web_server,
    kill_the_carrier,
    stop_a_worker_for_a_while,
    flush_redis,
    restart_redis,
    restart_postgres,
    kill_a_backend,
    change_the_carriers_mind,
    change_the_pace,
]
