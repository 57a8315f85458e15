"""Processes of ours and the carrier's are killed with SIGKILL, or stopped and continued, under load."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from delivery.sandbox.ledger import read_ledger
from tests.chaos.conftest import Play
from tests.chaos.invariants import lines
from tests.chaos.scene import LATE_REPORTS, Scene

pytestmark = pytest.mark.chaos

SLOW_CARRIER = ("--latency-ms", "200", *LATE_REPORTS)
FORKING = ("rqworker", "dispatch", "--serializer", "rq.serializers.JSONSerializer")


def test_without_its_tick_the_platform_says_so_and_goes_on_when_it_has_one(play: Play) -> None:
    with play() as scene:
        scene.queue(200)
        scene.wait_for_drops(50)
        scene.kill("tick")
        scene.servers.flush_redis()  # so that no bell is left either
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
            before = honoured(scene)
            scene.start("sandbox")
            scene.wait("the carrier takes drops again", partial(grown, scene, before))


def honoured(scene: Scene) -> int:
    return len(read_ledger(scene.stack.ledger).honoured)


def grown(scene: Scene, before: int) -> bool:
    return honoured(scene) > before


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
            name = scene.chance.choice(["dispatch-1", "dispatch-2"])
            parent = scene.children.processes[name]
            scene.wait("a horse runs", lambda pid=parent.pid: horses(pid))
            [horse] = horses(parent.pid)
            for victim in victims:
                os.kill(parent.pid if victim == "parent" else horse, signal.SIGKILL)
            if "parent" in victims:
                parent.wait(10)
                scene.start(name)


def horses(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def test_a_worker_stopped_past_its_lease_sends_nothing_more_of_what_it_had_claimed(play: Play) -> None:
    with play(sandbox_options=SLOW_CARRIER, dispatchers=1, pace=100) as scene:
        scene.queue(400)
        zombie = scene.children.processes["dispatch-1"].pid
        stopped: list[UUID] = []
        scene.wait(
            "it is stopped before it has sent what it claimed", partial(stopped_before_sending, scene, zombie, stopped)
        )
        scene.wait("what was claimed is settled without it", partial(settled, scene, stopped))
        continued = time.time()
        os.kill(zombie, signal.SIGCONT)
        scene.wait_until_ended()
        late = [
            line
            for line in lines(scene.stack.ledger)
            if line["t"] in ("accepted", "replayed") and UUID(line["key"]) in stopped and line["at"] > continued
        ]
        assert not late, f"{len(late)} requests left after the lease"


def stopped_before_sending(scene: Scene, pid: int, claimed: list[UUID]) -> bool:
    """Stop the only dispatch worker; unless the carrier has not heard of some of what is claimed now, let it go on."""
    os.kill(pid, signal.SIGSTOP)
    sending = [row[0] for row in scene.rows("SELECT id FROM delivery_drop WHERE status = 'sending'")]
    scene.pass_time(0.1)  # what was on the wire arrives
    heard = read_ledger(scene.stack.ledger).honoured
    if any(str(drop) not in heard for drop in sending):
        claimed += sending
        return True
    os.kill(pid, signal.SIGCONT)
    return False


def settled(scene: Scene, drops: list[UUID]) -> bool:
    return not scene.rows(
        "SELECT id FROM delivery_drop WHERE status IN ('sending', 'uncertain') AND id = ANY(%s)", drops
    )


def test_a_worker_stopped_in_the_middle_of_a_transaction_does_not_hold_up_the_others_for_ever(play: Play) -> None:
    with play(sandbox_options=SLOW_CARRIER, dispatchers=2, pace=30) as scene:
        scene.kill("dispatch-1")
        scene.start("dispatch-1", {"PGAPPNAME": "zombie"})
        scene.queue(300)
        zombie = scene.children.processes["dispatch-1"]
        scene.wait("it is stopped in the middle of a transaction", partial(stopped_in_transaction, scene, zombie.pid))
        scene.note = "dispatch-1 is stopped in a transaction."
        scene.wait_until_ended(150)
        zombie.send_signal(signal.SIGCONT)
        scene.wait_until_ready()


def stopped_in_transaction(scene: Scene, pid: int) -> bool:
    """Stop the process; unless its session now stays in a transaction that has locked or written rows, let it go on."""
    os.kill(pid, signal.SIGSTOP)
    # What its session is doing for it, it still does.
    scene.wait("its session is at rest", lambda: not sessions(scene, "state = 'active'"))
    if sessions(scene, "state = 'idle in transaction' AND backend_xid IS NOT NULL"):
        return True
    os.kill(pid, signal.SIGCONT)
    return False


def sessions(scene: Scene, condition: str) -> int:
    query = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'zombie' AND {condition}"
    return int(scene.rows(query)[0][0])
