"""Setups whose carrier calls are used only under use cases that allow ringing: at each save, at each claim, and in each answer."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.planning.plan import plan_of
from delivery.carriers import GROUP
from delivery.engine.claim import Claim, claim
from delivery.engine.lane_routes import active_routes, route_of
from delivery.engine.results import Result, record
from delivery.lifecycle.events import Outcome, Submission
from delivery.lifecycle.reasons import Reason
from delivery.models import Voicemail
from delivery.services.eligibility import explanation
from delivery.setups.services import create_setup, update_setup
from rvm.devtools.stack import MANAGE
from rvm.platform.models import Workspace
from tests.delivery.carriers.examples import EXAMPLES
from tests.factories import (
    AROUND_THE_CLOCK,
    Api,
    make_campaign,
    make_phone_number,
    make_setup,
    make_use_case,
    make_user,
    make_voicemail,
)
from usecases.eligibility import Defer, DeferReason
from usecases.models import TelephonySetup, UseCase
from usecases.policy_text import policy_text
from usecases.selectors import first_setup
from usecases.services import create_use_case, update_use_case

pytestmark = pytest.mark.django_db
LEASE = timedelta(seconds=45)
REFUSED = "calls, so that the telephone rings, and this use case allows no ringing. Allow it, or choose another setup."


def make_ringing(workspace: Workspace | None = None, **fields: Any) -> TelephonySetup:
    credentials = EXAMPLES["twilio"] | {"base_url": "http://127.0.0.1:8800"}
    return make_setup(workspace, carrier="twilio", credentials=credentials, simulated=True, **fields)


def claimed() -> list[Claim]:
    now = timezone.now()
    return [each for route in active_routes(now, 10) for each in claim(route, 10, now, LEASE).claims]


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        call(**arguments)
    [error] = caught.value.error_dict["allows_ringing"]
    assert error.code == "ringing_not_allowed"
    return str(error.message)


@pytest.mark.parametrize("carrier", ["twilio", "signalwire", "drop_cowboy"])
def test_a_setup_rings_if_its_carrier_calls(workspace: Workspace, carrier: str) -> None:
    setup = create_setup(workspace=workspace, name="A", carrier=carrier, credentials=EXAMPLES[carrier])
    assert setup.rings is (carrier != "drop_cowboy")
    assert update_setup(setup=setup, credentials=EXAMPLES[carrier]).rings is setup.rings


@pytest.mark.parametrize("name", ["setup", "failover_setup"])
def test_a_setup_that_rings_is_refused_unless_the_use_case_allows_it(workspace: Workspace, name: str) -> None:
    setups = {"setup": make_setup(workspace), name: make_ringing(workspace)}
    new = {"workspace": workspace, "entity_name": "Lakeside", "name": "Reminders", **setups}
    assert refusal(create_use_case, **new).endswith(REFUSED)
    use_case = create_use_case(**new, allows_ringing=True)
    assert use_case.allows_ringing
    ringless = make_use_case(workspace, setup=make_setup(workspace), numbers=0)
    assert refusal(update_use_case, use_case=ringless, **{name: setups[name]}).endswith(REFUSED)
    update_use_case(use_case=ringless, allows_ringing=True, **{name: setups[name]})


@pytest.mark.parametrize("name", ["setup", "failover_setup"])
def test_ringing_cannot_be_switched_off_while_a_setup_rings(workspace: Workspace, name: str) -> None:
    setups = {"setup": make_setup(workspace), name: make_ringing(workspace)}
    use_case = make_use_case(numbers=0, allows_ringing=True, **setups)
    refusal(update_use_case, use_case=use_case, allows_ringing=False)
    other = None if name == "failover_setup" else make_setup(workspace)
    update_use_case(use_case=use_case, allows_ringing=False, **{name: other})


def test_no_use_case_allows_ringing_by_itself_and_the_policy_says_when_one_does() -> None:
    use_case = make_use_case()
    assert use_case.allows_ringing is False
    assert "ring" not in policy_text(use_case)
    use_case.allows_ringing = True
    assert "The telephone may ring before a message is left; whoever answers is hung up on." in policy_text(use_case)


def test_the_api_says_and_changes_it(api: Api) -> None:
    use_case = make_use_case(setup=make_ringing(api.key.workspace), allows_ringing=True)
    assert api.get(f"use-cases/{use_case.pk}").json()["allows_ringing"] is True
    answer = api.patch(f"use-cases/{use_case.pk}", {"allows_ringing": False})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert "phone rings" in error["detail"], error
    assert (error["code"], error["pointer"]) == ("ringing_not_allowed", "/allows_ringing")


# rows that say otherwise: written past the services, or by an older version


def against_the_rule(**fields: Any) -> Voicemail:
    return make_voicemail(make_use_case(setup=make_ringing(), **AROUND_THE_CLOCK), **fields)


def test_nothing_is_claimed_through_a_setup_that_rings_until_the_use_case_allows_it() -> None:
    voicemail = against_the_rule()
    before = Voicemail.objects.values().get()
    assert claimed() == []
    assert Voicemail.objects.values().get() == before
    UseCase.objects.update(allows_ringing=True)
    assert [each.voicemail_id for each in claimed()] == [voicemail.pk]


def test_a_turn_that_began_while_it_was_allowed_claims_nothing_after(monkeypatch: pytest.MonkeyPatch) -> None:
    voicemail = against_the_rule()
    UseCase.objects.update(allows_ringing=True)
    now = timezone.now()
    [route] = active_routes(now, 10)
    UseCase.objects.update(allows_ringing=False)
    assert claim(route, 10, now, LEASE).claims == []
    setup_id = voicemail.use_case.setup_id
    assert route_of(voicemail.lane_id, failover=False, setup_id=setup_id, now=now, same_key=True) is None


def test_a_test_voicemail_reaches_nobody_and_is_sent() -> None:
    voicemail = against_the_rule(live=False)
    assert [each.voicemail_id for each in claimed()] == [voicemail.pk]


def test_what_waits_behind_a_setup_that_drains_does_not_go_through_one_that_rings() -> None:
    use_case = make_use_case(**AROUND_THE_CLOCK)
    use_case.failover_setup = make_ringing(use_case.workspace)
    use_case.phone_numbers.add(make_phone_number(use_case.failover_setup))
    use_case.save()
    make_voicemail(use_case)
    update_setup(setup=use_case.setup, draining=True)
    use_case.setup.refresh_from_db()
    assert (claimed(), first_setup(use_case, live=True)) == ([], use_case.setup)
    use_case.allows_ringing = True
    use_case.save()
    assert first_setup(use_case, live=True) == use_case.failover_setup
    assert [each.route.setup_id for each in claimed()] == [use_case.failover_setup_id]


def test_a_failover_setup_that_rings_without_leave_is_no_failover() -> None:
    use_case = make_use_case(failover_reasons=["carrier_denied"], max_attempts=3, **AROUND_THE_CLOCK)
    use_case.failover_setup = make_ringing(use_case.workspace)
    use_case.phone_numbers.add(make_phone_number(use_case.failover_setup))
    use_case.save()
    for allowed, expected in ((False, ("failed", False)), (True, ("queued", True))):
        UseCase.objects.update(allows_ringing=allowed)
        make_voicemail(use_case)
        [found] = claimed()
        record([Result(found, Submission(Outcome.REFUSED, reason=Reason.CARRIER_DENIED))], timezone.now())
        voicemail = Voicemail.objects.get(pk=found.voicemail_id)
        assert (voicemail.status, voicemail.failover) == expected


def test_the_question_the_voicemail_and_the_campaign_say_why_nothing_is_sent(
    api: Api, client: Client, workspace: Workspace
) -> None:
    use_case = make_use_case(setup=make_ringing(api.key.workspace), **AROUND_THE_CLOCK)
    voicemail = make_voicemail(use_case)
    now = timezone.now()
    found = explanation(use_case=use_case, number="+15550010001", live=True, at=None, now=now)
    assert isinstance(found.decision, Defer)
    assert (found.decision.reason, found.reachable_at) == (DeferReason.RINGING_NOT_ALLOWED, None)
    assert api.get(f"voicemail/{voicemail.pk}").json()["waiting_for"] == "ringing_not_allowed"
    campaign = make_campaign(use_case)
    assert "nothing is sent until the use case allows ringing" in plan_of(campaign, now).stopped
    client.force_login(make_user(workspace=use_case.workspace, is_staff=True))
    page = client.get(reverse("admin:delivery_voicemail_change", args=[voicemail.pk])).content.decode()
    assert "Waits because the carrier of its setup rings, which its use case does not allow: until it does" in page


# an adapter that calls in a later version of its package

PIGEON = """
from delivery.carriers.abilities import CallAndDetect
from delivery.carriers.sandbox import Sandbox

class Pigeon({bases}):
    name = "pigeon"
    label = "Pigeon Post"
    def step_after(self, callback): ...
    def respond(self, callback, playable): ...
"""
LOOK = (
    "from django.utils import timezone; from delivery.engine.lane_routes import active_routes, route_of\n"
    "from usecases.models import TelephonySetup; setup = TelephonySetup.objects.get()\n"
    "now = timezone.now(); found = active_routes(now, 10)\n"
    "same = [route_of(each, failover=False, setup_id=setup.pk, now=now, same_key=True) for each in {lanes}]\n"
    "print('found', setup.rings, len(found), sum(each is not None for each in same))"
)


def installed(folder: Path, bases: str, lane_id: UUID) -> str:
    """What a process sees that starts with this version of the package."""
    (folder / "rvm_carrier_pigeon.py").write_text(PIGEON.format(bases=bases))
    metadata = folder / "rvm_carrier_pigeon-1.0.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: rvm-carrier-pigeon\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\npigeon = rvm_carrier_pigeon:Pigeon\n")
    server, mark, options = os.environ["DATABASE_URL"].partition("?")
    url = f"{server.rpartition('/')[0]}/{connection.settings_dict['NAME']}{mark}{options}"
    program = LOOK.format(lanes=f"['{lane_id}']")
    variables = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.run(
        [sys.executable, str(MANAGE), "shell", "-v", "0", "-c", program],
        env=variables,
        cwd=MANAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return process.stdout.partition("found ")[2].strip()


@pytest.mark.django_db(transaction=True)
def test_a_carrier_that_calls_in_a_later_version_sends_nothing_under_the_use_cases_of_before(tmp_path: Path) -> None:
    use_case = make_use_case(setup=make_setup(carrier="pigeon"), **AROUND_THE_CLOCK)
    lane_id = make_voicemail(use_case).lane_id
    assert installed(tmp_path, "Sandbox", lane_id) == "False 1 1"
    assert installed(tmp_path, "CallAndDetect, Sandbox", lane_id) == "True 0 0"
    UseCase.objects.update(allows_ringing=True)
    assert installed(tmp_path, "CallAndDetect, Sandbox", lane_id) == "True 1 1"
