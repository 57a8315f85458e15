"""Processes killed between the steps of calls, through each carrier's simulator: nobody is reached twice, and nothing is lost.

What a simulator's ledger says is compared with the platform's rows: a delivery that is claimed was made, and one that was made and
is not claimed is one of those of which the platform says that the person may have been reached.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from delivery.lifecycle.reasons import GUESSES
from rvm.simulators.vendors import names
from tests.chaos import invariants
from tests.chaos.scene import Scene, scene
from tests.chaos.servers import Servers

pytestmark = pytest.mark.chaos

SECONDS = float(os.environ.get("RVM_CHAOS_SECONDS", "60")) / len(names())
LOAD = 15  # voicemails between two kills
# Calls of some seconds, most of them with a message, so that kills meet each step.
SIMULATOR = ("--speed", "8", "--outcomes", "delivered=80,human_answered=8,no_answer=6,busy=6")


@pytest.mark.parametrize("carrier", names())
def test_kills_between_the_steps_of_calls_reach_nobody_twice_and_lose_nothing(
    carrier: str, servers: Servers, tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    with (
        django_db_blocker.unblock(),
        scene(servers, tmp_path, carrier, carrier=carrier, simulator_options=SIMULATOR, pace=30) as stage,
    ):
        victims = [name for name in stage.stack.commands() if name not in ("sandbox", "simulator", "events", "imports")]
        kills: list[str] = []
        until = time.monotonic() + SECONDS
        while time.monotonic() < until or not kills:
            stage.queue(LOAD)
            stage.wait("drops are under way", lambda: stage.simulator_ledger()["pending"] > 0)
            stage.pass_time(stage.chance.uniform(0, 3))
            kills.append(stage.chance.choice(victims))
            stage.note = " ".join(kills)
            kill(stage, kills[-1])
        settle(stage)
        check(stage)
    invariants.check_afterwards(stage)


def kill(stage: Scene, name: str) -> None:
    if name == "web":
        stage.kill(name, group=True)
        stage.pass_time(stage.chance.uniform(0, 1.5))
        stage.start_web()
    else:
        stage.kill(name)
        stage.start(name)


def settle(stage: Scene) -> None:
    """Wait until everything is sent and no call goes on, then let the waits for what was lost be over."""

    def idle() -> bool:
        stage.let_long_waits_pass()
        under_way = {"queued", "sending"} & set(stage.statuses())
        return not under_way and stage.simulator_ledger()["pending"] == 0

    stage.wait("every call is over", idle, 180)
    unmerged = "SELECT 1 FROM delivery_carrierreport WHERE merged_at IS NULL"
    stage.wait("every report is merged", lambda: not stage.rows(unmerged))
    for column, status in (("accepted_at", "accepted"), ("created_at", "uncertain")):
        past = f"UPDATE delivery_drop SET {column} = {column} - interval '100 days' WHERE status = %s RETURNING id"
        stage.rows(past, status)
    stage.wait_until_ended(180)


def check(stage: Scene) -> None:
    ledger = stage.simulator_ledger()
    assert ledger["violations"] == []
    assert (ledger["reached_more_than_once"], ledger["overheard"]) == (0, 0)
    invariants.every_voicemail_has_ended(stage)
    invariants.counts_equal_rows(stage)
    reasons = dict(stage.rows("SELECT reason, count(*) FROM delivery_voicemail GROUP BY 1"))
    delivered, unknown = stage.statuses()["delivered"], sum(reasons.get(reason.value, 0) for reason in GUESSES)
    assert delivered <= ledger["left"] <= delivered + unknown, (ledger, reasons)
    assert delivered > 0
