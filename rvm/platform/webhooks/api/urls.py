"""URL patterns of webhook destinations under /v1/{workspace_id}/."""

from __future__ import annotations

from django.urls import path

import rvm.platform.webhooks.api.examples  # noqa: F401  # gives the serializers their examples
from rvm.platform.webhooks.api import deliveries, destinations, event_types

_ONE = "webhook-destinations/<uuid:destination_id>"
_DELIVERY = f"{_ONE}/deliveries/<uuid:delivery_id>"

urlpatterns = [
    path("event-types", event_types.EventTypesView.as_view(), name="event-types"),
    path("webhook-destinations", destinations.WebhookDestinationsView.as_view(), name="webhook-destinations"),
    path(_ONE, destinations.WebhookDestinationView.as_view(), name="webhook-destination"),
    path(f"{_ONE}/rotate-secret", destinations.WebhookSecretRotationView.as_view(), name="webhook-secret-rotation"),
    path(f"{_ONE}/enable", destinations.EnableWebhookDestinationView.as_view(), name="webhook-enabling"),
    path(f"{_ONE}/disable", destinations.DisableWebhookDestinationView.as_view(), name="webhook-disabling"),
    path(f"{_ONE}/test", destinations.WebhookTestView.as_view(), name="webhook-test"),
    path(f"{_ONE}/replay", destinations.WebhookReplayView.as_view(), name="webhook-replay"),
    path(f"{_ONE}/deliveries", deliveries.WebhookDeliveriesView.as_view(), name="webhook-deliveries"),
    path(_DELIVERY, deliveries.WebhookDeliveryView.as_view(), name="webhook-delivery"),
    path(f"{_DELIVERY}/replay", deliveries.ReplayWebhookDeliveryView.as_view(), name="webhook-delivery-replay"),
]
