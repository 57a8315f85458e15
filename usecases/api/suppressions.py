"""API views of suppressions: numbers that must not be reached, and the way back.

Suppressions are live: a test key finds none, and adds and lifts none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform import audit
from rvm.platform.api.lists import ActionView, ListView, RowsView, page_of
from rvm.platform.api.permissions import require_scope
from rvm.platform.audit.numbers_shown import given_by_caller
from rvm.platform.models import ApiKey
from rvm.platform.scopes import Scope
from usecases import selectors
from usecases.api.base import UseCasesView
from usecases.api.suppression_serializers import (
    LiftRequest,
    NewSuppression,
    SuppressionDetailSerializer,
    SuppressionQuery,
    SuppressionSerializer,
)
from usecases.models import Suppression
from usecases.services.suppressions import lift, needs_organisation, suppress_number, with_copies
from usecases.suppression_kinds import SuppressionKind, SuppressionScope

TAGS = ["Suppressions"]
_MASKED = f"Numbers are masked without the scope `{Scope.NUMBERS_READ.value}`."
_LIFT_EXAMPLE = OpenApiExample(
    "What the person said",
    {
        "reason": "She asked for reminders again.",
        "consent": {
            "source": "signed form",
            "at": "2026-03-02T15:00:00Z",
            "evidence": "Form 12 in her chart, signed at the front desk.",
        },
    },
    request_only=True,
)


def require_organisation(key: ApiKey, scope: str) -> None:
    """Raises Problem if a lift would end suppressions of other workspaces too and the key may not do that."""
    if needs_organisation(scope, key.workspace_id):
        widest = Scope.SUPPRESSIONS_LIFT_ORGANISATION
        require_scope(
            key, widest, f"It holds for other workspaces too, and this API key lacks the scope {widest.value}."
        )


class _SuppressionView(UseCasesView, RowsView):
    serializer_class = SuppressionSerializer

    def find(self, suppression_id: UUID) -> Suppression:
        found = selectors.suppressions(self.workspace, live=self.reach).select_related("workspace")
        return self.get_row(found, suppression_id, self.not_found_message("This workspace has no such suppression."))

    def context(self, rows: list[Suppression]) -> dict[str, Any]:
        return {"reveal": self.may_see_numbers}

    def rows(self, query: SuppressionQuery, live: bool | None) -> QuerySet[Suppression]:
        found = selectors.suppressions(self.workspace, live=live, **query.selector_filters())
        return found if self.may_see_numbers else found.defer("number")


@extend_schema_view(
    get=extend_schema(
        operation_id="list_suppressions",
        summary="List suppressions",
        description=f"Newest first, lifted ones too. {_MASKED} A test key gets none: suppressions are live.",
        tags=TAGS,
        parameters=[SuppressionQuery],
        responses={200: page_of(SuppressionSerializer)},
    )
)
class SuppressionsView(_SuppressionView, ListView):
    creates_row = True
    required_scopes: ClassVar = {"GET": Scope.SUPPRESSIONS_READ, "POST": Scope.SUPPRESSIONS_WRITE}
    query_class = SuppressionQuery

    @extend_schema(
        operation_id="add_suppression",
        summary="Suppress a number",
        description="Binds every claim that begins from now on. What waits for the number in the workspace ends as "
        "`skipped: suppressed`, at once or within seconds. 200 with the existing suppression where a program has said the same "
        "already. 403 `test_key`: a test key adds none. By default it holds in all workspaces of the organisation, from the same "
        "moment on.",
        tags=TAGS,
        request=NewSuppression,
        responses={201: SuppressionSerializer, 200: SuppressionSerializer},
    )
    def post(self, request: Request, workspace_id: UUID) -> Response:
        self.require_world(True, "Suppressions are live, and a test key adds none; use a live key.")
        new = self.read_body(NewSuppression)
        row, created = suppress_number(
            workspace=self.workspace,
            number=new["recipient_phone_number"],
            kind=SuppressionKind(new["reason"]),
            source=Suppression.Source.API,
            purposes=new.get("purposes", ()),
            scope=SuppressionScope(new["scope"]),
            reason=new.get("note", ""),
            actor=self.actor,
        )
        status, headers = (201 if created else 200), {"Location": f"{request.path}/{row.pk}"}
        with given_by_caller():
            said = self.serialize(row)
        return Response(said, status=status, headers=headers)


class SuppressionView(_SuppressionView):
    serializer_class = SuppressionDetailSerializer
    required_scopes: ClassVar = {"GET": Scope.SUPPRESSIONS_READ}

    @extend_schema(
        operation_id="get_suppression",
        summary="Get a suppression",
        description=f"With how it was lifted, and what else suppresses the number. {_MASKED}",
        tags=TAGS,
        responses={200: SuppressionDetailSerializer},
    )
    def get(self, request: Request, workspace_id: UUID, suppression_id: UUID) -> Response:
        row = self.find(suppression_id)
        audit.record("suppression.read", row, actor=self.actor, workspace=self.workspace)
        return Response(self.serialize(row))


@extend_schema_view(
    post=extend_schema(
        operation_id="lift_suppression",
        summary="Lift a suppression",
        description="Binds the next claim. The row stays, with the reason; what it has stopped stays ended. What the person or a "
        "carrier said needs a new `consent`: 422 `consent_needed`. 409 `suppression_lifted`. The number is reached once every one of "
        "its suppressions (`others`) is lifted. What holds for the organisation is lifted in all of its workspaces; where there are "
        f"others, the key needs `{Scope.SUPPRESSIONS_LIFT_ORGANISATION.value}` too: 403 `missing_scope`.",
        tags=TAGS,
        request=LiftRequest,
        responses={200: SuppressionDetailSerializer},
        examples=[_LIFT_EXAMPLE],
    )
)
class SuppressionLiftView(_SuppressionView, ActionView):
    serializer_class = SuppressionDetailSerializer
    required_scopes: ClassVar = {"POST": Scope.SUPPRESSIONS_LIFT}
    verb = staticmethod(lift)
    body_class = LiftRequest

    def rows_to_lock(self, row: Suppression) -> Iterable[Model]:
        return with_copies(row)

    def find_writable(self, **ids: UUID) -> Suppression:
        row = self.find(**ids)
        require_organisation(self.key, row.scope)
        return row
