"""`/setups`: carriers, credentials that go in and never come out, pace."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rvm.platform.models import AuditEvent
from tests.factories import SANDBOX_CREDENTIALS, Api, make_setup, make_use_case
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db


def body(**fields: Any) -> dict[str, Any]:
    return {"name": "Sandbox", "carrier": "sandbox", "credentials": SANDBOX_CREDENTIALS, **fields}


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def first_error(response: Any) -> tuple[str, str]:
    error = response.json()["errors"][0]
    return error["pointer"], error["code"]


def test_a_setup_is_created_shown_listed_changed_and_deleted(api: Api) -> None:
    created = api.post("setups", body(pace_per_second=12.5))
    assert created.status_code == 201
    shown = created.json()
    assert shown["credentials_set"] == ["base_url", "key", "signing_secret"]
    assert (shown["carrier"], shown["pace_per_second"], shown["in_flight_cap"], shown["enabled"]) == (
        "sandbox",
        12.5,
        64,
        True,
    )
    address = f"setups/{shown['id']}"
    assert created["Location"] == api.url(address)
    assert api.get(address).json() == shown
    assert api.get("setups").json() == {"items": [shown], "continuation_token": None, "has_more": False}

    changes = {"name": "Tests", "in_flight_cap": 3, "enabled": False, "report_horizon_hours": 2}
    assert api.patch(address, changes).json().items() >= changes.items()

    assert api.delete(address).status_code == 204
    assert code(api.get(address)) == (404, "setup_not_found")
    assert TelephonySetup.objects.get().deleted_at is not None


def test_no_answer_and_no_audit_holds_a_credential(api: Api) -> None:
    created = api.post("setups", body())
    address = f"setups/{created.json()['id']}"
    answers = [
        created,
        api.get(address),
        api.get("setups"),
        api.patch(address, {"credentials": {"key": "rotated-key"}}),
    ]
    said = "".join(answer.content.decode() for answer in answers)
    said += str(list(AuditEvent.objects.values_list("details", flat=True)))
    for value in (*SANDBOX_CREDENTIALS.values(), "rotated-key"):
        assert value not in said


def test_one_credential_is_replaced_and_the_others_stay(api: Api) -> None:
    setup = make_setup(api.key.workspace)
    assert api.patch(f"setups/{setup.pk}", {"credentials": {"key": "rotated-key"}}).status_code == 200
    setup.refresh_from_db()
    assert setup.credentials == {**SANDBOX_CREDENTIALS, "key": "rotated-key"}


@pytest.mark.parametrize(
    ("credentials", "pointer", "reason"),
    [
        ({}, "/credentials/base_url", "credential_missing"),
        ({**SANDBOX_CREDENTIALS, "key": ""}, "/credentials/key", "credential_missing"),
        ({**SANDBOX_CREDENTIALS, "key": 7}, "/credentials/key", "credential_malformed"),
        ({**SANDBOX_CREDENTIALS, "key": None}, "/credentials/key", "credential_malformed"),
        ({**SANDBOX_CREDENTIALS, "key": "x" * 5000}, "/credentials/key", "credential_malformed"),
        ({**SANDBOX_CREDENTIALS, "key": "s3cret with spaces"}, "/credentials/key", "credential_malformed"),
        ({**SANDBOX_CREDENTIALS, "base_url": "ftp://example.org"}, "/credentials/base_url", "credential_malformed"),
        (
            {**SANDBOX_CREDENTIALS, "base_url": "http://169.254.169.254/s3cret"},
            "/credentials/base_url",
            "credential_malformed",
        ),
        ({**SANDBOX_CREDENTIALS, "token": "s3cret"}, "/credentials/token", "credential_unknown"),
        ("s3cret", "/credentials", "not_a_dict"),
        (None, "/credentials", "null"),
    ],
)
def test_credentials_that_the_carrier_cannot_use_are_refused_without_repeating_them(
    api: Api, credentials: object, pointer: str, reason: str
) -> None:
    response = api.post("setups", body(credentials=credentials))
    assert response.status_code == 422
    assert first_error(response) == (pointer, reason)
    assert "s3cret" not in response.content.decode()
    assert not TelephonySetup.objects.exists()


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"carrier": "acme"}, "/carrier"),
        ({"carrier": None}, "/carrier"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"pace_per_second": 0}, "/pace_per_second"),
        ({"pace_per_second": 100_001}, "/pace_per_second"),
        ({"pace_per_second": "NaN"}, "/pace_per_second"),
        ({"pace_per_second": True}, "/pace_per_second"),
        ({"in_flight_cap": 0}, "/in_flight_cap"),
        ({"in_flight_cap": 1.5}, "/in_flight_cap"),
        ({"report_horizon_hours": 0}, "/report_horizon_hours"),
        ({"enabled": 1}, "/enabled"),
        ({"callback": "mine"}, "/callback"),
    ],
)
def test_a_field_that_is_wrong_is_named(api: Api, fields: dict[str, Any], pointer: str) -> None:
    response = api.post("setups", body(**fields))
    assert response.status_code == 422
    assert first_error(response)[0] == pointer
    assert not TelephonySetup.objects.exists()


def test_a_carrier_cannot_be_changed(api: Api) -> None:
    setup = make_setup(api.key.workspace)
    assert first_error(api.patch(f"setups/{setup.pk}", {"carrier": "sandbox"})) == ("/carrier", "unknown_field")


def test_a_name_that_exists_answers_409(api: Api) -> None:
    make_setup(api.key.workspace, name="SANDBOX")
    assert code(api.post("setups", body())) == (409, "name_exists")
    other = make_setup(api.key.workspace)
    assert code(api.patch(f"setups/{other.pk}", {"name": "sandbox"})) == (409, "name_exists")


def test_a_setup_in_use_is_not_deleted(api: Api) -> None:
    use_case = make_use_case(api.key.workspace)
    response = api.delete(f"setups/{use_case.setup_id}")
    assert code(response) == (409, "setup_in_use")
    assert response.json()["use_case_id"] == str(use_case.pk)


def test_the_health_of_a_setup_is_its_breakers(api: Api) -> None:
    setup = make_setup(api.key.workspace)
    address = f"setups/{setup.pk}"
    assert api.get(address).json()["health"] == {"state": "closed", "reason": None, "until": None}
    setup.breaker_until, setup.breaker_reason = datetime(2999, 1, 1, tzinfo=UTC), "The account has no funds left."
    setup.save()
    told = {"state": "open", "reason": "The account has no funds left.", "until": "2999-01-01T00:00:00Z"}
    assert api.get(address).json()["health"] == api.get("setups").json()["items"][0]["health"] == told
    setup.breaker_until = datetime(2000, 1, 1, tzinfo=UTC)
    setup.save()
    assert api.get(address).json()["health"]["state"] == "half_open"
    assert first_error(api.patch(address, {"health": {"state": "closed"}})) == ("/health", "unknown_field")


def test_a_setup_of_a_carrier_that_is_gone_is_still_shown(api: Api) -> None:
    setup = make_setup(api.key.workspace, carrier="gone")
    assert api.get(f"setups/{setup.pk}").json()["credentials_set"] == sorted(SANDBOX_CREDENTIALS)
