"""Changes that a batch of reports causes, computed report by report in the order of arrival.

Uses no database: the batch holds the state of the locked voicemails and drops and updates it with every report. So the same reports
lead to the same rows however they are split into batches. The changes are grouped in rounds: the first change of each row, the
second, and so on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from delivery.engine import circuit_breaker
from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.outcomes import resolve_report
from delivery.lifecycle.reasons import REASONS, Reason
from delivery.lifecycle.retries import retry_transition
from delivery.lifecycle.retry_policy import Retry
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.lifecycle.transitions import DropChange, Transition
from delivery.reports.correlation import correlate

# A recipient within the reports of one setup: the setup's id and the number's blind index.
Person = tuple[UUID, bytes]


@dataclass(slots=True)
class VoicemailState:
    """State of a locked voicemail after the reports taken so far. `transitions` counts its changes."""

    id: UUID
    status: VoicemailStatus
    reason: str
    drop_id: UUID
    live: bool
    failover: bool
    transitions: int = 0


@dataclass(slots=True)
class DropState:
    """State of a drop after the reports taken so far. `changes` counts its changes.

    `provisional`: an unsigned result ended the drop although the setup's results are signed. `person` and `created_at` are set if a
    report without an attempt key may be about the drop. `played_call`: the call of the drop that was told to play the message; known
    if the batch has a failure of the drop. `calls`: its carrier calls, and may have made two calls of one request. `proves`: it was
    begun after a report had refused the account, so its end tells whether the account is taken again.
    """

    id: UUID
    voicemail: VoicemailState
    setup_id: UUID
    status: DropStatus
    reason: str
    carrier_reference: str
    provisional: bool
    created_at: datetime | None
    person: Person | None = None
    played_call: str = ""
    calls: bool = False
    proves: bool = False
    changes: int = 0

    def is_of_another_call(self, report: Report) -> bool:
        """Whether the report is about another call than the drop's own: the one that was told to play, and before that the one that
        the carrier named first."""
        own = self.played_call or self.carrier_reference
        return self.calls and own not in ("", report.carrier_reference) and bool(report.carrier_reference)


@dataclass(slots=True)
class Arrival:
    """A report of the inbox. `person` and `number` are set if the report has no attempt key and its number could be decrypted."""

    id: int
    setup_id: UUID
    report: Report
    person: Person | None = None
    number: str = field(default="", repr=False)


@dataclass(slots=True)
class Round:
    """Changes that are written together: at most one per voicemail and one per drop."""

    transitions: list[Transition] = field(default_factory=list)
    changes: list[DropChange] = field(default_factory=list)


class Batch:
    """Reports taken together, and the changes that they cause.

    `drops` are all drops that a report of the batch may be about; `retry_of` returns the policy's retry of a failed voicemail.
    """

    def __init__(self, drops: Iterable[DropState], retry_of: Callable[[VoicemailState, Reason], Retry | None]) -> None:
        self._drops = {drop.id: drop for drop in drops}
        self._people: dict[Person, list[DropState]] = defaultdict(list)
        for drop in self._drops.values():
            if drop.person is not None:
                self._people[drop.person].append(drop)
        self._retry_of = retry_of
        self._in_doubt: dict[Person, list[Arrival]] = defaultdict(list)
        self.rounds: list[Round] = []
        # By the report's id: the drop that it is about, if known, and whether the report changed anything.
        self.matched: dict[int, tuple[UUID | None, bool]] = {}
        self.opted_out: list[tuple[VoicemailState, Reason]] = []
        self.opted_out_people: list[Arrival] = []
        # By setup: the reports by which its carrier refuses the account, with their drops, and the drops that prove the contrary.
        self.accounts: dict[UUID, list[tuple[UUID, Report]]] = defaultdict(list)
        self.proofs: dict[UUID, list[UUID]] = defaultdict(list)

    def put_in_doubt(self, arrival: Arrival) -> None:
        """Add a report of an earlier batch that matched no drop. It is correlated again when a drop of the same person changes."""
        assert arrival.person is not None  # noqa: S101 - a report with our key is never in doubt
        self._in_doubt[arrival.person].append(arrival)

    def take(self, arrival: Arrival) -> None:
        """Apply a report, and every report in doubt that it makes unambiguous."""
        drop = self._drop_of(arrival)
        self._record_opt_out(arrival, drop)
        if drop is None:
            self.matched[arrival.id] = (None, False)
            if arrival.person is not None:
                self.put_in_doubt(arrival)
        else:
            self._conclude(arrival, drop)

    def knows(self, person: Person | None) -> bool:
        """Whether the batch has a drop of the setup to the person."""
        return person in self._people

    def _drop_of(self, arrival: Arrival) -> DropState | None:
        if arrival.person is not None:
            return correlate(arrival.report, self._people.get(arrival.person, ()))
        key = arrival.report.attempt_key
        drop = self._drops.get(key) if key is not None else None
        return drop if drop is not None and drop.setup_id == arrival.setup_id else None

    def _record_opt_out(self, arrival: Arrival, drop: DropState | None) -> None:
        """Record an opt-out. It applies to the person, even if it is too late for a status or its drop is in doubt."""
        reason = arrival.report.reason
        if reason is None or not REASONS[reason].suppresses or arrival.report.unsigned:
            return
        if drop is not None:
            if drop.voicemail.live:
                self.opted_out.append((drop.voicemail, reason))
        elif arrival.person is not None:
            candidates = self._people.get(arrival.person, [])
            if not candidates or any(each.voicemail.live for each in candidates):
                self.opted_out_people.append(arrival)

    def _conclude(self, arrival: Arrival, drop: DropState) -> None:
        report, voicemail = arrival.report, drop.voicemail
        # A call that the carrier made beside the drop's own ends nothing, unless it has left the message.
        if report.status is ReportStatus.FAILED and drop.is_of_another_call(report):
            self.matched[arrival.id] = (drop.id, False)
            return
        to_voicemail, to_drop = resolve_report(
            report,
            voicemail=voicemail.status,
            voicemail_reason=voicemail.reason,
            latest=voicemail.drop_id == drop.id,
            drop=drop.status,
            drop_reason=drop.reason,
            provisional=drop.provisional,
        )
        self.matched[arrival.id] = (drop.id, to_drop is not None)
        if to_drop is None:
            return
        if report.reason in circuit_breaker.ACCOUNT_REASONS and not report.unsigned:
            self.accounts[arrival.setup_id].append((drop.id, report))
        elif drop.proves and not report.unsigned and to_drop is not DropStatus.ACCEPTED:
            self.proofs[arrival.setup_id].append(drop.id)
        reason = (report.reason or Reason.UNKNOWN) if report.status is ReportStatus.FAILED else None
        # Events of calls come in any order: once the message was under way, one that says that nothing was left proves it no more.
        if reason is not None and drop.played_call and REASONS[reason].retryable:
            reason = Reason.UNREPORTED
        self._change(drop, to_drop, reason, report)
        if to_voicemail is not None:
            transition = Transition(
                voicemail.id, voicemail.status, to_voicemail, voicemail.reason, reason, None, report.code, report.text
            )
            self._apply(voicemail, transition)
            # An unsigned result ends an attempt but never starts another.
            if reason is not None and not report.unsigned and not drop.played_call:
                retry = self._retry_of(voicemail, reason)
                if retry is not None:
                    voicemail.failover = retry.failover
                    self._apply(voicemail, retry_transition(voicemail.id, voicemail.reason, retry))
        if drop.person is not None:
            self._correlate_again(drop.person)

    def _apply(self, voicemail: VoicemailState, transition: Transition) -> None:
        self._round(voicemail.transitions).transitions.append(transition)
        voicemail.transitions += 1
        voicemail.status, voicemail.reason = transition.to_status, transition.reason or ""

    def _change(self, drop: DropState, to: DropStatus, reason: Reason | None, report: Report) -> None:
        reference, unsigned = report.carrier_reference, report.unsigned
        change = DropChange(
            drop.id, drop.status, to, drop.reason, reason, report.code, report.text, reference, None, unsigned
        )
        self._round(drop.changes).changes.append(change)
        drop.changes += 1
        drop.status, drop.reason, drop.provisional = to, reason or "", unsigned
        drop.carrier_reference = reference or drop.carrier_reference

    def _round(self, number: int) -> Round:
        if number == len(self.rounds):
            self.rounds.append(Round())
        return self.rounds[number]

    def _correlate_again(self, person: Person) -> None:
        """Correlate the person's reports in doubt again: a drop that ended, or got its carrier's id, leaves fewer candidates."""
        waiting, candidates = self._in_doubt.get(person, []), self._people[person]
        for arrival in sorted(waiting, key=lambda each: each.id):
            matched = correlate(arrival.report, candidates) if arrival in waiting else None
            if matched is not None:
                waiting.remove(arrival)
                self._conclude(arrival, matched)
