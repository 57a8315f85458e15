"""`python -m rvm.phone_numbers.number_plan [--check]`: regenerate the plan's tables after an upgrade of phonenumbers or a review.

The changes are printed. With --check nothing is written, and the exit code is 1 if a table would change.
"""

from __future__ import annotations

import difflib
import sys

from rvm.phone_numbers.number_plan import FOLDER
from rvm.phone_numbers.number_plan.compiler import ReviewNeeded, compiled, stored

USAGE = "usage: python -m rvm.phone_numbers.number_plan [--check]"


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        sys.stderr.write(f"{USAGE}\n")
        return 2
    try:
        tables = compiled()
    except ReviewNeeded as needed:
        sys.stderr.write(f"{needed}\n")
        return 1
    changes = [line for name, text in tables.items() for line in changes_of(name, text)]
    sys.stdout.writelines(f"{line}\n" for line in changes or ["Nothing changes."])
    if arguments:
        return 1 if changes else 0
    for name, text in tables.items():
        (FOLDER / f"{name}.csv").write_text(text, encoding="utf-8")
    return 0


def changes_of(name: str, text: str) -> list[str]:
    """The changed rows of a table, as a unified diff without context."""
    lines = difflib.unified_diff(stored(name).splitlines(), text.splitlines(), f"{name}.csv", lineterm="", n=0)
    return [line for line in lines if not line.startswith("@@")]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
