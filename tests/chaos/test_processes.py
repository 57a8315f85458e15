"""Processes of the platform and of the carrier, killed with SIGKILL or stopped and continued under load."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from datetime import datetime
from functools import partial
from uuid import UUID

import psycopg
import pytest

from rvm.simulators.sandbox.ledger import read_ledger
from tests.chaos.conftest import Play
from tests.chaos.scene import LATE_REPORTS, QUICK, Scene

pytestmark = pytest.mark.chaos

SLOW_CARRIER = ("--latency-ms", "200", *LATE_REPORTS)
FORKING = ("rqworker", "dispatch", "--serializer", "rq.serializers.JSONSerializer")


def test_without_its_tick_the_platform_says_so_and_goes_on_when_it_has_one(play: Play) -> None:
    with play() as scene:
        scene.queue(200)
        scene.wait_for_drops(50)
        scene.kill("tick")
        scene.servers.flush_redis()  # so that no wake-up is left
        scene.wait("/readyz misses the tick", lambda: scene.unready() == {"tick"})
        scene.start("tick")
        scene.wait_until_ended()
        scene.wait_until_ready()


@pytest.mark.parametrize("group", [False, True], ids=["master", "master_and_workers"])
def test_reports_that_find_no_web_server_come_again(play: Play, group: bool) -> None:
    with play() as scene:
        scene.queue(200)
        for moment in sorted(scene.chance.sample(range(20, 180), 2)):
            scene.wait_for_drops(moment)
            scene.kill("web", group=group)
            scene.wait("the web server is gone", lambda: "web" in scene.unready())
            scene.start_web()
        scene.wait_until_ended()
        scene.wait_until_ready()


def test_a_carrier_that_is_killed_and_comes_back_gets_nothing_twice(play: Play) -> None:
    with play(sandbox_options=SLOW_CARRIER) as scene:
        scene.queue(200)
        for moment in sorted(scene.chance.sample(range(20, 180), 3)):
            scene.wait_for_drops(moment)
            scene.kill("sandbox")
            scene.wait("a drop found nobody there", lambda: not_sent(scene))
            before = len(honoured(scene))
            scene.start("sandbox")
            scene.wait("the carrier takes drops again", partial(grown, scene, before))


def honoured(scene: Scene) -> list[str]:
    """Attempt keys that the carrier has honoured, from its ledger."""
    return list(read_ledger(scene.stack.ledger).honoured)


def grown(scene: Scene, before: int) -> bool:
    return len(honoured(scene)) > before


def not_sent(scene: Scene) -> int:
    rows = scene.rows("SELECT count(*) FROM delivery_drop WHERE status = 'not_sent'")
    return int(rows[0][0])


def test_everything_killed_at_once_is_taken_up_where_it_was(play: Play) -> None:
    with play(sandbox_options=SLOW_CARRIER) as scene:
        scene.queue(200)
        scene.wait_for_drops(scene.chance.randint(50, 150))
        names = list(scene.children.processes)
        for name in scene.chance.sample(names, len(names)):
            scene.kill(name, group=True)
        scene.servers.flush_redis()
        for name in names:
            scene.start(name)
        scene.wait_until_ended()
        scene.wait_until_ready()


# RQ's default worker forks a work horse for each job.
@pytest.mark.parametrize("victims", [("parent",), ("horse",), ("parent", "horse"), ("horse", "parent")], ids="+".join)
def test_a_forking_worker_may_lose_its_parent_its_horse_or_both(play: Play, victims: tuple[str, ...]) -> None:
    with play(dispatch_worker=FORKING, sandbox_options=SLOW_CARRIER) as scene:
        scene.queue(200)
        for moment in sorted(scene.chance.sample(range(20, 160), 2)):
            scene.wait_for_drops(moment)
            running = scene.wait("a horse runs", partial(horses, scene))
            name, horse = scene.chance.choice(sorted(running.items()))
            parent = scene.children.processes[name]
            for victim in victims:
                with suppress(ProcessLookupError):  # a horse whose job has just ended
                    os.kill(parent.pid if victim == "parent" else horse, signal.SIGKILL)
            if "parent" in victims:
                parent.wait(10)
                scene.start(name)


def horses(scene: Scene) -> dict[str, int]:
    """Process ids of the work horses by worker; queues voicemails first if none is queued.

    RQ decides which worker gets a job, and an orphaned horse may send all queued voicemails before another horse starts."""
    if not scene.statuses()["queued"]:
        scene.queue(50)
    workers = [name for name in scene.children.processes if name.startswith("dispatch")]
    return {name: horse for name in workers for horse in scene.processes(name)[1:]}


def test_a_worker_stopped_past_its_lease_sends_nothing_more_of_what_it_had_claimed(play: Play) -> None:
    with play(sandbox_options=SLOW_CARRIER, dispatchers=1) as scene:
        scene.kill("reports")  # reconciliation may send again under the same keys
        zombie = stopped_while_it_claims(scene)
        [(stopped,)] = scene.rows("SELECT clock_timestamp()")
        scene.pass_time(float(QUICK["RVM_LEASE_SECONDS"]) + 1)
        os.kill(zombie, signal.SIGCONT)  # it now commits its claim and would send
        scene.wait("its claim came to light", lambda: claimed_before(scene, stopped, "true"))
        scene.wait("its claim is given up", lambda: not claimed_before(scene, stopped, "status = 'sending'"))
        scene.wait("it goes on with others", lambda: scene.drops() > len(claimed_before(scene, stopped, "true")) + 20)
        late = {str(drop) for drop in claimed_before(scene, stopped, "true")} & set(honoured(scene))
        assert not late, f"{len(late)} requests left after the lease"
        scene.start("reports")


def test_a_worker_stopped_in_the_middle_of_a_transaction_does_not_hold_up_the_others_for_ever(play: Play) -> None:
    with play(sandbox_options=SLOW_CARRIER, dispatchers=2) as scene:
        scene.kill("dispatch-2")
        zombie = stopped_while_it_claims(scene)
        scene.start("dispatch-2")
        scene.wait_until_ended()
        os.kill(zombie, signal.SIGCONT)
        scene.wait_until_ready()


def stopped_while_it_claims(scene: Scene) -> int:
    """Stop dispatch-1 between its claim and the commit, where a lock holds it, and return its process id."""
    scene.kill("dispatch-1")
    scene.start("dispatch-1", {"PGAPPNAME": "zombie"})
    zombie = scene.children.processes["dispatch-1"].pid
    with psycopg.connect(scene.database_url) as connection:
        connection.execute("LOCK TABLE delivery_drop IN SHARE MODE")
        scene.queue(200)
        scene.wait("it waits for the lock", lambda: sessions(scene, "wait_event_type = 'Lock'"))
        os.kill(zombie, signal.SIGSTOP)
    scene.wait(
        "its claim lacks only the commit",
        lambda: sessions(scene, "state = 'idle in transaction' AND backend_xid IS NOT NULL"),
    )
    return zombie


def sessions(scene: Scene, condition: str) -> int:
    query = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'zombie' AND {condition}"
    return int(scene.rows(query)[0][0])


def claimed_before(scene: Scene, moment: datetime, condition: str) -> list[UUID]:
    rows = scene.rows(f"SELECT id FROM delivery_drop WHERE created_at < %s AND {condition}", moment)
    return [row[0] for row in rows]
