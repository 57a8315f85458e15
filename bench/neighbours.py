"""How many carriers' callbacks are answered a second beside another workspace that has all of its heaviest work done at once.

The processes are those of production, with web processes of their own for carriers. Each pair of runs is one on a quiet server and
one beside the check of a workbook that is as slow as its bounds allow, three exports, and the preview of a long list.
"""

from __future__ import annotations

import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bench import inbox, scenario
from bench.callbacks import SECRET, post
from bench.databases import further_database
from bench.inbox import CarrierEvent
from bench.measure import spending, wait_until
from delivery.transport.interface import CarrierRequest
from rvm.devtools.stack import GIVE_WAY, MANAGE, Stack, running

PROGRAM = [sys.executable, "-m", "bench.programs.neighbour"]
LEAST_RATIO = 0.5
# A list gives zones and states for nearly all of its people.
ZONES = "{America/New_York,state:NY}"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
COLUMNS = 100


@dataclass(frozen=True)
class Sizes:
    """The people of the list that is previewed, the voicemails of each export, the workbook's rows of 100 cells, the drops on which
    carriers report again and again, the seconds of a run, and the pairs of runs."""

    rows: int = 1_000_000
    exported: int = 100_000
    workbook: int = 120_000
    drops: int = 10_000
    seconds: float = 30.0
    pairs: int = 3


QUICK = Sizes(500, 200, 50, 100, 1.0, 1)


def run(sizes: Sizes, say: Callable[[str], None]) -> dict[str, float]:
    """Measure the pairs and return the values of the last line; `say` prints lines for a person."""
    quiet: list[float] = []
    beside: list[float] = []
    failed, told = 0, Counter[str]()
    with ExitStack() as exits:
        url = exits.enter_context(further_database(os.environ["DATABASE_URL"], "neighbours"))
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="rvm-bench-")))
        connection = exits.enter_context(psycopg.connect(url))
        carriers = Carriers(connection, sizes)
        neighbour = Neighbour(connection, url, folder, sizes)
        say(f"{neighbour.workbook.stat().st_size / 1e6:.0f} MB of workbook; {sizes.rows:,} people wait in the list")
        web_port, callbacks_port, sandbox_port = free_ports(3)
        stack = Stack(
            folder / "stack",
            web_port,
            sandbox_port,
            callbacks_port,
            levels=GIVE_WAY,
            variables={"DATABASE_URL": url, "RVM_MEDIA_ROOT": str(folder), "RVM_LOG_FORMAT": "json"},
        )
        exits.enter_context(running(stack))
        carriers.report(stack.callbacks_url, min(sizes.seconds, 3.0))  # the first warms up
        for _ in range(sizes.pairs):
            for title, rates in (("quiet", quiet), ("beside", beside)):
                with neighbour.asking(stack.web_url, told) if rates is beside else ExitStack():
                    with spending([]) as spent:
                        statuses = carriers.report(stack.callbacks_url, sizes.seconds)
                    load = os.getloadavg()[0]
                rates.append(statuses[200] / spent.seconds)
                failed += statuses.total() - statuses[200]
                say(
                    f"{title:<8} {rates[-1]:>7,.0f} callbacks/s   PostgreSQL {spent.postgres_cpu / spent.seconds:.2f} cores"
                    f"   load {load:.1f}   {dict(statuses)}"
                )
            say(f"  the neighbour: {dict(told)}")
    return {
        "callbacks_quiet": round(statistics.median(quiet)),
        "callbacks_beside": round(statistics.median(beside)),
        "ratio": round(statistics.median(mine / alone for mine, alone in zip(beside, quiet, strict=True)), 2),
        "callbacks_failed": failed,
        **{f"{what}_ended": told[f"{what} ended"] for what in ("exports", "previews", "checks")},
        "told_429_or_503": sum(count for what, count in told.items() if " told " in what),
    }


def missed(figures: Mapping[str, float]) -> str:
    """What the figures fall short of, in a sentence; empty if of nothing."""
    if figures["callbacks_failed"]:
        return f"{figures['callbacks_failed']} callbacks were not answered with 200; none may fail."
    if figures["ratio"] < LEAST_RATIO:
        return f"Beside a neighbour {figures['ratio']} of the quiet rate were answered; it is to be {LEAST_RATIO} at least."
    return ""


class Carriers:
    """Carriers' reports on the drops of a workspace that asks for nothing else."""

    def __init__(self, connection: psycopg.Connection, sizes: Sizes) -> None:
        self._connection, self._drops = connection, sizes.drops
        self._clinic = scenario.make_clinic(connection, carrier_url="http://127.0.0.1:9", cap=1)

    def report(self, address: str, seconds: float) -> Counter[int]:
        """Report for so long, at first on new drops, then on the same ones again; the number of responses by status."""
        events = inbox.make_events(inbox.make_accepted(self._connection, self._clinic, self._drops))
        return post(self._requests(address, events, time.monotonic() + seconds))

    def _requests(self, address: str, events: Sequence[CarrierEvent], end: float) -> Iterator[CarrierRequest]:
        for request in inbox.callbacks(inbox.addresses(address, self._clinic), SECRET, cycle(events)):
            if time.monotonic() > end:
                return
            yield request


class Neighbour:
    """A workspace whose one client asks for everything that is heavy, in a process of its own."""

    def __init__(self, connection: psycopg.Connection, url: str, folder: Path, sizes: Sizes) -> None:
        self._connection, self._sizes = connection, sizes
        self._environment = {**os.environ, "DATABASE_URL": url}
        self.workbook = folder / "list.xlsx"
        make_workbook(self.workbook, sizes.workbook)
        made = subprocess.run(
            [*PROGRAM, "make"], env=self._environment, cwd=MANAGE.parent, check=True, stdout=subprocess.PIPE
        )
        self._made: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
        self._fill()

    def _fill(self) -> None:
        names = ("workspace", "setup", "use_case", "campaign", "recording")
        campaign = scenario.Clinic(*(UUID(self._made[name]) for name in names))
        ended = campaign.with_lane(scenario.add_lane(self._connection, campaign, for_api=True))
        with scenario.without_indexes(self._connection):
            scenario.queue_many(self._connection, campaign, self._sizes.rows, zones=ZONES)
            scenario.queue_many(self._connection, ended, self._sizes.exported, ended=True)
        scenario.settle_tables(self._connection)

    @contextmanager
    def asking(self, address: str, told: Counter[str]) -> Iterator[None]:
        """Have all of it done at once during the block, again and again, and add to `told` what became of it."""
        words = [address, self._made["workspace"], self._made["campaign"], self._made["importing"], str(self.workbook)]
        with subprocess.Popen(
            [*PROGRAM, "ask", *words],
            env={**self._environment, "BENCH_API_KEY": self._made["key"]},
            cwd=MANAGE.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as client:
            try:
                if client.stdin is None or client.stdout is None or not client.stdout.readline():
                    raise RuntimeError("The neighbour's workbook is not checked; see above.")
                yield
                client.stdin.close()
                told.update(json.loads(client.stdout.readline()))
            finally:
                client.kill()
        wait_until(self._is_quiet, "the end of what the neighbour asked for", patience=600)

    def _is_quiet(self) -> bool:
        """Whether no place of heavy requests and no campaign's lock of the imports' worker is held: their locks are a session's."""
        found = self._connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()
        self._connection.commit()
        return found == (0,)


def make_workbook(path: Path, rows: int) -> None:
    """Write a valid workbook of numbers with fractions, each cell of which a reader must convert and write as it is shown.

    120,000 rows are 290 MB of XML, of 400 that may be. Random parts keep its ratio of compression below what is refused at once."""
    draw = random.Random(3)

    def cells(count: int) -> str:
        return "".join(f"<c><v>{draw.randint(10**9, 10**10)}.5</v></c>" for _ in range(count))

    parts = [cells(11) for _ in range(100)]
    titles = "".join(f'<c t="str"><v>{"Phone" if not at else f"Reading {at}"}</v></c>' for at in range(COLUMNS))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, part in {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override'
            ' PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"'
            "/></Types>",
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="Sheet1" sheetId="1"'
            ' r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" Type="{_OFFICE}/worksheet"'
            ' Target="worksheets/sheet1.xml"/></Relationships>',
        }.items():
            archive.writestr(name, part)
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{_MAIN}"><sheetData><row>{titles}</row>'.encode())
            for place in range(rows):
                number = f"<c><v>{2125550000 + place % 10_000}</v></c>"
                sheet.write(f"<row>{number}{''.join(draw.choices(parts, k=9))}</row>".encode())
            sheet.write(b"</sheetData></worksheet>")


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
