"""Poolers: with session pooling the platform works as without one; with transaction pooling it refuses to start, with the reason."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from rvm.devtools.embedded.processes import spawn, stop, wait_until
from rvm.devtools.stack import MANAGE, Stack, answers
from rvm.platform.database.session import TRANSACTIONS_POOLED
from tests.chaos.conftest import Play
from tests.chaos.pooler import pooled
from tests.chaos.scene import LATE_REPORTS, exchange, free_port, numbers_of_nobody
from tests.chaos.servers import Servers
from tests.chaos.test_campaign import OnePlay, as_list
from tests.chaos.test_processes import stopped_while_it_claims

pytestmark = pytest.mark.poolers
SESSIONS = partial(pooled, mode="session")
PEOPLE = 2000


def test_single_sends_lists_callbacks_and_a_killed_worker_go_through_pooled_sessions(play: Play) -> None:
    with play(pooler=SESSIONS, pace=400, sandbox_options=LATE_REPORTS) as scene:
        campaign = OnePlay(scene)
        people = list(islice(numbers_of_nobody(range(200, 300)), PEOPLE))
        assert campaign.import_list(as_list(people))["counts"]["accepted"] == PEOPLE
        scene.recipients += people
        scene.queue(200)
        campaign.do("launch")
        for moment in (300, 900):
            scene.wait_for_drops(moment)
            for name in ("dispatch-1", "reports", "tick"):
                scene.kill(name)
                scene.start(name)
        scene.wait_until_ended()
        scene.wait_until_ready()


def test_a_worker_stopped_in_a_transaction_loses_it_behind_pooled_sessions_too(play: Play) -> None:
    with play(pooler=SESSIONS, sandbox_options=LATE_REPORTS) as scene:
        scene.kill("dispatch-2")
        zombie = stopped_while_it_claims(scene)
        scene.start("dispatch-2")
        scene.wait_until_ended()
        os.kill(zombie, signal.SIGCONT)
        scene.wait_until_ready()


def test_nothing_starts_behind_pooled_transactions_and_says_why(servers: Servers, tmp_path: Path) -> None:
    servers.flush_redis()
    with pooled(servers.new_database(), "transaction") as address:
        stack = Stack(tmp_path, free_port(), variables={"DATABASE_URL": address, "REDIS_URL": servers.redis_url})
        for command in (["migrate"], ["tick"], ["worker", "dispatch"], ["worker", "imports"]):
            done = subprocess.run(
                [sys.executable, MANAGE, *command], env=stack.environment(), capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 1 and TRANSACTIONS_POOLED in done.stderr, (command, done.stderr)
        log = tmp_path / "web.log"
        web = spawn(stack.commands()["web"], log=log, env=stack.environment(), cwd=MANAGE.parent)
        try:
            wait_until(partial(answers, f"{stack.web_url}/livez"), web, name="web", log=log)
            status, body = exchange(stack.web_port, "GET", "/readyz")
        finally:
            stop(web)
        [check] = [check for check in json.loads(body)["checks"] if check["name"] == "database"]
        assert (status, check["ok"], check["detail"]) == (503, False, TRANSACTIONS_POOLED)
