"""`/phone-numbers`: added to setups, assigned to use cases."""

from __future__ import annotations

from typing import Any

import pytest

from rvm.platform.database.ids import uuid7
from rvm.platform.models import AuditEvent
from tests.factories import Api, make_phone_number, make_setup, make_use_case
from tests.random_text import without_ids
from usecases.models import NumberAssignment, PhoneNumber, TelephonySetup
from usecases.services import update_phone_number

pytestmark = pytest.mark.django_db

NUMBER = "+12125550100"


@pytest.fixture
def setup(api: Api) -> TelephonySetup:
    return make_setup(api.key.workspace)


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_a_number_is_added_assigned_unassigned_and_removed(api: Api, setup: TelephonySetup) -> None:
    created = api.post("phone-numbers", {"phone_number": NUMBER, "setup_id": str(setup.pk)})
    assert created.status_code == 201
    shown = created.json()
    assert {**shown, "id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "workspace_id": str(setup.workspace_id),
        "phone_number": NUMBER,
        "display_name": None,
        "notes": None,
        "status": "active",
        "setup_id": str(setup.pk),
        "provider": "sandbox",
        "provider_phone_sid": None,
        "capabilities": ["outbound"],
        "inbound_service_id": None,
        "forwarding": None,
        "use_cases": [],
        "owned": False,
        "owned_stated_at": None,
        "owned_stated_by": None,
        "created_at": "",
        "updated_at": "",
    }
    address = f"phone-numbers/{shown['id']}"
    assert created["Location"] == api.url(address)
    assert api.get(address).json() == shown

    use_case = make_use_case(setup=setup, numbers=0)
    for _ in range(2):
        assigned = api.put(f"{address}/use-cases/{use_case.pk}")
        assert assigned.status_code == 200
        assert assigned.json()["use_cases"] == [{"id": str(use_case.pk), "name": use_case.name}]
    response = api.delete(address)
    assert code(response) == (409, "number_assigned")
    assert response.json()["use_case_id"] == str(use_case.pk)

    for _ in range(2):
        assert api.delete(f"{address}/use-cases/{use_case.pk}").status_code == 204
    assert api.delete(address).status_code == 204
    assert code(api.get(address)) == (404, "not_found")


def test_the_ownership_of_a_number_is_stated_and_withdrawn_by_name(api: Api, setup: TelephonySetup) -> None:
    number = make_phone_number(setup, owned=False)
    address, by = f"phone-numbers/{number.pk}", str(api.key.user_id)
    stated = api.patch(address, {"owned": True}).json()
    assert (stated["owned"], stated["owned_stated_by"]) == (True, by)
    assert stated["owned_stated_at"] is not None
    assert stated["updated_at"] > stated["created_at"]
    assert api.patch(address, {"owned": True}).json() == stated  # whoever says it again changes nothing
    withdrawn = api.patch(address, {"owned": False}).json()
    assert (withdrawn["owned"], withdrawn["owned_stated_at"], withdrawn["owned_stated_by"]) == (False, None, None)
    events = AuditEvent.objects.filter(subject_id=number.pk).order_by("id")
    assert [(event.action, str(event.actor_id)) for event in events] == [
        ("phone_number.ownership_stated", by),
        ("phone_number.ownership_withdrawn", by),
    ]


def test_ownership_is_stated_in_the_request_that_adds_the_number(api: Api, setup: TelephonySetup) -> None:
    added = api.post("phone-numbers", {"phone_number": NUMBER, "setup_id": str(setup.pk), "owned": True}).json()
    assert (added["owned"], added["owned_stated_by"]) == (True, str(api.key.user_id))
    event = AuditEvent.objects.get(action="phone_number.added")
    assert event.details["owned"] is True


@pytest.mark.parametrize("method", ["put", "patch"])
def test_name_notes_and_status_change_by_put_and_by_patch(api: Api, setup: TelephonySetup, method: str) -> None:
    number = make_phone_number(setup)
    address, change = f"phone-numbers/{number.pk}", getattr(api, method)
    changed = change(address, {"display_name": "North clinic", "notes": "Bill pays.", "status": "inactive"}).json()
    assert (changed["display_name"], changed["notes"], changed["status"]) == ("North clinic", "Bill pays.", "inactive")
    assert api.get(address).json() == changed
    assert api.put(address, {"display_name": None, "status": None, "notes": None}).json() == changed  # as left out
    assert api.patch(address, {"notes": None}).json()["notes"] is None
    change(address, {"notes": "Bill pays."})
    changed_back = {**changed, "display_name": "", "status": "active"}
    assert change(address, changed_back).status_code == 422  # its ids and times are no fields of a change
    sent_back = {name: changed_back[name] for name in ("display_name", "notes", "status", "provider", "capabilities")}
    again = change(address, {**sent_back, "inbound_service_id": None, "provider_phone_sid": None, "forwarding": None})
    assert again.status_code == 200 and (again.json()["display_name"], again.json()["status"]) == (None, "active")
    events = AuditEvent.objects.filter(subject_id=number.pk, action="phone_number.updated").order_by("id")
    assert [sorted(event.details["changes"]) for event in events] == [
        ["active", "display_name", "notes"],
        ["notes"],
        ["notes"],
        ["active", "display_name"],
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"provider": "twilio"}, "/provider"),
        ({"capabilities": ["inbound"]}, "/capabilities"),
        ({"forwarding": {"to": "+12025550100"}}, "/forwarding"),
        ({"inbound_service_id": "x"}, "/inbound_service_id"),
        ({"provider_phone_sid": "PN1"}, "/provider_phone_sid"),
        ({"status": "paused"}, "/status"),
        ({"display_name": "x" * 257}, "/display_name"),
        ({"notes": "x" * 2001}, "/notes"),
        ({"phone_number": "+12025550100"}, "/phone_number"),
    ],
)
def test_what_cannot_be_changed_is_said(api: Api, setup: TelephonySetup, body: dict[str, object], pointer: str) -> None:
    response = api.put(f"phone-numbers/{make_phone_number(setup).pk}", body)
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_numbers_are_filtered_by_status(api: Api, setup: TelephonySetup) -> None:
    active, inactive = make_phone_number(setup), make_phone_number(setup)
    update_phone_number(phone_number=inactive, active=False)
    for status, number in (("active", active), ("inactive", inactive)):
        shown = api.get("phone-numbers", status=status).json()["items"]
        assert [(item["id"], item["status"]) for item in shown] == [(str(number.pk), status)]


@pytest.mark.parametrize(("body", "reason"), [({"owned": "yes"}, "invalid"), ({"owned": None}, "null")])
def test_only_a_plain_yes_or_no_states_an_ownership(
    api: Api, setup: TelephonySetup, body: dict[str, object], reason: str
) -> None:
    number = make_phone_number(setup, owned=False)
    response = api.patch(f"phone-numbers/{number.pk}", body)
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [("/owned", reason)]
    number.refresh_from_db()
    assert not number.owned


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("2125550100", "number_malformed"),
        ("+1 212 555 0100", "number_malformed"),
        ("+1212555０１００", "number_malformed"),
        ("", "blank"),
        (12125550100, "invalid"),
        (None, "null"),
    ],
)
def test_a_number_that_is_none_is_refused_by_field_and_never_repeated(
    api: Api, setup: TelephonySetup, number: object, reason: str
) -> None:
    response = api.post("phone-numbers", {"phone_number": number, "setup_id": str(setup.pk)})
    assert response.status_code == 422
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [("/phone_number", reason)]
    assert "0100" not in without_ids(response.json())
    assert not PhoneNumber.objects.exists()


def test_a_number_that_cannot_exist_is_refused_at_a_real_carrier(api: Api) -> None:
    real = make_setup(api.key.workspace, carrier="other")
    response = api.post("phone-numbers", {"phone_number": "+10005550100", "setup_id": str(real.pk)})
    assert response.json()["errors"][0]["code"] == "number_not_valid"


def test_a_number_that_the_setup_has_answers_409(api: Api, setup: TelephonySetup) -> None:
    make_phone_number(setup, NUMBER)
    response = api.post("phone-numbers", {"phone_number": NUMBER, "setup_id": str(setup.pk)})
    assert code(response) == (409, "number_exists")
    assert NUMBER not in response.content.decode()


def test_a_setup_that_does_not_exist_answers_404(api: Api) -> None:
    for setup_id in (uuid7(), make_setup().pk):
        response = api.post("phone-numbers", {"phone_number": NUMBER, "setup_id": str(setup_id)})
        assert code(response) == (404, "setup_not_found")


def test_a_number_of_another_setup_is_not_assigned(api: Api, setup: TelephonySetup) -> None:
    use_case = make_use_case(setup=setup, numbers=0)
    number = make_phone_number(make_setup(setup.workspace))
    response = api.put(f"phone-numbers/{number.pk}/use-cases/{use_case.pk}")
    assert code(response) == (409, "number_of_other_setup")
    assert not NumberAssignment.objects.exists()


def test_the_list_is_filtered_and_paged_newest_first(api: Api, setup: TelephonySetup) -> None:
    use_case = make_use_case(setup=setup, numbers=3)
    other = make_phone_number(make_setup(setup.workspace))
    own = [str(pk) for pk in use_case.phone_numbers.order_by("-id").values_list("pk", flat=True)]

    def ids(response: Any) -> list[str]:
        return [item["id"] for item in response.json()["items"]]

    assert ids(api.get("phone-numbers")) == [str(other.pk), *own]
    assert ids(api.get("phone-numbers", use_case_id=use_case.pk)) == own
    first = api.get("phone-numbers", setup_id=setup.pk, limit=2)
    assert (ids(first), first.json()["has_more"]) == (own[:2], True)
    token = first.json()["continuation_token"]
    rest = api.get("phone-numbers", setup_id=setup.pk, limit=2, continuation_token=token)
    assert (ids(rest), rest.json()["has_more"], rest.json()["continuation_token"]) == (own[2:], False, None)
    assert api.get("phone-numbers", limit=2, continuation_token=token).status_code == 422  # another list's token


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"setup_id": "x"}, {"number": "1"}]
)
def test_a_query_that_is_wrong_is_named(api: Api, query: dict[str, str]) -> None:
    response = api.get("phone-numbers", **query)
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [f"/{next(iter(query))}"]
