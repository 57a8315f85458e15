"""Resource measurement: CPU seconds and peak memory of given processes and of PostgreSQL."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import psutil
import psycopg


@dataclass
class Spent:
    """The resources that one run used: seconds of time and CPU, and MiB of peak memory."""

    seconds: float = 0.0
    worker_cpu: float = 0.0
    postgres_cpu: float = 0.0
    peak_mb: float = 0.0


@contextmanager
def spending(worker_pids: list[int], but_name: str = "") -> Iterator[Spent]:
    """Measure the block. The PostgreSQL server of DATABASE_URL, whose processes count, must run on this machine. Its sessions of the
    application `but_name` do not count; they last longer than the block."""
    spent = Spent()
    others = _sessions_of(but_name)
    workers, postgres, began = _cpu_of(worker_pids), _postgres_cpu() - _cpu_of(others), time.perf_counter()
    yield spent
    spent.seconds = time.perf_counter() - began
    spent.worker_cpu = _cpu_of(worker_pids) - workers
    spent.postgres_cpu = _postgres_cpu() - _cpu_of(others) - postgres
    spent.peak_mb = sum(_peak(pid) for pid in worker_pids)


def _cpu_of(pids: list[int]) -> float:
    """The CPU seconds of the processes and of their ended children."""
    return sum(sum(psutil.Process(pid).cpu_times()[:4]) for pid in pids)


def _sessions_of(name: str) -> list[int]:
    """The processes of the sessions with this name of an application."""
    if not name:
        return []
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        found = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", [name])
        return [pid for (pid,) in found]


@cache
def _postmaster() -> psutil.Process:
    """The parent of all PostgreSQL processes. Raises RuntimeError if they run on another machine."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        parent = psutil.Process(connection.info.backend_pid).parent()
    if parent is None:
        raise RuntimeError("The database's processes are not to be seen from here: bench where PostgreSQL runs.")
    return parent


def _postgres_cpu() -> float:
    """The CPU seconds of running PostgreSQL processes and, by the postmaster, of ended ones; read again if one ends meanwhile."""
    while True:
        ended = _cpu_of([_postmaster().pid])
        try:
            total = ended + sum(sum(process.cpu_times()[:4]) for process in _postmaster().children())
        except psutil.NoSuchProcess:
            continue
        if _cpu_of([_postmaster().pid]) == ended:
            return total


def _peak(pid: int) -> float:
    with open(f"/proc/{pid}/status") as status:  # noqa: PTH123 - no file
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def wait_until(ready: Callable[[], bool], what: str, patience: float = 120.0, every: float = 0.05) -> None:
    deadline = time.monotonic() + patience
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took longer than {patience:.0f} seconds")
        time.sleep(every)
