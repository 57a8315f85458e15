"""The rate at which a list becomes voicemails, against raw COPY of the same bytes and against the usual importer, in one run."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from bench.databases import further_database
from bench.measure import spending
from rvm.devtools.stack import MANAGE
from rvm.phone_numbers.numbers import NumberInvalid, check_recipient

HEADER = "phone,name,time zone,reference,language,clinic"
RECORD_NUMBERS = "mrn"  # an additional column, which is encrypted and has a blind index
# Shares as in a real list that was exported from a practice's system.
DAMAGED, REPEATED = 0.01, 0.01
NAMES = ("Ana", "Benjamin", "Cleo", "Deshawn", "Esther", "Farid", "Guadalupe", "Hiroshi", "Imani", "Jürgen")
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Central", "")


@dataclass(frozen=True)
class Sizes:
    """The number of rows in the list, and how many of them the usual importer takes."""

    rows: int = 1_000_000
    naive: int = 100_000


QUICK = Sizes(3_000, 500)


def run(sizes: Sizes, say: Callable[[str], None]) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="rvm-bench-") as folder:
        path = Path(folder, "list.csv")
        make_list(path, sizes.rows)
        say(f"A list of {sizes.rows:,} rows, {path.stat().st_size / 1e6:.0f} MB")
        with further_database(os.environ["DATABASE_URL"], "imports") as url:
            copy_seconds = raw_copy(url, path)
            say(f"{'raw COPY into a bare table':<34} {sizes.rows / copy_seconds:>9,.0f} rows/s  {copy_seconds:>6.1f} s")
            naive = {batch: process("naive", url, path, sizes.naive, batch, say=say) for batch in (1000, 5000)}
            ours = process("ours", url, path, say=say)
        patients = Path(folder, "patients.csv")
        make_list(patients, sizes.rows, record_numbers=True)
        with further_database(os.environ["DATABASE_URL"], "patients") as url:
            identified = process("ours", url, patients, say=say)
    rate, identified_rate = sizes.rows / ours["seconds"], sizes.rows / identified["seconds"]
    return {
        "rows_per_second": round(rate),
        "ratio_naive": round(rate / max(each["rows"] / each["seconds"] for each in naive.values()), 1),
        "share_of_copy": round(copy_seconds / ours["seconds"], 3),
        "record_numbers_per_second": round(identified_rate),
        "ratio_record_numbers": round(identified_rate / rate, 2),
        "peak_mb": round(max(ours["peak_mb"], identified["peak_mb"])),
        "seconds": round(ours["seconds"], 1),
        "cpu_seconds": round(ours["cpu"], 1),
        "postgres_cpu_seconds": round(ours["postgres_cpu"], 1),
    }


def make_list(path: Path, rows: int, seed: int = 1, *, record_numbers: bool = False) -> None:
    """Write a list of random numbers that can exist, in usual formats. They are never called: the bench has its own database."""
    draw = random.Random(seed)
    numbers: list[str] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER + (f",{RECORD_NUMBERS}" if record_numbers else "") + "\r\n")
        while len(numbers) < rows:
            number = f"{draw.randint(200, 989)}{draw.randint(200, 999)}{draw.randint(0, 9999):04}"
            if number[1:3] == "11" or not _can_exist("+1" + number):
                continue
            numbers.append(number)
            chance = draw.random()
            if chance < REPEATED:
                number = draw.choice(numbers)
            elif chance < REPEATED + DAMAGED:
                number = number[:9]
            style = draw.randrange(3)
            phone = (
                number if style == 0 else f"+1{number}" if style == 1 else f"({number[:3]}) {number[3:6]}-{number[6:]}"
            )
            place = len(numbers)
            name, zone = draw.choice(NAMES), draw.choice(ZONES)
            record_number = f",{place * 7919 % 10_000_019:08}" if record_numbers else ""
            file.write(f'{phone},{name} {place % 997},{zone},R-{place},en,"Lakeside, {place % 12}"{record_number}\r\n')


def _can_exist(number: str) -> bool:
    try:
        return bool(check_recipient(number))
    except NumberInvalid:
        return False


def raw_copy(url: str, path: Path) -> float:
    """The seconds that COPY takes for the same bytes into a table without an index."""
    columns = ", ".join(f'"{name}" text' for name in HEADER.split(","))
    with psycopg.connect(url) as connection, path.open("rb") as file:
        connection.execute(f"CREATE TABLE bare ({columns})")
        connection.commit()
        began = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy("COPY bare FROM STDIN (FORMAT CSV, HEADER)") as copy:
            while block := file.read(256 * 1024):
                copy.write(block)
        connection.commit()
        seconds = time.perf_counter() - began
        connection.execute("DROP TABLE bare")
    return seconds


def process(*command: object, say: Callable[[str], None]) -> dict[str, float]:
    """Run one importer in a process of its own and return its results and its peak memory, children included."""
    name, url, *arguments = map(str, command)
    argv = [sys.executable, "-m", "bench.programs.importer", name, *arguments]
    with tempfile.TemporaryDirectory(prefix="rvm-bench-media-") as media, spending([]) as spent:
        environment = {**os.environ, "DATABASE_URL": url, "RVM_MEDIA_ROOT": media}
        child = subprocess.Popen(argv, env=environment, cwd=MANAGE.parent, stdout=subprocess.PIPE)
        with child, watching(child.pid) as peak:
            answer, _ = child.communicate()
    if child.returncode:
        raise RuntimeError(f"The importer `{name}` ended with {child.returncode}.")
    measured = {**json.loads(answer), "peak_mb": peak[0], "postgres_cpu": spent.postgres_cpu}
    parts = {part: seconds for part, seconds in measured.items() if part.endswith("_s")}
    title = f"{name} {' '.join(arguments[1:])}".strip()
    say(
        f"{title:<34} {measured['rows'] / measured['seconds']:>9,.0f} rows/s  {measured['seconds']:>6.1f} s"
        f"  CPU {measured['cpu']:.1f} s, PostgreSQL {measured['postgres_cpu']:.1f} s  peak {peak[0]:.0f} MB  "
        + "  ".join(f"{part[:-2]} {seconds:.1f} s" for part, seconds in parts.items())
    )
    return measured


@contextmanager
def watching(pid: int) -> Iterator[list[float]]:
    """Yield a list with the peak memory of the process and its children in MiB, sampled twenty times a second."""
    peak, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            try:
                parent = psutil.Process(pid)
                held = sum(each.memory_info().rss for each in (parent, *parent.children(recursive=True)))
            except psutil.NoSuchProcess:
                continue
            peak[0] = max(peak[0], held / 2**20)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
