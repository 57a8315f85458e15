"""Webhook destinations and deliveries at the desk: their state in words, a secret that is shown once, and who may do what."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from rvm.platform.admin.webhooks.destinations import state_in_words
from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, Outbox, WebhookDelivery, WebhookDestination, WebhookSecret, Workspace
from rvm.platform.roles import Role
from rvm.platform.times import moments
from tests.factories import make_user, make_workspace
from tests.rvm.platform.webhooks.factories import happened, make_delivery, make_destination

pytestmark = pytest.mark.django_db

URL = "https://hooks.clinic.example/rvm?token=s3cret-of-the-receiver"
SECRET = re.compile(r"whsec_[0-9A-Za-z+/=]{44}")


def signed_in(workspace: Workspace, role: Role) -> Client:
    client = Client()
    client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None))
    return client


@pytest.fixture
def desk(workspace: Workspace) -> Client:
    return signed_in(workspace, Role.ADMIN)


def page(name: str, *arguments: Any) -> str:
    return reverse(f"admin:platform_webhook{name}", args=arguments)


def form(workspace: Workspace | None, **fields: Any) -> dict[str, Any]:
    whole = {
        **({"workspace": workspace.pk, "live": "on"} if workspace else {}),
        "name": "Scheduling",
        "url": URL,
        "accepted_event_types": ["voicemail.failed"],
        "signature": "standard",
        "concurrency": 4,
        "pace_per_second": "",
        "description": "",
    }
    return whole | fields


def test_a_new_destination_shows_its_secret_once(desk: Client, workspace: Workspace) -> None:
    answer = desk.post(page("destination_add"), form(workspace))
    [shown] = SECRET.findall(unescape(answer.content.decode()))
    assert "no-store" in answer["Cache-Control"]
    row = WebhookDestination.objects.get()
    assert row.secrets.get().secret == shown
    assert (row.url, row.accepted_event_types, row.live) == (URL, ["voicemail.failed"], True)
    for address in (page("destination_change", row.pk), page("destination_changelist")):
        assert not SECRET.findall(unescape(desk.get(address).content.decode()))


@pytest.mark.parametrize(
    "url", ["http://hooks.clinic.example/", "https://10.0.0.1/", "https://u:p@hooks.clinic.example"]
)
def test_an_address_that_is_not_taken_is_refused_at_its_field(desk: Client, workspace: Workspace, url: str) -> None:
    answer = desk.post(page("destination_add"), form(workspace, url=url))
    assert answer.status_code == 200 and answer.context["adminform"].form.errors.keys() == {"url"}
    assert not WebhookDestination.objects.exists()


def test_a_change_is_recorded_without_the_address(desk: Client, workspace: Workspace) -> None:
    row = make_destination(workspace, URL)
    changed = form(None, url="https://other.example/hook", accepted_event_types=[])
    answer = desk.post(page("destination_change", row.pk), changed)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    row.refresh_from_db()
    assert (row.url, row.name, row.live) == ("https://other.example/hook", "Scheduling", True)
    event = AuditEvent.objects.get(action="webhook_destination.updated")
    assert event.details["changes"] == {"name": ["Records", "Scheduling"], "url": ["(hidden)", "(hidden)"]}


def test_the_state_is_told_in_words() -> None:
    now = database_now()
    later = now + timedelta(minutes=5)
    takes = WebhookDestination()
    assert state_in_words(takes) == "takes webhooks"
    failing = WebhookDestination(failing_since=now, waits_until=later)
    assert state_in_words(failing) == (
        f"failing since {moments.moment(now)}; next attempt {moments.moment_to_the_second(later)}"
    )
    assert state_in_words(WebhookDestination(failing_since=now)).endswith("each webhook is tried again by its schedule")
    off = WebhookDestination(disabled_at=now, disabled_because="It took nothing for 5 days.")
    assert state_in_words(off) == f"disabled since {moments.moment(now)}. It took nothing for 5 days."
    assert state_in_words(WebhookDestination(disabled_at=now)).endswith("Somebody disabled it.")


@pytest.mark.parametrize(("chosen", "secrets"), [("24", 2), ("0", 1)])
def test_a_rotated_secret_is_shown_once_and_the_old_one_works_on_as_chosen(
    desk: Client, workspace: Workspace, chosen: str, secrets: int
) -> None:
    row = make_destination(workspace)
    address = page("destination_rotate", row.pk)
    assert "No moment longer if the secret has leaked" in desk.get(address).content.decode()
    [shown] = SECRET.findall(unescape(desk.post(address, {"overlap_hours": chosen}).content.decode()))
    assert WebhookSecret.objects.filter(destination=row).count() == secrets
    assert WebhookSecret.objects.get(destination=row, expires_at=None).secret == shown
    assert desk.post(address, {"overlap_hours": "9999"}).status_code == 403


def test_a_destination_is_tested_disabled_and_enabled_by_its_buttons(desk: Client, workspace: Workspace) -> None:
    row = make_destination(workspace)
    desk.post(page("destination_test", row.pk))
    assert Outbox.objects.get().type == "webhook.ping"
    assert desk.get(page("destination_test", row.pk)).status_code == 405
    desk.post(page("destination_disable", row.pk))
    row.refresh_from_db()
    assert row.disabled_at is not None
    shown = desk.get(page("destination_change", row.pk)).content.decode()
    assert "Enable…" in shown and "Send a test" not in shown and "Somebody disabled it." in shown
    told = desk.post(page("destination_test", row.pk), follow=True).content.decode()
    assert "enable it first" in told
    desk.post(page("destination_enable", row.pk))
    row.refresh_from_db()
    assert row.disabled_at is None


def test_everything_since_a_time_is_sent_again(desk: Client, workspace: Workspace) -> None:
    happened(workspace, timedelta(days=29))
    event = happened(workspace, timedelta(minutes=30))
    row = make_destination(workspace, position=event)
    told = desk.post(page("destination_replay", row.pk), {"hours": "1"}, follow=True).content.decode()
    assert "1 event is sent again." in told
    WebhookDestination.objects.update(position=event)
    told = desk.post(page("destination_replay", row.pk), {"hours": "720"}, follow=True).content.decode()
    assert "2 events are sent again." in told


def test_a_delivery_tells_its_attempts_and_is_sent_again_by_a_button(desk: Client, workspace: Workspace) -> None:
    delivery = make_delivery(make_destination(workspace))
    shown = desk.get(page("delivery_change", delivery.pk)).content.decode()
    assert "The receiver answered 503." in shown and "Busy" in shown and "Send it again" in shown
    desk.post(page("delivery_replay", delivery.pk))
    again = WebhookDelivery.objects.latest("id")
    assert (again.event_id, again.replay) == (delivery.event_id, True)


def test_deliveries_are_listed_newest_first_and_filtered_by_state_and_destination(
    desk: Client, workspace: Workspace
) -> None:
    one, other = make_destination(workspace, name="One"), make_destination(workspace, name="Other")
    first, second = make_delivery(one), make_delivery(one, state="failed")
    third = make_delivery(other)
    make_delivery(make_destination(make_workspace()))

    def listed(**filters: Any) -> list[Any]:
        return [row.pk for row in desk.get(page("delivery_changelist"), filters).context["cl"].result_list]

    assert listed() == [third.pk, second.pk, first.pk]
    assert listed(state__exact="failed") == [second.pk]
    assert listed(destination__id__exact=one.pk) == [second.pk, first.pk]


def test_a_viewer_sees_states_and_deliveries_and_does_nothing(workspace: Workspace) -> None:
    viewer = signed_in(workspace, Role.VIEWER)
    row = make_destination(workspace, URL)
    delivery = make_delivery(row)
    shown = viewer.get(page("destination_change", row.pk)).content.decode()
    assert "takes webhooks" in shown and "hooks.clinic.example" in shown
    assert not [text for text in ("s3cret", "Rotate", "Send a test", "Disable") if text in shown]
    assert "Send it again" not in viewer.get(page("delivery_change", delivery.pk)).content.decode()
    for name in ("rotate", "enable", "disable", "replay", "test"):
        assert viewer.post(page(f"destination_{name}", row.pk)).status_code == 403, name
    assert viewer.post(page("delivery_replay", delivery.pk)).status_code == 403
    assert viewer.get(page("destination_add")).status_code == 403
    assert WebhookDelivery.objects.count() == 1 and not Outbox.objects.exists()


def test_a_deleted_destination_leaves_the_list_and_keeps_its_deliveries(desk: Client, workspace: Workspace) -> None:
    row = make_destination(workspace)
    delivery = make_delivery(row)
    desk.post(page("destination_delete", row.pk), {"post": "yes"})
    row.refresh_from_db()
    assert row.deleted_at is not None and not row.secrets.exists()
    assert desk.get(page("destination_change", row.pk)).status_code == 404
    assert desk.get(page("delivery_change", delivery.pk)).status_code == 200
