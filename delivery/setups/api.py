"""Telephony setups over HTTP. On this layer because the carriers' adapters say which credentials a setup needs."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from delivery.api.base import DeliveryView
from delivery.carriers import CARRIERS
from delivery.engine.circuit_breaker import State, state_of
from delivery.setups.connection_test import check_setup
from delivery.setups.services import SETTINGS, create_setup, credential_names, update_setup
from rvm.platform.api.fields import StrictModelSerializer
from rvm.platform.api.lists import CreateView, ListView, PageQuery
from rvm.platform.database.clock import database_now
from rvm.platform.scopes import Scope
from usecases import selectors, services
from usecases.api.base import UseCasesView
from usecases.models import TelephonySetup

TAGS = ["Telephony setups"]


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}, "writeOnly": True})
class CredentialsField(serializers.DictField):
    """Which names there are depends on the carrier, so `delivery.setups.services` looks inside."""


class SetupChanges(StrictModelSerializer):
    """What of a setup can be changed; its carrier cannot."""

    credentials = CredentialsField(
        write_only=True,
        help_text="By name: "
        + "; ".join(
            f"{name}: {', '.join(field.name for field in carrier.credential_fields)}"
            for name, carrier in CARRIERS.items()
        )
        + ". Stored encrypted and never shown. In a change, those that are left out stay.",
    )

    class Meta:
        model = TelephonySetup
        fields = ("name", "credentials", *SETTINGS)
        validators: list[Any] = []


class NewSetup(SetupChanges):
    """An account at a carrier."""

    carrier = serializers.ChoiceField(sorted(CARRIERS), help_text="The adapter's name; it cannot be changed later.")

    class Meta(SetupChanges.Meta):
        fields = ("carrier", *SetupChanges.Meta.fields)  # type: ignore[assignment]


class HealthAnswer(serializers.Serializer[TelephonySetup]):
    state = serializers.SerializerMethodField(
        help_text="closed: voicemails go out. open: the carrier failed; they wait until the time given. half_open: one of them "
        "tries whether it is well again."
    )
    reason = serializers.CharField(source="breaker_reason", help_text="Why it opened; empty while it is closed.")
    until = serializers.DateTimeField(source="breaker_until", allow_null=True)

    @extend_schema_field({"enum": list(State), "type": "string"})
    def get_state(self, setup: TelephonySetup) -> str:
        return state_of(setup, self.context["now"])


class SetupAnswer(serializers.ModelSerializer[TelephonySetup]):
    credentials_set = serializers.SerializerMethodField(help_text="Names of the credentials that are set.")

    health = HealthAnswer(source="*")

    class Meta:
        model = TelephonySetup
        fields = ("id", "name", "carrier", "credentials_set", *SETTINGS, "health", "created_at", "updated_at")
        read_only_fields = fields

    def get_credentials_set(self, setup: TelephonySetup) -> list[str]:
        return credential_names(setup)


def answers(setups: list[TelephonySetup]) -> list[dict[str, Any]]:
    return [dict(answer) for answer in SetupAnswer(setups, many=True, context={"now": database_now()}).data]


def answer(setup: TelephonySetup) -> dict[str, Any]:
    return answers([setup])[0]


class SetupPage(serializers.Serializer[Any]):
    items = SetupAnswer(many=True)
    continuation_token = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()


@extend_schema_view(
    get=extend_schema(
        operation_id="list_setups",
        summary="List telephony setups",
        description="Newest first.",
        tags=TAGS,
        parameters=[PageQuery],
        responses={200: SetupPage},
    ),
    post=extend_schema(
        operation_id="create_setup",
        summary="Create a telephony setup",
        description="409 `name_exists`.",
        tags=TAGS,
        request=NewSetup,
        responses={201: SetupAnswer},
    ),
)
class SetupListView(ListView, CreateView, UseCasesView):
    required_scopes: ClassVar = {"GET": Scope.SETUPS_READ, "POST": Scope.SETUPS_WRITE}

    def rows(self, query: PageQuery, live: bool | None) -> QuerySet[TelephonySetup]:
        return selectors.setups(self.workspace, live=live)

    def create(self) -> TelephonySetup:
        new = self.sent(NewSetup)
        self.require_own(
            TelephonySetup(carrier=new["carrier"]).live,
            "This carrier reaches people, and a test key makes setups of the sandbox carrier only; use a live key.",
        )
        return create_setup(workspace=self.workspace, actor=self.actor, **new)

    def serialize(self, row: TelephonySetup) -> dict[str, Any]:
        return answer(row)

    def serialize_all(self, rows: list[TelephonySetup]) -> list[dict[str, Any]]:
        return answers(rows)


class SetupView(UseCasesView):
    required_scopes: ClassVar = {"GET": Scope.SETUPS_READ, "PATCH": Scope.SETUPS_WRITE, "DELETE": Scope.SETUPS_WRITE}

    @extend_schema(operation_id="get_setup", summary="Get a telephony setup", tags=TAGS, responses={200: SetupAnswer})
    def get(self, request: Request, workspace_id: UUID, setup_id: UUID) -> Response:
        return Response(answer(self.find_setup(setup_id)))

    @extend_schema(
        operation_id="update_setup",
        summary="Change a telephony setup",
        description="Fields that are left out stay. While `enabled` is false, its voicemails wait and new ones are refused.",
        tags=TAGS,
        request=SetupChanges,
        responses={200: SetupAnswer},
    )
    def patch(self, request: Request, workspace_id: UUID, setup_id: UUID) -> Response:
        setup = self.find_setup(setup_id)
        changes = self.sent(SetupChanges, partial=True)
        return Response(answer(update_setup(setup=setup, actor=self.actor, **changes)))

    @extend_schema(
        operation_id="delete_setup",
        summary="Delete a telephony setup",
        description="409 `setup_in_use` while a use case sends through it. Reports that are still to come are taken.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, workspace_id: UUID, setup_id: UUID) -> Response:
        services.delete_setup(setup=self.find_setup(setup_id), actor=self.actor)
        return Response(status=204)


class CheckAnswer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    detail = serializers.CharField(help_text="What the carrier answered, or why none came.")


class SetupTestView(DeliveryView):
    required_scopes: ClassVar = {"POST": Scope.SETUPS_WRITE}

    @extend_schema(
        operation_id="test_setup",
        summary="Test a telephony setup",
        description="Asks the carrier something that proves the credentials and reaches nobody; takes 5 s at most. What is wrong is "
        "said in `detail`. 422 `check_not_supported` where the carrier offers no such question.",
        tags=TAGS,
        request=None,
        responses={200: CheckAnswer},
    )
    def post(self, request: Request, workspace_id: UUID, setup_id: UUID) -> Response:
        return Response(CheckAnswer(check_setup(self.find_setup(setup_id))).data)
