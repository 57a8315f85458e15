"""The vendor's drops: accepted once per key, ended when their outcome is due, and reported.

Single-threaded by construction: no function awaits, so two requests cannot take the same key.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Protocol

from rvm.simulators.sandbox.callbacks import Event
from rvm.simulators.sandbox.faults import NONE, Faults
from rvm.simulators.sandbox.ledger import LedgerFile, Record, records
from rvm.simulators.sandbox.outcomes import CODES, Mix, Plan, Refusal, Reports, delay_for, plan_for
from rvm.simulators.sandbox.recordings import Waiting
from rvm.simulators.sandbox.scheduler import Scheduler

FIELDS = ("to", "from", "audio_url", "reference", "callback_url")


@dataclass(slots=True)
class Drop:
    """One accepted drop; `settled` is the time of its outcome in Unix seconds, 0 before that."""

    id: str
    key: str
    to: str = field(repr=False)
    audio_url: str = field(repr=False)
    reference: str = field(repr=False)
    callback_url: str = field(repr=False)
    fingerprint: str
    accepted: float
    status: str = "accepted"
    code: str = ""
    settled: float = 0.0

    def event(self, status: str | None = None) -> Event:
        """The drop's event for a report or a look-up, with the given or the current status; its `event_id` never changes."""
        status = status or self.status
        at = self.accepted if status == "accepted" else self.settled
        code = "" if status == "accepted" else self.code
        return {
            "event_id": f"evt_{self.id}_{status}",
            "id": self.id,
            "reference": self.reference,
            "status": status,
            "code": code,
            "text": CODES.get(code, ""),
            "occurred_at": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }


@dataclass(frozen=True, slots=True)
class AcceptedDrop:
    drop: Drop
    plan: Plan
    replayed: bool


class KeyConflictError(Exception):
    """The key was used with another body."""


class DropRefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class RecordingChecker(Protocol):
    """The part of `recordings.Recordings` that drops use."""

    def prepare(self, url: str) -> None: ...
    def ask(self, url: str, waiting: Waiting) -> None: ...
    def remember(self, url: str, usable: bool) -> None: ...


class Sender(Protocol):
    """The part of `callbacks.Callbacks` that drops use."""

    def send(self, url: str, event: Event) -> None: ...


class Drops:
    def __init__(self, ledger: LedgerFile, mix: Mix, seed: int, report_after: float) -> None:
        """`report_after` is the mean delay of an outcome in seconds."""
        self.faults: Faults = NONE
        self.random = Random(seed)  # noqa: S311 - chances of a simulation
        self.scheduler = Scheduler(done=self.write)
        self.recordings: RecordingChecker | None = None
        self.sender: Sender | None = None
        self._ledger = ledger
        self._mix = mix
        self._seed = seed
        self._report_after = report_after
        self._by_key: dict[str, Drop] = {}
        self._by_reference: dict[str, Drop] = {}
        self._refusals: dict[str, int] = {}  # number -> refusals since its last acceptance
        self._lines: list[Record] = []

    # taking drops

    def take(self, key: str, body: dict[str, str]) -> AcceptedDrop:
        """Accept the drop, or return the existing one of this key.

        Raises KeyConflictError, DropRefusedError or OSError; then no drop was accepted.
        """
        fingerprint = hashlib.blake2b("\0".join([body[name] for name in FIELDS]).encode(), digest_size=16).hexdigest()
        plan = plan_for(body["to"], self._mix, self._seed)
        known = self._by_key.get(key)
        if known is not None:
            if known.fingerprint != fingerprint:
                self._ledger.append([{"t": "conflict", "at": time.time(), "key": key}])
                raise KeyConflictError
            self._ledger.append([{"t": "replayed", "at": time.time(), "key": key}])
            return AcceptedDrop(known, plan, replayed=True)
        self._refuse_where_planned(key, body["to"], plan)
        drop = Drop(
            id="drop_" + secrets.token_hex(10),
            key=key,
            to=body["to"],
            audio_url=body["audio_url"],
            reference=body["reference"],
            callback_url=body["callback_url"],
            fingerprint=fingerprint,
            accepted=time.time(),
        )
        line = {"t": "accepted", "at": drop.accepted, "id": drop.id, "key": key, "to": drop.to, "from": body["from"]}
        line |= {"audio": drop.audio_url, "reference": drop.reference, "callback": drop.callback_url}
        self._ledger.append([line | {"body": fingerprint}])
        self._file(drop)
        self._plan_end(drop, plan)
        return AcceptedDrop(drop, plan, replayed=False)

    def note_refusal(self, key: str, to: str, code: str) -> None:
        self._ledger.append([{"t": "refused", "at": time.time(), "key": key, "to": to, "code": code}])

    def find(self, reference: str) -> Drop | None:
        return self._by_reference.get(reference)

    def summary(self) -> dict[str, Any]:
        return self._ledger.sums.summary()

    def _refuse_where_planned(self, key: str, to: str, plan: Plan) -> None:
        # Counted per number, not per key: after a refusal a correct client sends a new key.
        if plan.refusal is None:
            return
        refusals = self._refusals.get(to, 0)
        if plan.refusal.times is None or refusals < plan.refusal.times:
            self._refusals[to] = refusals + 1
            self.note_refusal(key, to, plan.refusal.code)
            raise DropRefusedError(plan.refusal)
        del self._refusals[to]

    def _file(self, drop: Drop) -> None:
        self._by_key[drop.key] = drop
        self._by_reference[drop.reference] = drop

    # outcomes

    def _plan_end(self, drop: Drop, plan: Plan) -> None:
        if plan.code is None:
            return
        if self.recordings is not None:
            self.recordings.prepare(drop.audio_url)
        delay = delay_for(drop.to, plan, self._report_after, self._seed) - (time.time() - drop.accepted)
        self.scheduler.after(max(0.0, delay), partial(self._end, drop, plan))

    def _end(self, drop: Drop, plan: Plan) -> None:
        if self.recordings is None:
            self._settle(drop, plan, True)
        else:
            self.recordings.ask(drop.audio_url, partial(self._settle, drop, plan))

    def _settle(self, drop: Drop, plan: Plan, audio_usable: bool) -> None:
        drop.code = (plan.code or "") if audio_usable else "audio_unusable"
        drop.status = plan.status if audio_usable else "failed"
        drop.settled = time.time()
        self._note({"t": "status", "at": drop.settled, "id": drop.id, "status": drop.status, "code": drop.code})
        self._report(drop, plan.reports)

    def _report(self, drop: Drop, reports: Reports) -> None:
        if reports is Reports.NEVER:
            return
        chance, faults = self.random.random, self.faults
        if chance() < faults.callback_lose:
            self._note({"t": "lost", "at": time.time(), "ids": [drop.id]})
            return
        events = [drop.event()]
        if reports is Reports.SHUFFLED or chance() < faults.callback_reorder:
            events.append(drop.event("accepted"))
        if reports is Reports.SHUFFLED or chance() < faults.callback_duplicate:
            events.append(drop.event())
        if chance() < faults.callback_delay:
            self.scheduler.after(faults.callback_delay_ms / 1000, partial(self._send, drop.callback_url, events))
        else:
            self._send(drop.callback_url, events)

    def _send(self, url: str, events: list[Event]) -> None:
        if self.sender is not None:
            for event in events:
                self.sender.send(url, event)

    def events_taken(self, events: list[Event]) -> None:
        self._note_events("reported", events)

    def events_rejected(self, events: list[Event]) -> None:
        self._note_events("lost", events)

    def _note_events(self, kind: str, events: list[Event]) -> None:
        ids = [event["id"] for event in events if event["status"] != "accepted"]
        self._note({"t": kind, "at": time.time(), "ids": ids})

    def verdict_reached(self, url: str, usable: bool) -> None:
        self._note({"t": "audio", "at": time.time(), "url": url, "usable": usable})

    # records

    def _note(self, line: Record) -> None:
        """Write a line with the next group of lines. Unlike an acceptance, its event may be repeated after a crash."""
        if not self._lines:
            self.scheduler.after(0, lambda: None)
        self._lines.append(line)

    def write(self) -> None:
        """Write the pending lines. If the disk is full, they stay pending and are tried again after a second."""
        try:
            self._ledger.append(self._lines)
        except OSError:
            self.scheduler.after(1, lambda: None)
        else:
            self._lines = []

    def restore(self, path: Path) -> None:
        """Load the ledger of an earlier process and schedule its unfinished outcomes and reports, before the first drop."""
        by_id: dict[str, Drop] = {}
        for record in records(path):
            self._ledger.sums.add(record)
            if record is not None:
                self._restore_line(record, by_id)
        done = self._ledger.sums.reported | self._ledger.sums.lost
        for drop in by_id.values():
            plan = plan_for(drop.to, self._mix, self._seed)
            if not drop.settled:
                self._plan_end(drop, plan)
            elif drop.id not in done:
                self._report(drop, plan.reports)

    def _restore_line(self, record: Record, by_id: dict[str, Drop]) -> None:
        match record:
            case {"t": "accepted", "id": id_, "key": key, "to": to, "at": at, "audio": audio, "callback": callback}:
                drop = Drop(id_, key, to, audio, record["reference"], callback, record["body"], at)
                by_id[id_] = drop
                self._file(drop)
            case {"t": "status", "id": id_, "at": at, "status": status, "code": code} if id_ in by_id:
                drop = by_id[id_]
                drop.status, drop.code, drop.settled = status, code, at
            case {"t": "audio", "url": url, "usable": usable} if self.recordings is not None:
                self.recordings.remember(url, usable)
