"""PostgreSQL or Redis stops under load and restarts: every process reconnects, and /readyz reports the outage."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import Play
from tests.chaos.scene import LATE_REPORTS

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("how", ["stop_postgres", "kill_postgres"])
def test_a_postgresql_that_is_restarted_under_load_is_found_again_by_everybody(play: Play, how: str) -> None:
    with play(sandbox_options=("--latency-ms", "200", *LATE_REPORTS)) as scene:
        scene.queue(200)
        for moment in (40, 120):
            scene.wait_for_drops(moment)
            getattr(scene.servers, how)()
            scene.wait("/readyz misses the database", lambda: "database" in scene.unready())
            scene.servers.start_postgres()
        scene.wait_until_ended()
        scene.wait_until_ready()


def test_a_killed_backend_takes_all_connections_with_it_and_nothing_else(play: Play) -> None:
    with play(sandbox_options=("--latency-ms", "200", *LATE_REPORTS)) as scene:
        scene.queue(200)
        for moment in sorted(scene.chance.sample(range(20, 180), 4)):
            scene.wait_for_drops(moment)
            scene.servers.kill_a_backend(scene.chance)
            scene.wait("PostgreSQL answers again", scene.servers.postgres_answers)
        scene.wait_until_ended()
        scene.wait_until_ready()


def test_a_redis_that_is_restarted_under_load_pauses_sending_and_loses_no_worker(play: Play) -> None:
    with play(sandbox_options=("--latency-ms", "200", *LATE_REPORTS)) as scene:
        scene.queue(200)
        for moment in (40, 120):
            scene.wait_for_drops(moment)
            scene.servers.stop_redis()
            scene.wait("/readyz misses Redis", lambda: "redis" in scene.unready())
            scene.servers.start_redis()
        scene.wait_until_ended()
        scene.wait_until_ready()
        assert scene.children.crashed() is None
