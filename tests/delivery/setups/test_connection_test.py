"""`POST /setups/{id}/test`: whether the account works, asked of the carrier itself, and what is wrong where it does not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from delivery.carriers import CARRIERS
from delivery.carriers.abilities import AccountCheck, Check
from delivery.carriers.sandbox import Sandbox
from delivery.lifecycle.reasons import Reason
from delivery.setups import api as setups_api
from delivery.setups import connection_test
from delivery.setups.services import update_setup
from delivery.transport.interface import CarrierResponse
from rvm.platform.models import AuditEvent
from rvm.platform.scopes import Scope
from tests.delivery.carriers.lacking import lacking
from tests.factories import SANDBOX_CREDENTIALS, Api, make_api, make_setup
from tests.rvm.simulators.sandbox import harness
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db
REFUSED = "The sandbox answers and refuses the account key; it is RVM_SANDBOX_KEY of its process."


@pytest.fixture(scope="module")
def running() -> Iterator[harness.Client]:
    with harness.sandbox() as client:
        yield client


def ask(api: Api, **credentials: str) -> Any:
    setup = make_setup(api.key.workspace, credentials={**SANDBOX_CREDENTIALS, **credentials})
    return api.post(f"setups/{setup.pk}/test")


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (harness.KEY, {"ok": True, "detail": "The sandbox answers and takes the account key."}),
        ("another-key", {"ok": False, "detail": REFUSED}),
    ],
)
def test_the_carrier_says_whether_it_takes_the_credentials(
    api: Api, running: harness.Client, key: str, told: dict[str, object]
) -> None:
    answer = ask(api, base_url=f"http://127.0.0.1:{running.port}", key=key)
    assert (answer.status_code, answer.json()) == (200, {**told, "missing": None})
    assert running.ledger()["honoured"] == 0


def test_a_carrier_that_is_away_is_said(api: Api) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = {"ok": False, "detail": "No connection to the carrier: refused or unreachable.", "missing": None}
    assert ask(api, base_url=f"http://127.0.0.1:{port}").json() == told


def test_a_carrier_that_never_answers_costs_a_bounded_wait(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_test, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = ask(api, base_url=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert answer.json() == {"ok": False, "detail": "No whole response in time.", "missing": None}


@pytest.mark.parametrize(
    ("status", "body", "ok"),
    [
        (200, b"{}", False),
        (200, b"<html>", False),
        (200, b'{"error": 0.0}', True),
        (302, b"", False),
        (500, b"", False),
    ],
)
def test_only_the_sandboxs_own_answer_counts(status: int, body: bytes, ok: bool) -> None:
    check = Sandbox(SANDBOX_CREDENTIALS).read_check(CarrierResponse(status, body))
    assert check.ok is ok and check.detail.endswith(".")


def test_a_carrier_without_such_a_question_is_422(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CARRIERS, "sandbox", lacking(AccountCheck))
    answer = ask(api)
    assert (answer.status_code, answer.json()["code"]) == (422, "check_not_supported")


def test_a_setup_whose_carrier_is_gone_fails_its_test(api: Api) -> None:
    setup = make_setup(api.key.workspace, carrier="gone")
    answer = api.post(f"setups/{setup.pk}/test").json()
    assert answer["ok"] is False and "The carrier “gone” of the telephony setup" in answer["detail"]


def test_it_needs_the_scope_to_change_setups_and_a_setup_of_the_workspace(api: Api) -> None:
    setup = make_setup(api.key.workspace)
    reader = make_api(api.key.workspace, scopes=[Scope.SETUPS_READ])
    assert reader.post(f"setups/{setup.pk}/test").json()["code"] == "missing_scope"
    assert api.post(f"setups/{make_setup().pk}/test").json()["code"] == "setup_not_found"


def test_what_a_test_found_is_kept_until_the_credentials_change(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Check(True, "The account works.")
    monkeypatch.setattr("delivery.setups.api.check_setup", lambda setup: found)
    setup = make_setup(api.key.workspace)
    path = f"setups/{setup.pk}"

    def kept() -> tuple[bool, object, object]:
        shown = api.get(path).json()
        return shown["tested_at"] is not None, shown["test_ok"], shown["test_detail"]

    assert kept() == (False, None, None)
    api.post(f"{path}/test")
    assert kept() == (True, True, "The account works.")
    event = AuditEvent.objects.get(action="setup.tested")
    assert (event.key_id, event.details) == (api.key.pk, {"ok": True})
    api.patch(path, {"pace_per_second": 3})
    assert kept() == (True, True, "The account works.")
    api.patch(path, {"credentials": {"key": "another"}})
    assert kept() == (False, None, None)


def test_a_test_of_credentials_that_were_replaced_meanwhile_is_not_kept(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replaced(setup: TelephonySetup) -> Check:
        update_setup(setup=setup, credentials={"key": "another"})
        return Check(False, "The key is wrong.", Reason.CARRIER_ACCOUNT)

    monkeypatch.setattr("delivery.setups.api.check_setup", replaced)
    setup = make_setup(api.key.workspace)
    assert api.post(f"setups/{setup.pk}/test").json()["ok"] is False
    setup.refresh_from_db()
    assert (setup.tested_at, setup.breaker_until) == (None, None)


def test_a_refused_account_stops_the_setup_and_a_carrier_that_is_away_does_not(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = make_setup(api.key.workspace)
    for found, stopped in (
        (Check(False, "No connection to the carrier: refused or unreachable."), False),
        (Check(False, "The balance of +1 202 555 0142 is used up.", Reason.NO_FUNDS), True),
    ):
        monkeypatch.setattr("delivery.setups.api.check_setup", lambda setup, found=found: found)
        api.post(f"setups/{setup.pk}/test")
        setup.refresh_from_db()
        assert (setup.breaker_until is not None) is stopped
    assert setup.breaker_reason == (
        "The carrier account has no funds left. It said: The balance of [number] is used up. "
        "Add funds at the carrier; it is tried again by itself."
    )


def test_a_test_is_nobodys_change_so_what_was_read_before_it_can_still_be_changed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for a carrier, which no lock of the row may, and what it found is kept only of the credentials that it tested."""
    setup = make_setup(api.key.workspace)
    monkeypatch.setattr(setups_api, "check_setup", lambda setup: Check(True, "It works."))
    seen = api.get(f"setups/{setup.pk}")["ETag"]
    assert api.post(f"setups/{setup.pk}/test").status_code == 200
    now = api.get(f"setups/{setup.pk}")
    assert (now.json()["test_ok"], now["ETag"] == seen) == (True, False)
    api.client.defaults["HTTP_IF_MATCH"] = seen
    assert api.patch(f"setups/{setup.pk}", {"pace_per_second": 7}).status_code == 200
    assert api.patch(f"setups/{setup.pk}", {"pace_per_second": 9}).status_code == 412
