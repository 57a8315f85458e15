"""`manage.py audit verify|heads|key`: whether any audit event was changed, removed, added or moved, the ends of the chains, and what
verifies them without an index key."""

from __future__ import annotations

import base64
import re
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from rvm.platform.audit.chain import name_of
from rvm.platform.audit.verification import Verification, one_snapshot, verify
from rvm.platform.encryption.crypto import chain_key
from rvm.platform.models import AuditChain

# Faults that are printed; one more line has the number of the others.
MAX_LINES = 100
_HEAD = re.compile(r"([0-9a-f-]{36}|platform) ([0-9]+) ([0-9a-f]{64})")


class Command(BaseCommand):
    help = (
        "The chains of audit events: `verify` reads all events and says which were changed, removed, added or moved; "
        "`heads` prints the end of each chain, to keep it elsewhere and to give it to `verify --heads FILE` later; "
        "`key ID` prints what RVM_AUDIT_KEYS needs once the index key is no longer listed, a secret."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        check = actions.add_parser("verify", help="read all events; exit code 1 if something does not fit")
        check.add_argument("--heads", type=Path, help="what `heads` printed earlier, to find removals at the ends too")
        actions.add_parser("heads", help="print chain, position and hash of the last event of each chain")
        key = actions.add_parser("key", help="print the entry of RVM_AUDIT_KEYS for an index key; it is a secret")
        key.add_argument("key_number", type=int, help="the id of the key in RVM_INDEX_KEYS")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "heads":
            for chain in AuditChain.objects.filter(position__gt=0).order_by("id"):
                self.stdout.write(f"{name_of(chain)} {chain.position} {bytes(chain.hash).hex()}")
            return
        if options["action"] == "key":
            self.stdout.write(_chain_key(options["key_number"]))
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


def _chain_key(key_number: int) -> str:
    keys = settings.RVM_INDEX_KEYS.keys
    if key_number not in keys:
        raise CommandError(f"RVM_INDEX_KEYS has no key {key_number}; it has {', '.join(map(str, sorted(keys)))}.")
    return f"{key_number}:{base64.b64encode(chain_key(keys[key_number])).decode()}"


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
