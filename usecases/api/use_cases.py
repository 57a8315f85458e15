"""API views of use cases."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api.lists import CreateView, RowsView
from rvm.platform.scopes import Scope
from usecases import selectors, services
from usecases.api.base import UseCasesView
from usecases.api.serializers import NewUseCase, UseCaseChanges, UseCaseListSerializer, UseCaseQuery, UseCaseSerializer
from usecases.models import UseCase

TAGS = ["Use cases"]


class _UseCaseView(UseCasesView, RowsView):
    serializer_class = UseCaseSerializer
    find = UseCasesView.find_use_case

    def values(self, data: dict[str, Any]) -> dict[str, Any]:
        """`data` with the ids of setups replaced by setups of this workspace."""
        values = dict(data)
        for name in ("setup", "failover_setup"):
            if f"{name}_id" in values:
                setup_id = values.pop(f"{name}_id")
                values[name] = None if setup_id is None else self.find_setup(setup_id, f"{name}_id")
        return values

    def serialize_changed(self, row: UseCase) -> Any:
        """The use case, read again from the database after the change."""
        return self.serialize(self.find_use_case(row.pk))


@extend_schema_view(
    post=extend_schema(
        operation_id="create_use_case",
        summary="Create a use case",
        description="409 `name_exists` or `setup_not_usable`; 404 `setup_not_found`.",
        tags=TAGS,
        request=NewUseCase,
        responses={201: UseCaseSerializer},
    )
)
class UseCaseListView(CreateView, _UseCaseView):
    required_scopes: ClassVar = {"GET": Scope.USE_CASES_READ, "POST": Scope.USE_CASES_WRITE}
    query_class: ClassVar = UseCaseQuery

    @extend_schema(
        operation_id="list_use_cases",
        summary="List use cases",
        description="All of them, newest first.",
        tags=TAGS,
        parameters=[UseCaseQuery],
        responses={200: UseCaseListSerializer},
    )
    def get(self, request: Request, workspace_id: UUID) -> Response:
        query = self.query_class(data=request.query_params)
        query.is_valid(raise_exception=True)
        found = selectors.use_cases(self.workspace, **query.validated_data)
        return Response({"items": self.serialize_all(list(found))})

    def create(self) -> UseCase:
        new = self.values(self.read_body(NewUseCase))
        return services.create_use_case(workspace=self.workspace, actor=self.actor, **new)


class UseCaseView(_UseCaseView):
    required_scopes: ClassVar = {
        "GET": Scope.USE_CASES_READ,
        "PATCH": Scope.USE_CASES_WRITE,
        "DELETE": Scope.USE_CASES_WRITE,
    }

    @extend_schema(operation_id="get_use_case", summary="Get a use case", tags=TAGS, responses={200: UseCaseSerializer})
    def get(self, request: Request, workspace_id: UUID, use_case_id: UUID) -> Response:
        return Response(self.serialize(self.find_use_case(use_case_id)))

    @extend_schema(
        operation_id="update_use_case",
        summary="Change a use case and its policy",
        description="Fields that are left out do not change. While `sending_enabled` is false, its voicemails wait.",
        tags=TAGS,
        request=UseCaseChanges,
        responses={200: UseCaseSerializer},
    )
    def patch(self, request: Request, workspace_id: UUID, use_case_id: UUID) -> Response:
        use_case = self.find_writable_use_case(use_case_id)
        changes = self.values(self.read_body(UseCaseChanges, partial=True))
        services.update_use_case(use_case=use_case, actor=self.actor, **changes)
        return Response(self.serialize_changed(use_case))

    @extend_schema(
        operation_id="delete_use_case",
        summary="Delete a use case",
        description="409 `numbers_assigned` while phone numbers are assigned. Its voicemails stay; queued ones are skipped.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, workspace_id: UUID, use_case_id: UUID) -> Response:
        services.delete_use_case(use_case=self.find_writable_use_case(use_case_id), actor=self.actor)
        return Response(status=204)
