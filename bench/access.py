"""What the guards of access cost of a web process's CPU: this code against a checkout from before them, in alternation.

Both have their own database on the same server, filled alike. Here everything is on that production asks for: the second factor, the
ends of sessions, and the audit of the numbers that a page shows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO, cast

from bench.databases import further_database
from rvm.devtools.stack import MANAGE

HERE = MANAGE.parent
PROGRAM = HERE / "bench" / "programs" / "web_requests.py"
PAGES = ("list", "campaign", "overview")
GUARDED = {"RVM_REQUIRE_SECOND_FACTOR": "true", "RVM_SESSION_IDLE_MINUTES": "15", "RVM_SESSION_HOURS": "12"}


@dataclass(frozen=True)
class Sizes:
    """The number of sends and of requests for each page in a turn, of turns in a run, and of runs.

    Turns are short, so that what else the machine does falls on both.
    """

    sends: int = 20
    pages: int = 3
    turns: int = 12
    runs: int = 5

    @property
    def counts(self) -> dict[str, int]:
        return {"send": self.sends, **dict.fromkeys(PAGES, self.pages)}


QUICK = Sizes(2, 1, 2, 1)

Ask = Callable[[str, int], float]
Milliseconds = dict[str, float]  # of CPU for one request, by its kind


def run(sizes: Sizes, say: Callable[[str], None], baseline: Path) -> dict[str, float]:
    """Measure everything and return the values of the last line; costs are shares of the baseline's CPU."""
    ours, theirs = measure(sizes, say, baseline)
    kinds = {"send": ("send",), "pages": PAGES, **{page: (page,) for page in PAGES}}
    return {
        **{f"{name}_cost": round(cost(ours, theirs, of), 3) for name, of in kinds.items()},
        **{f"{kind}_ms": round(median(each[kind] for each in ours), 2) for kind in sizes.counts},
        **{f"{kind}_baseline_ms": round(median(each[kind] for each in theirs), 2) for kind in sizes.counts},
    }


def cost(ours: list[Milliseconds], theirs: list[Milliseconds], kinds: tuple[str, ...]) -> float:
    """The median over the pairs of runs."""
    pairs = zip(ours, theirs, strict=True)
    return median(sum(mine[kind] for kind in kinds) / sum(its[kind] for kind in kinds) for mine, its in pairs) - 1


def measure(sizes: Sizes, say: Callable[[str], None], baseline: Path) -> tuple[list[Milliseconds], list[Milliseconds]]:
    runs: dict[str, list[Milliseconds]] = {"this code": [], "baseline": []}
    checkouts = {"this code": HERE, "baseline": baseline.resolve()}
    with ExitStack() as exits:
        urls = {
            name: exits.enter_context(
                further_database(os.environ["DATABASE_URL"], suffix, [checkouts[name] / MANAGE.name])
            )
            for name, suffix in (("this code", "access"), ("baseline", "access_baseline"))
        }
        for number in range(sizes.runs):
            # New processes each time: how one happens to lie in memory makes it faster or slower for good.
            with ExitStack() as processes:
                asks = {
                    name: processes.enter_context(web_process(checkouts[name], urls[name], number)) for name in runs
                }
                for name, spent in alternate(sizes, asks).items():
                    runs[name].append(spent)
                    say(
                        f"{name:<12}"
                        + "".join(f" {kind:>10} {value:>7.2f}" for kind, value in spent.items())
                        + " CPU ms"
                    )
    return runs["this code"], runs["baseline"]


def alternate(sizes: Sizes, asks: dict[str, Ask]) -> dict[str, Milliseconds]:
    spent: dict[str, Milliseconds] = {name: dict.fromkeys(sizes.counts, 0.0) for name in asks}
    for turn in range(sizes.turns + 1):  # the first warms up
        for kind, count in sizes.counts.items():
            for name in sorted(asks, reverse=bool(turn % 2)):
                seconds = asks[name](kind, count)
                spent[name][kind] += seconds * 1000 / count / sizes.turns if turn else 0
    return spent


@contextmanager
def web_process(checkout: Path, url: str, number: int) -> Iterator[Ask]:
    """Yield what sends so many requests of a kind and returns the CPU seconds that they took."""
    with tempfile.TemporaryDirectory(prefix="rvm-bench-") as media:
        environment = {
            "DATABASE_URL": url,
            "RVM_MEDIA_ROOT": media,
            "PYTHONPATH": str(checkout),
            "RVM_LOG_FORMAT": "json",
        }
        with subprocess.Popen(
            [sys.executable, "-P", str(PROGRAM), str(number)],
            cwd=checkout,
            env={**os.environ, **GUARDED, **environment, "DJANGO_SETTINGS_MODULE": "rvm.project.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            asked, told = cast(IO[str], process.stdin), cast(IO[str], process.stdout)

            def reply() -> str:
                if not (line := told.readline()):
                    raise RuntimeError(f"The web process of {checkout} ended with {process.wait()}.")
                return line

            def ask(kind: str, count: int) -> float:
                asked.write(f"{kind} {count}\n")
                asked.flush()
                return float(reply())

            try:
                reply()
                yield ask
            finally:
                asked.close()
