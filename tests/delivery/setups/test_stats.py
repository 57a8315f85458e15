"""How a setup fares, over the API and on its page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from delivery.models import Drop
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7_at
from rvm.platform.models import Workspace
from rvm.platform.scopes import Scope
from tests.factories import Api, make_api, make_setup, make_user
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db


def attempt(setup: TelephonySetup, status: str, seconds: float | None = None) -> None:
    """Accepted two hours ago, and ended so many seconds later."""
    accepted = database_now() - timedelta(hours=2)
    Drop.objects.create(
        id=uuid7_at(int(accepted.timestamp() * 1000)), workspace=setup.workspace, voicemail_id=setup.pk, setup=setup, number=1,
        live=True, sender="+12125550100", status=status, created_at=accepted, due_at=accepted, accepted_at=accepted,
        ended_at=None if seconds is None else accepted + timedelta(seconds=seconds),
    )  # fmt: skip


def page(setup: TelephonySetup) -> str:
    return reverse("admin:usecases_telephonysetup_change", args=[setup.pk])


def test_a_key_sees_how_a_setup_fares_and_what_is_open_of_it(api: Api) -> None:
    setup = make_setup(api.key.workspace)
    for seconds in (30, 40, 300):
        attempt(setup, "delivered", seconds)
    attempt(setup, "accepted")
    told = api.get(f"setups/{setup.pk}/stats").json()
    assert told["open"] == {"total": 1, "sending": 0, "uncertain": 0, "accepted": 1, "unreported": 1}
    since = told["lately"].pop("since")
    assert since < str(database_now().date())
    assert told["lately"] == {
        "sampled": 4, "accept_rate": 1.0, "report_median_seconds": 40.0, "report_p95_seconds": pytest.approx(274.0),
    }  # fmt: skip


def test_the_figures_of_a_setup_are_not_crowded_out_by_a_campaign_through_another(api: Api) -> None:
    busy, rare = make_setup(api.key.workspace), make_setup(api.key.workspace)
    for _ in range(60):
        attempt(busy, "delivered", 30)
    attempt(rare, "delivered", 90)
    told = api.get(f"setups/{rare.pk}/stats").json()["lately"]
    assert (told["sampled"], told["accept_rate"], told["report_median_seconds"]) == (1, 1.0, 90.0)


def test_it_is_of_ones_own_setups_and_for_those_who_may_read_them(api: Api) -> None:
    assert api.get(f"setups/{make_setup().pk}/stats").json()["code"] == "setup_not_found"
    setup = make_setup(api.key.workspace)
    assert make_api(setup.workspace, scopes=[Scope.VOICEMAIL_READ]).get(f"setups/{setup.pk}/stats").status_code == 403


def test_the_page_says_when_a_setup_that_drains_is_empty(client: Client, workspace: Workspace) -> None:
    client.force_login(make_user(workspace=workspace, is_staff=True))
    setup = make_setup(workspace, draining=True)
    attempt(setup, "accepted")
    attempt(setup, "delivered", 150)
    shown = client.get(page(setup)).content.decode()
    assert "0 on their way, 0 unclear, 1 wait for a report, 1 of them since over an hour" in shown
    assert "took 100.0% of 2 attempts; half of the reports within 2 minutes, 95 of 100 within 2 minutes" in shown
    Drop.objects.update(status="delivered")
    assert "none: it is empty, and may be changed or deleted" in client.get(page(setup)).content.decode()
