"""Webhook destinations over the API: judged when they are saved, of one world, and with a secret that is shown once."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

import pytest

from rvm.platform.database.clock import database_now
from rvm.platform.events.publisher import publish
from rvm.platform.events.types import TYPES
from rvm.platform.models import AuditEvent, Event, IdempotencyKey, Outbox, WebhookDestination, WebhookSecret, Workspace
from rvm.platform.scopes import Scope
from rvm.platform.webhooks.destinations import MAX_DESTINATIONS
from tests.factories import Api, make_api, make_workspace
from tests.rvm.platform.webhooks.factories import make_destination

pytestmark = pytest.mark.django_db

URL = "https://hooks.clinic.example/rvm?token=s3cret-of-the-receiver"
NEW = {"name": "Scheduling", "url": URL, "accepted_event_types": ["voicemail.failed", "voicemail.delivered"]}


def create(api: Api, **fields: Any) -> dict[str, Any]:
    answer = api.post("webhook-destinations", NEW | fields)
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def error_of(answer: Any) -> tuple[str, str]:
    [error] = answer.json()["errors"]
    return error["pointer"], error["detail"]


# made


def test_a_new_destination_shows_its_secret_once_and_keeps_it_encrypted(api: Api) -> None:
    answer = api.post("webhook-destinations", NEW)
    made = answer.json()
    assert answer.status_code == 201 and answer["Location"] == api.url(f"webhook-destinations/{made['id']}")
    secret = made.pop("secret")
    assert secret.startswith("whsec_") and len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    shown = api.get(f"webhook-destinations/{made['id']}")
    assert shown.json() == made and shown["ETag"] == answer["ETag"]
    [told] = made["secrets"]
    assert (told["last4"], told["expires_at"]) == (secret[-4:], None)
    assert secret not in api.get("webhook-destinations").content.decode()
    assert WebhookSecret.objects.get().secret == secret
    assert secret.encode() not in bytes(WebhookSecret.objects.values_list("secret", flat=True).get())
    assert (made["state"], made["signature"], made["concurrency"], made["pace_per_second"]) == (
        "enabled", "standard", 4, None,
    )  # fmt: skip
    assert made["accepted_event_types"] == ["voicemail.delivered", "voicemail.failed"]
    assert made["created_by_entity_id"] == str(api.key.user_id) and made["live"] is True


def test_a_repeated_creation_is_the_same_destination_without_its_secret(api: Api) -> None:
    first, again = (api.post("webhook-destinations", NEW, Idempotency_Key="k1") for _ in range(2))
    secret = first.json()["secret"]
    assert again["Idempotent-Replayed"] == "true" and again.json() == {**first.json(), "secret": None}
    assert secret.encode() not in IdempotencyKey.objects.get().answer
    assert WebhookDestination.objects.count() == 1


def test_no_event_of_the_audit_has_the_address_or_the_secret(api: Api) -> None:
    made = create(api)
    path = f"webhook-destinations/{made['id']}"
    api.patch(path, {"url": "https://hooks.clinic.example/other?token=an0ther", "name": "Renamed"})
    rotated = api.post(f"{path}/rotate-secret", {}).json()
    api.post(f"{path}/disable")
    api.post(f"{path}/enable")
    api.delete(path)
    events = list(AuditEvent.objects.filter(subject_id=made["id"]).order_by("id"))
    assert [event.action.partition(".")[2] for event in events] == [
        "created", "updated", "secret_rotated", "disabled", "enabled", "deleted",
    ]  # fmt: skip
    assert events[1].details["changes"] == {"name": ["Scheduling", "Renamed"], "url": ["(hidden)", "(hidden)"]}
    told = str([event.details for event in events])
    assert not [text for text in ("s3cret", "an0ther", made["secret"], rotated["secret"]) if text in told]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://hooks.clinic.example/", "must begin with https://"),
        ("https://169.254.169.254/latest/meta-data", "name its host in full"),
        ("https://2130706433/", "name its host in full"),
        ("https://localhost/", "name its host in full"),
        ("https://user:pw@hooks.clinic.example/", "leave them out"),
        ("https://hooks.clinic.example:22/", "port 22"),
        ("https://hooks.clinic.example/" + "x" * 2048, "2048"),
        ("https://testserver.example/", "this installation itself"),
        ("", "blank"),
    ],
)
def test_an_address_is_judged_when_it_is_saved(api: Api, settings: Any, url: str, told: str) -> None:
    settings.RVM_OUTBOUND_LOOPBACK = False
    settings.RVM_PUBLIC_URL = "https://testserver.example"
    made = create(api)
    for answer in (
        api.post("webhook-destinations", NEW | {"url": url}),
        api.patch(f"webhook-destinations/{made['id']}", {"url": url}),
    ):
        assert answer.status_code == 422
        pointer, detail = error_of(answer)
        assert pointer == "/url" and told in detail
    assert WebhookDestination.objects.get().url == URL


def test_development_lets_the_loopback_be_named(api: Api, settings: Any) -> None:
    settings.RVM_OUTBOUND_LOOPBACK = True
    assert create(api, url="http://127.0.0.1:9000/hook")["url"] == "http://127.0.0.1:9000/hook"


def test_an_unknown_event_type_is_named_and_so_are_those_that_there_are(api: Api) -> None:
    answer = api.post("webhook-destinations", NEW | {"accepted_event_types": ["voicemail.sent"]})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["pointer"] == "/accepted_event_types/0"
    assert "“voicemail.sent”" in error["detail"] and "voicemail.delivered" in error["detail"]
    listed = [each["name"] for each in api.get("event-types").json()["items"]]
    assert listed == sorted(TYPES)


def test_no_event_types_mean_all(api: Api) -> None:
    body = {name: value for name, value in NEW.items() if name != "accepted_event_types"}
    assert api.post("webhook-destinations", body).json()["accepted_event_types"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("concurrency", 0),
        ("concurrency", 21),
        ("pace_per_second", 0),
        ("pace_per_second", 10**12),
        ("signature", "sha1"),
    ],
)
def test_concurrency_pace_and_signature_are_bounded(api: Api, field: str, value: Any) -> None:
    answer = api.post("webhook-destinations", NEW | {field: value})
    assert answer.status_code == 422 and error_of(answer)[0] == f"/{field}"
    assert "[number]" not in answer.text  # a bound that looks like a phone number is masked


def test_a_workspace_has_a_bounded_number_of_destinations(api: Api, workspace: Workspace) -> None:
    for _ in range(MAX_DESTINATIONS):
        last = make_destination(workspace)
    refused = api.post("webhook-destinations", NEW)
    assert (refused.status_code, refused.json()["code"]) == (409, "quota_used_up")
    assert str(MAX_DESTINATIONS) in refused.json()["detail"]
    assert api.delete(f"webhook-destinations/{last.pk}").status_code == 204
    create(api)


def test_a_new_destination_is_told_nothing_of_what_happened_before(api: Api, workspace: Workspace) -> None:
    make_api(workspace).post("suppressions", {"recipient_phone_number": "+12025550197", "reason": "opt_out"})
    assert publish() == 1
    made = WebhookDestination.objects.get(pk=create(api)["id"])
    assert made.position > Event.objects.get().pk


# changed


def test_a_change_leaves_the_rest_and_needs_the_version_that_was_read(api: Api) -> None:
    made = create(api)
    path = f"webhook-destinations/{made['id']}"
    tag = api.get(path)["ETag"]
    changed = api.send("PATCH", path, {"pace_per_second": 50, "description": "Nights too"}, If_Match=tag)
    assert changed.status_code == 200, changed.content
    told = changed.json()
    assert (told["pace_per_second"], told["description"], told["url"]) == (50, "Nights too", URL)
    assert told["updated_at"] > made["updated_at"]
    stale = api.send("PATCH", path, {"name": "Late"}, If_Match=tag)
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert api.patch(path, {"pace_per_second": None}).json()["pace_per_second"] is None


def test_failures_make_no_version_stale_and_are_told_as_a_state(api: Api) -> None:
    made = create(api)
    path, now = f"webhook-destinations/{made['id']}", database_now()
    tag = api.get(path)["ETag"]
    WebhookDestination.objects.filter(pk=made["id"]).update(failing_since=now, failures=3, waits_until=now)
    assert api.get(path).json()["state"] == "failing"
    assert api.send("PATCH", path, {"name": "Renamed"}, If_Match=tag).status_code == 200


def test_a_destination_is_disabled_and_enabled_where_it_stopped(api: Api) -> None:
    made = create(api)
    path = f"webhook-destinations/{made['id']}"
    position = WebhookDestination.objects.get().position
    disabled = api.post(f"{path}/disable").json()
    assert disabled["state"] == "disabled" and disabled["disabled_at"] is not None
    assert api.post(f"{path}/disable").json() == disabled
    enabled = api.post(f"{path}/enable").json()
    assert (enabled["state"], enabled["disabled_at"], enabled["disabled_because"]) == ("enabled", None, None)
    assert WebhookDestination.objects.get().position == position


def test_a_deleted_destination_is_gone_with_its_secrets(api: Api) -> None:
    made = create(api)
    path = f"webhook-destinations/{made['id']}"
    assert api.delete(path).status_code == 204
    assert not WebhookSecret.objects.exists()
    row = WebhookDestination.objects.get()
    assert (row.deleted_at is None, row.url) == (False, "")
    for answer in (api.get(path), api.patch(path, {"name": "x"}), api.post(f"{path}/test"), api.delete(path)):
        assert answer.status_code == 404
    assert api.get("webhook-destinations").json()["items"] == []


# its secret


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_rotated_secret_works_on_for_a_day_beside_the_new_one(api: Api) -> None:
    made = create(api)
    rotated = api.post(f"webhook-destinations/{made['id']}/rotate-secret", {}, Idempotency_Key="k").json()
    new, old = rotated["secrets"]
    assert (new["last4"], new["expires_at"]) == (rotated["secret"][-4:], None)
    assert old["last4"] == made["secret"][-4:]
    assert abs(moment(old["expires_at"]) - moment(new["created_at"]) - timedelta(hours=24)) < timedelta(seconds=5)
    again = api.post(f"webhook-destinations/{made['id']}/rotate-secret", {}, Idempotency_Key="k").json()
    assert again == {**rotated, "secret": None}


def test_a_second_rotation_ends_the_oldest_secret_at_once(api: Api) -> None:
    made = create(api)
    path = f"webhook-destinations/{made['id']}/rotate-secret"
    second, third = api.post(path, {"overlap_hours": 72}).json(), api.post(path, {"overlap_hours": 1}).json()
    assert {each["last4"] for each in third["secrets"]} == {second["secret"][-4:], third["secret"][-4:]}
    assert WebhookSecret.objects.count() == 2


def test_without_an_overlap_the_old_secret_is_gone_at_once(api: Api) -> None:
    made = create(api)
    rotated = api.post(f"webhook-destinations/{made['id']}/rotate-secret", {"overlap_hours": 0}).json()
    assert [each.secret for each in WebhookSecret.objects.all()] == [rotated["secret"]]


def test_a_secret_that_has_ended_is_told_no_more(api: Api) -> None:
    made = create(api)
    api.post(f"webhook-destinations/{made['id']}/rotate-secret", {"overlap_hours": 1})
    WebhookSecret.objects.exclude(expires_at=None).update(expires_at=database_now() - timedelta(seconds=1))
    assert len(api.get(f"webhook-destinations/{made['id']}").json()["secrets"]) == 1


@pytest.mark.parametrize("hours", [-1, 169, "24", None])
def test_an_overlap_is_between_none_and_a_week(api: Api, hours: Any) -> None:
    made = create(api)
    answer = api.post(f"webhook-destinations/{made['id']}/rotate-secret", {"overlap_hours": hours})
    assert answer.status_code == 422 and error_of(answer)[0] == "/overlap_hours"
    assert WebhookSecret.objects.count() == 1


# test and replay


def test_a_test_adds_an_event_for_this_destination_and_says_where_its_delivery_is(api: Api) -> None:
    made = create(api)
    answer = api.post(f"webhook-destinations/{made['id']}/test")
    assert answer.status_code == 202
    assert answer.json()["deliveries"] == api.url(f"webhook-destinations/{made['id']}/deliveries?type=webhook.ping")
    event = Outbox.objects.get()
    assert (event.type, event.data) == ("webhook.ping", {"destination_id": made["id"]})
    assert api.client.get(answer.json()["deliveries"]).status_code == 200


def test_a_disabled_destination_is_tested_and_sent_again_nothing(api: Api, workspace: Workspace) -> None:
    row = make_destination(workspace, disabled_at=database_now())
    path = f"webhook-destinations/{row.pk}"
    for answer in (
        api.post(f"{path}/test"),
        api.post(f"{path}/replay", {"since": database_now().isoformat()}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "webhook_destination_disabled")
    assert not Outbox.objects.exists()


@pytest.mark.parametrize(("away", "told"), [(timedelta(days=-31), "30 days"), (timedelta(minutes=5), "has passed")])
def test_only_a_time_that_the_feed_reaches_is_replayed(api: Api, away: timedelta, told: str) -> None:
    made = create(api)
    since = (database_now() + away).isoformat()
    answer = api.post(f"webhook-destinations/{made['id']}/replay", {"since": since})
    assert answer.status_code == 422
    pointer, detail = error_of(answer)
    assert pointer == "/since" and told in detail


# who may


def test_a_key_of_another_workspace_finds_nothing(api: Api) -> None:
    made = create(api)
    stranger = make_api(make_workspace())
    assert stranger.get(f"webhook-destinations/{made['id']}").status_code == 404
    assert stranger.get("webhook-destinations").json()["items"] == []


def test_a_test_key_makes_destinations_of_tests(workspace: Workspace) -> None:
    test_key = make_api(workspace, live=False)
    assert create(test_key)["live"] is False


def test_who_may_read_does_not_write(workspace: Workspace, api: Api) -> None:
    made, reader = create(api), make_api(workspace, scopes=[Scope.WEBHOOKS_READ])
    assert reader.get(f"webhook-destinations/{made['id']}").status_code == 200
    assert reader.post(f"webhook-destinations/{made['id']}/rotate-secret", {}).status_code == 403
