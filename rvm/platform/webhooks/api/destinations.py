"""API views of webhook destinations: list, create, change, delete, enable, disable, test, rotate the secret, replay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.idempotency import SecretResponse
from rvm.platform.api.lists import ListView, RowsView, WorldQuery, page_of
from rvm.platform.api.problem_codes import by_code
from rvm.platform.api.schema import request_example
from rvm.platform.api.views import ApiView
from rvm.platform.models import WebhookDestination, WebhookSecret
from rvm.platform.scopes import Scope
from rvm.platform.webhooks import destinations, switches
from rvm.platform.webhooks.api.serializers import (
    IssuedWebhookDestinationSerializer,
    NewWebhookDestination,
    SecretRotation,
    WebhookDestinationChanges,
    WebhookDestinationSerializer,
    WebhookReplay,
    WebhookReplayedSerializer,
    WebhookTestSerializer,
)
from rvm.platform.webhooks.event_types import PING

TAGS = ["Webhooks"]
_ONCE = "`secret` is shown in this answer only: repeated under its Idempotency-Key, the request gets null there."
_SECRETS = Prefetch("secrets", WebhookSecret.objects.defer("secret").order_by("-id"))
_WRITE: dict[str, Scope] = {"POST": Scope.WEBHOOKS_WRITE}


class DestinationsView(ApiView):
    """The base of views of destinations and of what is below them."""

    problems: ClassVar = {**ApiView.problems, **by_code(codes.WEBHOOK_DESTINATION_DISABLED)}

    def within(self, live: bool | None) -> QuerySet[WebhookDestination]:
        return destinations.destinations(self.workspace, live=live)

    def find_destination(self, destination_id: UUID) -> WebhookDestination:
        """The destination that the address names. Raises ServiceError."""
        message = self.not_found_message(destinations.NO_SUCH_DESTINATION)
        return self.get_row(self.within(self.reach), destination_id, message)


class _DestinationView(DestinationsView, RowsView):
    serializer_class = WebhookDestinationSerializer
    find = DestinationsView.find_destination

    def within(self, live: bool | None) -> QuerySet[WebhookDestination]:
        """With the ends of their secrets."""
        return super().within(live).prefetch_related(_SECRETS)

    def rows(self, query: WorldQuery, live: bool | None) -> QuerySet[WebhookDestination]:
        return self.within(live)

    def context(self, rows: list[Any]) -> dict[str, Any]:
        return {"now": self.asked_at}

    def serialize_changed(self, row: WebhookDestination) -> Any:
        """The destination, read again from the database after the change."""
        return self.serialize(self.find_destination(row.pk))

    def issued(self, row: WebhookDestination, secret: str, **options: Any) -> SecretResponse:
        return SecretResponse({**self.serialize_changed(row), "secret": secret}, once="secret", **options)


@extend_schema_view(
    get=extend_schema(
        operation_id="list_webhook_destinations",
        summary="List webhook destinations",
        description="Newest first.",
        tags=TAGS,
        parameters=[WorldQuery],
        responses={200: page_of(WebhookDestinationSerializer)},
    )
)
class WebhookDestinationsView(_DestinationView, ListView):
    required_scopes: ClassVar = {"GET": Scope.WEBHOOKS_READ, **_WRITE}
    query_class = WorldQuery
    creates_row = True

    @extend_schema(
        operation_id="create_webhook_destination",
        summary="Create a webhook destination",
        description="It is told of what happens from now on, in the world of the asking key: live, or test. A workspace has at most "
        f"{destinations.MAX_DESTINATIONS}; then 409 `quota_used_up`. {_ONCE}",
        tags=TAGS,
        request=NewWebhookDestination,
        responses={201: IssuedWebhookDestinationSerializer},
        examples=[
            request_example(
                "What became of voicemails",
                {
                    "name": "Scheduling system",
                    "url": "https://hooks.clinic.example/rvm",
                    "accepted_event_types": ["voicemail.delivered", "voicemail.failed"],
                },
            )
        ],
    )
    def post(self, request: Request, workspace_id: UUID) -> Response:
        row, secret = destinations.create_destination(
            workspace=self.workspace, live=self.key.live, actor=self.actor, **self.read_body(NewWebhookDestination)
        )
        return self.issued(row, secret, status=201, headers={"Location": f"{request.path}/{row.pk}"})


class WebhookDestinationView(_DestinationView):
    required_scopes: ClassVar = {
        "GET": Scope.WEBHOOKS_READ,
        "PATCH": Scope.WEBHOOKS_WRITE,
        "DELETE": Scope.WEBHOOKS_WRITE,
    }

    @extend_schema(
        operation_id="get_webhook_destination",
        summary="Get a webhook destination",
        tags=TAGS,
        responses={200: WebhookDestinationSerializer},
    )
    def get(self, request: Request, workspace_id: UUID, destination_id: UUID) -> Response:
        return Response(self.serialize(self.find_destination(destination_id)))

    @extend_schema(
        operation_id="update_webhook_destination",
        summary="Change a webhook destination",
        description="Fields that are left out do not change. What is already on its way goes to the new address.",
        tags=TAGS,
        request=WebhookDestinationChanges,
        responses={200: WebhookDestinationSerializer},
    )
    def patch(self, request: Request, workspace_id: UUID, destination_id: UUID) -> Response:
        row = self.find_destination(destination_id)
        changes = self.read_body(WebhookDestinationChanges, partial=True)
        return Response(
            self.serialize_changed(destinations.update_destination(destination=row, actor=self.actor, **changes))
        )

    @extend_schema(
        operation_id="delete_webhook_destination",
        summary="Delete a webhook destination",
        description="At once and for ever. What is on its way to it is sent no more.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, workspace_id: UUID, destination_id: UUID) -> Response:
        destinations.delete_destination(destination=self.find_destination(destination_id), actor=self.actor)
        return Response(status=204)


class WebhookSecretRotationView(_DestinationView):
    required_scopes: ClassVar = _WRITE

    @extend_schema(
        operation_id="rotate_webhook_secret",
        summary="Rotate the secret of a webhook destination",
        description="For `overlap_hours` more, by default a day, each webhook is signed with both secrets, so that a receiver may "
        f"verify with either; the signature `hex` has room for one, the old secret's. A still older secret ends at once. {_ONCE}",
        tags=TAGS,
        request=SecretRotation,
        responses={200: IssuedWebhookDestinationSerializer},
        examples=[request_example("With three days to put it in place", {"overlap_hours": 72})],
    )
    def post(self, request: Request, workspace_id: UUID, destination_id: UUID) -> Response:
        row, asked = self.find_destination(destination_id), self.read_body(SecretRotation)
        overlap = timedelta(hours=asked["overlap_hours"])
        return self.issued(*destinations.rotate_secret(destination=row, overlap=overlap, actor=self.actor))


@extend_schema_view(
    post=extend_schema(
        operation_id="enable_webhook_destination",
        summary="Enable a webhook destination",
        description="It is told of everything since it was disabled, as far as the feed goes back.",
        tags=TAGS,
        request=None,
        responses={200: WebhookDestinationSerializer},
    )
)
class EnableWebhookDestinationView(_DestinationView):
    required_scopes: ClassVar = _WRITE
    bodiless: ClassVar = frozenset({"POST"})

    def post(self, request: Request, workspace_id: UUID, destination_id: UUID) -> Response:
        row = self.find_destination(destination_id)
        switches.enable(row, actor=self.actor)
        return Response(self.serialize_changed(row))


@extend_schema_view(
    post=extend_schema(
        operation_id="disable_webhook_destination",
        summary="Disable a webhook destination",
        description="It is sent nothing until it is enabled. What happens meanwhile is kept for it for as long as the feed keeps it.",
        tags=TAGS,
        request=None,
        responses={200: WebhookDestinationSerializer},
    )
)
class DisableWebhookDestinationView(_DestinationView):
    required_scopes: ClassVar = _WRITE
    bodiless: ClassVar = frozenset({"POST"})

    def post(self, request: Request, workspace_id: UUID, destination_id: UUID) -> Response:
        row = self.find_destination(destination_id)
        switches.disable(row, actor=self.actor)
        return Response(self.serialize_changed(row))


class WebhookTestView(DestinationsView):
    required_scopes: ClassVar = _WRITE
    bodiless: ClassVar = frozenset({"POST"})

    @extend_schema(
        operation_id="test_webhook_destination",
        summary="Test a webhook destination",
        description="Sends it `webhook.ping`, whatever its types; no other destination is told. What became of it is the newest "
        "delivery of this type, after a moment. 409 `webhook_destination_disabled`.",
        tags=TAGS,
        request=None,
        responses={202: WebhookTestSerializer},
    )
    def post(self, request: Request, workspace_id: UUID, destination_id: UUID) -> Response:
        destinations.send_ping(destination=self.find_destination(destination_id), actor=self.actor)
        found = f"{request.path.removesuffix('/test')}/deliveries?type={PING}"
        return Response(WebhookTestSerializer({"type": PING, "deliveries": found}).data, status=202)


class WebhookReplayView(DestinationsView):
    required_scopes: ClassVar = _WRITE

    @extend_schema(
        operation_id="replay_webhooks",
        summary="Send all webhooks since a time again",
        description="All events since then that the destination takes, in their order, with the ids that they had. 409 "
        "`webhook_destination_disabled`.",
        tags=TAGS,
        request=WebhookReplay,
        responses={202: WebhookReplayedSerializer},
        examples=[request_example("After an outage of the receiver", {"since": "2026-03-02T15:00:00Z"})],
    )
    def post(self, request: Request, workspace_id: UUID, destination_id: UUID) -> Response:
        row, asked = self.find_destination(destination_id), self.read_body(WebhookReplay)
        count = destinations.replay_since(destination=row, since=asked["since"], actor=self.actor)
        return Response(WebhookReplayedSerializer({"events": count}).data, status=202)
