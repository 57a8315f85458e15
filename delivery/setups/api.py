"""Views of telephony setups. They are in this layer because carrier adapters define which credentials a setup needs."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from delivery.api.base import DeliveryView
from delivery.selectors.setup_stats import HOUR, IN_SLICE, WINDOW, open_attempts, stats_of
from delivery.setups.connection_test import check_setup, keep_check
from delivery.setups.serializers import (
    NewCallbackAddressSerializer,
    NewSetup,
    SetupChanges,
    SetupSerializer,
    SetupStatsSerializer,
    SetupTestSerializer,
)
from delivery.setups.services import check_credentials, close_breaker, create_setup, update_setup
from rvm.platform.api.lists import CreateView, ListView, PageQuery, RowsView, page_of
from rvm.platform.database.clock import database_now
from rvm.platform.scopes import Scope
from usecases import selectors, services
from usecases.api.base import UseCasesView
from usecases.attestations.agreements import missing_agreement
from usecases.callbacks.addresses import fixed_address
from usecases.models import TelephonySetup
from usecases.services.callback_secrets import end_earlier_callback_secrets, rotate_callback_secret

TAGS = ["Telephony setups"]


class _SetupView(UseCasesView, RowsView):
    serializer_class = SetupSerializer
    find = UseCasesView.find_setup

    def context(self, rows: list[TelephonySetup]) -> dict[str, Any]:
        """The current time, which determines whether a breaker is open or half open."""
        return {"now": database_now()}


@extend_schema_view(
    get=extend_schema(
        operation_id="list_setups",
        summary="List telephony setups",
        description="Newest first.",
        tags=TAGS,
        parameters=[PageQuery],
        responses={200: page_of(SetupSerializer)},
    ),
    post=extend_schema(
        operation_id="create_setup",
        summary="Create a telephony setup",
        description="409 `name_exists`.",
        tags=TAGS,
        request=NewSetup,
        responses={201: SetupSerializer},
    ),
)
class SetupListView(_SetupView, ListView, CreateView):
    required_scopes: ClassVar = {"GET": Scope.SETUPS_READ, "POST": Scope.SETUPS_WRITE}

    def rows(self, query: PageQuery, live: bool | None) -> QuerySet[TelephonySetup]:
        return selectors.setups(self.workspace, live=live)

    def create(self) -> TelephonySetup:
        new = self.read_body(NewSetup)
        self.require_world(
            not check_credentials(new["carrier"], new["credentials"]).simulated,
            "This setup would reach people, and a test key makes simulated setups only; use a live key.",
        )
        return create_setup(workspace=self.workspace, actor=self.actor, **new)


class SetupView(_SetupView):
    required_scopes: ClassVar = {"GET": Scope.SETUPS_READ, "PATCH": Scope.SETUPS_WRITE, "DELETE": Scope.SETUPS_WRITE}

    @extend_schema(
        operation_id="get_setup", summary="Get a telephony setup", tags=TAGS, responses={200: SetupSerializer}
    )
    def get(self, request: Request, workspace_id: UUID, setup_id: UUID) -> Response:
        return Response(self.serialize(self.find_setup(setup_id)))

    @extend_schema(
        operation_id="update_setup",
        summary="Change a telephony setup",
        description="Fields that are left out do not change. While `enabled` is false, its voicemails wait and new ones are refused; "
        "so do those of a live setup without `baa_signed_on`, unless `baa_exception_reason` says why none is needed.",
        tags=TAGS,
        request=SetupChanges,
        responses={200: SetupSerializer},
    )
    def patch(self, request: Request, workspace_id: UUID, setup_id: UUID) -> Response:
        setup = self.find_setup(setup_id)
        changes = self.read_body(SetupChanges, partial=True)
        return Response(self.serialize(update_setup(setup=setup, actor=self.actor, **changes)))

    @extend_schema(
        operation_id="delete_setup",
        summary="Delete a telephony setup",
        description="409 `setup_in_use` while a use case sends through it. Later reports of its drops are still accepted.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, workspace_id: UUID, setup_id: UUID) -> Response:
        services.delete_setup(setup=self.find_setup(setup_id), actor=self.actor)
        return Response(status=204)


class SetupStatsView(_SetupView, DeliveryView):
    required_scopes: ClassVar = {"GET": Scope.SETUPS_READ}

    @extend_schema(
        operation_id="get_setup_stats",
        summary="See how a telephony setup fares",
        description="How many attempts are open, which tells when a setup that drains is empty, and how its carrier did in the last "
        f"{WINDOW // HOUR} hours. Where it makes more than {IN_SLICE} attempts in a quarter of an hour, the figures are of a sample "
        "that is spread evenly over that time, so it costs the same whatever was sent.",
        tags=TAGS,
        responses={200: SetupStatsSerializer},
    )
    def get(self, request: Request, workspace_id: UUID, setup_id: UUID) -> Response:
        setup, now = self.find_setup(setup_id), database_now()
        [stats], [open_now] = stats_of([setup.pk], now).values(), open_attempts([setup.pk], now).values()
        return Response(SetupStatsSerializer({"open": open_now, "lately": stats}).data)


class SetupTestView(DeliveryView):
    required_scopes: ClassVar = {"POST": Scope.SETUPS_WRITE}
    bodiless: ClassVar = frozenset({"POST"})

    @extend_schema(
        operation_id="test_setup",
        summary="Test a telephony setup",
        description="Sends the carrier a request that proves the credentials and reaches nobody; takes 5 s at most. `detail` says "
        "what is wrong, and the setup keeps it. A refused account stops the setup, as if an attempt had been refused. 422 "
        "`check_not_supported` if the carrier has no such request.",
        tags=TAGS,
        request=None,
        responses={200: SetupTestSerializer},
    )
    def post(self, request: Request, workspace_id: UUID, setup_id: UUID) -> Response:
        setup = self.find_setup(setup_id)
        found = check_setup(setup)
        keep_check(setup, found, self.actor)
        return Response(
            SetupTestSerializer({"ok": found.ok, "detail": found.detail, "missing": missing_agreement(setup)}).data
        )


@extend_schema_view(
    post=extend_schema(
        operation_id="close_breaker",
        summary="Send through a setup again that failures have stopped",
        description="Do it once the carrier or the account is put right: what waits is sent at once, and the setup stops again by "
        "itself if attempts go on to fail. 409 `breaker_closed` if nothing is held back.",
        tags=TAGS,
        request=None,
        responses={200: SetupSerializer},
    )
)
class CloseBreakerView(_SetupView, DeliveryView):
    required_scopes: ClassVar = {"POST": Scope.SETUPS_WRITE}
    bodiless: ClassVar = frozenset({"POST"})

    def post(self, request: Request, workspace_id: UUID, setup_id: UUID) -> Response:
        close_breaker(setup=self.find_setup(setup_id), actor=self.actor)
        return Response(self.serialize(self.find_setup(setup_id)))


class CallbackAddressView(UseCasesView):
    required_scopes: ClassVar = {"POST": Scope.SETUPS_WRITE}
    bodiless: ClassVar = frozenset({"POST"})

    @extend_schema(
        operation_id="make_callback_address",
        summary="Make or replace a setup's callback address",
        description="For carriers whose webhooks are registered at the vendor. The response alone shows the address. It takes only "
        "what the vendor has signed. The one before, and the addresses that were given with voicemails on their way, work until "
        "`earlier_until`.",
        tags=TAGS,
        request=None,
        responses={201: NewCallbackAddressSerializer},
    )
    def post(self, request: Request, workspace_id: UUID, setup_id: UUID) -> Response:
        rotated = rotate_callback_secret(setup=self.find_setup(setup_id), actor=self.actor)
        body = {"callback_address": fixed_address(rotated.token), "earlier_until": rotated.earlier_until}
        return Response(NewCallbackAddressSerializer(body).data, status=201)


class EarlierCallbackAddressesView(UseCasesView):
    required_scopes: ClassVar = {"DELETE": Scope.SETUPS_WRITE}

    @extend_schema(
        operation_id="end_earlier_callback_addresses",
        summary="End a setup's earlier callback addresses at once",
        description="What a rotation left working: reports to those addresses are refused from now on, also about voicemails on "
        "their way, unless the vendor signs them and sends them to the present address.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, workspace_id: UUID, setup_id: UUID) -> Response:
        end_earlier_callback_secrets(setup=self.find_setup(setup_id), actor=self.actor)
        return Response(status=204)
