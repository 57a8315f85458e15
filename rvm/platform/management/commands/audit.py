"""`manage.py audit verify|heads`: whether any audit event was changed, removed, added or moved, and the ends of the chains."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rvm.platform.audit.chain import name_of
from rvm.platform.audit.verification import Verification, one_snapshot, verify
from rvm.platform.models import AuditChain

# Faults that are printed; one more line has the number of the others.
MAX_LINES = 100
_HEAD = re.compile(r"([0-9a-f-]{36}|platform) ([0-9]+) ([0-9a-f]{64})")


class Command(BaseCommand):
    help = (
        "The chains of audit events: `verify` reads all events and says which were changed, removed, added or moved; "
        "`heads` prints the end of each chain, to keep it elsewhere and to give it to `verify --heads FILE` later."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        check = actions.add_parser("verify", help="read all events; exit code 1 if something does not fit")
        check.add_argument("--heads", type=Path, help="what `heads` printed earlier, to find removals at the ends too")
        actions.add_parser("heads", help="print chain, position and hash of the last event of each chain")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "heads":
            for chain in AuditChain.objects.filter(position__gt=0).order_by("id"):
                self.stdout.write(f"{name_of(chain)} {chain.position} {bytes(chain.hash).hex()}")
            return
        began, found, counts = time.monotonic(), 0, Verification()
        with one_snapshot():
            for fault in verify(_read_heads(options["heads"]), counts):
                found += 1
                if found <= MAX_LINES:
                    self.stdout.write(f"chain {fault.chain}: {fault.message}")
        if found > MAX_LINES:
            self.stdout.write(f"and {found - MAX_LINES:,} more")
        self.stdout.write(
            f"{counts.events:,} sealed events were read in {time.monotonic() - began:.1f} s; {counts.unsealed:,} wait for their seal."
        )
        if counts.oldest is not None:
            self.stdout.write(f"The oldest waits since {counts.oldest:%Y-%m-%d %H:%M:%S} UTC; the tick seals them.")
        if found:
            self.stdout.write(f"{found:,} faults.")
            sys.exit(1)
        self.stdout.write("Nothing was changed.")


def _read_heads(file: Path | None) -> dict[tuple[str, int], str]:
    if file is None:
        return {}
    heads = {}
    for number, line in enumerate(file.read_text().splitlines(), 1):
        match = _HEAD.fullmatch(line.strip())
        if match is None:
            raise CommandError(
                f"Line {number} of {file} is not a chain, a position and a hash, as `audit heads` prints them."
            )
        heads[match[1], int(match[2])] = match[3]
    return heads
