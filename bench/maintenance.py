"""What upkeep of many rows and a running campaign cost each other: each step is a command, killed half-way and started again.

The database is filled under the first keys; then every process, this one too, has second ones, as in a rotation. The campaign has a
pace that this machine keeps easily, so that what upkeep takes from it is seen.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import psycopg
from django.conf import settings

from bench import scenario
from bench.databases import further_database
from bench.dispatch import OURS, idle_workers, stub_carrier
from bench.measure import wait_until
from rvm.devtools.embedded.processes import spawn, stop
from rvm.devtools.stack import MANAGE
from rvm.platform.encryption.crypto import blind_index, cipher
from rvm.platform.encryption.keys import KeyRing

TICK = [sys.executable, str(MANAGE), "tick"]
LATER = 250
LATER_KEYS = {"RVM_ENCRYPTION_KEYS": bytes(range(32)), "RVM_INDEX_KEYS": bytes(range(32, 64))}


@dataclass(frozen=True)
class Step:
    """A command of `manage.py`, with what it reads, and the statement that counts the rows that it is done with; where that reads the
    table, `roughly` tells half from less while it runs. `prepare`: a statement before it. `share`: one row in so many is its own."""

    command: Sequence[str]
    done: str
    roughly: str = ""
    prepare: str = ""
    reads: str = ""
    share: int = 1


# Whose voicemails `erase_person` removes, and one in how many is theirs.
PERSON, OF_PERSON = "+14155550100", 1000
# A command whose rows are voicemails needs one line here.
STEPS = {
    "reencrypt": Step(
        ["reencrypt"],
        "SELECT coalesce(max(written), 0) FROM platform_keyrotation WHERE name = 'reencrypt delivery_voicemail'",
    ),
    "reindex": Step(
        ["reindex"],
        "SELECT coalesce(max(written), 0) FROM platform_keyrotation WHERE name = 'reindex delivery_voicemail'",
    ),
    # The tick goes on with it too, once it was killed.
    "erase": Step(
        ["erase_person", "{workspace}"],
        "SELECT coalesce(max((counts->>'voicemails')::int), 0) FROM platform_erasure",
        reads=PERSON,
        share=OF_PERSON,
    ),
    # The last, since it leaves no number: all are kept for no day, and a hundredth of the pages tells how many are gone.
    "purge": Step(
        ["purge"],
        "SELECT count(*) FROM delivery_voicemail WHERE number_removed_at IS NOT NULL",
        roughly="SELECT 100 * count(*) FROM delivery_voicemail TABLESAMPLE SYSTEM (1) WHERE number_removed_at IS NOT NULL",
        prepare="INSERT INTO platform_retentionrule (id, workspace_id, kind, days)"
        " SELECT gen_random_uuid(), id, 'numbers', 0 FROM platform_workspace",
    ),
}


@dataclass(frozen=True)
class Sizes:
    """The number of ended voicemails, the campaign's pace a second, and for how many seconds it is measured alone."""

    rows: int = 10_000_000
    pace: int = 200
    alone: float = 30.0
    steps: Sequence[str] = tuple(STEPS)


QUICK = Sizes(3_000, 50, 2.0)


def run(sizes: Sizes, say: Callable[[str], None]) -> dict[str, float]:
    """Measure each step and return the values of the last line; `say` prints lines for a person."""
    figures: dict[str, float] = {"rows": sizes.rows}
    with ExitStack() as exits:
        url = exits.enter_context(further_database(os.environ["DATABASE_URL"], "maintenance"))
        media = exits.enter_context(tempfile.TemporaryDirectory(prefix="rvm-bench-"))
        connection = exits.enter_context(psycopg.connect(url))
        clinic = scenario.make_clinic(connection, carrier_url=stub_carrier(exits, 20), cap=64, pace=sizes.pace)
        began = time.perf_counter()
        fill(connection, clinic, sizes.rows)
        say(f"{sizes.rows:,} ended voicemails were inserted in {time.perf_counter() - began:.0f} s")
        environment = {"DATABASE_URL": url, "RVM_MEDIA_ROOT": media, **take_later_keys()}
        campaign = exits.enter_context(running_campaign(connection, url, clinic, sizes.pace, environment))
        figures["sends_per_second"] = round(campaign.rate(lambda: time.sleep(sizes.alone)), 1)
        say(f"the campaign alone: {figures['sends_per_second']:,.1f} sends/s at a pace of {sizes.pace}")
        for name in sizes.steps:
            step = Measured(STEPS[name], connection, clinic, environment, Path(media, f"{name}.log"))
            rows = sizes.rows // STEPS[name].share
            figures[f"{name}_sends_per_second"] = round(campaign.rate(lambda: step.killed_half_way(rows)), 1)  # noqa: B023
            figures[f"{name}_rows_per_second"] = round(rows / step.seconds)
            figures[f"{name}_kept"] = step.kept
            say(
                f"{name}: {rows:,} rows, {rows / step.seconds:,.0f} a second in {step.seconds:.0f} s beside"
                f" {figures[f'{name}_sends_per_second']:,.1f} sends/s; killed after {step.kept:,} rows, which stayed"
            )
            say(f"  {step.last_line}")
    return figures


class Measured:
    """A step that is killed once it has done half of its rows, and goes on."""

    def __init__(
        self,
        step: Step,
        connection: psycopg.Connection,
        clinic: scenario.Clinic,
        environment: dict[str, str],
        log: Path,
    ) -> None:
        self._step, self._connection, self._environment, self._log = step, connection, environment, log
        self._command = [part.format(workspace=clinic.workspace.hex) for part in step.command]
        self.seconds, self.kept, self.last_line = 0.0, 0, ""

    def killed_half_way(self, rows: int) -> None:
        if self._step.prepare:
            self._connection.execute(self._step.prepare)
            self._connection.commit()
        began, looked = time.perf_counter(), self._step.roughly or self._step.done
        process = self._start()
        while (done := self._count(looked)) < rows / 2 and process.poll() is None:
            time.sleep(1.0 if self._step.roughly else 0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.kept = self._count(self._step.done)
        if not self._step.roughly and not done <= self.kept:
            raise RuntimeError(f"{done:,} rows were done, and {self.kept:,} after the kill")
        if self._start().wait() not in (0, 1):  # 1: an older key must stay, for what is not measured here
            raise RuntimeError(f"It ended badly; see {self._log}")
        self.seconds = time.perf_counter() - began
        self.last_line = self._log.read_text().splitlines()[-1]

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(MANAGE), *self._command]
        with tempfile.TemporaryFile() as read:
            read.write(self._step.reads.encode())
            read.seek(0)
            environment = {**os.environ, **self._environment}
            return spawn(command, log=self._log, env=environment, cwd=MANAGE.parent, stdin=read)

    def _count(self, statement: str) -> int:
        [(done,)] = self._connection.execute(statement).fetchall()
        self._connection.commit()
        return int(done)


class Campaign:
    """A campaign that never ends: its lane is filled again before it is empty."""

    def __init__(self, connection: psycopg.Connection, clinic: scenario.Clinic) -> None:
        self._connection, self._clinic = connection, clinic

    def rate(self, work: Callable[[], object]) -> float:
        """How many are sent a second while the work is done."""
        before, began = self.sent(), time.perf_counter()
        work()
        return (self.sent() - before) / (time.perf_counter() - began)

    def sent(self) -> int:
        [(count,)] = self._connection.execute(
            "SELECT count(*) FROM delivery_drop WHERE setup_id = %s", [self._clinic.setup]
        ).fetchall()
        self._connection.commit()
        return int(count)


@contextmanager
def running_campaign(
    connection: psycopg.Connection, url: str, clinic: scenario.Clinic, pace: int, environment: dict[str, str]
) -> Iterator[Campaign]:
    """Yield it once it sends, with one dispatch worker and the tick."""
    lane = clinic.with_lane(scenario.add_lane(connection, clinic))
    stopped = Event()

    def keep_filled() -> None:
        with psycopg.connect(url) as own:
            while True:
                scenario.queue(own, lane, 60 * pace)
                if stopped.wait(50.0):
                    return

    with idle_workers(OURS, 1, environment):
        tick = spawn(TICK, log=Path("/tmp/rvm-bench-tick.log"), env={**os.environ, **environment}, cwd=MANAGE.parent)  # noqa: S108
        filling = Thread(target=keep_filled)
        filling.start()
        try:
            campaign = Campaign(connection, clinic)
            wait_until(lambda: campaign.sent() > pace, "the campaign's start")
            yield campaign
        finally:
            stopped.set()
            filling.join()
            stop(tick)


def take_later_keys() -> dict[str, str]:
    """Make a second key of each kind the current one, of this process and, by the variables that are returned, of others."""
    variables = {}
    for name, later in LATER_KEYS.items():
        keys = {**getattr(settings, name).keys, LATER: later}
        setattr(settings, name, KeyRing(keys, LATER))
        variables[name] = ",".join(f"{key}:{b64encode(secret).decode()}" for key, secret in keys.items())
    cipher.cache_clear()
    blind_index.cache_clear()
    return variables


def fill(connection: psycopg.Connection, clinic: scenario.Clinic, count: int) -> None:
    """Insert ended voicemails, encrypted and indexed like real ones."""
    theirs = count // OF_PERSON
    with scenario.without_indexes(connection):
        scenario.queue_many(connection, clinic, count - theirs, ended=True)
        scenario.queue(connection, clinic, theirs, ended=True, to=PERSON)
    scenario.settle_tables(connection)
