"""What carriers answered, written back over whatever happened meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from delivery.engine.claim import Claim, claim
from delivery.engine.lane_routes import active_routes
from delivery.engine.results import Result, record
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.outcomes import lookup_wait
from delivery.lifecycle.reasons import Reason
from delivery.models import Drop, Voicemail
from delivery.reports.inbox import merge, receive
from delivery.worker.maintenance import rebuild_counts
from tests import factories
from tests.delivery.states import NOW, both, counter_totals, row_counts
from usecases.models import Suppression
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db
REFUSED = Submission(Outcome.REFUSED, reason=Reason.CARRIER_DENIED, code="denied")
ANSWERS = [Submission(Outcome.ACCEPTED, carrier_reference="c-1"), REFUSED]
ANSWERS += [Submission(Outcome.NOT_SENT), Submission(Outcome.UNKNOWN)]


def make_claim(**fields: object) -> Claim:
    factories.make_voicemail(not_before=NOW, expires_at=NOW + timedelta(hours=72), **fields)
    (route,) = active_routes(NOW, 10)
    (claimed,) = claim(route, 10, NOW, timedelta(seconds=45)).claims
    return claimed


def after(claimed: Claim, submission: Submission) -> tuple[str, str, str, str]:
    record([Result(claimed, submission)], NOW)
    drop = Drop.objects.get(id=claimed.drop_id)
    assert counter_totals(drop.voicemail.lane_id) == row_counts(drop.voicemail.lane_id)
    return both(drop)


def meanwhile(status: str, reason: str = "") -> None:
    """A report, the sweeper or a person was faster."""
    Voicemail.objects.update(status=status, reason=reason)
    drop = {"queued": ("failed", "unconfirmed"), "delivered": ("delivered", "")}.get(status, (status, reason))
    Drop.objects.update(status=drop[0], reason=drop[1])
    rebuild_counts(Voicemail.objects.get().lane_id)


@pytest.mark.parametrize(
    ("submission", "end"),
    list(
        zip(
            ANSWERS,
            [
                ("accepted", "", "accepted", ""),
                ("failed", "carrier_denied", "failed", "carrier_denied"),
                ("queued", "", "not_sent", "not_sent"),
                ("uncertain", "", "uncertain", ""),
            ],
            strict=True,
        )
    ),
)
def test_each_answer_ends_where_it_should_and_twice_is_once(submission: Submission, end: tuple[str, ...]) -> None:
    claimed = make_claim()
    assert after(claimed, submission) == end
    assert after(claimed, submission) == end


def test_an_uncertain_drop_is_asked_about_soon() -> None:
    after(make_claim(), Submission(Outcome.UNKNOWN))
    assert Drop.objects.get().due_at == NOW + lookup_wait(0)


@pytest.mark.parametrize(
    ("submission", "end"),
    list(
        zip(
            ANSWERS,
            [
                ("accepted", "", "accepted", ""),
                ("failed", "carrier_denied", "failed", "carrier_denied"),
                ("uncertain", "", "uncertain", ""),  # nothing leads from uncertain back to the queue
                ("uncertain", "", "uncertain", ""),
            ],
            strict=True,
        )
    ),
)
def test_an_answer_that_comes_after_the_lease_ended_still_says_what_happened(
    submission: Submission, end: tuple[str, ...]
) -> None:
    claimed = make_claim()
    meanwhile("uncertain")
    assert after(claimed, submission) == end


@pytest.mark.parametrize("submission", ANSWERS)
@pytest.mark.parametrize("status", ["delivered", "failed"])
def test_an_early_report_stays_whatever_the_answer(submission: Submission, status: str) -> None:
    claimed = make_claim()
    reason = "busy" if status == "failed" else ""
    meanwhile(status, reason)
    assert after(claimed, submission) == (status, reason, status, reason)


@pytest.mark.parametrize("submission", ANSWERS)
def test_after_an_early_accepted_the_voicemail_and_its_drop_stay_together(submission: Submission) -> None:
    claimed = make_claim()
    meanwhile("accepted")
    refused = submission is REFUSED
    end = ("failed", "carrier_denied") if refused else ("accepted", "")
    assert after(claimed, submission) == (*end, *end)


@pytest.mark.parametrize("submission", ANSWERS)
def test_an_answer_that_comes_after_a_person_retried_leaves_the_retry_alone(submission: Submission) -> None:
    claimed = make_claim()
    meanwhile("queued")
    assert after(claimed, submission)[:2] == ("queued", "")


@pytest.mark.parametrize("submission", ANSWERS)
def test_whatever_the_answer_an_unsigned_report_before_it_starts_no_attempt_and_a_signed_one_does(
    submission: Submission,
) -> None:
    claimed = make_claim(use_case=factories.make_use_case(max_attempts=2))
    unsigned = Report(claimed.drop_id, ReportStatus.FAILED, NOW, reason=Reason.NO_ANSWER, unsigned=True)
    receive(claimed.route.setup_id, b"", [unsigned])
    merge(NOW)
    assert after(claimed, submission) == ("failed", "no_answer") * 2
    receive(claimed.route.setup_id, b"", [replace(unsigned, unsigned=False)])
    merge(NOW)
    assert both(Drop.objects.get()) == ("queued", "", "failed", "no_answer")


@pytest.mark.parametrize("meanwhile_status", ["sending", "uncertain", "accepted"])
def test_a_refusal_that_ends_the_attempt_has_it_tried_again_once(meanwhile_status: str) -> None:
    claimed = make_claim(use_case=factories.make_use_case(max_attempts=2))
    meanwhile(meanwhile_status)
    unable = Submission(Outcome.REFUSED, reason=Reason.BUSY)
    assert after(claimed, unable) == ("queued", "", "failed", "busy")
    assert after(claimed, unable) == ("queued", "", "failed", "busy")


@pytest.mark.parametrize("live", [True, False])
def test_a_refusal_because_of_an_opt_out_suppresses_like_a_report(live: bool) -> None:
    use_case = factories.make_use_case()
    claimed = make_claim(lane=factories.make_lane(use_case, live=live))
    after(claimed, Submission(Outcome.REFUSED, reason=Reason.OPTED_OUT))
    assert is_suppressed(use_case.workspace_id, factories.RECIPIENT) is live
    assert Suppression.objects.filter(reason="opted_out", source=Suppression.Source.CARRIER).exists() is live
