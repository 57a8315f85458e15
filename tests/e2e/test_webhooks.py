"""The walk of an administrator whose own system is to be told: a destination, its secret, a test, a receiver that fails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from rvm.platform.database.clock import database_now
from rvm.platform.models import WebhookDelivery, WebhookDestination, Workspace
from tests.e2e.admin_pages import AdminPages
from tests.rvm.platform.webhooks.factories import make_delivery

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

BECAUSE = "It took nothing for 5 days; the last answer was 503."


def test_a_destination_from_its_address_to_what_a_failing_receiver_was_sent_again(
    admin: AdminPages, workspace: Workspace
) -> None:
    admin.go(reverse("admin:platform_webhookdestination_add"))
    admin.reads("Only administrators see it.", "voicemail.delivered: The carrier reports")
    assert admin.width() <= 1366
    admin.picture("new destination")
    admin.write("name", "Scheduling system")
    admin.write("url", "http://10.0.0.7/hook")
    admin.press("Save")
    admin.reads("The address must begin with https://.")
    admin.write("url", "https://hooks.clinic.example/rvm?token=s3cret")
    admin.press("Save")
    admin.reads("Webhooks to Scheduling system are signed with this secret", "whsec_")
    secret = admin.by_id("webhook-secret").text

    admin.press("I have copied it")
    admin.reads("takes webhooks", f"…{secret[-4:]}, made")
    assert secret not in admin.text
    admin.press("Send a test")
    admin.reads("A test is on its way.")
    admin.press("Rotate the secret…")
    admin.press("Rotate the secret")
    admin.reads("whsec_")
    admin.press("I have copied it")
    admin.reads("signs until")

    destination = WebhookDestination.objects.get()
    delivery = make_delivery(destination, state="failed")
    now = database_now()
    WebhookDestination.objects.update(failing_since=now - timedelta(days=5), waits_until=now + timedelta(hours=5))
    admin.go(reverse("admin:platform_webhookdestination_changelist"))
    admin.reads("FAILING", "LIVE", "hooks.clinic.example")
    admin.picture("destinations")
    admin.go(reverse("admin:platform_webhookdestination_change", args=[destination.pk]))
    admin.reads("failing since", "next attempt")
    WebhookDestination.objects.update(disabled_at=now, disabled_because=BECAUSE)
    admin.go(reverse("admin:platform_webhookdestination_change", args=[destination.pk]))
    admin.reads("disabled since", BECAUSE)
    admin.press("Enable…")
    admin.press("Enable it")
    admin.reads("It is enabled, and told of what it has missed.", "takes webhooks")

    admin.press("Send again since…")
    admin.press("Send them again")
    admin.reads("events are sent again.")
    admin.press("Its deliveries")
    admin.reads("GIVEN UP", "voicemail.delivered")
    admin.picture("deliveries")
    admin.go(reverse("admin:platform_webhookdelivery_change", args=[delivery.pk]))
    admin.reads("The receiver answered 503.", "“Busy”")
    assert admin.fits(admin.by_id("attempts"))
    admin.press("Send it again")
    admin.reads("It is sent again within moments", "There was no attempt yet.")
    assert WebhookDelivery.objects.filter(event_id=delivery.event_id, replay=True).exists()
