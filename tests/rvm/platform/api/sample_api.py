"""A small API on the platform's base view, so that its promises are tested apart from any layer's own."""

from __future__ import annotations

import threading
from typing import ClassVar

from django.core.exceptions import ValidationError as ModelValidationError
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api.fields import TextField
from rvm.platform.api.forms import MultiPartParser
from rvm.platform.api.lists import PageQuery
from rvm.platform.api.pagination import listing, page
from rvm.platform.api.problem_codes import CONFLICT
from rvm.platform.api.problems import Problem
from rvm.platform.api.rendering import JSONParser
from rvm.platform.api.views import ApiView
from rvm.platform.models import AuditEvent, Heartbeat
from rvm.platform.scopes import Scope

NUMBER = "+12025550142"


class Recipient(serializers.Serializer[object]):
    phone = serializers.ChoiceField(["a"])


class Send(serializers.Serializer[object]):
    name = serializers.CharField(max_length=5)
    recipients = Recipient(many=True, required=False)

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if attrs["name"] == "both":
            raise serializers.ValidationError("Send one of the two.", code="one_of")
        return attrs


class ThingsQuery(PageQuery):
    action = serializers.ListField(child=TextField(), required=False)


class Things(ApiView):
    required_scopes: ClassVar = {"GET": Scope.VOICEMAIL_READ, "POST": Scope.VOICEMAIL_SEND}
    query_class: ClassVar = ThingsQuery
    parser_classes: ClassVar = [JSONParser, MultiPartParser]
    begun = threading.Event()
    go_on = threading.Event()

    def get(self, request: Request, workspace_id: object) -> Response:
        events = AuditEvent.objects.filter(workspace=self.workspace)
        query = ThingsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        filters = {"action": request.query_params.getlist("action")}
        if filters["action"]:
            events = events.filter(action__in=filters["action"])
        shown = page(
            listing(events),
            workspace_id=self.workspace.id,
            filters=filters,
            limit=query.validated_data["limit"],
            continuation_token=request.query_params.get("continuation_token"),
        )
        return Response(
            {
                "items": [str(event.id) for event in shown.items],
                "continuation_token": shown.continuation_token,
                "has_more": shown.has_more,
            }
        )

    def post(self, request: Request, workspace_id: object) -> Response:
        if request.FILES:
            audio = request.FILES["audio"]
            size = audio.size
            Heartbeat.objects.create(name=f"upload-{Heartbeat.objects.count()}", at="2026-01-01T00:00:00Z")
            return Response({"size": size, "on_disk": hasattr(audio, "temporary_file_path")}, status=201)
        sent = Send(data=request.data)
        sent.is_valid(raise_exception=True)
        name = sent.validated_data["name"]
        Heartbeat.objects.create(name=f"{name}-{Heartbeat.objects.count()}", at="2026-01-01T00:00:00Z")
        if name == "crash":
            raise RuntimeError("the process died")
        if name == "slow":
            self.begun.set()
            self.go_on.wait(20)
        return Response(
            {"id": str(Heartbeat.objects.count()), "to": NUMBER}, status=201, headers={"Location": "/v1/one"}
        )


class Sought(ApiView):
    required_scopes: ClassVar = {"POST": Scope.VOICEMAIL_READ}

    def post(self, request: Request, workspace_id: object) -> Response:
        return Response({"count": AuditEvent.objects.filter(workspace=self.workspace).count()})


class Refusing(ApiView):
    required_scopes: ClassVar = {"GET": Scope.VOICEMAIL_READ, "PUT": Scope.VOICEMAIL_READ}

    def get(self, request: Request, workspace_id: object) -> Response:
        raise Problem(CONFLICT, f"{NUMBER} was used.", headers={"Retry-After": "7"}, extra={"voicemail_id": "v"})

    def put(self, request: Request, workspace_id: object) -> Response:
        raise ModelValidationError({"entity_name": ["Too long."], "__all__": ["Taken."]})


class Undeclared(ApiView):
    def get(self, request: Request, workspace_id: object) -> Response:
        return Response({})


urlpatterns = [
    path("v1/<uuid:workspace_id>/things", Things.as_view()),
    path("v1/<uuid:workspace_id>/sought", Sought.as_view()),
    path("v1/<uuid:workspace_id>/refusing", Refusing.as_view()),
    path("v1/<uuid:workspace_id>/undeclared", Undeclared.as_view()),
]
handler400 = "rvm.platform.api.problems.bad_request"
handler403 = "rvm.platform.api.problems.permission_denied"
handler404 = "rvm.platform.api.problems.page_not_found"
handler500 = "rvm.platform.api.problems.server_error"
