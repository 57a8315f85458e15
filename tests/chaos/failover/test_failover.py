"""A standby takes over that lacks the last claims: their messages are out, and nobody gets a second one before a person says so.

The primary is killed under load and the standby promoted in its place, as in docs/operate/failover.md.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.plugin import DjangoDbBlocker

from rvm.devtools.embedded.processes import unprivileged_account
from rvm.platform.sending_hold import service
from tests.chaos.failover.standby import Standby
from tests.chaos.scene import LATE_REPORTS, Scene, ledger_lines, scene
from tests.chaos.servers import Servers, django_on, own_servers

pytestmark = pytest.mark.chaos

VOICEMAILS, BEFORE, LOST = 150, 30, 30


@pytest.fixture
def primary(django_db_blocker: DjangoDbBlocker) -> Iterator[Servers]:
    """Of its own, because it is killed for good."""
    with django_db_blocker.unblock(), own_servers() as servers:
        yield servers


@pytest.fixture
def standby(primary: Servers) -> Standby:
    home = primary.sockets.parent / "standby"
    home.mkdir(mode=0o755)
    account = unprivileged_account()
    if account:
        os.chown(home, *account)
    return Standby(primary, home, account)


def messages(stage: Scene) -> list[tuple[str, str]]:
    """Attempt key and number of each message, by the carrier's own record."""
    return [(line["key"], line["to"]) for line in ledger_lines(stage.stack.ledger) if line["t"] == "accepted"]


def fail_over(stage: Scene, primary: Servers, standby: Standby) -> set[str]:
    """Kill the primary under load, with claims that the standby lacks, and return the numbers of these."""
    stage.queue(VOICEMAILS)
    stage.wait_for_drops(BEFORE)
    standby.cut_off()
    stage.wait("the standby is cut off", standby.is_cut_off)
    sent = len(messages(stage))
    stage.wait("the carrier took what the standby lacks", lambda: len(messages(stage)) >= sent + LOST)
    stage.close()
    primary.kill_postgres()
    standby.take_over()
    stage.database_url = stage.stack.variables["DATABASE_URL"]
    stage.wait("/readyz says that sending is held", lambda: stage.unready() == {"sending"})
    known = {str(row[0]) for row in stage.rows("SELECT id FROM delivery_drop")}
    forgotten = {number for key, number in messages(stage) if key not in known}
    assert len(forgotten) >= LOST
    return forgotten


@pytest.mark.parametrize("waiting", ["end", "send"])
def test_what_a_standby_has_forgotten_is_sent_a_second_time_only_if_a_person_says_so(
    primary: Servers, standby: Standby, tmp_path: Path, waiting: str
) -> None:
    options = {"sandbox_options": ("--latency-ms", "200", *LATE_REPORTS), "pooler": standby.address}
    with scene(primary, tmp_path, f"failover-{waiting}", **options) as stage, standby.running():
        stage.wait("the identity is kept", lambda: stage.rows("SELECT 1 FROM platform_databaseidentity"))
        forgotten = fail_over(stage, primary, standby)
        before = stage.drops(), len(messages(stage))
        stage.pass_time(5)
        assert (stage.drops(), len(messages(stage))) == before, "held: nothing was claimed, nothing left"
        with django_on(stage.database_url):
            found = service.look()
            call_command("sending", "show")  # what the person reads
            assert "timeline 2, and was on 1" in found.why_held
            choice = ["--end-waiting"] if waiting == "end" else []
            call_command(
                "sending",
                "release",
                "--identity",
                str(found.seen),
                "--reason",
                "The drill.",
                *choice,
                stdout=StringIO(),
            )
        stage.wait_until_ended()
        stage.wait_until_ready()
        counts = Counter(number for _, number in messages(stage))
        twice = {number for number, times in counts.items() if times > 1}
        print(f"{waiting}: forgotten: {len(forgotten)}, reached twice: {len(twice)}, {dict(stage.statuses())}")  # noqa: T201
        assert twice == (forgotten if waiting == "send" else set())
        new = stage.queue(20)
        stage.wait_until_ended()
        rows = stage.rows("SELECT count(*) FROM delivery_drop WHERE voicemail_id = ANY(%s::uuid[])", new)
        assert rows == [(20,)], "sending goes on"
