"""What the address of a drop proves: an unsigned result on this drop, and nothing about another one or another person."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from delivery.models import CarrierReport, Drop
from delivery.reports.inbox import merge
from delivery.web import callbacks
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7
from tests import factories
from tests.delivery.states import both, make_submitted
from usecases.callbacks.addresses import drop_address
from usecases.callbacks.proofs import CallbackKey
from usecases.models import CallbackSecret, TelephonySetup, UseCase
from usecases.services.callback_secrets import end_earlier_callback_secrets, rotate_callback_secret
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db

VENDOR = {"key": "k", "secret": "s"}
NO_ANSWER, OPTED_OUT, ACCOUNT = 4005, 6005, 3007
A, B = "+12025550143", "+12025550144"


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "_listeners", {})


@pytest.fixture(params=["", "whsec"], ids=["without a signed channel", "with a signed channel"])
def use_case(request: Any) -> UseCase:
    return make(signing_secret=request.param)


def make(**credentials: str) -> UseCase:
    setup = factories.make_setup(carrier="drop_cowboy", credentials=VENDOR | credentials)
    return factories.make_use_case(setup=setup, max_attempts=3)


def drop_to(use_case: UseCase, recipient: str) -> Drop:
    return make_submitted("accepted", use_case=use_case, recipient=recipient)


def key_of(drop: Drop) -> CallbackKey:
    return CallbackSecret.objects.current().get(setup=drop.setup_id).callback_key


def report(address: str, drop_id: object, code: int) -> HttpResponse:
    """An unsigned result, as the vendor posts it back."""
    body = json.dumps({"foreign_id": str(drop_id), "status": "failure", "reason_code": code})
    answer: Any = Client().post(urlsplit(address).path, body, content_type="application/json")
    merge(database_now())
    return answer


def breaker(use_case: UseCase) -> str:
    return TelephonySetup.objects.get(pk=use_case.setup_id).breaker_reason


@pytest.mark.parametrize("code", [NO_ANSWER, OPTED_OUT, ACCOUNT])
def test_token_and_drop_id_together_report_nothing(use_case: UseCase, code: int) -> None:
    """Not even both of them: the fixed address takes what is signed."""
    drop = drop_to(use_case, A)
    token = factories.fixed_token(use_case.setup)
    answers = [
        report(f"/carriers/{token}/", drop.pk, code),
        report(f"/carriers/{use_case.setup_id}/1/{token}/", drop.pk, code),
        report(f"/carriers/{use_case.setup_id}/1/{drop.pk}/", drop.pk, code),
    ]
    assert [answer.status_code for answer in answers] == [401, 404, 404]
    assert_unharmed(use_case, drop, A)


@pytest.mark.parametrize("code", [NO_ANSWER, OPTED_OUT, ACCOUNT])
def test_the_proof_of_one_drop_says_nothing_about_another(use_case: UseCase, code: int) -> None:
    own, other = drop_to(use_case, A), drop_to(use_case, B)
    assert report(drop_address(key_of(own), own.pk), other.pk, code).status_code == 401
    assert report(drop_address(key_of(own), own.pk), uuid7(), code).status_code == 401
    assert_unharmed(use_case, other, B)
    assert_unharmed(use_case, own, A)


@pytest.mark.parametrize("code", [NO_ANSWER, OPTED_OUT, ACCOUNT])
def test_a_proof_under_another_setups_secret_opens_nothing(use_case: UseCase, code: int) -> None:
    drop, other = drop_to(use_case, A), drop_to(make(), B)
    forged = CallbackKey(use_case.setup_id, 1, key_of(other).key)
    assert report(drop_address(forged, drop.pk), drop.pk, code).status_code == 404
    # ... and under its own name its report on our drop is about no drop of that setup.
    assert report(drop_address(key_of(other), drop.pk), drop.pk, code).status_code == 200
    assert CarrierReport.objects.get().effect == "unknown_drop"
    assert_unharmed(use_case, drop, A)


def assert_unharmed(use_case: UseCase, drop: Drop, recipient: str) -> None:
    """No second message, nobody suppressed, and the setup sends on."""
    assert both(drop) == ("accepted", "", "accepted", "")
    assert not is_suppressed(use_case.workspace_id, recipient)
    assert breaker(use_case) == ""


def test_an_unsigned_result_with_its_proof_counts_fully_where_there_is_no_signed_channel() -> None:
    use_case = make()
    retried, opted_out = drop_to(use_case, A), drop_to(use_case, B)
    assert report(drop_address(key_of(retried), retried.pk), retried.pk, NO_ANSWER).status_code == 200
    assert report(drop_address(key_of(opted_out), opted_out.pk), opted_out.pk, OPTED_OUT).status_code == 200
    assert both(retried) == ("queued", "", "failed", "no_answer")
    assert (is_suppressed(use_case.workspace_id, A), is_suppressed(use_case.workspace_id, B)) == (False, True)
    account = drop_to(use_case, "+12025550145")
    report(drop_address(key_of(account), account.pk), account.pk, ACCOUNT)
    assert breaker(use_case) != ""


def test_where_there_is_a_signed_channel_it_ends_its_drop_and_no_more() -> None:
    use_case = make(signing_secret="whsec")
    drops = {code: drop_to(use_case, A) for code in (NO_ANSWER, OPTED_OUT, ACCOUNT)}
    for code, drop in drops.items():
        assert report(drop_address(key_of(drop), drop.pk), drop.pk, code).status_code == 200
    assert [both(drop)[0] for drop in drops.values()] == ["failed", "failed", "failed"]
    assert set(Drop.objects.values_list("provisional", flat=True)) == {True}
    assert not is_suppressed(use_case.workspace_id, A)
    assert breaker(use_case) == ""


def ended_by_hand(setup: TelephonySetup) -> None:
    rotate_callback_secret(setup=setup, actor=None)
    end_earlier_callback_secrets(setup=setup, actor=None)


def ended_by_time(setup: TelephonySetup) -> None:
    rotate_callback_secret(setup=setup, actor=None)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE usecases_callbacksecret SET expires_at = now() - interval '1 s' WHERE expires_at IS NOT NULL"
        )


def test_the_proofs_of_drops_on_their_way_outlive_a_rotation() -> None:
    use_case = make()
    drop = drop_to(use_case, A)
    address = drop_address(key_of(drop), drop.pk)
    rotate_callback_secret(setup=use_case.setup, actor=None)
    later = drop_to(use_case, B)
    assert drop_address(key_of(later), drop.pk) != address
    assert report(address, drop.pk, NO_ANSWER).status_code == 200
    assert both(drop)[2:] == ("failed", "no_answer")


@pytest.mark.parametrize("end", [ended_by_hand, ended_by_time])
def test_proofs_end_with_their_secret(end: Callable[[TelephonySetup], None]) -> None:
    use_case = make()
    drop = drop_to(use_case, A)
    address, token = drop_address(key_of(drop), drop.pk), factories.fixed_token(use_case.setup)
    end(use_case.setup)
    assert report(address, drop.pk, NO_ANSWER).status_code == 404
    assert report(f"/carriers/{token}/", drop.pk, NO_ANSWER).status_code == 404
    assert_unharmed(use_case, drop, A)


def test_a_setups_own_signature_proves_any_of_its_drops_at_any_of_its_addresses() -> None:
    """Carriers may send the reports on many drops together."""
    from tests.delivery.web.test_callbacks import body, signature

    use_case = factories.make_use_case()
    one, two = drop_to(use_case, A), drop_to(use_case, B)
    raw, at = body(one.pk, two.pk), int((database_now() + timedelta()).timestamp())
    answer = Client().post(
        urlsplit(drop_address(key_of(one), one.pk)).path,
        raw,
        content_type="application/json",
        headers={"x-sandbox-timestamp": str(at), "x-sandbox-signature": signature(raw, at)},
    )
    assert answer.status_code == 200
    merge(database_now())
    assert [both(drop)[0] for drop in (one, two)] == ["delivered", "delivered"]


@pytest.mark.parametrize("version", ["0", "2", "4294967296", "9" * 30])
def test_a_version_that_never_was_is_not_found(version: str) -> None:
    drop = drop_to(make(), A)
    proof = drop_address(key_of(drop), drop.pk).split("/")[-2]
    assert report(f"/carriers/{drop.setup_id}/{version}/{proof}/", drop.pk, NO_ANSWER).status_code == 404
