"""API views of deliveries: which webhooks a destination was sent, with which answers, and to send one again."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api.lists import ListView, RowsView, page_of
from rvm.platform.models import WebhookDelivery
from rvm.platform.scopes import Scope
from rvm.platform.webhooks import destinations
from rvm.platform.webhooks.api.destinations import TAGS, DestinationsView
from rvm.platform.webhooks.api.serializers import (
    WebhookDeliveryDetailSerializer,
    WebhookDeliveryQuery,
    WebhookDeliverySerializer,
)


class _DeliveryView(DestinationsView, RowsView):
    serializer_class = WebhookDeliverySerializer

    def of_destination(self) -> QuerySet[WebhookDelivery]:
        """The deliveries of the destination that the address names. Raises ServiceError."""
        destination = self.find_destination(self.kwargs["destination_id"])
        return WebhookDelivery.objects.filter(destination=destination)

    def find(self, destination_id: UUID, delivery_id: UUID) -> WebhookDelivery:
        rows = self.of_destination().select_related("destination")
        return self.get_row(rows, delivery_id, "This destination has no such delivery.")


@extend_schema_view(
    get=extend_schema(
        operation_id="list_webhook_deliveries",
        summary="List deliveries of a webhook destination",
        description="Newest first, for the 30 days for which they are kept.",
        tags=TAGS,
        parameters=[WebhookDeliveryQuery],
        responses={200: page_of(WebhookDeliverySerializer)},
    )
)
class WebhookDeliveriesView(_DeliveryView, ListView):
    required_scopes: ClassVar = {"GET": Scope.WEBHOOKS_READ}
    query_class = WebhookDeliveryQuery

    def rows(self, query: WebhookDeliveryQuery, live: bool | None) -> QuerySet[WebhookDelivery]:
        return self.of_destination().filter(**query.filters)


class WebhookDeliveryView(_DeliveryView):
    required_scopes: ClassVar = {"GET": Scope.WEBHOOKS_READ}
    serializer_class = WebhookDeliveryDetailSerializer

    @extend_schema(
        operation_id="get_webhook_delivery",
        summary="Get a delivery with its attempts",
        tags=TAGS,
        responses={200: WebhookDeliveryDetailSerializer},
    )
    def get(self, request: Request, workspace_id: UUID, destination_id: UUID, delivery_id: UUID) -> Response:
        return Response(self.serialize(self.find(destination_id, delivery_id)))


class ReplayWebhookDeliveryView(_DeliveryView):
    required_scopes: ClassVar = {"POST": Scope.WEBHOOKS_WRITE}
    bodiless: ClassVar = frozenset({"POST"})

    @extend_schema(
        operation_id="replay_webhook_delivery",
        summary="Send a webhook again",
        description="The same event, with the id that it had, as a delivery of its own, which is the answer. One that is still on "
        "its way is tried at once instead. 409 `webhook_destination_disabled`.",
        tags=TAGS,
        request=None,
        responses={202: WebhookDeliverySerializer},
    )
    def post(self, request: Request, workspace_id: UUID, destination_id: UUID, delivery_id: UUID) -> Response:
        again = destinations.replay_delivery(delivery=self.find(destination_id, delivery_id), actor=self.actor)
        return Response(self.serialize(again), status=202)
