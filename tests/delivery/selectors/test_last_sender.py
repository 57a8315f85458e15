"""The same person keeps the same number where the route allows: in lists, in sends of the API, after the failover setup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.models import Lane, Voicemail
from delivery.selectors.last_sender import last_senders
from delivery.services.screening import Recipient
from delivery.services.voicemails import queue_voicemails
from rvm.platform.encryption.crypto import blind_index
from tests.factories import (
    RECIPIENT,
    make_lane,
    make_phone_number,
    make_recording,
    make_setup,
    make_use_case,
    make_voicemail,
)
from usecases.models import NumberAssignment, PhoneNumber, TelephonySetup, UseCase
from usecases.rendezvous import choose_sender

pytestmark = pytest.mark.django_db


def index_in(use_case: UseCase) -> bytes:
    return blind_index().of(use_case.workspace_id, RECIPIENT)


def assign_preferred(use_case: UseCase, setup: TelephonySetup, *known: str) -> PhoneNumber:
    """Another number of the setup, which the person would get if nothing had been sent from the known ones."""
    while True:
        number = make_phone_number(setup)
        if choose_sender(index_in(use_case), [*known, number.e164]) == number.e164:
            NumberAssignment.objects.create(use_case=use_case, phone_number=number)
            return number
        number.delete()


class Office:
    """A use case with a failover setup, each with one number, and a person who has been sent to from the first."""

    def __init__(self) -> None:
        self.main = make_setup()
        self.other = make_setup(self.main.workspace)
        numbers = [make_phone_number(self.main), make_phone_number(self.other)]
        self.known, self.known_there = (number.e164 for number in numbers)
        self.use_case = make_use_case(setup=self.main, failover_setup=self.other, numbers=numbers)

    def had(self, sender: str) -> None:
        make_voicemail(self.use_case, sender=sender, status="delivered")

    def claimed(self, row: Voicemail) -> str:
        """The sender of the next attempt for it."""
        now = timezone.now()
        for route in active_routes(now, 100):
            claim(route, 100, now, timedelta(seconds=60))
        row.refresh_from_db()
        assert row.status == "sending"
        return row.sender


@pytest.fixture
def office() -> Office:
    return Office()


def by_list(office: Office, lane: Lane | None = None) -> Voicemail:
    """As a list leaves it: from the last sender, or from none."""
    lane = lane or make_lane(office.use_case)
    seen = last_senders(lane.pk, [index_in(office.use_case)], [office.known])
    sender = seen.get(index_in(office.use_case), "")
    return make_voicemail(lane=lane, sender=sender)


def by_api(office: Office) -> Voicemail:
    recording = make_recording(office.use_case.workspace)
    [row] = queue_voicemails(
        use_case=office.use_case, recipients=[Recipient(RECIPIENT)], recording=recording, live=True, now=timezone.now()
    )
    assert isinstance(row, Voicemail)
    return row


SENDS = pytest.mark.parametrize("send", [by_list, by_api])


@SENDS
def test_a_new_number_moves_nobody_who_knows_another(office: Office, send: Callable[[Office], Voicemail]) -> None:
    office.had(office.known)
    assign_preferred(office.use_case, office.main, office.known)
    assert office.claimed(send(office)) == office.known


@SENDS
def test_back_from_the_failover_setup_it_is_the_number_from_before(
    office: Office, send: Callable[[Office], Voicemail]
) -> None:
    office.had(office.known)
    office.had(office.known_there)
    assign_preferred(office.use_case, office.main, office.known)
    assert office.claimed(send(office)) == office.known


def test_the_failover_setup_has_a_number_of_its_own_for_each_person_and_keeps_to_it(office: Office) -> None:
    office.had(office.known_there)
    office.had(office.known)
    assign_preferred(office.use_case, office.other, office.known_there)
    row = make_voicemail(lane=make_lane(office.use_case), sender=office.known, failover=True)
    assert office.claimed(row) == office.known_there


def test_a_voicemail_that_returns_from_the_failover_setup_goes_from_the_number_that_the_person_knows(
    office: Office,
) -> None:
    office.had(office.known)
    assign_preferred(office.use_case, office.main, office.known)
    row = make_voicemail(lane=make_lane(office.use_case), sender=office.known_there)
    assert office.claimed(row) == office.known


def test_whose_number_was_taken_away_keeps_the_next_one_also_when_it_comes_back(office: Office) -> None:
    office.had(office.known)
    taken = NumberAssignment.objects.get(use_case=office.use_case, phone_number__e164=office.known)
    number = taken.phone_number
    taken.delete()
    spare = make_phone_number(office.main)
    NumberAssignment.objects.create(use_case=office.use_case, phone_number=spare)
    assert office.claimed(by_api(office)) == spare.e164
    NumberAssignment.objects.create(use_case=office.use_case, phone_number=number)
    assert office.claimed(by_api(office)) == spare.e164


def test_another_use_case_and_test_sends_have_numbers_of_their_own(office: Office) -> None:
    """What the person saw elsewhere says nothing about from where this use case may send."""
    index = index_in(office.use_case)
    office.had(office.known)
    lanes = [make_lane(make_use_case(setup=office.main)), make_lane(office.use_case, live=False)]
    assert [last_senders(lane.pk, [index], [office.known]) for lane in lanes] == [{}, {}]


@pytest.mark.parametrize("then", [(1, 2), (2, 1)])
def test_while_keys_rotate_it_is_the_last_under_either_of_them(
    office: Office, then: tuple[int, int], keys: Callable[..., None]
) -> None:
    # Processes take the new key one after the other, so that the newest may be under the older one.
    other = assign_preferred(office.use_case, office.main, office.known)
    for key, sender in zip(then, (office.known, other.e164), strict=True):
        keys(index=(3 - key, key))
        office.had(sender)
    keys(index=(1, 2))
    assert by_api(office).sender == other.e164
    office.had(office.known)
    assert by_api(office).sender == office.known


def test_what_another_use_case_or_a_test_sent_since_is_passed_over(office: Office) -> None:
    office.had(office.known)
    other = assign_preferred(office.use_case, office.main, office.known)
    make_voicemail(make_use_case(setup=office.main), sender=other.e164, status="delivered")
    make_voicemail(office.use_case, sender=other.e164, status="delivered", live=False)
    assert by_api(office).sender == office.known
