"""The vendor's own record of honoured drops, by which tests decide whether one was sent twice or lost.

An append-only file of JSON lines. A line is passed to the kernel (one `write`) before its response is sent, so it
survives a SIGKILL of the process. It contains phone numbers, as a vendor's records do: mode 0600, fictional numbers only.
Kinds of lines (`t`): accepted, replayed, conflict, refused, status, reported, lost, audio.
"""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

Record = dict[str, Any]


def records(path: Path) -> Iterator[Record | None]:
    """The lines of a ledger file in order; None for a line that a full disk or a power cut truncated."""
    with path.open("rb") as file:
        for line in file:
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                record = None
            if record is not None or line.strip():
                yield record if isinstance(record, dict) else None


@dataclass(slots=True)
class Ledger:
    """The sums of a ledger, updated line by line."""

    honoured: Counter[str] = field(default_factory=Counter)  # idempotency key -> drops created for it
    # (to, recording's URL without its query) -> drops; two keys may legitimately have the same pair, which the test knows
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    status: dict[str, str] = field(default_factory=dict)  # drop id -> accepted, delivered, failed
    codes: dict[str, str] = field(default_factory=dict)  # drop id -> code of its outcome
    reported: set[str] = field(default_factory=set)  # drop ids whose final report was answered with 2xx
    lost: set[str] = field(default_factory=set)  # drop ids whose report was withheld by a fault or rejected for good
    refused: Counter[str] = field(default_factory=Counter)  # code -> requests
    replays: int = 0
    conflicts: int = 0
    torn: int = 0

    def add(self, record: Record | None) -> None:
        match record:
            case {"t": "accepted", "key": key, "to": to, "audio": audio, "id": drop}:
                self.honoured[key] += 1
                self.pairs[to, audio.partition("?")[0]] += 1
                self.status.setdefault(drop, "accepted")
            case {"t": "status", "id": drop, "status": status, "code": code}:
                self.status[drop] = status
                self.codes[drop] = code
            case {"t": "reported", "ids": ids}:
                self.reported.update(ids)
            case {"t": "lost", "ids": ids}:
                self.lost.update(ids)
            case {"t": "refused", "code": code}:
                self.refused[code] += 1
            case {"t": "replayed"}:
                self.replays += 1
            case {"t": "conflict"}:
                self.conflicts += 1
            case None:
                self.torn += 1

    def summary(self) -> dict[str, Any]:
        """The response of `GET /v1/ledger`: counts only, without numbers and keys."""
        return {
            "keys": len(self.honoured),
            "honoured": self.honoured.total(),
            "honoured_more_than_once": sum(times > 1 for times in self.honoured.values()),
            "recipient_and_audio_more_than_once": sum(drops > 1 for drops in self.pairs.values()),
            "replays": self.replays,
            "conflicts": self.conflicts,
            "refused": dict(self.refused),
            "by_status": dict(Counter(self.status.values())),
            "by_code": dict(Counter(self.codes.values())),
            "reported": len(self.reported),
            "lost": len(self.lost),
            "torn": self.torn,
        }


def read_ledger(path: Path) -> Ledger:
    """The sums of a ledger file. Raises FileNotFoundError."""
    ledger = Ledger()
    for record in records(path):
        ledger.add(record)
    return ledger


class LedgerFile:
    """The only writer of a ledger file, with the sums so far; without a `path`, only the sums."""

    def __init__(self, path: Path | None) -> None:
        """Open and lock the file. Raises OSError, specifically BlockingIOError if another process writes this file."""
        self.sums = Ledger()
        self._fd: int | None = None
        if path is not None:
            self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            os.fchmod(self._fd, 0o600)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = os.fstat(self._fd).st_size
            if size and os.pread(self._fd, 1, size - 1) != b"\n":
                self._write(self._fd, b"\n")  # the last line was truncated

    def append(self, lines: Iterable[Record]) -> None:
        """Write the lines together and add them to the sums. After an OSError none of them is added."""
        lines = list(lines)
        if self._fd is not None and lines:
            data = b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
            self._write(self._fd, data)
        for line in lines:
            self.sums.add(line)

    def _write(self, fd: int, data: bytes) -> None:
        size = os.fstat(fd).st_size
        written = os.write(fd, data)
        if written != len(data):
            os.ftruncate(fd, size)
            raise OSError(f"the ledger took {written} of {len(data)} bytes: is the disk full?")

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
