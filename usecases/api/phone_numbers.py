"""API views of sender numbers and of their assignments to use cases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api.compatibility.responses import with_texts
from rvm.platform.api.lists import CreateView, ListView, RowsView, page_of
from rvm.platform.scopes import Scope
from usecases import selectors, services
from usecases.api.base import UseCasesView
from usecases.api.serializers import NewPhoneNumber, PhoneNumberChanges, PhoneNumberQuery, PhoneNumberSerializer
from usecases.models import PhoneNumber

TAGS = ["Phone numbers"]
_CHANGES = (
    "What is left out does not change. `status` `inactive` keeps voicemails from "
    "being sent from it, from the next claim on. `owned` true states that your organisation owns the number, false withdraws that; a "
    "live setup sends only from numbers of which it is stated. Stating it again changes nothing."
)


class _PhoneNumberView(UseCasesView, RowsView):
    serializer_class = PhoneNumberSerializer

    def find(self, phone_number_id: UUID, **others: UUID) -> PhoneNumber:
        return self.find_phone_number(phone_number_id)

    def serialize(self, row: PhoneNumber) -> Any:
        return self.in_their_words(super().serialize(row))

    def serialize_all(self, rows: list[PhoneNumber]) -> Any:
        return [self.in_their_words(row) for row in super().serialize_all(rows)]

    def in_their_words(self, row: dict[str, Any]) -> dict[str, Any]:
        return with_texts(row) if self.compatible else row


@extend_schema_view(
    get=extend_schema(
        operation_id="list_phone_numbers",
        summary="List sender numbers",
        description="Newest first.",
        tags=TAGS,
        parameters=[PhoneNumberQuery],
        responses={200: page_of(PhoneNumberSerializer)},
    ),
    post=extend_schema(
        operation_id="add_phone_number",
        summary="Add a sender number to a setup",
        description="409 `number_exists`; 404 `setup_not_found`.",
        tags=TAGS,
        request=NewPhoneNumber,
        responses={201: PhoneNumberSerializer},
    ),
)
class PhoneNumberListView(_PhoneNumberView, ListView, CreateView):
    required_scopes: ClassVar = {"GET": Scope.SETUPS_READ, "POST": Scope.SETUPS_WRITE}
    query_class = PhoneNumberQuery
    columns: ClassVar = {"setup_id": "setup_id", "use_case_id": "assignments__use_case_id"}

    def rows(self, query: PhoneNumberQuery, live: bool | None) -> QuerySet[PhoneNumber]:
        asked = query.filters
        filters = {self.columns[name]: value for name, value in asked.items() if name in self.columns}
        if "status" in asked:
            filters["active"] = asked["status"] == "active"
        return selectors.phone_numbers(self.workspace, live=live).filter(**filters)

    def create(self) -> PhoneNumber:
        new = self.read_body(NewPhoneNumber)
        return services.add_phone_number(
            setup=self.find_setup(new["setup_id"], "setup_id"),
            e164=new["phone_number"],
            owned=new["owned"],
            actor=self.actor,
        )


class PhoneNumberView(_PhoneNumberView):
    required_scopes: ClassVar = {
        "GET": Scope.SETUPS_READ,
        "PATCH": Scope.SETUPS_WRITE,
        "PUT": Scope.SETUPS_WRITE,
        "DELETE": Scope.SETUPS_WRITE,
    }

    @extend_schema(
        operation_id="get_phone_number",
        summary="Get a sender number",
        tags=TAGS,
        responses={200: PhoneNumberSerializer},
    )
    def get(self, request: Request, workspace_id: UUID, phone_number_id: UUID) -> Response:
        return Response(self.serialize(self.find_phone_number(phone_number_id)))

    @extend_schema(
        operation_id="update_phone_number",
        summary="Change a sender number",
        description=_CHANGES,
        tags=TAGS,
        request=PhoneNumberChanges,
        responses={200: PhoneNumberSerializer},
    )
    def patch(self, request: Request, workspace_id: UUID, phone_number_id: UUID) -> Response:
        return self._change(phone_number_id, request.data)

    @extend_schema(
        operation_id="put_phone_number",
        summary="Change a sender number, under the method of other platforms",
        description=f"PATCH, but null is as if it were left out. {_CHANGES}",
        tags=TAGS,
        request=PhoneNumberChanges,
        responses={200: PhoneNumberSerializer},
    )
    def put(self, request: Request, workspace_id: UUID, phone_number_id: UUID) -> Response:
        given = request.data
        if isinstance(given, dict):
            given = {name: value for name, value in given.items() if value is not None}
        return self._change(phone_number_id, given)

    def _change(self, phone_number_id: UUID, given: Any) -> Response:
        number = self.find_phone_number(phone_number_id)
        body = PhoneNumberChanges(number, data=given)
        body.is_valid(raise_exception=True)
        services.update_phone_number(phone_number=number, actor=self.actor, **body.changes())
        return Response(self.serialize(self.find_phone_number(phone_number_id)))

    @extend_schema(
        operation_id="remove_phone_number",
        summary="Remove a sender number",
        description="409 `number_assigned` while a use case has it. Voicemails that were sent from it still show it.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, workspace_id: UUID, phone_number_id: UUID) -> Response:
        services.remove_phone_number(phone_number=self.find_phone_number(phone_number_id), actor=self.actor)
        return Response(status=204)


class AssignmentView(_PhoneNumberView):
    required_scopes: ClassVar = {"PUT": Scope.SETUPS_WRITE, "DELETE": Scope.SETUPS_WRITE}
    bodiless: ClassVar = frozenset({"PUT", "DELETE"})

    def rows_to_lock(self, row: PhoneNumber) -> Iterable[Model]:
        return [self.find_use_case(self.kwargs["use_case_id"]), row]

    @extend_schema(
        operation_id="assign_phone_number",
        summary="Let a use case send from a number",
        description="Assigning it again changes nothing. 409 `number_of_other_setup`.",
        tags=TAGS,
        request=None,
        responses={200: PhoneNumberSerializer},
    )
    def put(self, request: Request, workspace_id: UUID, phone_number_id: UUID, use_case_id: UUID) -> Response:
        number, use_case = self.find_phone_number(phone_number_id), self.find_writable_use_case(use_case_id)
        services.assign_number(use_case=use_case, phone_number=number, actor=self.actor)
        return Response(self.serialize(self.find_phone_number(phone_number_id)))

    @extend_schema(
        operation_id="unassign_phone_number",
        summary="Take a number from a use case",
        description="Its patients get another of the use case's numbers. Unassigning it again changes nothing.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, workspace_id: UUID, phone_number_id: UUID, use_case_id: UUID) -> Response:
        number, use_case = self.find_phone_number(phone_number_id), self.find_writable_use_case(use_case_id)
        services.unassign_number(use_case=use_case, phone_number=number, actor=self.actor)
        return Response(status=204)
