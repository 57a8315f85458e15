"""What a batch of reports comes to, taken one by one in the order of their arrival, whatever batches they arrive in.

It asks no database: it knows the voicemails and drops as they were locked and keeps them as the reports that were taken have left
them, so the same reports end in the same rows in one batch, in two, or each in one of its own. The changes come out in rounds:
what was first for its row, what was second, and so on.
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

# A person as the reports of one setup name them: by setup and blind index.
Person = tuple[UUID, bytes]


@dataclass(slots=True)
class VoicemailState:
    """A locked voicemail as the reports that were taken have left it, after so many moves."""

    id: UUID
    status: VoicemailStatus
    reason: str
    drop_id: UUID
    live: bool
    failover: bool
    moves: int = 0


@dataclass(slots=True)
class DropState:
    """The same of a drop. `provisional`: an unsigned result ended it, where this setup's results are signed. `person` and
    `created_at` are set where a report without our key may mean it."""

    id: UUID
    voicemail: VoicemailState
    setup_id: UUID
    status: DropStatus
    reason: str
    carrier_reference: str
    provisional: bool
    created_at: datetime | None
    person: Person | None = None
    changes: int = 0


@dataclass(slots=True)
class Arrival:
    """A report of the inbox. `person` is set where it does not repeat our key, `number` where their number could be opened."""

    id: int
    setup_id: UUID
    report: Report
    person: Person | None = None
    number: str = field(default="", repr=False)


@dataclass(slots=True)
class Round:
    """Moves and changes that are written together: at most one of each voicemail and each drop."""

    moves: list[Transition] = field(default_factory=list)
    changes: list[DropChange] = field(default_factory=list)


class Batch:
    """`drops` are all that a report of the batch may mean; `retry_of` asks the policy about a failed voicemail."""

    def __init__(self, drops: Iterable[DropState], retry_of: Callable[[VoicemailState, Reason], Retry | None]) -> None:
        self._drops = {drop.id: drop for drop in drops}
        self._people: dict[Person, list[DropState]] = defaultdict(list)
        for drop in self._drops.values():
            if drop.person is not None:
                self._people[drop.person].append(drop)
        self._retry_of = retry_of
        self._in_doubt: dict[Person, list[Arrival]] = defaultdict(list)
        self.rounds: list[Round] = []
        # By the report's id: the drop that it means, if any, and whether it changed something.
        self.meant: dict[int, tuple[UUID | None, bool]] = {}
        self.opted_out: list[tuple[VoicemailState, Reason]] = []
        self.opted_out_people: list[Arrival] = []
        self.accounts: dict[UUID, Reason] = {}  # by setup: what its carrier has against the account

    def put_in_doubt(self, arrival: Arrival) -> None:
        """A report of an earlier batch that no drop was found for, and that is looked at again when one of its person ends."""
        assert arrival.person is not None  # noqa: S101 - a report with our key is never in doubt
        self._in_doubt[arrival.person].append(arrival)

    def take(self, arrival: Arrival) -> None:
        """Draw every conclusion from a report, and from those in doubt to which it brings light."""
        drop = self._drop_of(arrival)
        self._hear_opt_out(arrival, drop)
        if drop is None:
            self.meant[arrival.id] = (None, False)
            if arrival.person is not None:
                self.put_in_doubt(arrival)
        else:
            self._conclude(arrival, drop)

    def knows(self, person: Person | None) -> bool:
        """Whether a drop of the setup to the person is among those that the batch may mean."""
        return person in self._people

    def _drop_of(self, arrival: Arrival) -> DropState | None:
        if arrival.person is not None:
            return correlate(arrival.report, self._people.get(arrival.person, ()))
        key = arrival.report.attempt_key
        drop = self._drops.get(key) if key is not None else None
        return drop if drop is not None and drop.setup_id == arrival.setup_id else None

    def _hear_opt_out(self, arrival: Arrival, drop: DropState | None) -> None:
        """An opt-out binds the person: also where it comes too late for a status, and where its drop is in doubt."""
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
        to_voicemail, to_drop = resolve_report(
            report,
            voicemail=voicemail.status,
            voicemail_reason=voicemail.reason,
            latest=voicemail.drop_id == drop.id,
            drop=drop.status,
            drop_reason=drop.reason,
            provisional=drop.provisional,
        )
        self.meant[arrival.id] = (drop.id, to_drop is not None)
        if to_drop is None:
            return
        if report.reason in circuit_breaker.ACCOUNT_REASONS and not report.unsigned:
            self.accounts[arrival.setup_id] = report.reason
        reason = (report.reason or Reason.UNKNOWN) if report.status is ReportStatus.FAILED else None
        self._change(drop, to_drop, reason, report)
        if to_voicemail is not None:
            move = Transition(
                voicemail.id, voicemail.status, to_voicemail, voicemail.reason, reason, None, report.code, report.text
            )
            self._move(voicemail, move)
            # A result that nobody signed ends an attempt; it brings about no other.
            if reason is not None and not report.unsigned:
                retry = self._retry_of(voicemail, reason)
                if retry is not None:
                    voicemail.failover = retry.failover
                    self._move(voicemail, retry_transition(voicemail.id, voicemail.reason, retry))
        if drop.person is not None:
            self._look_again(drop.person)

    def _move(self, voicemail: VoicemailState, move: Transition) -> None:
        self._round(voicemail.moves).moves.append(move)
        voicemail.moves += 1
        voicemail.status, voicemail.reason = move.to_status, move.reason or ""

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

    def _look_again(self, person: Person) -> None:
        """A drop that has ended, or has got its carrier's id, leaves fewer to which a report in doubt may belong."""
        waiting, candidates = self._in_doubt.get(person, []), self._people[person]
        for arrival in sorted(waiting, key=lambda each: each.id):
            meant = correlate(arrival.report, candidates) if arrival in waiting else None
            if meant is not None:
                waiting.remove(arrival)
                self._conclude(arrival, meant)
