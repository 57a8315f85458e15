"""Invariants of every history, checked at each commit and each request against the ledger and the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django.db import connection

from delivery.carriers.abilities import Action
from delivery.lifecycle.awaited_results import WAITS
from delivery.lifecycle.events import ReportStatus
from delivery.lifecycle.reasons import REASONS, Reason
from delivery.lifecycle.status import DROP_TRANSITIONS, TERMINAL, TRANSITIONS, DropStatus, VoicemailStatus
from delivery.transport.interface import CarrierRequest
from tests.delivery.model.carriers import KINDS, Called, Entry, Ledger, Pushed, account_of, window_of
from tests.delivery.model.journal import Reader, Row, Version
from usecases.models import RINGING_CARRIERS

OPEN = {"sending", "uncertain", "accepted"}
NEVER_SENT = {"canceled", "skipped", "expired"}
NEW_YORK = ZoneInfo("America/New_York")  # all people of the world have numbers of Washington
_TERMINAL = {status.value for status in TERMINAL}


@dataclass(frozen=True, slots=True)
class Saying:
    """A report from a carrier or a forger. `entry` is the ledger entry that it is about, if any.

    `honest`: the account knows the truth and reports it."""

    setup: str
    status: ReportStatus
    reason: Reason | None
    entry: Entry | None
    keyed: bool
    number: str
    unsigned: bool
    honest: bool

    @property
    def opts_out(self) -> bool:
        return suppresses(self.reason or "") and not self.unsigned

    @property
    def drop(self) -> str | None:
        return str(self.entry.key) if self.entry else None


@dataclass(slots=True)
class _Fresh:
    """Changes of one commit that the judge has yet to check."""

    touched: set[str] = field(default_factory=set)
    queued_again: set[str] = field(default_factory=set)
    claimed: list[Row] = field(default_factory=list)
    granted: list[Row] = field(default_factory=list)
    merged: list[Row] = field(default_factory=list)
    suppressed: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Judge:
    """Checks of one history. `number_of`: the number of each voicemail. `people`: the number of each blind index, under all keys."""

    ledger: Ledger
    reader: Reader
    rows: dict[str, dict[str, Row]]
    number_of: dict[str, str]
    people: dict[str, str]
    clock: Callable[[], datetime]  # of the database
    sayings: dict[str, Saying] = field(default_factory=dict)
    opted_out: set[str] = field(default_factory=set)
    said_no: set[str] = field(default_factory=set)  # to a carrier that has yet to report it, or before a lift
    heard: set[str] = field(default_factory=set)  # drops whose opt-outs are in `opted_out`, or were lifted since
    risks: Counter[str] = field(default_factory=Counter)
    risk_taken_on: str = ""  # the voicemail for which a user accepts the risk now
    leases: dict[UUID, datetime] = field(default_factory=dict)
    requests: dict[UUID, CarrierRequest] = field(default_factory=dict)  # the first one under each key
    left_at: dict[UUID, datetime] = field(default_factory=dict)  # in true time
    clock_was_set: bool = False
    by_person: bool = False
    running: str = ""  # the kind of process whose commit is checked
    plays: dict[str, tuple[str, datetime]] = field(default_factory=dict)  # the key that left for each drop, and when
    before_canary: dict[str, set[str]] = field(default_factory=dict)  # of each canary: the drops at its beginning

    def look(self) -> None:
        """Check everything that was committed since the last call."""
        fresh = _Fresh()
        for version in self.reader.read():
            self._note(fresh, version)
        for row in fresh.claimed:
            self.leases[UUID(row["id"])] = at(row["due_at"])
            self._claim_is_allowed(row)
        for row in fresh.granted:
            self._resubmission_is_allowed(row)
        for voicemail_id in fresh.touched:
            self._agree(voicemail_id)
        for voicemail_id in fresh.queued_again:
            self._no_unsigned_result_brings_an_attempt(voicemail_id)
        for row in fresh.merged:
            self._was_heard(row)
        assert self.opted_out <= self.suppressed(), "who opted out is not suppressed"
        for row in fresh.suppressed:
            number = self.people[row["number_index"]]
            assert number in self.opted_out | self.said_no, f"{number} is suppressed and never opted out"

    def _note(self, fresh: _Fresh, version: Version) -> None:
        """Check one version of a row against the previous one, and note in `fresh` what requires the whole commit."""
        row, table = version.row, self.rows[version.table]
        old = None if version.gone else table.get(version.key)
        match version.table:
            case "delivery_voicemail":
                fresh.touched.add(row["id"])
                if old is not None and self._voicemail_moved(old, row):
                    fresh.queued_again.add(row["id"])
            case "delivery_drop":
                fresh.touched.add(row["voicemail_id"])
                if old is None:
                    fresh.claimed.append(row)
                elif self._drop_changed(old, row):
                    fresh.granted.append(row)
            case "delivery_carrierreport" if row["merged_at"] is not None:
                fresh.merged.append(row)
            case "usecases_suppression" if old is None:
                fresh.suppressed.append(row)
            case "delivery_awaitedresult" if not version.gone:
                self._question_is_right(old, row)
            case "campaigns_canary" if old is None:
                self.before_canary[row["id"]] = set(self.rows["delivery_drop"])
        self._keep(table, version)

    def _keep(self, table: dict[str, Row], version: Version) -> None:
        if version.gone:
            del table[version.key]
        else:
            table[version.key] = version.row

    # statuses

    def _voicemail_moved(self, old: Row, new: Row) -> bool:
        """Check a change of a voicemail; whether it was queued again."""
        was, now = VoicemailStatus(old["status"]), VoicemailStatus(new["status"])
        if (was, old["reason"]) == (now, new["reason"]):
            return False
        assert now in TRANSITIONS[was], f"a voicemail went from {was} to {now}"
        if was is VoicemailStatus.FAILED:
            self._failed_is_left(old, new)
        return was is VoicemailStatus.FAILED and now is VoicemailStatus.QUEUED

    def _failed_is_left(self, old: Row, new: Row) -> None:
        guess = is_guess(old["reason"])
        match new["status"]:
            case "queued" if guess:
                assert new["id"] == self.risk_taken_on or self._risk_is_taken_in(new["lane_id"]), (
                    "sent again though they may have been reached"
                )
                self.risks[new["id"]] += 1
            case "accepted":
                assert guess, f"failed: {old['reason']} became accepted"
            case "failed":
                assert guess or self._latest(old)["provisional"], f"failed: {old['reason']} became {new['reason']}"

    def _risk_is_taken_in(self, lane_id: str) -> bool:
        """Whether a running retry of the lane accepts the duplicate risk."""
        return any(
            retry["campaign_id"] == lane_id and retry["state"] == "running" and retry["accept_duplicate_risk"]
            for retry in self.rows["campaigns_campaignretry"].values()
        )

    def _drop_changed(self, old: Row, new: Row) -> bool:
        """Check a change of a drop; whether it permits a resubmission (an uncertain drop rescheduled with no check counted)."""
        was, now = DropStatus(old["status"]), DropStatus(new["status"])
        if was is now and old["reason"] == new["reason"]:
            return was is DropStatus.UNCERTAIN and old["checks"] == new["checks"]
        assert now in DROP_TRANSITIONS[was], f"a drop went from {was} to {now}"
        if was is DropStatus.FAILED and now is not DropStatus.DELIVERED:
            assert is_guess(old["reason"]) or old["provisional"], f"a drop that failed: {old['reason']} became {now}"
        return False

    def _agree(self, voicemail_id: str) -> None:
        """Check that a voicemail agrees with its drops."""
        row = self.rows["delivery_voicemail"][voicemail_id]
        status, drops = row["status"], self.drops_of(voicemail_id)
        latest = self.rows["delivery_drop"].get(row["drop_id"]) if row["drop_id"] else None
        taken = self.risks[voicemail_id]
        what = f"a voicemail is {status}: {row['reason']}, its drop {latest and (latest['status'], latest['reason'])}"
        if status in OPEN:
            assert latest is not None and latest["status"] == status, what
        elif status == "failed" and latest is not None and row["reason"] != Reason.RECORDING_REFUSED:
            assert (latest["status"], latest["reason"]) == ("failed", row["reason"]), what
        elif status in ("queued", *NEVER_SENT) and latest is not None:
            assert latest["status"] in ("failed", "not_sent") or (
                taken and latest["status"] in ("accepted", "delivered")
            ), what
        delivered = any(drop["status"] == "delivered" for drop in drops)
        if status == "delivered":
            assert delivered, what
        if delivered:
            assert status in ("delivered", *NEVER_SENT), what
        assert sum(drop["status"] in OPEN for drop in drops) <= 1 + taken, f"{what}; more than one drop is open"
        refused = {drop["id"] for drop in drops if suppresses(drop["reason"]) and not drop["provisional"]}
        if refused - self.heard:
            self.heard |= refused
            self.opted_out.add(self.number_of[voicemail_id])

    def drops_of(self, voicemail_id: str) -> list[Row]:
        return [drop for drop in self.rows["delivery_drop"].values() if drop["voicemail_id"] == voicemail_id]

    def _latest(self, voicemail: Row) -> Row:
        return self.rows["delivery_drop"][voicemail["drop_id"]]

    # permission to send

    def suppressed(self) -> set[str]:
        rows = self.rows["usecases_suppression"].values()
        return {self.people[row["number_index"]] for row in rows if row["lifted_at"] is None}

    def _may_be_sent(self, drop: Row) -> Row:
        """The voicemail of a drop that is being sent, after checking that no committed guard or switch forbids it."""
        voicemail = self.rows["delivery_voicemail"][drop["voicemail_id"]]
        use_case = self.rows["usecases_usecase"][voicemail["use_case_id"]]
        setup = self.rows["usecases_telephonysetup"][drop["setup_id"]]
        number = self.number_of[voicemail["id"]]
        assert number not in self.suppressed(), f"sent to {number}, who is suppressed"
        assert not self.rows["delivery_lane"][voicemail["lane_id"]]["held"], "sent from a lane that is held"
        assert self.rows["platform_workspace"][use_case["workspace_id"]]["sending_enabled"], (
            "sent past the workspace's switch"
        )
        assert use_case["sending_enabled"], "sent past the use case's switch"
        assert setup["enabled"], "sent past the setup's switch"
        assert setup["deleted_at"] is None, "sent through a deleted setup"
        assert use_case["deleted_at"] is None, "sent under a deleted use case"
        assert use_case["allows_ringing"] or setup["carrier"] not in RINGING_CARRIERS, "a telephone rings that must not"
        return voicemail

    def _claim_is_allowed(self, drop: Row) -> None:
        voicemail = self._may_be_sent(drop)
        use_case = self.rows["usecases_usecase"][voicemail["use_case_id"]]
        assert drop["setup_id"] in (use_case["setup_id"], use_case["failover_setup_id"]), "sent through a foreign setup"
        assert not self.rows["usecases_telephonysetup"][drop["setup_id"]]["draining"], "a setup that drains got more"
        self._canary_allows(voicemail["lane_id"])
        assigned = {
            number["e164"]
            for assignment in self.rows["usecases_numberassignment"].values()
            if assignment["use_case_id"] == use_case["id"]
            and (number := self.rows["usecases_phonenumber"][assignment["phone_number_id"]])["setup_id"]
            == drop["setup_id"]
        }
        assert drop["sender"] in assigned, "sent from a number that is not assigned"
        for earlier in self.drops_of(voicemail["id"]):
            if earlier is not drop and not self.risks[voicemail["id"]]:
                assert earlier["status"] in ("failed", "not_sent"), f"sent again while a drop is {earlier['status']}"
        self._caps_allow(drop, use_case, at(drop["created_at"]))

    def _caps_allow(self, drop: Row, use_case: Row, now: datetime) -> None:
        """Check that with the other drops to the number that may have been left this one exceeds no cap."""
        number = self.number_of[drop["voicemail_id"]]
        others = [
            at(other["created_at"])
            for other in self.rows["delivery_drop"].values()
            if other is not drop and self.number_of[other["voicemail_id"]] == number and may_have_been_left(other)
        ]
        today = now.astimezone(NEW_YORK).date()
        for most, count in (
            (use_case["max_per_day"], sum(each.astimezone(NEW_YORK).date() == today for each in others)),
            (use_case["max_per_24h"], sum(now - each < timedelta(hours=24) for each in others)),
            (use_case["max_per_week"], sum(now - each < timedelta(days=7) for each in others)),
        ):
            assert most is None or count < most, f"{number} gets more than its cap of {most}"

    def _canary_allows(self, lane_id: str) -> None:
        """Check that before its verdict no more people were tried than the canary lets out."""
        for canary in self.rows["campaigns_canary"].values():
            if (canary["campaign_id"], canary["state"]) == (lane_id, "under_way"):
                tried = {
                    drop["voicemail_id"]
                    for drop in self.rows["delivery_drop"].values()
                    if self.rows["delivery_voicemail"][drop["voicemail_id"]]["lane_id"] == lane_id
                    and drop["status"] != "not_sent"
                    and drop["id"] not in self.before_canary[canary["id"]]
                }
                assert len(tried) <= canary["people"], f"{len(tried)} people tried before the verdict"

    def _question_is_right(self, old: Row | None, new: Row) -> None:
        """Check that only drops whose results are to come are asked for, guesses a few times, and that no host's clock delays it."""
        if old is not None and new["checks"] > old["checks"]:
            drop = self.rows["delivery_drop"][new["drop_id"]]
            guessed = is_guess(drop["reason"]) and old["checks"] < len(WAITS)
            assert drop["status"] == "accepted" or guessed, f"asked for the result of a drop that is {drop['status']}"
        if old is None:  # the database's clock may have been stepped meanwhile
            assert at(new["due_at"]) <= self.clock() + 2 * WAITS[0], "a result is asked for by another clock"

    def _resubmission_is_allowed(self, drop: Row) -> None:
        voicemail = self._may_be_sent(drop)
        assert (voicemail["status"], voicemail["drop_id"]) == ("uncertain", drop["id"]), "a settled drop is sent again"
        self._caps_allow(drop, self.rows["usecases_usecase"][voicemail["use_case_id"]], at(drop["due_at"]))

    # the wire

    def leaves(self, request: CarrierRequest, key: UUID, process: str, now: datetime, true_now: datetime) -> None:
        """Check a submission at the time when a process writes it. `now` is the time of the database's clock."""
        drop = self.rows["delivery_drop"][str(key)]
        first = self.requests.get(key)
        if process.startswith("dispatch"):
            assert first is None, "the engine sent one drop twice"
            assert drop["status"] != "not_sent", "what was proved unsent was sent"
            assert now <= self.leases[key] or self.clock_was_set, "a request left after its lease"
        else:
            window = window_of(KINDS[self.ledger.kind_of[account_of(request)]])
            assert window is not None, "sent again to a carrier that knows no keys"
            since = self.left_at.get(key, true_now) if self.clock_was_set else at(drop["created_at"])
            assert (true_now if self.clock_was_set else now) - since < window, "sent again when the key is forgotten"
            if first is not None:
                assert (request.url, request.body) == (first.url, first.body), "sent again, and not word for word"
        account = account_of(request)
        if self.ledger.kind_of[account] == Pushed.name:
            media = orjson.loads(request.body)["media"]
            assert media in self.ledger.media[account], "sent with a recording that the account does not have"
        self.requests.setdefault(key, request)
        self.left_at.setdefault(key, true_now)

    def may_command(self, request: CarrierRequest) -> None:
        """Check a command when the process decides to send it."""
        self.look()
        command = orjson.loads(request.body)
        if command["action"] != Action.PLAY:
            return
        drop = self.rows["delivery_drop"][command["key"]]
        voicemail = self.rows["delivery_voicemail"][drop["voicemail_id"]]
        number = self.number_of[voicemail["id"]]
        assert drop["status"] in OPEN, f"played though its drop is {drop['status']}"
        assert voicemail["drop_id"] == drop["id"], "played in the call of an earlier drop"
        assert voicemail["status"] in OPEN, f"played though the voicemail is {voicemail['status']}"
        assert number not in self.suppressed(), f"played to {number}, who is suppressed"

    def commands(self, request: CarrierRequest, true_now: datetime) -> None:
        """Check a command when it leaves."""
        command = orjson.loads(request.body)
        if command["action"] == Action.PLAY:
            key, since = self.plays.setdefault(command["key"], (command["command"], true_now))
            assert key == command["command"], "one drop is played twice"
            assert true_now - since < Called.command_window, "played again when the key is forgotten"

    def reached(self, entry: Entry) -> None:
        """Check a message that has arrived at a carrier."""
        voicemail = self.rows["delivery_drop"][str(entry.key)]["voicemail_id"]
        assert entry.to == self.number_of[voicemail], "a message is for somebody else"
        entries = [each for drop in self.drops_of(voicemail) for each in self.ledger.entries.get(UUID(drop["id"]), ())]
        most = 1 + self.risks[voicemail] + sum(each.was_lied_about for each in entries)
        reaching = sum(each.reaches for each in entries)
        assert reaching <= most, f"{reaching} messages of one voicemail, {most} at most"

    # reports

    def _was_heard(self, report: Row) -> None:
        self._calls_a_retry_off(report)
        saying = self.sayings.get(report["event_id"])
        if saying is None:
            return  # from a look-up or a resubmission
        if saying.opts_out and (number := self.hears(saying)):
            self.opted_out.add(number)
        if saying.entry is None:
            return
        if not saying.keyed and report["drop_id"] not in (None, saying.drop):
            assert saying.entry.is_mistaken, "a report was taken for another drop's"
            for entry in self.ledger.entries.get(UUID(report["drop_id"]), ()):
                entry.mistake(saying.status is ReportStatus.FAILED)
        contradicted = saying.entry.denied if saying.unsigned else saying.entry.denied_by_signature
        if (
            saying.honest
            and saying.status is ReportStatus.DELIVERED
            and report["drop_id"] == saying.drop
            and not contradicted
            and not saying.entry.has_many_ends
        ):
            drop = self.rows["delivery_drop"][saying.drop]
            assert drop["status"] == "delivered", f"delivered as reported, and its drop is {drop['status']}"
            voicemail = self.rows["delivery_voicemail"][drop["voicemail_id"]]
            assert voicemail["status"] in ("delivered", *NEVER_SENT), (
                f"delivered as reported, and {voicemail['status']}"
            )

    def _calls_a_retry_off(self, report: Row) -> None:
        """Check that a signed delivery cancels a pending retry, whatever else was merged before it or with it."""
        if report["status"] != "delivered" or report["unsigned"] or report["effect"] == "unknown_drop":
            return
        drop = self.rows["delivery_drop"][report["drop_id"]]
        voicemail = self.rows["delivery_voicemail"][drop["voicemail_id"]]
        waits = voicemail["status"] == "queued" and voicemail["drop_id"] == drop["id"]
        assert not waits, "a delivery was heard, and the voicemail waits to be sent again"

    def hears(self, saying: Saying) -> str:
        """The number that a report opts out: that of the drop if the setup matches, or the one that a report without a key names."""
        if not saying.keyed:
            return saying.number
        drop = self.rows["delivery_drop"].get(saying.drop or "")
        return self.number_of[drop["voicemail_id"]] if drop and drop["setup_id"] == saying.setup else ""

    def _no_unsigned_result_brings_an_attempt(self, voicemail_id: str) -> None:
        row = self.rows["delivery_voicemail"][voicemail_id]
        if row["status"] == "queued" and self.running == "reports" and not self.by_person:
            assert not self._latest(row)["provisional"], "an unsigned result brought about another attempt"

    # after each step, and at the end

    def counters_are_rows(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_DIFFERENCE)
            assert not (wrong := cursor.fetchall()), f"counters differ from the rows: {wrong}"
            cursor.execute(_DIFFERENCE_OF_USE_CASES)
            assert not (wrong := cursor.fetchall()), f"a use case's counters differ from its lanes': {wrong}"

    def all_has_ended(self) -> None:
        for row in self.rows["delivery_voicemail"].values():
            assert row["status"] in _TERMINAL, f"a voicemail is {row['status']} for ever"
            assert row["ended_at"] is not None
        for drop in self.rows["delivery_drop"].values():
            assert drop["status"] not in OPEN, f"a drop is {drop['status']} for ever"
        for campaign in self.rows["campaigns_campaign"].values():
            assert campaign["state"] in ("completed", "canceled"), f"a campaign is {campaign['state']} for ever"
        waiting = [row for row in self.rows["delivery_carrierreport"].values() if row["merged_at"] is None]
        assert not waiting, f"{len(waiting)} reports lie in the inbox for ever"
        asked = self.rows["delivery_awaitedresult"]
        assert not asked, f"{len(asked)} results are asked for for ever"
        for command in self.rows["delivery_callcommand"].values():
            assert command["state"] not in ("waiting", "leaving"), f"a command is {command['state']} for ever"

    def copy(self, ledger: Ledger, clock: Callable[[], datetime]) -> Judge:
        """A copy for a history that begins in the present state."""
        rows = deepcopy(self.rows)
        return Judge(ledger, self.reader.copy(), rows, dict(self.number_of), self.people, clock)


_DIFFERENCE = """
SELECT lane_id, status, reason, sum(n)
  FROM (SELECT lane_id, status, reason, count AS n FROM delivery_lanecount
        UNION ALL SELECT lane_id, status, reason, delta FROM delivery_lanedelta
        UNION ALL SELECT lane_id, status, reason, -1 FROM delivery_voicemail) told
 GROUP BY 1, 2, 3 HAVING sum(n) <> 0
"""

_DIFFERENCE_OF_USE_CASES = """
SELECT use_case_id, status, reason, sum(n)
  FROM (SELECT use_case_id, status, reason, count AS n FROM delivery_usecasecount
        UNION ALL SELECT l.use_case_id, c.status, c.reason, -c.count
                    FROM delivery_lanecount c JOIN delivery_lane l ON l.id = c.lane_id) told
 GROUP BY 1, 2, 3 HAVING sum(n) <> 0
"""


def is_guess(reason: str) -> bool:
    return bool(reason) and REASONS[Reason(reason)].may_have_reached


def may_have_been_left(drop: Row) -> bool:
    proved = drop["status"] == "failed" and not is_guess(drop["reason"]) and not drop["provisional"]
    return drop["status"] != "not_sent" and not proved


def suppresses(reason: str) -> bool:
    return bool(reason) and REASONS[Reason(reason)].suppresses is not None


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
