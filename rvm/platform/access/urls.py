"""URL patterns of API keys and members under /v1/{workspace_id}/."""

from __future__ import annotations

from django.urls import path

import rvm.platform.access.examples  # noqa: F401  # gives the serializers their examples
from rvm.platform.access import api_keys, members

urlpatterns = [
    path("api-keys", api_keys.ApiKeysView.as_view(), name="api-keys"),
    path("api-keys/<uuid:api_key_id>", api_keys.ApiKeyView.as_view(), name="api-key"),
    path("api-keys/<uuid:api_key_id>/rotate", api_keys.ApiKeyRotationView.as_view(), name="api-key-rotation"),
    path("members", members.MembersView.as_view(), name="members"),
]
