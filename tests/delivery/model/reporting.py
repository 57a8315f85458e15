"""Reports of carriers and of forgers in a history."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from delivery.lifecycle.events import ReportStatus
from delivery.lifecycle.reasons import Reason
from tests.delivery.model.calls import Calls
from tests.delivery.model.carriers import Answer, Asked, Bare, Entry, Polled, Pushed
from tests.delivery.model.engine import ANSWERS, OFTEN, WAITS
from tests.delivery.model.judge import Saying
from tests.delivery.model.world import PEOPLE

FAILURES = (
    Reason.BUSY,
    Reason.NO_ANSWER,
    Reason.UNREACHABLE,
    Reason.MAILBOX_FULL,
    Reason.REFUSED,
    Reason.OPTED_OUT,
    Reason.NUMBER_REASSIGNED,
    Reason.CARRIER_ACCOUNT,
)
FATES = st.sampled_from([None, None, None, Reason.BUSY, Reason.NO_ANSWER, *FAILURES])  # None: delivered
STATUSES = st.sampled_from(ReportStatus)
ENDS = st.sampled_from([ReportStatus.FAILED, ReportStatus.DELIVERED, *ReportStatus])
ENTRIES = st.sampled_from([0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8])


class Reporting(Calls):
    """Rules of reports. `same_references`: reports use the reference of the response, where the carrier may use another."""

    same_references = True

    def entry(self, place: int) -> Entry:
        """The ledger entry at a place, newest first."""
        entries = sorted(self.ledger.all(), key=lambda entry: (-entry.key.int, entry.account))
        return entries[place % len(entries)]

    def carrier_reports(
        self, place: int, ends: bool, fate: Reason | None, signed: bool, times: int, strays: bool, late: int
    ) -> None:
        """An honest report about one entry; a final status is set now if there is none, and does not change later."""
        entry = self.entry(place)
        if ends:
            entry.end(fate)
        status = entry.fate if ends and entry.fate else ReportStatus.ACCEPTED
        for _ in range(times):
            self.say(entry, status, entry.reason, signed=signed, strays=strays, late=late)

    something_was_sent = precondition(lambda self: self.ledger.entries)
    reporting = rule(
        place=ENTRIES,
        ends=st.sampled_from([True, True, False]),
        fate=FATES,
        signed=st.booleans(),
        times=st.sampled_from([1, 1, 2]),
        strays=st.sampled_from([False, False, False, True]),
        late=st.sampled_from([0, 0, 60, 7200]),
    )
    a_carrier_reports = something_was_sent(reporting(carrier_reports))
    a_carrier_reports_again = something_was_sent(reporting(carrier_reports))

    def passes_a_while(self, wait: int, answers: list[Answer], fates: list[Reason | None]) -> None:
        """A typical sequence of steps; other rules take them separately."""
        self.time_passes(wait)
        self.run("tick", lambda: self.tick(OFTEN), None)
        self.dispatches(0, 8, answers, None)
        self.calls_go_on()
        for place, fate in enumerate(fates):
            if self.ledger.entries:
                self.carrier_reports(place, True, fate, True, 1, False, 0)
        self.merges_and_settles(0, 10, [], [], None)

    usually = rule(wait=WAITS, answers=ANSWERS, fates=st.lists(FATES, max_size=3))
    a_while_as_usual, another_while, one_more_while, a_last_while = (
        usually(passes_a_while),
        usually(passes_a_while),
        usually(passes_a_while),
        usually(passes_a_while),
    )

    @precondition(lambda self: self.ledger.entries and not self.honest)
    @rule(
        place=ENTRIES,
        said=st.lists(st.tuples(ENDS, FATES), min_size=1, max_size=3),
        signed=st.sampled_from([True, True, False]),
    )
    def a_carrier_contradicts_itself(
        self, place: int, said: list[tuple[ReportStatus, Reason | None]], signed: bool
    ) -> None:
        for status, reason in said:
            self.say(self.entry(place), status, reason or Reason.BUSY, signed=signed, honest=False)

    @precondition(lambda self: self.ledger.entries)
    @rule(place=ENTRIES, status=STATUSES, reason=st.sampled_from(FAILURES), of=st.none() | ENTRIES)
    def somebody_forges(self, place: int, status: ReportStatus, reason: Reason, of: int | None) -> None:
        """An unsigned report, as anyone with the callback URL can send; it may name the carrier's id of another drop."""
        reference = "" if of is None else self.entry(of).reference
        self.tell(self.entry(place), status, reason, keyed=True, unsigned=True, honest=False, reference=reference)

    @rule(
        setup=st.integers(0, 1),
        number=st.sampled_from(PEOPLE),
        status=st.sampled_from([ReportStatus.FAILED, *ReportStatus]),
        reason=st.sampled_from([Reason.OPTED_OUT, Reason.DO_NOT_CALL, Reason.BUSY]),
        keyed=st.sampled_from([False, False, True]),
    )
    def somebody_elses_is_reported(
        self, setup: int, number: str, status: ReportStatus, reason: Reason, keyed: bool
    ) -> None:
        """A report about a drop of another system on the same account, or with an unknown key."""
        failed = status is ReportStatus.FAILED
        if not keyed:
            self.may_be_taken_for_ours(setup, number, failed)
        saying = Saying(
            setup=str(self.world.setups[setup].pk),
            status=status,
            reason=reason if failed else None,
            entry=None,
            keyed=keyed,
            number=number,
            unsigned=False,
            honest=False,
        )
        self.give(saying, UUID(int=7) if keyed else None, f"theirs-{number}")

    def may_be_taken_for_ours(self, setup: int, number: str, failed: bool) -> None:
        """Mark entries that a signed report without a key may be matched to: those of the setup and the person."""
        for entry in self.ledger.all():
            if entry.to == number and self.place_of(entry) == setup:
                entry.mistake(failed)

    def place_of(self, entry: Entry) -> int:
        """The place of the setup that has, or had, the account of the entry."""
        return int(entry.account.startswith("birch"))

    def say(
        self,
        entry: Entry,
        status: ReportStatus,
        reason: Reason | None,
        *,
        signed: bool = True,
        strays: bool = False,
        late: int = 0,
        honest: bool = True,
    ) -> None:
        """Report as the kind of carrier does: `Pushed` signs reports that name the person, and leaves reports with a key unsigned;
        `Polled` signs some."""
        kind = self.ledger.kind_of[entry.account]
        keyed, unsigned = not (kind == Pushed.name and signed), kind in (Pushed.name, Polled.name) and not signed
        self.tell(entry, status, reason, keyed=keyed, unsigned=unsigned, strays=strays, late=late, honest=honest)

    def tell(
        self,
        entry: Entry,
        status: ReportStatus,
        reason: Reason | None,
        *,
        keyed: bool,
        unsigned: bool,
        strays: bool = False,
        late: int = 0,
        honest: bool,
        reference: str = "",
    ) -> None:
        """Send a report; `strays`: to the callback URL of the other setup."""
        failed, kind = status is ReportStatus.FAILED, self.ledger.kind_of[entry.account]
        if not honest and not (unsigned and kind == Polled.name):  # which is asked whether it is true
            entry.deny(failed, signed=not unsigned)
        place = self.place_of(entry) ^ strays
        if strays and not keyed:
            self.may_be_taken_for_ours(place, entry.to, failed)
        saying = Saying(
            setup=str(self.world.setups[place].pk),
            status=status,
            reason=reason if failed else None,
            entry=None if strays else entry,
            keyed=keyed,
            number=entry.to,
            unsigned=unsigned,
            honest=honest,
        )
        if not self.same_references and kind in (Asked.name, Bare.name, Pushed.name):
            reference = reference or f"x-{entry.reference}"
        since = self.true_now - entry.first_at if entry.first_at else timedelta()
        self.give(
            saying, entry.key if keyed else None, reference or entry.reference, min(timedelta(seconds=late), since)
        )
