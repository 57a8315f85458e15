"""Setups whose carrier is not installed any more, because the package with its adapter was removed: every operation and every page
answers, and says so where it matters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.urls import reverse

from rvm.platform.health.checks import WARNINGS
from rvm.platform.models import Workspace
from tests.factories import Api, make_api, make_suppression
from tests.rvm.project.access.routes import Route
from tests.rvm.project.access.test_admin_access import Visitor, answers, in_shares
from tests.rvm.project.access.test_api_access import SCOPES, call
from tests.rvm.project.access.world import make_world, person
from tests.rvm.project.test_worlds import ACTIONS, Rows, make_rows
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db

# What needs the carrier, and is refused with its name.
REFUSED = {"POST voicemail", "POST voicemail/batch", "POST campaigns/{campaign_id}/launch"}


def lost(workspace: Workspace, *, live: bool = True) -> Rows:
    rows = make_rows(workspace, live=live)
    TelephonySetup.objects.update(carrier="gone")
    return rows


@pytest.mark.parametrize("live", [True, False], ids=["live", "test"])
def test_every_operation_answers_and_only_what_sends_is_refused(live: bool, workspace: Workspace) -> None:
    make_suppression(workspace, "+12025550199")
    rows, found = lost(workspace, live=live), {}
    for operation in sorted(SCOPES, key=ACTIONS.__contains__):  # those first that remove no file
        with transaction.atomic():
            found[operation] = call(make_api(workspace, live=live), operation, rows).status_code
            transaction.set_rollback(True)
    assert {operation for operation, status in found.items() if status >= 500} == set()
    assert {operation for operation, status in found.items() if status >= 400} == REFUSED or not live


@in_shares
def test_every_page_answers(share: list[Route], media: Path) -> None:
    world = make_world()
    TelephonySetup.objects.update(carrier="gone")
    reader = person(world, may_see_numbers=True)
    assert all(answer.status_code < 500 for *_, answer in answers(Visitor(reader), world, reader, ("GET",), share))


def test_a_key_is_told_of_the_carrier_that_is_gone(workspace: Workspace) -> None:
    rows, api = lost(workspace), make_api(workspace)
    setup: Any = api.get(f"setups/{rows.ids['setup_id']}")
    assert (setup.json()["carrier"], setup.json()["carrier_installed"]) == ("gone", False)
    tested: Any = api.post(f"setups/{rows.ids['setup_id']}/test")
    assert tested.json()["ok"] is False and "is not installed any more" in tested.json()["detail"]
    asked = {"use_case_id": str(rows.ids["use_case_id"]), "recipient_phone_number": "+12025550142"}
    answer: Any = api.post("eligibility", asked)
    assert (answer.status_code, answer.json()["decision"], answer.json()["reason"]) == (200, "defer", "carrier_gone")
    changed: Any = api.patch(f"setups/{rows.ids['setup_id']}", {"pace_per_second": 3})
    assert (changed.status_code, changed.json()["pace_per_second"]) == (200, 3)
    refused: Any = api.patch(f"setups/{rows.ids['setup_id']}", {"credentials": {"key": "another"}})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "carrier_unknown")


def test_its_voicemails_are_found_by_its_name_and_those_of_no_carrier_are_not_looked_for(api: Api) -> None:
    lost(api.key.workspace)
    found: Any = api.get("voicemail", carrier="gone")
    assert found.status_code == 200 and found.json()["items"]
    for name in ("pigeon", "gone\0", ""):
        assert api.get("voicemail", carrier=name).status_code in (400, 422)


def test_the_desk_names_it_on_the_list_the_setup_the_campaign_and_the_operator_is_warned(workspace: Workspace) -> None:
    rows = lost(workspace)
    visitor = Visitor(person(None, is_superuser=True))

    def shown(name: str, *args: object) -> str:
        return str(visitor.ask("GET", reverse(f"admin:{name}", args=args)).content.decode())

    assert "carrier gone" in shown("usecases_telephonysetup_changelist")
    page = shown("usecases_telephonysetup_change", rows.ids["setup_id"])
    assert "gone, which is not installed any more" in page and "Credentials that are set" in page
    draft = rows.campaigns["draft"].pk
    assert "gone, which is not installed any more" in shown("campaigns_campaign_change", draft)
    assert "is not installed any more. Nothing is sent until it is" in shown("campaigns_campaign_preview", draft)
    count = TelephonySetup.objects.filter(enabled=True).count()
    told = f"{count} telephony setups have a carrier that is not installed; nothing is sent through it."
    assert any(told in warning() for warning in WARNINGS)
