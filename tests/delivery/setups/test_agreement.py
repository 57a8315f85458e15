"""The agreement of a setup: stated over the API and in the admin, never in the future, and an exception only with its reason."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.roles import Role
from tests.factories import Api, make_setup, make_user
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db

SIGNED = "2026-03-01"
DROP_COWBOY = {"key": "k", "secret": "s", "signing_secret": "whsec"}


@pytest.fixture
def setup(workspace: Workspace) -> TelephonySetup:
    return make_setup(workspace, carrier="drop_cowboy", credentials=DROP_COWBOY, baa_signed_on=None)


def errors(response: Any) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in response.json()["errors"]]


def test_an_agreement_is_stated_shown_and_audited(api: Api, setup: TelephonySetup) -> None:
    address = f"setups/{setup.pk}"
    assert api.get(address).json()["agreement"] == "missing"
    shown = api.patch(address, {"baa_signed_on": SIGNED}).json()
    assert (shown["agreement"], shown["baa_signed_on"], shown["baa_exception_reason"]) == ("signed", SIGNED, None)
    event = AuditEvent.objects.get(action="setup.updated")
    assert event.details["changes"] == {"baa_signed_on": ["None", SIGNED]}
    assert event.actor_id == api.key.user_id


def test_a_standing_exception_needs_words_and_ends_with_the_agreement(api: Api, setup: TelephonySetup) -> None:
    address = f"setups/{setup.pk}"
    assert api.patch(address, {"baa_exception_reason": "  "}).json()["agreement"] == "missing"
    shown = api.patch(address, {"baa_exception_reason": "Only generic\nmessages, says counsel; +1 202 555 0142"}).json()
    assert shown["agreement"] == "exception"
    assert shown["baa_exception_reason"].startswith("Only generic messages, says counsel; ")
    assert "5550142" not in shown["baa_exception_reason"].replace(" ", "")
    assert "says counsel" in str(AuditEvent.objects.latest("id").details)
    signed = api.patch(address, {"baa_signed_on": SIGNED}).json()
    assert (signed["agreement"], signed["baa_exception_reason"]) == ("signed", None)


@pytest.mark.parametrize(
    ("hour", "zone", "today"),
    [
        (20, "", "2026-03-02"),
        (20, "Pacific/Guam", "2026-03-03"),  # the next morning
        (2, "Pacific/Honolulu", "2026-03-01"),  # the afternoon before
    ],
)
def test_an_agreement_of_the_workspaces_tomorrow_is_refused_by_field(
    api: Api, setup: TelephonySetup, monkeypatch: pytest.MonkeyPatch, hour: int, zone: str, today: str
) -> None:
    monkeypatch.setattr("delivery.setups.services.database_now", lambda: datetime(2026, 3, 2, hour, tzinfo=UTC))
    Workspace.objects.filter(pk=setup.workspace_id).update(time_zone=zone)
    ahead = (date.fromisoformat(today) + timedelta(days=1)).isoformat()
    response = api.patch(f"setups/{setup.pk}", {"baa_signed_on": ahead})
    assert (response.status_code, errors(response)) == (422, [("/baa_signed_on", "date_ahead")])
    setup.refresh_from_db()
    assert setup.baa_signed_on is None
    assert api.patch(f"setups/{setup.pk}", {"baa_signed_on": today}).status_code == 200


def test_a_signed_agreement_and_an_exception_at_once_are_refused(api: Api, setup: TelephonySetup) -> None:
    both = {"baa_signed_on": SIGNED, "baa_exception_reason": "None needed."}
    assert errors(api.patch(f"setups/{setup.pk}", both)) == [("/baa_exception_reason", "exception_not_needed")]


def test_the_test_of_a_setup_says_what_is_missing(
    api: Api, setup: TelephonySetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "delivery.setups.api.check_setup", lambda setup: type("Found", (), {"ok": True, "detail": "Fine."})
    )
    told = api.post(f"setups/{setup.pk}/test").json()
    assert told["ok"] is True
    assert told["missing"].startswith(f"The telephony setup “{setup.name}” has no signed agreement with its carrier")


def test_an_administrator_states_it_on_the_page_and_the_list_says_what_lacks_it(
    client: Client, workspace: Workspace, setup: TelephonySetup
) -> None:
    client.force_login(make_user(workspace=workspace, is_staff=True, role=Role.ADMIN))
    listed = reverse("admin:usecases_telephonysetup_changelist")
    assert "no agreement" in client.get(listed).content.decode()
    page = reverse("admin:usecases_telephonysetup_change", args=[setup.pk])
    form = {
        "name": setup.name, "enabled": "on", "pace_per_second": 5, "in_flight_cap": 8, "report_horizon_hours": 24,
        "confirm_horizon_hours": 24,
    }  # fmt: skip
    ahead = database_now().date() + timedelta(days=2)
    refused = client.post(page, {**form, "baa_signed_on": ahead.isoformat()})
    assert "dated in the future" in refused.context["adminform"].form.errors["baa_signed_on"][0]
    answer = client.post(page, {**form, "baa_signed_on": SIGNED})
    assert answer.status_code == 302, answer.context["errors"]
    setup.refresh_from_db()
    assert setup.baa_signed_on == date(2026, 3, 1)
    assert "no agreement" not in client.get(listed).content.decode()


def test_the_page_of_a_sandbox_setup_asks_for_no_agreement(client: Client, workspace: Workspace) -> None:
    client.force_login(make_user(workspace=workspace, is_staff=True, role=Role.ADMIN))
    page = reverse("admin:usecases_telephonysetup_change", args=[make_setup(workspace, baa_signed_on=None).pk])
    assert "baa_signed_on" not in client.get(page).content.decode()
