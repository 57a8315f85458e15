"""A dispatch worker with a wrong wall clock: leases, windows, expiry and links use the database's clock and the boot clock.

The clock of a single process cannot be set from outside, so `skewed/sitecustomize.py` patches `time.time` and `datetime.now` in it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.conftest import Play

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("seconds", [-30 * 86_400, -3600, 3600, 30 * 86_400])
def test_workers_with_a_wrong_clock_deliver_as_if_it_were_right(play: Play, seconds: int) -> None:
    path = os.pathsep.join([str(Path(__file__).with_name("skewed")), os.environ.get("PYTHONPATH", "")])
    with play() as scene:
        for name in ("dispatch-1", "dispatch-2"):
            scene.kill(name)
        scene.start("dispatch-1", {"SKEW_SECONDS": str(seconds), "PYTHONPATH": path})
        scene.queue(150)
        scene.wait_until_ended()
        assert f"wrong by {seconds} s" in scene.children.log("dispatch-1").read_text()
        off = "SELECT count(*) FROM delivery_drop WHERE abs(extract(epoch FROM created_at - now())) > 600"
        assert scene.rows(off) == [(0,)]
        assert scene.rows("SELECT count(*) FROM delivery_voicemail WHERE status = 'expired'") == [(0,)]
