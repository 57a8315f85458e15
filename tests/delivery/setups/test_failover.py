"""A failover setup that cannot send takes no voicemail from a first setup that can, and gives back those that wait for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from delivery.engine import canaries
from delivery.engine.claim import Claim, claim
from delivery.engine.lane_routes import active_routes
from delivery.engine.results import Result, record
from delivery.lifecycle.events import Outcome, Submission
from delivery.lifecycle.reasons import Reason
from delivery.models import CanaryMember, Drop, Lane, Voicemail
from delivery.services.voicemails import require_carrier
from rvm.platform.errors import ServiceError
from tests.factories import AROUND_THE_CLOCK, make_phone_number, make_setup, make_use_case, make_voicemail
from usecases.models import NumberAssignment, PhoneNumber, TelephonySetup, UseCase
from usecases.selectors import failover_setup

pytestmark = pytest.mark.django_db
LEASE = timedelta(seconds=45)


def changed(**fields: object) -> Callable[[UseCase], object]:
    return lambda use_case: TelephonySetup.objects.filter(pk=use_case.failover_setup_id).update(**fields)


CANNOT_SEND: dict[str, Callable[[UseCase], object]] = {
    "disabled": changed(enabled=False),
    "deleted": changed(deleted_at=timezone.now()),
    "carrier gone": changed(carrier="gone"),
    "drains": changed(draining=True),
    "rings without leave": changed(carrier="twilio"),
    "no agreement": changed(simulated=False, baa_signed_on=None),
    "no number": lambda use_case: NumberAssignment.objects.filter(
        phone_number__setup=use_case.failover_setup_id
    ).delete(),
    "inactive number": lambda use_case: PhoneNumber.objects.filter(setup=use_case.failover_setup_id).update(
        active=False
    ),
}
cannot_send = pytest.mark.parametrize("why", CANNOT_SEND)


@pytest.fixture
def use_case() -> UseCase:
    first = make_setup()
    failover = make_setup(first.workspace)
    made = make_use_case(
        setup=first, failover_setup=failover, failover_reasons=["carrier_denied"], max_attempts=5, **AROUND_THE_CLOCK
    )
    made.phone_numbers.add(make_phone_number(failover))
    return made


def claimed() -> Claim:
    """The one voicemail that is due, as it is claimed."""
    Voicemail.objects.filter(status="queued").update(not_before=timezone.now() - timedelta(minutes=1))
    now = timezone.now()
    [found] = [each for route in active_routes(now, 10) for each in claim(route, 10, now, LEASE).claims]
    return found


def ends(found: Claim, outcome: Outcome, reason: Reason | None = None) -> Voicemail:
    record([Result(found, Submission(outcome, reason=reason))], timezone.now())
    return Voicemail.objects.get(pk=found.voicemail_id)


@cannot_send
def test_what_the_first_setup_could_not_send_stays_with_it(use_case: UseCase, why: str) -> None:
    make_voicemail(use_case)
    CANNOT_SEND[why](use_case)
    for _ in range(4):
        found = claimed()
        assert found.route.setup_id == use_case.setup_id
        voicemail = ends(found, Outcome.NOT_SENT)
        assert (voicemail.status, voicemail.failover) == ("queued", False)


@cannot_send
def test_what_failed_through_the_first_setup_is_not_tried_again_without_another(use_case: UseCase, why: str) -> None:
    make_voicemail(use_case)
    CANNOT_SEND[why](use_case)
    voicemail = ends(claimed(), Outcome.REFUSED, Reason.CARRIER_DENIED)
    assert (voicemail.status, voicemail.reason, voicemail.failover) == ("failed", "carrier_denied", False)


@cannot_send
def test_what_waits_for_it_comes_back_to_the_first_setup_and_goes_over_again_when_it_can_send(
    use_case: UseCase, why: str
) -> None:
    before = {
        "setup": TelephonySetup.objects.filter(pk=use_case.failover_setup_id).values().get(),
        "numbers": list(use_case.phone_numbers.all()),
    }
    make_voicemail(use_case, failover=True)
    CANNOT_SEND[why](use_case)
    found = claimed()
    assert (found.route.setup_id, found.route.has_failover) == (use_case.setup_id, False)
    assert found.sender == use_case.phone_numbers.get(setup=use_case.setup).e164
    assert failover_setup(UseCase.objects.get(pk=use_case.pk)) == use_case.setup
    ends(found, Outcome.NOT_SENT)
    TelephonySetup.objects.filter(pk=use_case.failover_setup_id).update(**before["setup"])
    PhoneNumber.objects.update(active=True)
    use_case.phone_numbers.set(before["numbers"])
    assert ends(claimed(), Outcome.NOT_SENT).failover is True
    assert claimed().route.setup_id == use_case.failover_setup_id


@cannot_send
def test_where_neither_can_send_it_waits_for_the_first_of_them_that_can(use_case: UseCase, why: str) -> None:
    make_voicemail(use_case, failover=True)
    CANNOT_SEND[why](use_case)
    TelephonySetup.objects.filter(pk=use_case.setup_id).update(enabled=False)
    assert {route.setup_id for route in active_routes(timezone.now(), 10)} <= {use_case.failover_setup_id}
    TelephonySetup.objects.filter(pk=use_case.setup_id).update(enabled=True)
    assert claimed().route.setup_id == use_case.setup_id


def test_what_it_was_asked_to_send_and_may_have_is_not_asked_of_the_first_setup(use_case: UseCase) -> None:
    make_voicemail(use_case, failover=True)
    assert ends(claimed(), Outcome.UNKNOWN).status == "uncertain"
    CANNOT_SEND["disabled"](use_case)
    assert active_routes(timezone.now(), 10) == []
    assert Drop.objects.get().setup_id == use_case.failover_setup_id


def test_one_of_the_first_people_keeps_the_place_and_nobody_else_comes_with_it(use_case: UseCase) -> None:
    member, other = (make_voicemail(use_case, failover=True) for _ in range(2))
    canaries.begin(member.lane_id, 1)
    canaries.take(member.lane_id, [member.pk])
    CANNOT_SEND["disabled"](use_case)
    found = claimed()
    assert (found.voicemail_id, found.route.setup_id) == (member.pk, use_case.setup_id)
    assert (Lane.objects.get(pk=member.lane_id).canary_left, CanaryMember.objects.count()) == (0, 1)
    other.refresh_from_db()
    assert other.status == "queued"


def test_a_first_setup_that_drains_hands_nothing_to_a_carrier_that_is_gone(use_case: UseCase) -> None:
    TelephonySetup.objects.filter(pk=use_case.setup_id).update(draining=True)
    CANNOT_SEND["carrier gone"](use_case)
    require_carrier(UseCase.objects.get(pk=use_case.pk), live=True)
    TelephonySetup.objects.filter(pk=use_case.setup_id).update(carrier="gone")
    with pytest.raises(ServiceError, match="is not installed any more"):
        require_carrier(UseCase.objects.get(pk=use_case.pk), live=True)
