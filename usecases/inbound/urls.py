"""URLs without an API key for people who speak for themselves, and for the gateways that pass on what they say."""

from __future__ import annotations

from django.urls import path

from usecases.inbound.endpoint import inbound
from usecases.inbound.page import done, page

urlpatterns = [
    path("inbound/<slug:slug>", inbound, name="inbound"),
    path("opt-out/<slug:slug>", page, name="opt_out_page"),
    path("opt-out/<slug:slug>/done", done, name="opt_out_done"),
]
