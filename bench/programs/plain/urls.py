"""Its addresses."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from rest_framework.routers import DefaultRouter

from bench.programs.plain.views import VoicemailViewSet


def alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


router = DefaultRouter()
router.register("voicemail", VoicemailViewSet)
urlpatterns: list[URLPattern | URLResolver] = [path("livez", alive), path("", include(router.urls))]
