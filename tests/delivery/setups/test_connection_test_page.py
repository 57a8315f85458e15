"""The desk tests before it enables: a new setup, new credentials and a setup that is switched on again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from delivery.carriers.abilities import Check
from delivery.carriers.base import Carrier
from delivery.lifecycle.reasons import Reason
from delivery.setups import connection_test_admin
from rvm.platform.models import Workspace
from rvm.platform.roles import Role
from tests.factories import SANDBOX_CREDENTIALS, make_setup, make_user
from usecases.models import TelephonySetup

NUMBERS = {"pace_per_second": 5, "in_flight_cap": 8, "report_horizon_hours": 24, "confirm_horizon_hours": 24}
PASSED, FAILED = Check(True, "The account works."), Check(False, "The key is wrong.", Reason.CARRIER_ACCOUNT)


class Vendor:
    """What the tests of a page asked of carriers, and the answer to all of them."""

    def __init__(self) -> None:
        self.answer = PASSED
        self.asked: list[str] = []
        self.in_transaction = False

    def check(self, carrier: Carrier) -> Check:
        self.asked.append(carrier.credentials["key"])
        self.in_transaction = connection.in_atomic_block
        return self.answer


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Vendor:
    made = Vendor()
    monkeypatch.setattr(connection_test_admin, "check_account", made.check)
    return made


@pytest.fixture
def boss(client: Client, workspace: Workspace) -> Client:
    client.force_login(make_user(workspace=workspace, is_staff=True, role=Role.ADMIN))
    return client


def page(setup: TelephonySetup) -> str:
    return reverse("admin:usecases_telephonysetup_change", args=[setup.pk])


def form(setup: TelephonySetup | None = None, *, key: str = "", **changes: Any) -> dict[str, Any]:
    typed = dict(SANDBOX_CREDENTIALS) if setup is None else {"key": key}
    credentials = {f"credential_sandbox${name}": text for name, text in typed.items()}
    name = setup.name if setup else "East"
    return {"name": name, "carrier": "sandbox", "enabled": "on", **NUMBERS, **credentials, **changes}


def told(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def state_of(setup: TelephonySetup) -> tuple[bool, str, bool | None]:
    setup.refresh_from_db()
    return setup.enabled, setup.credentials["key"], setup.test_ok


@pytest.mark.django_db
@pytest.mark.parametrize(("found", "enabled"), [(PASSED, True), (FAILED, False)])
def test_a_new_setup_is_enabled_once_its_test_has_passed(
    boss: Client, workspace: Workspace, vendor: Vendor, found: Check, enabled: bool
) -> None:
    vendor.answer = found
    answer = boss.post(reverse("admin:usecases_telephonysetup_add"), form(workspace=workspace.pk), follow=True)
    setup = TelephonySetup.objects.get()
    assert (setup.enabled, setup.test_ok, setup.test_detail) == (enabled, found.ok, found.detail)
    assert setup.tested_at is not None
    assert found.detail in told(answer)
    assert ("It is not enabled" in told(answer)) is not enabled


@pytest.mark.django_db
@pytest.mark.parametrize(("found", "key"), [(PASSED, "new-key"), (FAILED, "test-key")])
def test_a_working_setup_goes_on_with_its_credentials_until_new_ones_are_proved(
    boss: Client, workspace: Workspace, vendor: Vendor, found: Check, key: str
) -> None:
    setup, vendor.answer = make_setup(workspace), found
    answer = boss.post(page(setup), form(setup, key="new-key", pace_per_second=7), follow=True)
    assert vendor.asked == ["new-key"]
    assert state_of(setup) == (True, key, True if found.ok else None)
    assert setup.pace_per_second == 7
    assert found.detail in told(answer)
    assert setup.breaker_until is None


@pytest.mark.django_db
def test_a_setup_is_tested_each_time_that_it_is_switched_on(boss: Client, workspace: Workspace, vendor: Vendor) -> None:
    """Whatever it passed earlier: a key may have been revoked while the setup was off."""
    setup, vendor.answer = make_setup(workspace, enabled=False), FAILED
    boss.post(page(setup), form(setup))
    assert state_of(setup) == (False, "test-key", False)
    vendor.answer = PASSED
    boss.post(page(setup), form(setup))
    assert state_of(setup) == (True, "test-key", True)
    off = {name: value for name, value in form(setup).items() if name != "enabled"}
    boss.post(page(setup), off)
    vendor.answer = FAILED
    told_then = told(boss.post(page(setup), form(setup), follow=True))
    assert (state_of(setup), vendor.asked) == ((False, "test-key", False), ["test-key"] * 3)
    assert told_then.endswith(f"It is not enabled, because its test failed: {FAILED.detail}")


@pytest.mark.django_db
def test_a_setup_that_stays_on_is_saved_without_a_test(boss: Client, workspace: Workspace, vendor: Vendor) -> None:
    setup = make_setup(workspace)
    boss.post(page(setup), form(setup, pace_per_second=7))
    assert (state_of(setup), setup.pace_per_second, vendor.asked) == ((True, "test-key", None), 7, [])


@pytest.mark.django_db
def test_without_enabling_new_credentials_are_saved_untested(
    boss: Client, workspace: Workspace, vendor: Vendor
) -> None:
    setup = make_setup(workspace, test_ok=True, test_detail="It worked.")
    off = {name: value for name, value in form(setup, key="new-key").items() if name != "enabled"}
    assert boss.post(page(setup), off).status_code == 302
    assert state_of(setup) == (False, "new-key", None)
    assert (setup.tested_at, setup.test_detail, vendor.asked) == (None, "", [])
    assert "not tested since they were entered" in boss.get(page(setup)).content.decode()


@pytest.mark.django_db
def test_credentials_that_are_refused_are_a_fault_of_their_field_and_nothing_is_asked(
    boss: Client, workspace: Workspace, vendor: Vendor
) -> None:
    setup = make_setup(workspace)
    answer = boss.post(page(setup), form(setup, key="two words", pace_per_second=7))
    assert answer.context["adminform"].form.errors["credential_sandbox$key"]
    assert (state_of(setup), setup.pace_per_second, vendor.asked) == ((True, "test-key", None), 50, [])


@pytest.mark.django_db
def test_a_carrier_without_a_test_is_enabled_and_what_is_untested_is_said(boss: Client, workspace: Workspace) -> None:
    credentials = {f"credential_drop_cowboy${name}": "s" for name in ("key", "secret", "signing_secret")}
    fields = {**form(workspace=workspace.pk, carrier="drop_cowboy"), **credentials}
    answer = boss.post(reverse("admin:usecases_telephonysetup_add"), fields, follow=True)
    setup = TelephonySetup.objects.get()
    assert (setup.enabled, setup.tested_at) == (True, None)
    assert "Enabled without a test, because Drop Cowboy offers none that reaches nobody. Untested: " in told(answer)


@pytest.mark.django_db
def test_the_button_tests_and_the_page_keeps_what_was_found(
    boss: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = make_setup(workspace)
    address = reverse("admin:usecases_telephonysetup_test", args=[setup.pk])
    assert address in boss.get(page(setup)).content.decode()
    monkeypatch.setattr(connection_test_admin, "check_setup", lambda setup: FAILED)
    assert told(boss.post(address, follow=True)) == FAILED.detail
    shown = boss.get(page(setup)).content.decode()
    assert "failed" in shown and FAILED.detail in shown
    setup.refresh_from_db()
    assert setup.breaker_reason == (
        "The carrier refused the account's credentials or rights. It said: The key is wrong. Put them right and test the setup."
    )
    assert boss.get(address).status_code == 405


@pytest.mark.django_db
def test_a_test_that_passes_says_that_failures_still_stop_the_setup(
    boss: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_test_admin, "check_setup", lambda setup: PASSED)
    opened = {"breaker_until": datetime(2999, 1, 1, tzinfo=UTC), "breaker_reason": "The key is wrong."}
    for fields, more in (
        (opened, " It is still stopped after failures: “Send again now…” sends at once what waits."),
        ({}, ""),
    ):
        setup = make_setup(workspace, **fields)
        address = reverse("admin:usecases_telephonysetup_test", args=[setup.pk])
        assert told(boss.post(address, follow=True)) == f"{PASSED.detail}{more}"


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_a_carrier_is_asked(boss: Client, workspace: Workspace, vendor: Vendor) -> None:
    setup = make_setup(workspace)
    assert boss.post(page(setup), form(setup, key="new-key")).status_code == 302
    assert (vendor.asked, vendor.in_transaction) == (["new-key"], False)
    assert state_of(setup) == (True, "new-key", True)
