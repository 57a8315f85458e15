"""A setup that drains gets no new attempts: what waits goes through the other setup of its use case, or waits and says so."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from delivery.engine.claim import Claim, claim
from delivery.engine.lane_routes import LANES_WITH_SETUPS, active_routes, route_of
from delivery.engine.results import Result, record
from delivery.lifecycle.events import Outcome, Submission
from delivery.lifecycle.reasons import Reason
from delivery.models import Drop, Voicemail
from delivery.services.eligibility import explanation
from delivery.setups.services import update_setup
from rvm.platform.database import sql
from rvm.platform.models import AuditEvent, Workspace
from tests.factories import (
    AROUND_THE_CLOCK,
    Api,
    make_lane,
    make_phone_number,
    make_setup,
    make_use_case,
    make_user,
    make_voicemail,
)
from usecases.eligibility import Defer, DeferReason
from usecases.models import NumberAssignment, TelephonySetup, UseCase
from usecases.selectors import failover_setup, first_setup, require_usable

pytestmark = pytest.mark.django_db
LEASE = timedelta(seconds=45)
ALL_REASONS = ["carrier_denied", "busy"]


def use_case_of_two(workspace: Workspace | None = None, **second: Any) -> UseCase:
    """With a sender number of both setups."""
    first = make_setup(workspace)
    failover = make_setup(first.workspace, **second)
    use_case = make_use_case(
        setup=first, failover_setup=failover, failover_reasons=ALL_REASONS, max_attempts=3, **AROUND_THE_CLOCK
    )
    use_case.phone_numbers.add(make_phone_number(failover))
    return use_case


def drain(setup: TelephonySetup, draining: bool = True) -> TelephonySetup:
    return update_setup(setup=setup, draining=draining)


def claimed(now: datetime | None = None) -> list[Claim]:
    now = now or timezone.now()
    return [each for route in active_routes(now, 10) for each in claim(route, 10, now, LEASE).claims]


def through() -> list[str]:
    """Names of the setups through which what waits is sent now."""
    return [TelephonySetup.objects.get(pk=each.route.setup_id).name for each in claimed()]


def test_what_waits_goes_through_the_failover_setup_from_a_number_of_it() -> None:
    use_case = use_case_of_two()
    voicemail = make_voicemail(use_case)
    drain(use_case.setup)
    [found] = claimed()
    assert found.route.setup_id == use_case.failover_setup_id
    assert found.sender == use_case.phone_numbers.get(setup=use_case.failover_setup).e164
    assert Drop.objects.get().setup_id == use_case.failover_setup_id
    assert Voicemail.objects.get(pk=voicemail.pk).failover is False


def test_without_another_setup_it_waits_untouched_until_the_drain_ends() -> None:
    voicemail = make_voicemail(make_use_case(**AROUND_THE_CLOCK))
    before = Voicemail.objects.values().get()
    drain(voicemail.use_case.setup)
    assert claimed() == []
    assert Voicemail.objects.values().get() == before
    drain(voicemail.use_case.setup, False)
    assert [each.voicemail_id for each in claimed()] == [voicemail.pk]


UNFIT: dict[str, dict[str, object]] = {
    "disabled": {"enabled": False},
    "drains too": {"draining": True},
    "no agreement": {"simulated": False, "baa_signed_on": None},
    "carrier gone": {"carrier": "gone"},
}


@pytest.mark.parametrize("why", [*UNFIT, "deleted", "no number", "inactive number"])
def test_a_failover_setup_that_cannot_send_takes_nothing_over_and_nobody_is_skipped(why: str) -> None:
    use_case = use_case_of_two(**UNFIT.get(why, {}))
    numbers = use_case.phone_numbers.filter(setup=use_case.failover_setup)
    if why == "deleted":
        TelephonySetup.objects.filter(pk=use_case.failover_setup_id).update(deleted_at=timezone.now())
    elif why == "no number":
        NumberAssignment.objects.filter(phone_number__in=numbers).delete()
    elif why == "inactive number":
        numbers.update(active=False)
    make_voicemail(use_case)
    drain(use_case.setup)
    assert claimed() == []
    assert Voicemail.objects.get().status == "queued"


def test_what_is_marked_for_a_failover_setup_that_drains_goes_through_the_first_one() -> None:
    use_case = use_case_of_two()
    make_voicemail(use_case, failover=True)
    drain(use_case.failover_setup)
    assert through() == [use_case.setup.name]


def test_a_failover_that_was_marked_before_the_drain_stays_there() -> None:
    use_case = use_case_of_two()
    make_voicemail(use_case, failover=True)
    drain(use_case.setup)
    assert through() == [use_case.failover_setup.name]


def test_a_turn_that_began_before_the_drain_claims_nothing_through_it() -> None:
    use_case = use_case_of_two()
    make_voicemail(use_case)
    now = timezone.now()
    [route] = active_routes(now, 10)
    drain(use_case.setup)
    assert claim(route, 10, now, LEASE).claims == []
    assert through() == [use_case.failover_setup.name]


def test_a_deleted_use_case_is_skipped_behind_a_drain_too() -> None:
    use_case = make_use_case()
    make_voicemail(use_case)
    drain(use_case.setup)
    UseCase.objects.update(deleted_at=timezone.now())
    assert claimed() == []
    voicemail = Voicemail.objects.get()
    assert (voicemail.status, voicemail.reason) == ("skipped", "use_case_deleted")


def test_a_test_voicemail_waits_for_the_sandbox_that_drains() -> None:
    sandbox = make_setup()
    use_case = make_use_case(setup=make_setup(sandbox.workspace, carrier="drop_cowboy"), **AROUND_THE_CLOCK)
    make_voicemail(use_case, live=False)
    drain(sandbox)
    assert claimed() == []
    drain(sandbox, False)
    assert through() == [sandbox.name]


def test_a_request_under_the_same_key_still_goes_to_the_setup_that_drains() -> None:
    use_case = use_case_of_two()
    voicemail = make_voicemail(use_case)
    drain(use_case.setup)
    now = timezone.now()
    for setup, failover in ((use_case.setup, False), (use_case.failover_setup, True)):
        known = {"failover": failover, "setup_id": setup.pk, "now": now}
        assert route_of(voicemail.lane_id, **known, same_key=True) is not None
    assert route_of(voicemail.lane_id, failover=False, setup_id=use_case.setup_id, now=now) is None


def fails(found: Claim, reason: Reason) -> Voicemail:
    record([Result(found, Submission(Outcome.REFUSED, reason=reason))], timezone.now())
    return Voicemail.objects.get(pk=found.voicemail_id)


def test_what_the_failover_setup_refused_in_place_of_the_first_is_not_given_to_it_as_a_failover() -> None:
    use_case = use_case_of_two()
    make_voicemail(use_case)
    drain(use_case.setup)
    [found] = claimed()
    voicemail = fails(found, Reason.CARRIER_DENIED)
    assert (voicemail.status, voicemail.reason, voicemail.failover) == ("failed", "carrier_denied", False)


def test_a_failover_setup_that_drains_is_no_failover() -> None:
    use_case = use_case_of_two()
    make_voicemail(use_case)
    drain(use_case.failover_setup)
    [found] = claimed()
    voicemail = fails(found, Reason.CARRIER_DENIED)
    assert (voicemail.status, voicemail.failover) == ("failed", False)


def test_after_the_drain_a_failure_fails_over_again() -> None:
    use_case = use_case_of_two()
    make_voicemail(use_case)
    drain(drain(use_case.failover_setup), False)
    [found] = claimed()
    voicemail = fails(found, Reason.CARRIER_DENIED)
    assert (voicemail.status, voicemail.failover) == ("queued", True)
    assert through() == [use_case.failover_setup.name]


def test_what_was_not_sent_comes_round_while_the_first_setup_drains() -> None:
    """The turns between the setups lead to the same one, whichever is marked."""
    use_case = use_case_of_two()
    make_voicemail(use_case)
    drain(use_case.setup)
    for _ in range(4):
        Voicemail.objects.update(not_before=timezone.now() - timedelta(minutes=1))
        [found] = claimed()
        assert found.route.setup_id == use_case.failover_setup_id
        record([Result(found, Submission(Outcome.NOT_SENT))], timezone.now())
        assert Voicemail.objects.get().status == "queued"


STATES = [
    {"carrier": carrier, "draining": draining, "enabled": enabled, "baa_signed_on": signed, "deleted_at": deleted}
    for carrier, draining, enabled, signed, deleted in product(
        ("sandbox", "drop_cowboy", "twilio", "gone"),
        (False, True),
        (True, False),
        (timezone.now().date(), None),
        (None, timezone.now()),
    )
]


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("draining", [True, False])
def test_rows_and_statements_know_the_same_setups_that_can_send(draining: bool, numbered: bool) -> None:
    """Of both lines of a lane; `twilio` rings, which the use case does not allow."""
    use_case = use_case_of_two(simulated=False)
    if not numbered:
        NumberAssignment.objects.filter(phone_number__setup=use_case.failover_setup).delete()
    drain(use_case.setup, draining)
    make_lane(use_case)
    for fields in STATES:
        TelephonySetup.objects.filter(pk=use_case.failover_setup_id).update(**fields)
        row = UseCase.objects.get(pk=use_case.pk)
        setups = dict(sql.run(f"SELECT via.failover, s.id {LANES_WITH_SETUPS}", []))
        assert setups == {False: first_setup(row, live=True).pk, True: failover_setup(row).pk}, fields


def test_new_voicemails_are_taken_and_the_question_says_why_they_wait() -> None:
    use_case = make_use_case(**AROUND_THE_CLOCK)
    drain(use_case.setup)
    use_case.refresh_from_db()
    require_usable(use_case, live=True)
    found = explanation(use_case=use_case, number="+15550010001", live=True, at=None, now=timezone.now())
    assert isinstance(found.decision, Defer) and found.decision.reason is DeferReason.SETUP_DRAINING
    assert found.reachable_at is None


def test_a_due_voicemail_says_that_its_setup_drains_or_has_lost_its_carrier(api: Api) -> None:
    use_case = make_use_case(api.key.workspace, **AROUND_THE_CLOCK)
    voicemail = make_voicemail(use_case)
    later = make_voicemail(use_case, not_before=timezone.now() + timedelta(hours=1))

    def told(row: Voicemail = voicemail) -> object:
        return api.get(f"voicemail/{row.pk}").json()["waiting_for"]

    assert told() is None
    drain(use_case.setup)
    assert (told(), told(later)) == ("setup_draining", None)
    assert [row["waiting_for"] for row in api.get("voicemail").json()["items"]] == [None, "setup_draining"]
    TelephonySetup.objects.update(carrier="gone")
    assert told() == "carrier_gone"
    Voicemail.objects.update(status="canceled")
    assert told() is None


def test_the_page_of_a_voicemail_and_the_list_say_that_its_setup_drains(client: Client, workspace: Workspace) -> None:
    client.force_login(make_user(workspace=workspace, is_staff=True))
    voicemail = make_voicemail(make_use_case(workspace))
    drain(voicemail.use_case.setup)
    for address in (
        reverse("admin:delivery_voicemail_change", args=[voicemail.pk]),
        reverse("admin:delivery_voicemail_changelist"),
    ):
        assert "Waits because its setup drains: it gets nothing new." in client.get(address).content.decode()


def test_a_key_drains_a_setup_and_the_audit_has_both_changes(api: Api) -> None:
    setup = make_setup(api.key.workspace)
    assert api.get(f"setups/{setup.pk}").json()["draining"] is False
    assert api.patch(f"setups/{setup.pk}", {"draining": True}).json()["draining"] is True
    assert api.patch(f"setups/{setup.pk}", {"draining": False}).json()["draining"] is False
    told = [event.details["changes"] for event in AuditEvent.objects.filter(action="setup.updated").order_by("id")]
    assert told == [{"draining": ["False", "True"]}, {"draining": ["True", "False"]}]
