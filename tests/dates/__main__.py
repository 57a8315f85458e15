"""`python -m tests.dates [ARGUMENT...]`: pytest with these arguments at each of MOMENTS, by a clock that is moved for every process.

libfaketime would do, but up to 0.9.10 it makes `time.sleep` of Python 3.11 fail where it leaves the monotonic clock alone, and hangs
where it does not. What is moved is the wall clock only; files still get the times of today.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

# Each begins a few minutes before what it is about, so that some tests run on either side.
MOMENTS = {
    "2026-12-06 03:30": "a Saturday night in the United States, on Sunday in UTC",
    "2026-12-25 14:00": "a federal holiday, a Friday",
    "2026-12-31 23:55": "the end of a year",
    "2027-03-14 06:55": "clocks are put forward in New York",
    "2027-06-30 12:00": "the last day of a month, a year and a day before a leap year's July",
    "2027-11-07 05:55": "clocks are put back in New York",
    "2028-02-29 23:55": "the end of a leap day",
    "2029-07-04 12:00": "a federal holiday, long after today",
}


def main(arguments: list[str]) -> int:
    """The number of moments at which a test failed."""
    failed = []
    with tempfile.TemporaryDirectory(prefix="rvm-clock-", dir="/tmp") as made:
        folder = Path(made)
        folder.chmod(0o755)  # PostgreSQL's account has to read it
        library = folder / "clock.so"
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
        for moment, what in MOMENTS.items():
            sys.stdout.write(f"\nAt {moment} UTC: {what}.\n")
            sys.stdout.flush()
            ahead = datetime.fromisoformat(moment).replace(tzinfo=UTC) - datetime.now(UTC)
            clock = {"LD_PRELOAD": str(library), "CLOCK_MOVED_SECONDS": str(int(ahead.total_seconds()))}
            if subprocess.run([sys.executable, "-m", "pytest", *arguments], env=os.environ | clock).returncode:
                failed.append(moment)
    sys.stdout.write(f"\nTests failed at {', '.join(failed)}.\n" if failed else "\nThey hold at every moment.\n")
    return len(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
