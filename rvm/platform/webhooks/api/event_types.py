"""API view of the types of events."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api.views import ApiView
from rvm.platform.events.types import TYPES
from rvm.platform.scopes import Scope
from rvm.platform.webhooks.api.destinations import TAGS
from rvm.platform.webhooks.api.serializers import EVENT_TYPES, EventTypesSerializer


class EventTypesView(ApiView):
    required_scopes: ClassVar = {"GET": Scope.WEBHOOKS_READ}

    @extend_schema(
        operation_id="list_event_types",
        summary="List event types",
        description="All types that a destination can be told of, by name. The data of each are in this document's `webhooks`.",
        tags=TAGS,
        responses={200: EventTypesSerializer},
    )
    def get(self, request: Request, workspace_id: UUID) -> Response:
        return Response(EventTypesSerializer({"items": [TYPES[name] for name in EVENT_TYPES]}).data)
