"""The rate at which the engine submits, against one job per voicemail, its own transport alone, and the limit by latency."""

from __future__ import annotations

import os
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
import redis
from django.conf import settings
from django_rq import get_queue

from bench import scenario
from bench.databases import further_database
from bench.engine import lanes, naive
from bench.engine.fairness import PACE, measure
from bench.measure import Spent, spending, wait_until
from delivery.carriers.base import DropRequest
from delivery.carriers.sandbox import Sandbox
from delivery.runtime.wakeups import wake
from delivery.transport.curl import CurlTransport
from rvm.devtools.embedded.processes import spawn, stop
from rvm.devtools.stack import MANAGE
from rvm.platform.database.ids import uuid7

ROOT = MANAGE.parent
OURS = [sys.executable, str(MANAGE), "worker", "dispatch"]
LIVE = [sys.executable, "-m", "bench.programs.live_worker", "dispatch"]
UNGUARDED = [*LIVE[:-1], "--unguarded", "dispatch"]
# Of RQ alone: our queue takes wake-ups only, and refuses what names its job.
RQ = [
    sys.executable,
    str(MANAGE),
    "rqworker",
    "dispatch",
    "--serializer",
    "rq.serializers.JSONSerializer",
    "--queue-class",
    "rq.Queue",
]


@dataclass(frozen=True)
class Sizes:
    """The number of drops in each part, and of finished rows in the history."""

    fork: int = 300
    simple: int = 2000
    ours: int = 30_000
    transport: int = 30_000
    latency: int = 6_000
    growth: int = 10_000
    growth_runs: int = 5
    guarded: int = 20_000
    guarded_runs: int = 3
    history: int = 5_000_000
    campaigns: int = 50_000
    looks: int = 3_000
    memory: int = 200_000
    campaign: int = 1_000_000


QUICK = Sizes(30, 100, 1000, 1000, 640, 500, 1, 500, 1, 10_000, 200, 20, 2_000, 2_000)


def run(sizes: Sizes, say: Callable[[str], None]) -> dict[str, float]:
    """Measure everything and return the values of the last line; `say` prints lines for a person."""
    with ExitStack() as exits:
        bench = Bench(exits, say)
        fork = bench.naive("one job per drop, forking worker", sizes.fork, [])
        simple = bench.naive("one job per drop, SimpleWorker", sizes.simple, ["--worker-class", "rq.SimpleWorker"])
        ours = bench.ours("engine, whole", sizes.ours)
        transport = bench.transport(sizes.transport)
        latency = bench.ours("engine, 100 ms carrier, cap 64", sizes.latency, latency=100, cap=64, concurrency=64)
        pair = bench.ours(
            "the same, two workers, cap 128", 2 * sizes.latency, latency=100, cap=128, concurrency=64, workers=2
        )
        guards = bench.guards(sizes)
        growth = bench.growth(sizes)
        growth_lanes = bench.growth_lanes(sizes)
        fairness = bench.fairness(sizes.campaign)
        memory = bench.ours(f"engine, {sizes.memory:,} drops", sizes.memory)
    rate = {
        name: count / spent.seconds
        for name, (count, spent) in {
            "fork": fork,
            "simple": simple,
            "ours": ours,
            "transport": transport,
            "latency": latency,
            "pair": pair,
        }.items()
    }
    per_cpu = {name: count / spent.worker_cpu for name, (count, spent) in {"fork": fork, "ours": ours}.items()}
    return {
        "drops_per_second": round(rate["ours"]),
        "ratio_simpleworker": round(rate["ours"] / rate["simple"], 1),
        "ratio_fork_cpu": round(per_cpu["ours"] / per_cpu["fork"]),
        "share_of_transport": round(rate["ours"] / rate["transport"], 2),
        "share_of_latency_limit": round(rate["latency"] / (64 / 0.1), 2),
        "ratio_two_workers": round(rate["pair"] / rate["latency"], 2),
        "growth_at_5m": round(growth, 2),
        "growth_lanes": round(growth_lanes, 2),
        **guards,
        **fairness,
        "peak_mb": round(memory[1].peak_mb),
        "peak_mb_small_run": round(ours[1].peak_mb),
    }


Measured = tuple[int, Spent]


class Bench:
    """The parts of the measurement, with one database for each size of history, and stub carriers."""

    def __init__(self, exits: ExitStack, say: Callable[[str], None]) -> None:
        self._exits = exits
        self._say = say
        self._stubs: dict[int, str] = {}
        self._url = os.environ["DATABASE_URL"]
        with self._connect(self._url) as connection:
            scenario.end_leftovers(connection)

    def naive(self, title: str, count: int, options: list[str]) -> Measured:
        with self._connect(self._url) as connection:
            clinic = scenario.make_clinic(connection, carrier_url=self._stub(0), cap=10_000)
            ids = scenario.queue(connection, clinic, count)
            connection.execute("UPDATE delivery_lane SET held = true WHERE id = %s", [clinic.lane])
            connection.commit()
            with idle_workers([*RQ, *options], 1) as pids, spending(pids) as spent:
                enqueue(ids)
                wait_until(lambda: _accepted(connection, clinic) == count, title, patience=600)
        return self._report(title, count, spent)

    def ours(
        self,
        title: str,
        count: int,
        *,
        latency: int = 0,
        cap: int = 10_000,
        concurrency: int = 256,
        workers: int = 1,
        url: str | None = None,
        command: list[str] = OURS,
        carrier: str = "sandbox",
        prepare: Callable[[scenario.Clinic], None] = lambda clinic: None,
        but_name: str = "",
    ) -> Measured:
        with self._connect(url or self._url) as connection:
            clinic = scenario.make_clinic(connection, carrier_url=self._stub(latency), cap=cap, carrier=carrier)
            prepare(clinic)
            environment = {"DATABASE_URL": url or self._url, "RVM_CONCURRENCY": str(concurrency)}
            with idle_workers(command, workers, environment) as pids:
                scenario.queue(connection, clinic, count)
                scenario.settle_tables(connection)
                with spending(pids, but_name) as spent:
                    keep_waking(lambda: not scenario.is_busy(connection), workers, title)
            if (accepted := _accepted(connection, clinic)) != count:
                raise RuntimeError(f"{title}: {accepted} of {count} drops were accepted")
        return self._report(title, count, spent)

    def transport(self, count: int) -> Measured:
        """Measure the transport alone: the same requests without a database."""
        adapter = Sandbox({"base_url": self._stub(0), "key": "bench-key", "signing_secret": "bench-secret"})
        client: CurlTransport[int] = CurlTransport()
        key, done, sent = uuid7(), 0, 0
        with spending([os.getpid()]) as spent:
            while done < count:
                while sent < count and client.in_flight < 256:
                    client.submit(
                        adapter.submit_request(DropRequest(key, "+12025550142", "+12125550100", "u", "c")), sent
                    )
                    sent += 1
                done += len(client.poll(1.0))
        client.close()
        return self._report("transport alone", count, spent)

    def guards(self, sizes: Sizes) -> dict[str, float]:
        """The guards' part of the worker's CPU time, and the ratio of PostgreSQL's CPU time with them to that without."""
        spent: dict[bool, list[Spent]] = {True: [], False: []}
        for _ in range(sizes.guarded_runs):
            for guarded, command in ((True, LIVE), (False, UNGUARDED)):
                title = f"live voicemails, {'all guards' if guarded else 'no guards'}"
                spent[guarded].append(self.ours(title, sizes.guarded, command=command, carrier="bench")[1])
        worker, postgres = (
            [statistics.median(getattr(each, cpu) for each in spent[guarded]) for guarded in (True, False)]
            for cpu in ("worker_cpu", "postgres_cpu")
        )
        return {
            "guards_worker_share": round(1 - worker[1] / worker[0], 2),
            "guards_postgres_ratio": round(postgres[0] / postgres[1], 2),
        }

    def growth(self, sizes: Sizes) -> float:
        """The ratio of CPU time per drop (worker and PostgreSQL) with a long history to that without."""
        self._say(f"Filling a second database with {sizes.history:,} finished voicemails and their drops…")
        empty, full = (self._exits.enter_context(further_database(self._url, name)) for name in ("empty", "full"))
        with self._connect(full) as connection:
            scenario.make_history(
                connection, scenario.make_clinic(connection, carrier_url=self._stub(0), cap=1), sizes.history
            )
        costs: dict[str, list[float]] = {"empty": [], "full": []}
        for _ in range(sizes.growth_runs):
            for name, url in (("empty", empty), ("full", full)):
                count, spent = self.ours(f"engine, {name} table", sizes.growth, url=url)
                costs[name].append((spent.worker_cpu + spent.postgres_cpu) / count)
        return statistics.median(costs["full"]) / statistics.median(costs["empty"])

    def growth_lanes(self, sizes: Sizes) -> float:
        """The ratio of the time of a look for due lanes with many completed campaigns to that without."""
        self._say(
            f"Filling a third database with {sizes.campaigns:,} completed campaigns, until the tick lets them rest…"
        )
        none, many = (self._exits.enter_context(further_database(self._url, name)) for name in ("none", "campaigns"))
        return lanes.growth(none, many, campaigns=sizes.campaigns, looks=sizes.looks, say=self._say)

    def fairness(self, campaign: int) -> dict[str, float]:
        self._say(f"Ten API drops beside a campaign of {campaign:,} at {PACE} a second…")
        url = self._exits.enter_context(further_database(self._url, "fairness"))
        environment = {"DATABASE_URL": url}
        with self._connect(url) as connection, idle_workers(OURS, 1, environment):
            return measure(connection, self._stub(0), campaign)

    def _report(self, title: str, count: int, spent: Spent) -> Measured:
        self._say(
            f"{title:<38} {count / spent.seconds:>9,.1f} drops/s   worker {spent.worker_cpu / count * 1000:>7.3f}"
            f"  PostgreSQL {spent.postgres_cpu / count * 1000:>6.3f} CPU s per 1,000   peak {spent.peak_mb:>4.0f} MB"
        )
        return count, spent

    def _stub(self, latency: int) -> str:
        if latency not in self._stubs:
            self._stubs[latency] = stub_carrier(self._exits, latency)
        return self._stubs[latency]

    @contextmanager
    def _connect(self, url: str) -> Iterator[psycopg.Connection]:
        with psycopg.connect(url) as connection:
            yield connection


def stub_carrier(exits: ExitStack, latency: int) -> str:
    """Start a stub carrier with this latency in milliseconds, to be stopped with `exits`, and return its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bench.programs.stub_carrier", str(port), str(latency)]
    process = spawn(command, log=Path(f"/tmp/rvm-bench-stub-{port}.log"), cwd=ROOT)  # noqa: S108
    exits.callback(stop, process)
    wait_until(lambda: _listens(port), "the stub carrier's start")
    return f"http://127.0.0.1:{port}"


@contextmanager
def idle_workers(command: list[str], count: int, environment: dict[str, str] | None = None) -> Iterator[list[int]]:
    """Start `count` workers, yield their process ids once they wait for work, and stop them at the end."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    log = Path("/tmp/rvm-bench-worker.log")  # noqa: S108
    processes = [spawn(command, log=log, env={**os.environ, **(environment or {})}, cwd=ROOT) for _ in range(count)]
    try:
        client = redis.Redis.from_url(settings.REDIS_URL)
        wait_until(lambda: client.scard("rq:workers") == count, "the workers' start")
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            stop(process, patience_seconds=30)


def enqueue(ids: list[UUID]) -> None:
    queue = get_queue("dispatch")
    queue.enqueue_many([queue.prepare_data(naive.submit, (str(identifier),), result_ttl=0) for identifier in ids])


def keep_waking(done: Callable[[], bool], workers: int, title: str) -> None:
    """Wake the workers until `done()`, like the tick once a second, and more often at first, so that each worker gets a job."""
    deadline, next_wakeup = time.monotonic() + 600, 0.0
    wakeups = 0
    while not done():
        if time.monotonic() >= next_wakeup:
            wake("dispatch")
            wakeups += 1
            next_wakeup = time.monotonic() + (0.05 if wakeups < 2 * workers else 1.0)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{title} took longer than ten minutes")
        time.sleep(0.02)


def _accepted(connection: psycopg.Connection, clinic: scenario.Clinic) -> int:
    row = connection.execute(
        "SELECT count(*) FROM delivery_voicemail WHERE use_case_id = %s AND status = 'accepted'", [clinic.use_case]
    ).fetchone()
    connection.commit()
    return row[0] if row else 0


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
