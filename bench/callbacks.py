"""The rate at which callbacks are received, against a bare view on the same server, and at which reports are merged."""

from __future__ import annotations

import os
import socket
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import MappingProxyType
from urllib.parse import urlsplit

import psutil
import psycopg

from bench import inbox, scenario
from bench.databases import further_database
from bench.dispatch import idle_workers
from bench.measure import Spent, spending, wait_until
from bench.programs import bare
from delivery.runtime.wakeups import wake
from delivery.transport.curl import CurlTransport
from delivery.transport.interface import CarrierRequest, CarrierResponse
from rvm.devtools.embedded.processes import spawn, stop
from rvm.devtools.stack import MANAGE, Stack, answers
from rvm.platform.database.ids import uuid7

MERGER = [sys.executable, str(MANAGE), "worker", "reports"]
SECRET = bare.SECRET.decode()
CONNECTIONS = 16


@dataclass(frozen=True)
class Sizes:
    """The numbers of callbacks in a run, of runs of each kind, of merged reports, and of finished voicemails in the history."""

    requests: int = 1_500
    runs: int = 24
    burst: int = 50_000
    merged: int = 100_000
    growth: int = 30_000
    growth_runs: int = 3
    history: int = 1_000_000


QUICK = Sizes(200, 2, 1_000, 2_000, 500, 1, 5_000)


def run(sizes: Sizes, say: Callable[[str], None]) -> dict[str, float]:
    """Measure everything and return the values of the last line; `say` prints lines for a person."""
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        ours, least = receive(connection, sizes, say)
        burst_seconds = burst(connection, sizes.burst, say)
        count, merged = merge(connection, url, sizes.merged, say, "merge, whole")
    pairs = list(zip(ours, least, strict=True))
    rates = {name: _medians(runs) for name, runs in {"ours": ours, "bare": least}.items()}
    return {
        "share_of_bare": round(statistics.median(_rate(mine) / _rate(theirs) for mine, theirs in pairs), 2),
        "merged_per_second": round(count / merged.seconds),
        "callbacks_per_second": round(rates["ours"].rate),
        "bare_per_second": round(rates["bare"].rate),
        "share_of_bare_by_cpu": round(rates["bare"].cpu / rates["ours"].cpu, 2),
        "receive_cpu_ms": round(rates["ours"].cpu * 1000, 3),
        "bare_cpu_ms": round(rates["bare"].cpu * 1000, 3),
        "merge_worker_cpu_s_per_1000": round(merged.worker_cpu / count * 1000, 4),
        "merge_postgres_cpu_s_per_1000": round(merged.postgres_cpu / count * 1000, 4),
        "merge_peak_mb": round(merged.peak_mb),
        "burst_per_second": round(sizes.burst / burst_seconds),
        "merge_growth": round(growth(url, sizes, say), 2),
    }


Measured = tuple[int, Spent]


@dataclass(frozen=True)
class Medians:
    """The medians of requests per second, and of CPU seconds of web server and PostgreSQL per request."""

    rate: float
    cpu: float


def _medians(runs: list[Measured]) -> Medians:
    return Medians(
        statistics.median(map(_rate, runs)),
        statistics.median((spent.worker_cpu + spent.postgres_cpu) / count for count, spent in runs),
    )


def _rate(measured: Measured) -> float:
    return measured[0] / measured[1].seconds


def receive(
    connection: psycopg.Connection, sizes: Sizes, say: Callable[[str], None]
) -> tuple[list[Measured], list[Measured]]:
    """Post callbacks alternately to the platform's address and to the bare view, so that load of the machine affects both."""
    connection.execute(bare.TABLE)
    clinic = scenario.make_clinic(connection, carrier_url="http://127.0.0.1:9", cap=1)
    drops = iter(inbox.make_accepted(connection, clinic, (sizes.runs + 1) * sizes.requests))
    ours: list[Measured] = []
    least: list[Measured] = []
    with web_server() as (address, pids):
        targets = (
            ("our endpoint", inbox.addresses(address, clinic), ours),
            ("a bare view", lambda _: f"{address}/bench/bare/", least),
        )
        for number in range(sizes.runs + 1):  # the first warms up
            events = inbox.make_events([next(drops) for _ in range(sizes.requests)])
            for title, target, runs in targets:
                requests = list(inbox.callbacks(target, SECRET, events))
                with spending(pids) as spent:
                    statuses = post(requests)
                if statuses != Counter({200: len(requests)}):
                    raise RuntimeError(f"{title} answered {dict(statuses)}")
                if number:
                    runs.append((len(requests), spent))
                    say(_line(title, runs[-1]))
        kept = connection.execute("SELECT count(*) FROM delivery_carrierreport WHERE setup_id = %s", [clinic.setup])
        if kept.fetchone() != (len(ours) * sizes.requests + sizes.requests,):
            raise RuntimeError("The inbox does not hold what was answered with 200.")
    connection.execute("DELETE FROM delivery_carrierreport")
    connection.execute("DROP TABLE bench_bare")
    connection.commit()
    return ours, least


def burst(connection: psycopg.Connection, count: int, say: Callable[[str], None]) -> float:
    """The seconds until a burst is merged: every report twice, some forged, some on unknown drops."""
    clinic = scenario.make_clinic(connection, carrier_url="http://127.0.0.1:9", cap=1)
    connection.execute("UPDATE usecases_usecase SET max_attempts = 1 WHERE id = %s", [clinic.use_case])
    tenth = count // 10
    events = inbox.make_events(inbox.make_accepted(connection, clinic, 4 * tenth))
    unknown_drops = inbox.make_events([uuid7() for _ in range(tenth)])
    forged = [
        inbox.CarrierEvent(event.drop, "failed" if event.status == "delivered" else "delivered", "")
        for event in events[:tenth]
    ]
    with web_server() as (address, _), idle_workers(MERGER, 1):
        target = inbox.addresses(address, clinic)
        requests = list(inbox.callbacks(target, SECRET, [*events, *events, *unknown_drops]))
        requests += inbox.callbacks(target, "not-the-secret", forged)
        Random(7).shuffle(requests)
        with spending([]) as spent:
            statuses = post(requests)
            wait_until(lambda: _merged(connection), "the merge of the burst")
    if statuses != Counter({200: 9 * tenth, 401: tenth}):
        raise RuntimeError(f"The burst was answered with {dict(statuses)}")
    kept = connection.execute(
        "SELECT effect, count(*) FROM delivery_carrierreport WHERE setup_id = %s GROUP BY 1", [clinic.setup]
    )
    if dict(kept.fetchall()) != {"applied": 4 * tenth, "kept": 4 * tenth, "unknown_drop": tenth}:
        raise RuntimeError("The burst's reports are not what was sent.")
    _check(connection, clinic, events)
    say(
        f"a burst of {count:,}: {8 * tenth:,} reports on {4 * tenth:,} drops, {tenth:,} on nobody's, {tenth:,} forged; all answered"
        f" and merged after {spent.seconds:.1f} s, every voicemail ended as its carrier said"
    )
    return spent.seconds


@contextmanager
def web_server(
    application: str = "bench.programs.bare_wsgi", variables: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[str, list[int]]]:
    """Run gunicorn as the stack does, by default with the bare view added, and yield its address and process ids."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stack = Stack(Path("/tmp"), web_port=port, variables=variables)  # noqa: S108 - nothing is written there
    command = [argument.replace("rvm.project.wsgi", application) for argument in stack.commands()["web"]]
    environment = {**stack.environment(), "RVM_LOG_FORMAT": "json"}
    process = spawn(command, log=log_of(stack.web_url), env=environment, cwd=MANAGE.parent)
    try:
        wait_until(lambda: answers(f"{stack.web_url}/livez"), "the web server's start")
        time.sleep(1)  # for its second worker
        yield stack.web_url, [process.pid, *(child.pid for child in psutil.Process(process.pid).children())]
    finally:
        stop(process)


def log_of(address: str) -> Path:
    """The log of the web server at this address."""
    return Path(f"/tmp/rvm-bench-web-{urlsplit(address).port}.log")  # noqa: S108 - a log


def post(requests: Iterable[CarrierRequest]) -> Counter[int]:
    """Send all requests over a few connections and return the number of responses by status, 0 for none."""
    client: CurlTransport[None] = CurlTransport()
    statuses: Counter[int] = Counter()
    waiting = iter(requests)
    more = True
    while more or client.in_flight:
        while more and client.in_flight < CONNECTIONS:
            if (request := next(waiting, None)) is None:
                more = False
            else:
                client.submit(request, None)
        for _, answer in client.poll(1.0):
            statuses[answer.status if isinstance(answer, CarrierResponse) else 0] += 1
    client.close()
    return statuses


def merge(
    connection: psycopg.Connection,
    url: str,
    count: int,
    say: Callable[[str], None],
    title: str,
    *,
    command: list[str] = MERGER,
    prepare: Callable[[scenario.Clinic], None] = lambda clinic: None,
    but_name: str = "",
) -> tuple[int, Spent]:
    """Have the shipped worker merge `count` reports, and return their number and the resources used."""
    clinic = scenario.make_clinic(connection, carrier_url="http://127.0.0.1:9", cap=1)
    connection.execute("UPDATE usecases_usecase SET max_attempts = 1 WHERE id = %s", [clinic.use_case])
    events = inbox.make_events(inbox.make_accepted(connection, clinic, count))
    prepare(clinic)
    with idle_workers(command, 1, {"DATABASE_URL": url}) as pids:
        inbox.make_unmerged(connection, clinic, events)
        settle_tables(connection)
        with spending(pids, but_name) as spent:
            wait_until(lambda: _merged(connection), title, patience=600, every=0.02)
    _check(connection, clinic, events)
    say(_line(title, (count, spent)))
    return count, spent


def settle_tables(connection: psycopg.Connection) -> None:
    scenario.settle_tables(connection)
    connection.autocommit = True
    connection.execute("VACUUM (ANALYZE) delivery_carrierreport")
    connection.autocommit = False


def growth(url: str, sizes: Sizes, say: Callable[[str], None]) -> float:
    """The ratio of CPU time per report (worker and PostgreSQL) with a long history to that without."""
    say(f"Filling a second database with {sizes.history:,} finished voicemails, their drops and reports…")
    costs: dict[str, list[float]] = {"empty": [], "full": []}
    with ExitStack() as exits:
        urls = {name: exits.enter_context(further_database(url, f"callbacks_{name}")) for name in costs}
        connections = {name: exits.enter_context(psycopg.connect(address)) for name, address in urls.items()}
        clinic = scenario.make_clinic(connections["full"], carrier_url="http://127.0.0.1:9", cap=1)
        scenario.make_history(connections["full"], clinic, sizes.history)
        inbox.add_reports_of_history(connections["full"], clinic)
        for _ in range(sizes.growth_runs):
            for name, connection in connections.items():
                count, spent = merge(connection, urls[name], sizes.growth, say, f"merge, {name} tables")
                costs[name].append((spent.worker_cpu + spent.postgres_cpu) / count)
        for connection in connections.values():
            connection.close()
    return statistics.median(costs["full"]) / statistics.median(costs["empty"])


def _merged(connection: psycopg.Connection) -> bool:
    """Whether all reports are merged; each call also wakes the worker, as the tick would."""
    wake("reports")
    found = connection.execute("SELECT id FROM delivery_carrierreport WHERE merged_at IS NULL ORDER BY id LIMIT 1")
    left = found.fetchone()
    connection.commit()
    return left is None


def _check(connection: psycopg.Connection, clinic: scenario.Clinic, events: Sequence[inbox.CarrierEvent]) -> None:
    """Raise RuntimeError unless every voicemail of the clinic and its drop ended as the carrier reported."""
    ended = connection.execute(
        "SELECT v.status, v.reason, count(*) FROM delivery_voicemail v JOIN delivery_drop d ON d.id = v.drop_id"
        "   AND d.status = v.status AND d.reason = v.reason WHERE v.lane_id = %s GROUP BY 1, 2",
        [clinic.lane],
    ).fetchall()
    connection.commit()
    expected = Counter((event.status, event.code) for event in events)
    if {(status, reason): number for status, reason, number in ended} != expected:
        raise RuntimeError(f"The reports said {expected}, the voicemails ended as {ended}.")


def _line(title: str, measured: Measured) -> str:
    count, spent = measured
    return (
        f"{title:<24} {count / spent.seconds:>9,.1f} /s   process {spent.worker_cpu / count * 1000:>7.3f}"
        f"  PostgreSQL {spent.postgres_cpu / count * 1000:>6.3f} CPU s per 1,000   peak {spent.peak_mb:>4.0f} MB"
    )
