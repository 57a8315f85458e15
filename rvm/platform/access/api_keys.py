"""API views of API keys: list, make, rotate, revoke, and what a key is told about itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.access.api_key_serializers import (
    UNNAMED,
    ApiKeyQuery,
    ApiKeySerializer,
    CallerSerializer,
    IssuedApiKeySerializer,
    NewApiKey,
    Rotation,
    expiry_of,
)
from rvm.platform.api import problem_codes as codes
from rvm.platform.api.idempotency import SecretResponse
from rvm.platform.api.keys import create_api_key, revoke_api_key, rotate_api_key
from rvm.platform.api.lists import ListView, RowsView, page_of
from rvm.platform.api.permissions import AnyKey
from rvm.platform.api.problem_codes import by_code
from rvm.platform.api.schema import request_example
from rvm.platform.api.views import ApiView
from rvm.platform.database.clock import database_now
from rvm.platform.models import ApiKey
from rvm.platform.scopes import Scope

_TAGS = ["API keys"]
_BOUNDED = (
    "A key gives no more than it has: scopes, end and networks are within its own, else 403 `key_beyond_caller`. A test key makes "
    "and rotates test keys only."
)
_ONCE = "`api_key` is shown in this answer only and stored nowhere: repeated under its Idempotency-Key, the request gets null there."


class _ApiKeyView(RowsView):
    serializer_class = ApiKeySerializer
    problems: ClassVar = {**ApiView.problems, **by_code(codes.KEY_BEYOND_CALLER, codes.KEY_ENDED, codes.TEST_KEY)}

    def find(self, api_key_id: UUID) -> ApiKey:
        rows = self._within(self.reach).select_related("workspace", "user")
        return self.get_row(rows, api_key_id, self.not_found_message("This workspace has no such API key."))

    def _within(self, live: bool | None) -> QuerySet[ApiKey]:
        own = ApiKey.objects.filter(workspace=self.workspace).defer("digest")
        return own if live is None else own.filter(live=live)

    def rows(self, query: ApiKeyQuery, live: bool | None) -> QuerySet[ApiKey]:
        found = self._within(live)
        return found.filter(made_by=self.actor) if query.validated_data["mine_only"] else found

    def context(self, rows: list[Any]) -> dict[str, Any]:
        return {"caller": self.key}

    def issued(self, key: ApiKey, plaintext: str, **options: Any) -> SecretResponse:
        return SecretResponse({**self.serialize(key), "api_key": plaintext}, once="api_key", **options)


@extend_schema_view(
    get=extend_schema(
        operation_id="list_api_keys",
        summary="List API keys",
        description="Newest first, revoked and expired ones too.",
        tags=_TAGS,
        parameters=[ApiKeyQuery],
        responses={200: page_of(ApiKeySerializer)},
    )
)
class ApiKeysView(_ApiKeyView, ListView):
    required_scopes: ClassVar = {"GET": Scope.API_KEYS_READ, "POST": Scope.API_KEYS_WRITE}
    query_class = ApiKeyQuery

    @extend_schema(
        operation_id="create_api_key",
        summary="Make an API key",
        description=f"{_ONCE} {_BOUNDED}",
        tags=_TAGS,
        request=NewApiKey,
        responses={201: IssuedApiKeySerializer},
        examples=[
            request_example("A key for reports", {"name": "Reports", "scopes": ["voicemail:read"], "duration_days": 90})
        ],
    )
    def post(self, request: Request, workspace_id: UUID) -> Response:
        asked = self.read_body(NewApiKey)
        key, plaintext = create_api_key(
            self.workspace,
            asked["name"] or UNNAMED,
            asked["scopes"],
            live=asked.get("live", self.key.live),
            expires_at=expiry_of(asked, database_now()) or self.key.expires_at,
            networks=asked.get("networks", self.key.networks),
            actor=self.actor,
            maker=self.key,
        )
        return self.issued(key, plaintext, status=201, headers={"Location": f"{request.path}/{key.pk}"})


class ApiKeyView(_ApiKeyView):
    required_scopes: ClassVar = {"GET": Scope.API_KEYS_READ, "DELETE": Scope.API_KEYS_WRITE}

    @extend_schema(operation_id="get_api_key", summary="Get an API key", tags=_TAGS, responses={200: ApiKeySerializer})
    def get(self, request: Request, workspace_id: UUID, api_key_id: UUID) -> Response:
        return Response(self.serialize(self.find(api_key_id)))

    @extend_schema(
        operation_id="revoke_api_key",
        summary="Revoke an API key",
        description="At once and for ever; the row stays, with `revoked_at`. Any key of the workspace, also one that may do more, so "
        "that a leaked one can be ended, and also the asking key itself, which is accepted no more afterwards. Keys that it has made "
        "work on. A test key revokes test keys only.",
        tags=_TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, workspace_id: UUID, api_key_id: UUID) -> Response:
        revoke_api_key(self.find(api_key_id), actor=self.actor)
        return Response(status=204)


class ApiKeyRotationView(_ApiKeyView):
    required_scopes: ClassVar = {"POST": Scope.API_KEYS_WRITE}

    def rows_to_lock(self, row: ApiKey) -> Iterable[Model]:
        return sorted({row, self.key}, key=lambda key: key.pk)

    @extend_schema(
        operation_id="rotate_api_key",
        summary="Rotate an API key",
        description="Makes a successor with the same name, scopes, networks and Idempotency-Keys. The old key works for "
        "`overlap_hours` more, by default not at all. Without `duration_days` the successor ends when the old key would have. "
        f"{_ONCE} {_BOUNDED} "
        "409 `key_ended`.",
        tags=_TAGS,
        request=Rotation,
        responses={200: IssuedApiKeySerializer},
        examples=[request_example("With a day to put it in place", {"overlap_hours": 24})],
    )
    def post(self, request: Request, workspace_id: UUID, api_key_id: UUID) -> Response:
        row, asked = self.find(api_key_id), self.read_body(Rotation)
        successor, plaintext = rotate_api_key(
            row,
            timedelta(hours=asked["overlap_hours"]),
            expires_at=expiry_of(asked, database_now()),
            actor=self.actor,
            maker=self.key,
        )
        keys = request.path.removesuffix(f"/{api_key_id}/rotate")
        return self.issued(successor, plaintext, headers={"Location": f"{keys}/{successor.pk}"})


class CallerView(ApiView):
    """What a key is told about itself; the address names no workspace, and every key may ask."""

    permission_classes = [AnyKey]

    @extend_schema(
        operation_id="get_caller",
        summary="Get the API key that asks",
        description="Its workspace, world, scopes and end. Every key may ask, whatever its scopes.",
        tags=_TAGS,
        responses={200: CallerSerializer},
    )
    def get(self, request: Request) -> Response:
        return Response(CallerSerializer(self.key, context={"now": database_now()}).data)
