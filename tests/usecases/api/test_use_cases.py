"""`/use-cases`: the reference's shapes and codes, and what of ours is beside them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from rvm.platform.database.ids import uuid7
from rvm.platform.models import AuditEvent
from tests.factories import Api, make_setup, make_use_case
from usecases.models import TelephonySetup, UseCase

pytestmark = pytest.mark.django_db


def body(setup: TelephonySetup, **fields: Any) -> dict[str, Any]:
    return {
        "channel": "ringless_voicemail",
        "entity_name": "Lakeside Clinic",
        "name": "Reminders",
        "description": "Appointment reminders",
        "setup_id": str(setup.pk),
        **fields,
    }


@pytest.fixture
def setup(api: Api) -> TelephonySetup:
    return make_setup(api.key.workspace)


def pointers(response: Any) -> list[str]:
    return [error["pointer"] for error in response.json()["errors"]]


def test_a_use_case_is_created_shown_listed_changed_and_deleted(api: Api, setup: TelephonySetup) -> None:
    created = api.post("use-cases", body(setup))
    assert created.status_code == 201
    shown = created.json()
    assert shown["channel"] == "ringless_voicemail"
    assert (shown["entity_name"], shown["name"]) == ("Lakeside Clinic", "Reminders")
    assert (shown["description"], shown["setup_id"]) == ("Appointment reminders", str(setup.pk))
    assert UUID(shown["id"]).version == 7
    assert shown["created_at"].endswith("Z")
    assert shown["updated_at"].endswith("Z")
    assert (shown["window_start"], shown["window_end"]) == ("09:00:00", "20:00:00")
    assert (shown["days"], shown["sends_on_holidays"], shown["state_overlay"]) == ([1, 2, 3, 4, 5, 6], False, True)
    assert created["Location"] == api.url(f"use-cases/{shown['id']}")

    assert api.get(f"use-cases/{shown['id']}").json() == shown
    assert api.get("use-cases").json() == {"items": [shown]}

    changes = {"purpose": "appointment", "window_start": "09:30", "sending_enabled": False, "max_attempts": 2}
    changed = api.patch(f"use-cases/{shown['id']}", changes)
    assert changed.status_code == 200
    assert changed.json().items() >= {**changes, "window_start": "09:30:00"}.items()

    assert api.delete(f"use-cases/{shown['id']}").status_code == 204
    assert api.get(f"use-cases/{shown['id']}").status_code == 404
    assert api.get("use-cases").json() == {"items": []}
    actions = AuditEvent.objects.filter(actor=api.key.user).values_list("action", flat=True)
    assert sorted(actions) == ["use_case.created", "use_case.deleted", "use_case.updated"]


def test_a_use_case_shows_its_numbers(api: Api, setup: TelephonySetup) -> None:
    use_case = make_use_case(setup=setup, numbers=2)
    numbers = use_case.phone_numbers.order_by("e164")
    shown = api.get(f"use-cases/{use_case.pk}").json()["phone_numbers"]
    assert shown == [{"id": str(number.pk), "phone_number": number.e164} for number in numbers]


def test_the_failover_setup_is_set_and_taken_away(api: Api, setup: TelephonySetup) -> None:
    spare = make_setup(setup.workspace)
    shown = api.post("use-cases", body(setup, failover_setup_id=str(spare.pk))).json()
    assert shown["failover_setup_id"] == str(spare.pk)
    assert api.patch(f"use-cases/{shown['id']}", {"failover_setup_id": None}).json()["failover_setup_id"] is None


def test_the_list_is_filtered_and_newest_first(api: Api, setup: TelephonySetup) -> None:
    first = make_use_case(setup=setup, entity_name="Lakeside")
    second = make_use_case(setup=make_setup(setup.workspace), entity_name="Lakeside")
    third = make_use_case(setup=setup, entity_name="Hill")

    def ids(**query: object) -> list[str]:
        response = api.get("use-cases", **query)
        assert response.status_code == 200
        return [item["id"] for item in response.json()["items"]]

    assert ids() == [str(third.pk), str(second.pk), str(first.pk)]
    assert ids(entity_name="Lakeside") == [str(second.pk), str(first.pk)]
    assert ids(entity_name="Lakeside", setup_id=setup.pk) == [str(first.pk)]
    assert ids(channel="ringless_voicemail", entity_name="Hill") == [str(third.pk)]
    assert ids(setup_id=uuid7()) == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [({"channel": "sms"}, "/channel"), ({"setup_id": "1"}, "/setup_id"), ({"nmae": "x"}, "/nmae")],
)
def test_a_filter_that_is_wrong_is_named(api: Api, query: dict[str, str], pointer: str) -> None:
    response = api.get("use-cases", **query)
    assert response.status_code == 422
    assert pointers(response) == [pointer]


def test_what_is_tried_again_and_through_which_setup_is_chosen_by_use_case(api: Api, setup: TelephonySetup) -> None:
    shown = api.post("use-cases", body(setup)).json()
    chosen = ("max_attempts", "retry_minutes", "failover_setup_id", "failover_reasons")
    assert [shown[name] for name in chosen] == [1, 60, None, []]
    changes = {
        "max_attempts": 3,
        "retry_minutes": 5,
        "failover_setup_id": str(make_setup(api.key.workspace).pk),
        "failover_reasons": ["busy", "spam_blocked"],
    }
    assert api.patch(f"use-cases/{shown['id']}", changes).json().items() >= changes.items()
    audited = AuditEvent.objects.get(action="use_case.updated").details["changes"]
    assert audited["failover_reasons"] == ["[]", "['busy', 'spam_blocked']"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": "x" * 32}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"name": 7}, "/name"),
        ({"name": "Reminders 2"}, "/name"),
        ({"name": "Überweisung"}, "/name"),
        ({"entity_name": "Клиника"}, "/entity_name"),
        ({"entity_name": "x" * 32}, "/entity_name"),
        ({"description": "x" * 2001}, "/description"),
        ({"channel": "sms"}, "/channel"),
        ({"setup_id": 7}, "/setup_id"),
        ({"setup_id": "lakeside"}, "/setup_id"),
        ({"setup_id": None}, "/setup_id"),
        ({"purpose": "marketing"}, "/purpose"),
        ({"sending_enabled": "on"}, "/sending_enabled"),
        ({"window_start": "25:00"}, "/window_start"),
        ({"window_start": "21:00"}, "/window_end"),
        # The law never allows these hours, whatever the state.
        ({"window_start": "21:00", "window_end": "23:00"}, "/window_start"),
        ({"window_start": "05:00", "window_end": "08:00"}, "/window_end"),
        ({"days": []}, "/days"),
        ({"days": [0]}, "/days/0"),
        ({"days": [1, 8]}, "/days/1"),
        ({"days": ["monday"]}, "/days/0"),
        ({"days": None}, "/days"),
        ({"sends_on_holidays": "no"}, "/sends_on_holidays"),
        ({"state_overlay": False}, "/state_overlay_reason"),
        ({"state_overlay": False, "state_overlay_reason": "  "}, "/state_overlay_reason"),
        ({"state_overlay_reason": "x" * 301}, "/state_overlay_reason"),
        ({"policy_text": "Always."}, "/policy_text"),
        ({"basis": "hope"}, "/basis"),
        ({"purpose": "test_result", "basis": "healthcare_exemption"}, "/basis"),
        ({"purpose": "marketing", "basis": "written_consent"}, "/purpose"),
        ({"expires_after_hours": 0}, "/expires_after_hours"),
        ({"expires_after_hours": 10**12}, "/expires_after_hours"),
        ({"expires_after_hours": "72"}, "/expires_after_hours"),
        ({"max_attempts": 1.5}, "/max_attempts"),
        ({"max_attempts": True}, "/max_attempts"),
        ({"retry_minutes": -1}, "/retry_minutes"),
        ({"max_per_day": 0}, "/max_per_day"),
        ({"max_per_day": None}, "/max_per_day"),
        ({"max_per_24h": 0}, "/max_per_24h"),
        ({"max_per_week": 101}, "/max_per_week"),
        ({"max_per_day": 4}, "/max_per_week"),
        ({"failover_reasons": ["busy", "delivered"]}, "/failover_reasons/1"),
        ({"failover_reasons": ["unconfirmed"]}, "/failover_reasons/0"),
        ({"failover_reasons": "busy"}, "/failover_reasons"),
        ({"failover_reasons": None}, "/failover_reasons"),
        ({"id": str(uuid7())}, "/id"),
        ({"failover_setup": "x"}, "/failover_setup"),
    ],
)
def test_a_field_that_is_wrong_is_named_and_nothing_is_written(
    api: Api, setup: TelephonySetup, fields: dict[str, Any], pointer: str
) -> None:
    response = api.post("use-cases", body(setup, **fields))
    assert (response.status_code, response["Content-Type"]) == (422, "application/problem+json")
    assert response.json()["code"] == "invalid_request"
    assert set(pointers(response)) == {pointer}
    assert not UseCase.objects.exists()


def test_a_missing_field_is_named(api: Api) -> None:
    assert sorted(pointers(api.post("use-cases", {}))) == ["/entity_name", "/name", "/setup_id"]


@pytest.mark.parametrize(
    ("raw", "status"),
    [(b"{", 400), (b"", 422), (b'{"name": NaN}', 400), (b"\xff\xfe", 400), (b"[]", 422), (b'"x"', 422), (b"null", 422)],
)
def test_a_body_that_is_no_object_is_refused(api: Api, raw: bytes, status: int) -> None:
    response = api.send("POST", "use-cases", raw)
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"


def test_a_description_that_is_null_empty_or_left_out_is_none(api: Api, setup: TelephonySetup) -> None:
    shown = [
        api.post("use-cases", body(setup, name=name, **said)).json()
        for name, said in (("Recalls", {"description": None}), ("Visits", {"description": ""}))
    ]
    assert [each["description"] for each in shown] == [None, None]
    page = f"use-cases/{shown[0]['id']}"
    assert [api.patch(page, {"description": said}).json()["description"] for said in ("Flu", None)] == ["Flu", None]


def test_a_description_may_hold_any_writing_but_nul(api: Api, setup: TelephonySetup) -> None:
    said = "Für alle Patienten 患者 🏥"
    assert api.post("use-cases", body(setup, description=said)).json()["description"] == said
    assert api.post("use-cases", body(setup, name="Other", description="a\0b")).status_code == 422


def test_a_name_that_exists_answers_409(api: Api, setup: TelephonySetup) -> None:
    api.post("use-cases", body(setup))
    response = api.post("use-cases", body(setup, name="REMINDERS"))
    assert (response.status_code, response.json()["code"]) == (409, "name_exists")
    other = api.post("use-cases", body(setup, name="Results")).json()
    response = api.patch(f"use-cases/{other['id']}", {"name": "Reminders"})
    assert (response.status_code, response.json()["code"]) == (409, "name_exists")


def test_a_setup_that_does_not_exist_answers_404(api: Api, setup: TelephonySetup) -> None:
    foreign = make_setup()
    for setup_id in (uuid7(), foreign.pk):
        response = api.post("use-cases", body(setup, setup_id=str(setup_id)))
        assert (response.status_code, response.json()["code"]) == (404, "setup_not_found")
        assert pointers(response) == ["/setup_id"]
        response = api.post("use-cases", body(setup, failover_setup_id=str(setup_id)))
        assert (response.status_code, pointers(response)) == (404, ["/failover_setup_id"])
    use_case = make_use_case(setup=setup, numbers=0)
    assert api.patch(f"use-cases/{use_case.pk}", {"setup_id": str(foreign.pk)}).status_code == 404


def test_a_setup_that_cannot_be_used_answers_409(api: Api) -> None:
    off = make_setup(api.key.workspace, enabled=False)
    response = api.post("use-cases", body(off))
    assert (response.status_code, response.json()["code"]) == (409, "setup_not_usable")


def test_a_setup_that_does_not_fit_answers_409(api: Api, setup: TelephonySetup) -> None:
    real = make_setup(setup.workspace, carrier="other")
    response = api.post("use-cases", body(setup, failover_setup_id=str(real.pk)))
    assert (response.status_code, response.json()["code"]) == (409, "failover_not_usable")
    use_case = make_use_case(setup=setup)
    response = api.patch(f"use-cases/{use_case.pk}", {"setup_id": str(real.pk)})
    assert (response.status_code, response.json()["code"]) == (409, "setup_kind_differs")


def test_deleting_with_numbers_assigned_answers_409(api: Api, setup: TelephonySetup) -> None:
    use_case = make_use_case(setup=setup)
    response = api.delete(f"use-cases/{use_case.pk}")
    assert (response.status_code, response.json()["code"]) == (409, "numbers_assigned")
    assert api.get(f"use-cases/{use_case.pk}").status_code == 200


def test_the_channel_cannot_be_changed(api: Api, setup: TelephonySetup) -> None:
    use_case = make_use_case(setup=setup)
    assert pointers(api.patch(f"use-cases/{use_case.pk}", {"channel": "ringless_voicemail"})) == ["/channel"]


def test_a_window_is_checked_against_what_is_stored(api: Api, setup: TelephonySetup) -> None:
    use_case = make_use_case(setup=setup)
    assert pointers(api.patch(f"use-cases/{use_case.pk}", {"window_start": "21:30"})) == ["/window_end"]


def test_a_request_that_states_only_its_window_keeps_working(api: Api, setup: TelephonySetup) -> None:
    created = api.post("use-cases", body(setup, window_start="08:00", window_end="21:00"))
    assert created.status_code == 201
    assert created.json()["window_end"] == "21:00:00"
    # Wider than the law is allowed to say, and narrowed by it.
    wide = api.post("use-cases", body(setup, name="Wide", window_start="06:00", window_end="23:00"))
    assert wide.status_code == 201


def test_a_window_shorter_than_a_carrier_takes_is_refused_where_people_are_reached(
    api: Api, setup: TelephonySetup
) -> None:
    short = {"window_start": "10:00", "window_end": "10:15"}
    assert api.post("use-cases", body(setup, **short)).status_code == 201  # the sandbox reaches nobody
    live = make_setup(api.key.workspace, carrier="drop_cowboy", credentials={})
    refused = api.post("use-cases", body(live, name="Live", **short))
    [error] = refused.json()["errors"]
    assert error["pointer"] == "/window_end"
    assert "15 minutes early" in error["detail"]
    assert api.post("use-cases", body(live, name="Live", window_start="10:00", window_end="10:16")).status_code == 201


def test_days_are_kept_once_and_in_order_and_said_in_plain_words(api: Api, setup: TelephonySetup) -> None:
    created = api.post("use-cases", body(setup, days=[5, 1, 5, 3]))
    assert created.json()["days"] == [1, 3, 5]
    assert "Monday, Wednesday and Friday, not on federal holidays" in created.json()["policy_text"]
    [listed] = api.get("use-cases").json()["items"]
    assert listed["policy_text"] == created.json()["policy_text"]


def test_the_law_is_switched_off_only_with_a_reason_of_its_own_and_audited(api: Api, setup: TelephonySetup) -> None:
    use_case = make_use_case(setup=setup)
    path = f"use-cases/{use_case.pk}"
    assert pointers(api.patch(path, {"state_overlay": False})) == ["/state_overlay_reason"]
    off = api.patch(path, {"state_overlay": False, "state_overlay_reason": "Consented care messages, says counsel."})
    assert off.status_code == 200
    assert "switched off: Consented care messages, says counsel." in off.json()["policy_text"]
    changes = (
        AuditEvent.objects.filter(action="use_case.updated", subject_id=use_case.pk).latest("id").details["changes"]
    )
    assert changes["state_overlay"] == ["True", "False"]
    assert changes["state_overlay_reason"] == ["", "Consented care messages, says counsel."]
    on = api.patch(path, {"state_overlay": True}).json()
    assert (on["state_overlay"], on["state_overlay_reason"]) == (True, None)
    assert pointers(api.patch(path, {"state_overlay": False})) == ["/state_overlay_reason"]
    created = api.post("use-cases", body(setup, name="Off", state_overlay=False, state_overlay_reason="Tests only."))
    details = AuditEvent.objects.get(action="use_case.created", subject_id=created.json()["id"]).details
    assert details["state_overlay_reason"] == "Tests only."


def test_the_same_post_under_the_same_idempotency_key_creates_once(api: Api, setup: TelephonySetup) -> None:
    first = api.post("use-cases", body(setup), Idempotency_Key="one")
    again = api.post("use-cases", body(setup), Idempotency_Key="one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert UseCase.objects.count() == 1


def test_a_longer_list_costs_no_more_queries(
    api: Api, setup: TelephonySetup, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        make_use_case(setup=setup, numbers=2)
    api.get("use-cases")  # the first use of a key is noted
    for path in ("use-cases", "phone-numbers"):
        with django_assert_max_num_queries(4):
            response = api.get(path)
        assert len(response.json()["items"]) >= 5
