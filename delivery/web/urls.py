"""URL patterns for carriers, players and monitoring systems, which have no API key."""

from __future__ import annotations

from django.urls import path

from delivery.web import callbacks, metrics, recording_links

urlpatterns = [
    path("carriers/<slug:token>/", callbacks.setup_callback, name="setup-callback"),
    path("carriers/<uuid:setup_id>/<int:version>/<slug:token>/", callbacks.drop_callback, name="drop-callback"),
    path("metrics", metrics.metrics, name="metrics"),
    path("recordings/<str:token>.mp3", recording_links.recording, name="recording-link"),
    path(
        "recordings/<uuid:setup_id>/<int:version>/<slug:token>.mp3",
        recording_links.recording_of_drop,
        name="carrier-recording-link",
    ),
]
