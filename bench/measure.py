"""Where the machine's time and memory went: CPU seconds of named processes, and the largest size they had."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass
class Spent:
    """Seconds and mebibytes, over one run."""

    seconds: float = 0.0
    worker_cpu: float = 0.0
    postgres_cpu: float = 0.0
    peak_mb: float = 0.0


@contextmanager
def spending(worker_pids: list[int]) -> Iterator[Spent]:
    """Measure the block. PostgreSQL is every process of that name on the machine, so run nothing else on it."""
    spent = Spent()
    workers, postgres, began = _cpu_of(worker_pids), _postgres_cpu(), time.perf_counter()
    yield spent
    spent.seconds = time.perf_counter() - began
    spent.worker_cpu = _cpu_of(worker_pids) - workers
    spent.postgres_cpu = _postgres_cpu() - postgres
    spent.peak_mb = sum(_peak(pid) for pid in worker_pids)


def _cpu_of(pids: list[int]) -> float:
    """Of the processes and of all children of theirs that have ended."""
    return sum(sum(psutil.Process(pid).cpu_times()[:4]) for pid in pids)


def _postgres_cpu() -> float:
    total = 0.0
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres":
            try:
                total += sum(process.cpu_times()[:4])
            except psutil.NoSuchProcess:
                continue
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
