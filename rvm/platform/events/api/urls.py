"""URL patterns of the feed under /v1/{workspace_id}/."""

from __future__ import annotations

from django.urls import path

import rvm.platform.events.api.examples  # noqa: F401  # gives the serializers their examples
from rvm.platform.events.api import views

urlpatterns = [
    path("events", views.EventsView.as_view(), name="events"),
    path("events/stream", views.EventStreamView.as_view(), name="event-stream"),
    path("events/<uuid:event_id>", views.EventView.as_view(), name="event"),
]
