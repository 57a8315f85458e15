"""The addresses that carriers and players come to without a key."""

from __future__ import annotations

from django.urls import path

from delivery import callbacks, views

urlpatterns = [
    path("carriers/<slug:token>/", callbacks.callback, name="carrier-callback"),
    path("recordings/<str:token>.mp3", views.recording, name="recording-link"),
]
