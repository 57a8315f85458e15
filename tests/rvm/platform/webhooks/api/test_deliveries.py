"""Deliveries over the API: newest first, in pages, with the attempts of each, and sent again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, WebhookDelivery, WebhookDestination, Workspace
from tests.factories import Api, make_api, make_workspace
from tests.rvm.platform.webhooks.factories import make_delivery, make_destination

pytestmark = pytest.mark.django_db


@pytest.fixture
def destination(workspace: Workspace) -> WebhookDestination:
    return make_destination(workspace)


def path(destination: WebhookDestination, rest: str = "") -> str:
    return f"webhook-destinations/{destination.pk}/deliveries{rest}"


def test_pages_of_deliveries_go_on_where_they_stopped(api: Api, destination: WebhookDestination) -> None:
    made = [str(make_delivery(destination).pk) for _ in range(5)]
    make_delivery(make_destination(destination.workspace))
    first = api.get(path(destination), limit=2).json()
    second = api.get(path(destination), limit=2, continuation_token=first["continuation_token"]).json()
    third = api.get(path(destination), limit=2, continuation_token=second["continuation_token"]).json()
    shown = [entry["id"] for page in (first, second, third) for entry in page["items"]]
    assert shown == made[::-1] and not third["has_more"]
    stolen = api.get(path(destination), state="failed", continuation_token=first["continuation_token"])
    assert stolen.json()["errors"][0]["code"] == "continuation_token_invalid"


def test_deliveries_are_filtered_by_state_type_and_event(api: Api, destination: WebhookDestination) -> None:
    delivered = make_delivery(destination)
    failed = make_delivery(destination, state="failed", type="campaign.launched")

    def shown(**filters: str) -> list[str]:
        return [entry["id"] for entry in api.get(path(destination), **filters).json()["items"]]

    assert shown(state="failed") == shown(type="campaign.launched") == [str(failed.pk)]
    assert shown(event_id=str(delivered.event_id)) == [str(delivered.pk)]
    assert shown(state="pending") == []
    refused = api.get(path(destination), type="campaign.exploded")
    assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"] == "/type"


def test_a_delivery_tells_its_attempts_in_order(api: Api, destination: WebhookDestination) -> None:
    delivery = make_delivery(destination)
    told = api.get(path(destination, f"/{delivery.pk}")).json()
    assert [(each["number"], each["status"], each["error"]) for each in told["log"]] == [
        (1, 503, "The receiver answered 503."),
        (2, 204, None),
    ]
    assert (told["state"], told["attempts"], told["next_attempt_at"]) == ("delivered", 2, None)


def test_a_delivery_is_found_below_its_destination_only(api: Api, destination: WebhookDestination) -> None:
    delivery = make_delivery(destination)
    other = make_destination(destination.workspace)
    stranger = make_api(make_workspace())
    assert api.get(path(other, f"/{delivery.pk}")).status_code == 404
    assert api.get(path(destination, "/999999999999999999999")).status_code == 404
    for rest in ("", f"/{delivery.pk}"):
        assert stranger.get(path(destination, rest)).status_code == 404
    assert stranger.post(path(destination, f"/{delivery.pk}/replay")).status_code == 404


def test_a_replay_is_a_delivery_of_the_same_event(api: Api, destination: WebhookDestination) -> None:
    delivery = make_delivery(destination)
    answer = api.post(path(destination, f"/{delivery.pk}/replay"))
    again = answer.json()
    assert answer.status_code == 202 and again["id"] != str(delivery.pk)
    assert (again["event_id"], again["state"], again["replay"]) == (str(delivery.event_id), "pending", True)
    event = AuditEvent.objects.get(action="webhook_destination.replayed")
    assert (event.subject_id, event.details["event_id"]) == (destination.pk, str(delivery.event_id))


def test_what_is_on_its_way_is_tried_at_once_instead(api: Api, destination: WebhookDestination) -> None:
    later = database_now() + timedelta(hours=5)
    delivery = make_delivery(destination, state="pending", due_at=later)
    again = api.post(path(destination, f"/{delivery.pk}/replay")).json()
    assert again["id"] == str(delivery.pk)
    assert WebhookDelivery.objects.get().due_at < later


def test_a_disabled_destination_is_sent_nothing_again(api: Api, destination: WebhookDestination) -> None:
    delivery = make_delivery(destination)
    WebhookDestination.objects.update(disabled_at=database_now())
    answer = api.post(path(destination, f"/{delivery.pk}/replay"))
    assert (answer.status_code, answer.json()["code"]) == (409, "webhook_destination_disabled")
    assert WebhookDelivery.objects.count() == 1
