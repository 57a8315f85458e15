"""Calls in a history: who answers, how each call ends, and the callbacks that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from uuid import UUID

from django.db import connection
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from delivery.carriers import CARRIERS, adapter_of
from delivery.carriers.abilities import Action, CallStep, ResultPoll
from delivery.carriers.base import Callback
from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import Reason
from delivery.reports.evidence import contradiction
from delivery.web import callbacks
from tests.delivery.model.carriers import Call, Entry
from tests.delivery.model.engine import Engine
from tests.delivery.model.judge import Saying
from usecases.callbacks.proofs import CallbackKey
from usecases.models import TelephonySetup

CALLS = st.sampled_from([0, 0, 1, 2])
UNANSWERED = st.sampled_from([Reason.BUSY, Reason.NO_ANSWER, Reason.VOICEMAIL_NOT_DETECTED])


class Calls(Engine):
    """Rules of calls. `carrier_skew`: error of carriers' clocks."""

    carrier_skew = timedelta()

    def __init__(self) -> None:
        super().__init__()
        self.spoken = count(1)

    def give(
        self,
        saying: Saying,
        key: UUID | None,
        reference: str,
        late: timedelta = timedelta(),
        step: CallStep | None = None,
    ) -> None:
        """Call back. What is unsigned and contradicts its drop is turned away, and everything while the plug-in is gone."""
        setup = TelephonySetup.objects.get(pk=saying.setup)
        if setup.carrier not in CARRIERS:
            return
        event, adapter = str(next(self.spoken)), adapter_of(setup)
        report = Report(
            key,
            saying.status,
            self.now + self.carrier_skew - late,
            event_id=event,
            carrier_reference=reference,
            reason=saying.reason,
            recipient="" if key else saying.number,
            unsigned=saying.unsigned,
        )
        if saying.unsigned and contradiction(report, one_reference=adapter.one_reference):
            return
        if saying.unsigned and isinstance(adapter, ResultPoll):
            report = callbacks._acceptance(report)
            saying = replace(saying, status=report.status, reason=None)
        self.judge.sayings[event] = saying
        self._write(setup, [report], step)
        with connection.cursor() as cursor:  # the database's clock is not drawn
            cursor.execute("UPDATE delivery_carrierreport SET received_at = %s WHERE event_id = %s", [self.now, event])

    def _write(self, setup: TelephonySetup, reports: Sequence[Report], step: CallStep | None) -> None:
        callback = Callback(b"", {}, "", timezone.now())
        callbacks._write(CallbackKey(setup.pk, 1, b""), callback, reports, step, adapter_of(setup))

    def calls(self) -> list[tuple[Entry, Call]]:
        """The calls that go on, newest first."""
        entries = sorted(self.ledger.all(), key=lambda entry: (-entry.key.int, entry.account))
        return [(entry, call) for entry in entries for call in entry.calls if not call.is_over]

    def setup_of(self, entry: Entry) -> TelephonySetup:
        return TelephonySetup.objects.get(pk=self.judge.rows["delivery_drop"][str(entry.key)]["setup_id"])

    somebody_rings = precondition(lambda self: self.calls())

    @somebody_rings
    @rule(place=CALLS, times=st.sampled_from([1, 1, 2]))
    def a_machine_answers(self, place: int, times: int) -> None:
        entry, call = self.calls()[place % len(self.calls())]
        setup = self.setup_of(entry)
        for _ in range(times if setup.carrier in CARRIERS else 0):
            self._write(setup, [], CallStep(entry.key, Action.PLAY, call.reference))

    @somebody_rings
    @rule(place=CALLS)
    def a_person_answers(self, place: int) -> None:
        entry, call = self.calls()[place % len(self.calls())]
        step = CallStep(entry.key, Action.HANG_UP, call.reference)
        self._tell_of_call(entry, call, ReportStatus.FAILED, Reason.HUMAN_ANSWERED, step)

    @somebody_rings
    @rule(place=CALLS, reason=UNANSWERED, tells_all=st.booleans())
    def a_call_ends(self, place: int, reason: Reason, tells_all: bool) -> None:
        """A call that played the message may be said to have failed before that is told."""
        entry, call = self.calls()[place % len(self.calls())]
        call.is_over = True
        if all(each.is_over for each in entry.calls):
            entry.end(None)
        if not call.obeyed:
            self._tell_of_call(entry, call, ReportStatus.FAILED, reason)
        elif tells_all:
            self._tell_of_call(entry, call, ReportStatus.DELIVERED, None)
        else:
            self._tell_of_call(entry, call, ReportStatus.FAILED, Reason.UNREPORTED)

    def _tell_of_call(
        self, entry: Entry, call: Call, status: ReportStatus, reason: Reason | None, step: CallStep | None = None
    ) -> None:
        """A signed report of one call, which need not be true of the drop's other call, nor of this one if it goes on."""
        entry.has_many_ends |= len(entry.calls) > 1 or not call.is_over
        saying = Saying(
            setup=str(self.setup_of(entry).pk),
            status=status,
            reason=reason,
            entry=entry,
            keyed=True,
            number=entry.to,
            unsigned=False,
            honest=True,
        )
        self.give(saying, entry.key, call.reference, step=step)

    def calls_go_on(self) -> None:
        """Machines answer all calls, and hear the message."""
        for place in range(len(self.calls())):
            self.a_machine_answers(place, 1)
        self.commands_calls(0, [], None)
