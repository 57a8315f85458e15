"""What waits for a statement about its setup or its senders, or for an active sender, is not looked at, and is found by the first
look after it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from delivery.engine.lane_routes import ActiveRoute, active_routes, route_of
from delivery.models import Voicemail
from delivery.setups.services import update_setup
from tests.factories import SANDBOX_CREDENTIALS, make_phone_number, make_setup, make_use_case, make_voicemail
from usecases.models import PhoneNumber, TelephonySetup
from usecases.services import state_ownership, update_phone_number

pytestmark = pytest.mark.django_db(transaction=True)

Change = Callable[[Voicemail], object]


def waiting(**setup: object) -> Voicemail:
    fields = {"carrier": "drop_cowboy", "credentials": SANDBOX_CREDENTIALS, **setup}
    return make_voicemail(make_use_case(setup=make_setup(**fields)))


def found() -> list[ActiveRoute]:
    return active_routes(timezone.now(), 10)


def _sign(voicemail: Voicemail) -> object:
    return update_setup(setup=voicemail.use_case.setup, baa_signed_on=timezone.now().date())


def _except(voicemail: Voicemail) -> object:
    return update_setup(setup=voicemail.use_case.setup, baa_exception_reason="No PHI leaves through it.")


def _own(voicemail: Voicemail) -> object:
    return state_ownership(phone_number=voicemail.use_case.phone_numbers.get(), owned=True)


def _unsign(voicemail: Voicemail) -> object:
    return TelephonySetup.objects.update(baa_signed_on=None)


def _disown(voicemail: Voicemail) -> object:
    return PhoneNumber.objects.update(owned_stated_at=None)


def _activate(voicemail: Voicemail) -> object:
    return update_phone_number(phone_number=voicemail.use_case.phone_numbers.get(), active=True)


def _deactivate(voicemail: Voicemail) -> object:
    return update_phone_number(phone_number=voicemail.use_case.phone_numbers.get(), active=False)


@pytest.mark.parametrize(
    ("take_away", "state"),
    [(_unsign, _sign), (_unsign, _except), (_disown, _own), (_deactivate, _activate)],
    ids=["signed", "exception", "owned", "active"],
)
def test_what_waits_for_a_statement_stays_untouched_and_goes_on_with_it(take_away: Change, state: Change) -> None:
    voicemail = waiting()
    take_away(voicemail)
    assert found() == []
    before = Voicemail.objects.values().get()
    state(voicemail)
    assert [route.lane_id for route in found()] == [voicemail.lane_id]
    assert Voicemail.objects.values().get() == before


@pytest.mark.parametrize("take_away", [_unsign, _disown, _deactivate])
def test_a_statement_that_is_taken_away_binds_a_claim_that_begins_after(take_away: Change) -> None:
    voicemail = waiting()
    [lane] = found()

    def route() -> object:
        return route_of(lane.lane_id, failover=lane.failover, setup_id=lane.setup_id, now=timezone.now())

    assert route() is not None
    take_away(voicemail)
    assert route() is None


def test_only_owned_numbers_are_senders_of_a_live_setup() -> None:
    voicemail = waiting()
    use_case = voicemail.use_case
    owned = use_case.phone_numbers.get()
    use_case.phone_numbers.add(make_phone_number(use_case.setup, owned=False))
    [lane] = found()
    route = route_of(lane.lane_id, failover=False, setup_id=lane.setup_id, now=timezone.now())
    assert route is not None and route.senders == [owned.e164]


def test_an_inactive_number_is_no_sender_and_the_voicemail_gets_another_at_its_claim() -> None:
    voicemail = waiting()
    use_case = voicemail.use_case
    _deactivate(voicemail)
    use_case.phone_numbers.add(other := make_phone_number(use_case.setup))
    [lane] = found()
    route = route_of(lane.lane_id, failover=False, setup_id=lane.setup_id, now=timezone.now())
    assert route is not None and route.senders == [other.e164] != [voicemail.sender]


def test_the_voicemail_of_a_test_key_waits_too_while_the_senders_of_its_use_case_are_inactive() -> None:
    real = make_setup(carrier="drop_cowboy", credentials=SANDBOX_CREDENTIALS)
    make_setup(real.workspace)
    voicemail = make_voicemail(make_use_case(setup=real), live=False)
    _deactivate(voicemail)
    assert found() == []
    _activate(voicemail)
    assert [route.lane_id for route in found()] == [voicemail.lane_id]


def test_the_sandbox_needs_neither() -> None:
    waiting(carrier="sandbox", baa_signed_on=None)
    PhoneNumber.objects.update(owned_stated_at=None)
    [lane] = found()
    route = route_of(lane.lane_id, failover=False, setup_id=lane.setup_id, now=timezone.now())
    assert route is not None and len(route.senders) == 1


def test_a_failover_setup_needs_an_agreement_of_its_own() -> None:
    voicemail = waiting()
    without = make_setup(
        voicemail.workspace, carrier="drop_cowboy", credentials=SANDBOX_CREDENTIALS, baa_signed_on=None
    )
    voicemail.use_case.failover_setup = without
    voicemail.use_case.save(update_fields=["failover_setup"])
    voicemail.use_case.phone_numbers.add(make_phone_number(without))
    Voicemail.objects.update(failover=True)
    assert [route.setup_id for route in found()] == [voicemail.use_case.setup_id]
    _sign_it = update_setup(setup=without, baa_signed_on=timezone.now().date())
    assert [route.setup_id for route in found()] == [_sign_it.pk]


def test_without_an_agreement_a_deleted_use_case_is_looked_at_so_that_its_voicemails_end() -> None:
    voicemail = waiting(baa_signed_on=None)
    voicemail.use_case.deleted_at = timezone.now()
    voicemail.use_case.save(update_fields=["deleted_at"])
    assert [route.use_case_deleted for route in found()] == [True]
