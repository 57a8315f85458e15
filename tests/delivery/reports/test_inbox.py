"""The inbox: whatever comes, in whatever order and however often, is kept, and statuses only go forward."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import Reason
from delivery.models import CarrierReport, Drop, Voicemail
from delivery.reports.inbox import merge, receive
from rvm.platform.database.ids import uuid7
from tests import factories
from tests.delivery.states import NOW, both, counter_totals, make_drop, make_submitted, row_counts, state
from usecases.models import Suppression
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db
ACCEPTED, DELIVERED, FAILED = ReportStatus


def say(drop: Drop, *statuses: ReportStatus, **fields: Any) -> None:
    """The carrier reports on the drop, and nobody has merged it yet."""
    for status in statuses:
        report = Report(drop.id, status, NOW, **({"reason": Reason.BUSY} if status is FAILED else {}) | fields)
        receive(drop.setup_id, b"{}", [report])


def merged(drop: Drop, *statuses: ReportStatus, **fields: Any) -> tuple[str, str, str, str]:
    say(drop, *statuses, **fields)
    assert merge(NOW) == len(statuses)
    return both(drop)


def effects() -> list[str]:
    return [report.effect for report in CarrierReport.objects.all()]


def test_a_callback_is_kept_whole_and_encrypted_beside_its_first_report() -> None:
    drop = make_submitted()
    receive(drop.setup_id, b'{"to":"+12025550142"}', [Report(drop.id, ACCEPTED, NOW), Report(drop.id, DELIVERED, NOW)])
    first, second = CarrierReport.objects.all()
    [stored, _] = CarrierReport.objects.values_list("raw", flat=True)
    assert b"2025550142" not in stored
    assert first.raw == b'{"to":"+12025550142"}'
    assert second.raw is None
    assert first.merged_at is None


@pytest.mark.parametrize(
    ("statuses", "end"),
    [
        ([ACCEPTED], ("accepted", "", "accepted", "")),
        ([DELIVERED], ("delivered", "", "delivered", "")),
        ([FAILED], ("failed", "busy", "failed", "busy")),
    ],
)
@pytest.mark.parametrize("standing_at", ["sending", "uncertain", "accepted"])
def test_a_report_settles_a_drop_wherever_it_stands(
    statuses: list[ReportStatus], end: tuple[str, ...], standing_at: str
) -> None:
    drop = make_submitted(standing_at)
    assert merged(drop, *statuses) == end
    assert counter_totals(drop.voicemail.lane_id) == row_counts(drop.voicemail.lane_id)


@pytest.mark.parametrize(
    ("status", "reason"), [("delivered", ""), ("failed", "busy"), ("failed", "voicemail_not_detected")]
)
@pytest.mark.parametrize("report", list(ReportStatus))
def test_a_late_report_on_what_has_ended_is_kept_and_changes_nothing(
    status: str, reason: str, report: ReportStatus
) -> None:
    drop = make_submitted(status, reason)
    assert merged(drop, report) == (status, reason, status, reason)
    assert effects() == ["kept"]


@pytest.mark.parametrize("guess", ["unconfirmed", "unreported"])
@pytest.mark.parametrize(("report", "end"), [(DELIVERED, ("delivered", "")), (FAILED, ("failed", "busy"))])
def test_a_late_report_corrects_what_was_concluded_without_one(
    guess: str, report: ReportStatus, end: tuple[str, str]
) -> None:
    drop = make_submitted("failed", guess)
    assert merged(drop, report) == (*end, *end)
    assert effects() == ["applied"]


def test_hearing_again_that_it_was_accepted_does_not_reopen_what_was_never_reported() -> None:
    drop = make_submitted("failed", "unreported")
    assert merged(drop, ACCEPTED) == ("failed", "unreported", "failed", "unreported")


def test_an_accepted_report_after_unconfirmed_waits_for_its_end_anew() -> None:
    drop = make_submitted("failed", "unconfirmed")
    assert merged(drop, ACCEPTED) == ("accepted", "", "accepted", "")
    drop.refresh_from_db()
    assert drop.accepted_at == NOW
    assert drop.ended_at is None


@pytest.mark.parametrize("end", [DELIVERED, FAILED])
@pytest.mark.parametrize("batched", [True, False])
def test_any_order_and_repetition_of_the_same_reports_ends_the_same(end: ReportStatus, batched: bool) -> None:
    orders = [order for order in itertools.product((ACCEPTED, end), repeat=3) if end in order]
    drops = [make_submitted() for _ in orders]
    for drop, order in zip(drops, orders, strict=True):
        for status in order:
            say(drop, status)
            assert batched or merge(NOW) == 1
    merge(NOW)
    expected = ("delivered", "") if end is DELIVERED else ("failed", "busy")
    for drop, order in zip(drops, orders, strict=True):
        assert both(drop) == (*expected, *expected), order
        assert counter_totals(drop.voicemail.lane_id) == row_counts(drop.voicemail.lane_id)


def test_a_report_on_no_drop_of_ours_is_kept_as_such() -> None:
    setup = factories.make_setup()
    receive(setup.id, b"{}", [Report(uuid7(), DELIVERED, NOW)])
    assert merge(NOW) == 1
    assert effects() == ["unknown_drop"]
    assert merge(NOW) == 0


def test_another_setup_cannot_touch_a_drop() -> None:
    drop = make_submitted()
    report = Report(drop.id, FAILED, NOW, reason=Reason.OPTED_OUT)
    receive(factories.make_setup().id, b"{}", [report])
    merge(NOW)
    assert both(drop) == ("sending", "", "sending", "")
    assert effects() == ["unknown_drop"]
    assert not Suppression.objects.exists()


def test_a_code_that_nobody_knows_ends_as_unknown_with_the_code_kept() -> None:
    drop = make_submitted("accepted")
    assert merged(drop, FAILED, reason=None, code="E-9999", text="cosmic rays") == (
        "failed",
        "unknown",
        "failed",
        "unknown",
    )
    for row in (Voicemail.objects.get(), Drop.objects.get()):
        assert (row.carrier_code, row.carrier_text) == ("E-9999", "cosmic rays")


@pytest.mark.parametrize("reason", [Reason.OPTED_OUT, Reason.DO_NOT_CALL, Reason.LITIGATOR, Reason.NUMBER_REASSIGNED])
@pytest.mark.parametrize("live", [True, False])
def test_who_opted_out_is_suppressed_where_it_was_meant(reason: Reason, live: bool) -> None:
    drop = make_submitted("accepted", live=live)
    assert merged(drop, FAILED, reason=reason)[:2] == ("failed", reason)
    assert is_suppressed(drop.workspace_id, factories.RECIPIENT) is live
    assert [row.reason for row in Suppression.objects.all()] == ([reason.value] if live else [])


def test_an_ordinary_failure_suppresses_nobody() -> None:
    merged(make_submitted("accepted"), FAILED)
    assert not Suppression.objects.exists()


def test_an_opt_out_counts_even_where_its_report_comes_too_late_to_change_a_status() -> None:
    drop = make_submitted("delivered")
    assert merged(drop, FAILED, reason=Reason.OPTED_OUT) == ("delivered", "", "delivered", "")
    assert is_suppressed(drop.workspace_id, factories.RECIPIENT)


def test_an_opt_out_that_is_reported_often_is_one_suppression() -> None:
    drop = make_submitted("accepted")
    say(drop, FAILED, FAILED, reason=Reason.OPTED_OUT)
    merge(NOW)
    merged(drop, FAILED, reason=Reason.OPTED_OUT)
    assert Suppression.objects.count() == 1


def make_retried(reason: str, *, queued: bool = False) -> tuple[Drop, Drop | None]:
    """A voicemail that failed for that reason and is tried again: its first drop, and its second unless it still waits."""
    first = make_submitted("queued", drop={"status": "failed", "reason": reason})
    if queued:
        return first, None
    second = make_drop(first.voicemail, "sending")
    Voicemail.objects.update(status="sending")
    connection.cursor().execute("UPDATE delivery_lanedelta SET status = 'sending'")
    return first, second


@pytest.mark.parametrize("reason", ["unconfirmed", "unreported", "busy"])
@pytest.mark.parametrize("queued", [True, False])
def test_an_earlier_drop_that_is_reported_delivered_ends_the_retry(reason: str, queued: bool) -> None:
    first, second = make_retried(reason, queued=queued)
    assert merged(first, DELIVERED) == ("delivered", "", "delivered", "")
    assert counter_totals(first.voicemail.lane_id) == row_counts(first.voicemail.lane_id)
    if second:  # what its request came to is still written down, on the drop alone
        assert merged(second, ACCEPTED, DELIVERED) == ("delivered", "", "delivered", "")


@pytest.mark.parametrize("report", [ACCEPTED, FAILED])
@pytest.mark.parametrize("queued", [True, False])
def test_nothing_else_that_an_earlier_drop_reports_touches_the_retry(report: ReportStatus, queued: bool) -> None:
    first, _ = make_retried("unconfirmed", queued=queued)
    before = state(Voicemail.objects.get())
    merged(first, report)
    assert state(Voicemail.objects.get()) == before == (("queued" if queued else "sending"), "")
    assert state(first) == (("accepted", "") if report is ACCEPTED else ("failed", "busy"))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_reports_on_both_drops_of_a_voicemail_in_one_batch_come_to_one_end(order: tuple[int, ...]) -> None:
    first, second = make_retried("unconfirmed")
    assert second
    sayings = [(first, DELIVERED), (second, ACCEPTED), (second, FAILED)]
    for place in order:
        say(*sayings[place])
    merge(NOW)
    voicemail = Voicemail.objects.get()
    assert (voicemail.status, voicemail.reason) == ("delivered", "")
    assert state(first) == ("delivered", "")
    assert state(second) == ("failed", "busy")
    assert counter_totals(voicemail.lane_id) == row_counts(voicemail.lane_id) == {("delivered", ""): 1}


def test_a_batch_takes_no_more_than_its_limit_and_goes_on_from_there() -> None:
    drops = [make_submitted() for _ in range(5)]
    for drop in drops:
        say(drop, DELIVERED)
    assert [merge(NOW, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert {both(drop)[0] for drop in drops} == {"delivered"}


def test_a_report_that_comes_while_the_answer_is_on_its_way_is_not_overwritten_by_it() -> None:
    from tests.delivery.engine.test_dispatcher import dispatch
    from tests.delivery.fake_carrier import FakeTransport, accepted

    voicemail = factories.make_voicemail(not_before=NOW - timedelta(days=1))

    def answer(request: Any) -> Any:
        drop = Drop.objects.get(voicemail=voicemail)
        say(drop, DELIVERED)
        merge(NOW)
        return accepted(request)

    dispatch(FakeTransport(answer))
    assert both(Drop.objects.get()) == ("delivered", "", "delivered", "")


@pytest.mark.django_db(transaction=True)
def test_two_merges_at_once_share_the_inbox_and_lose_nothing() -> None:
    lane = factories.make_lane()
    drops = [make_submitted(lane=lane, recipient=f"+120255501{number:02}") for number in range(40)]
    for drop in drops:
        say(drop, ACCEPTED, FAILED, reason=Reason.OPTED_OUT)
    for drop in reversed(drops):
        say(drop, ACCEPTED)
    begin, taken, errors = Barrier(2), [0, 0], []

    def work(place: int) -> None:
        try:
            begin.wait(10)
            while number := merge(NOW, limit=7):
                taken[place] += number
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    _run([Thread(target=work, args=(place,)) for place in range(2)])
    merge(NOW)
    assert errors == []
    assert sum(taken) == 120
    assert {both(drop) for drop in drops} == {("failed", "opted_out", "failed", "opted_out")}
    assert counter_totals(lane.id) == {("failed", "opted_out"): 40}
    assert Suppression.objects.count() == 40
    assert not CarrierReport.objects.filter(merged_at=None).exists()


def _run(threads: Sequence[Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_the_inbox_keeps_each_report_of_a_callback_for_its_own_drop() -> None:
    first = make_submitted()
    second = make_drop(factories.make_voicemail(first.voicemail.use_case, status="sending"))
    keys: list[UUID] = [first.id, second.id]
    receive(first.setup_id, b"{}", [Report(key, DELIVERED, NOW) for key in keys])
    assert merge(NOW) == 2
    assert {both(first), both(second)} == {("delivered", "", "delivered", "")}
