"""Base views of rows: get a page, create a row, apply an action to a row. A view defines the queryset and the serializer of a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api.compatibility import responses as compatible_responses
from rvm.platform.api.fields import StrictSerializer, TextField, WholeNumberField, YesFilter
from rvm.platform.api.pagination import DEFAULT_LIMIT, MAX_LIMIT, MAX_TOKEN, Listing, listing, page
from rvm.platform.api.rows.entity_tags import conditional
from rvm.platform.api.views import ApiView
from rvm.platform.audit.numbers_shown import filtered_by, given_by_caller
from rvm.platform.database.clock import database_now

# Query parameters that are not filters: the position in the list, and the world.
_NO_FILTERS = frozenset({"limit", "continuation_token", "live"})


@extend_schema_field({"type": "string", "maxLength": MAX_TOKEN})
class TokenField(TextField):
    """The token of a page, which under the prefix is an integer; what a page gave goes back as it came. A longer one was never given,
    which whoever reads it says."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(str(data) if type(data) is int else data)


class PageQuery(StrictSerializer):
    """The query parameters for the position in a list."""

    limit = WholeNumberField(required=False, min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    continuation_token = TokenField(
        required=False,
        allow_null=True,
        help_text="The token of the page before, with the same filters.",
    )

    @property
    def compatible_limit(self) -> int | None:
        """The limit of a compatible page; None for the whole list, which a caller gets who gives none."""
        return self.validated_data["limit"] if "limit" in self.initial_data else None

    @property
    def filters(self) -> dict[str, Any]:
        """The given filters, without position and world."""
        return {name: value for name, value in self.validated_data.items() if name not in _NO_FILTERS}


class WorldQuery(PageQuery):
    """The query parameters of a list of either live or test rows."""

    live = YesFilter(
        required=False,
        help_text="False for test rows, which a live key gets only if it asks for them. A test key gets test rows only.",
    )

    @property
    def asked_live(self) -> bool | None:
        """The `live` parameter, for `ApiView.world`; None if the caller did not give it."""
        asked: bool | None = self.validated_data.get("live")
        return asked


@cache
def page_of(serializer_class: type[serializers.BaseSerializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The serializer of a page of rows, such as `ClipPage` for `ClipSerializer`. It is cached, because the OpenAPI document needs one
    class per name."""
    fields = {
        "items": serializer_class(many=True),
        "continuation_token": serializers.CharField(allow_null=True),
        "has_more": serializers.BooleanField(),
    }
    return type(f"{serializer_class.__name__.removesuffix('Serializer')}Page", (serializers.Serializer,), fields)


class RowsView(ApiView):
    """A view of rows of one model, which `serializer_class` serializes.

    `find` gets the row that the address names, by its ids. Raises ServiceError. None where addresses name none.
    """

    serializer_class: ClassVar[type[serializers.BaseSerializer[Any]]]
    find: ClassVar[Callable[..., Any] | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Decorate each handler with `conditional`, so that no view can omit it."""
        for method in vars(cls).keys() & {"get", "post", "put", "patch", "delete"}:
            setattr(cls, method, conditional(vars(cls)[method]))
        super().__init_subclass__(**kwargs)

    @classmethod
    def is_of_row(cls, ids: Iterable[str]) -> bool:
        """Whether an address with these ids, beside that of the workspace, names a row."""
        return cls.find is not None and bool(set(ids)) and not issubclass(cls, ListView | CreateView)

    def rows_to_lock(self, row: Any) -> Iterable[Model]:
        """The rows that a change of this one locks, in the order of its service."""
        return [row]

    def rows(self, query: Any, live: bool | None) -> QuerySet[Any]:
        """The rows that match the filters of the valid `query`.

        `live` is the requested world, or the key's reach for lists that are not of one world.
        """
        raise NotImplementedError

    def listing(self, query: Any, live: bool | None) -> Listing[Any]:
        """The list of `rows`, where there is a faster way to its pages."""
        return listing(self.rows(query, live))

    def context(self, rows: list[Any]) -> dict[str, Any]:
        """The serializer's context for these rows."""
        return {}

    def serialize(self, row: Any) -> Any:
        """One row as responses contain it."""
        return self.serializer_class(row, context=self.context([row])).data

    def serialize_all(self, rows: list[Any]) -> Any:
        """The rows of a page as responses contain them."""
        return self.serializer_class(rows, many=True, context=self.context(rows)).data

    def serialize_changed(self, row: Any) -> Any:
        """One row as the response to its creation or change contains it; by default the same as `serialize`."""
        return self.serialize(row)

    def page(self, query: PageQuery) -> Response:
        """The response with the requested page of `rows`. Raises ValidationError, Problem."""
        query.is_valid(raise_exception=True)
        self.ask_by_filters(query.filters, type(self).__name__.removesuffix("View"))
        world = {"live": self.world(query.asked_live)} if isinstance(query, WorldQuery) else {}
        filters = {**self.kwargs, **query.filters, **world}
        filtered_by(filters)
        live, limit = world.get("live", self.reach), query.validated_data["limit"]
        token = query.validated_data.get("continuation_token")
        if self.compatible:
            found = compatible_responses.page(
                self.rows(query, live), limit=query.compatible_limit, continuation_token=token
            )
        else:
            found = page(
                self.listing(query, live),
                workspace_id=self.workspace.pk,
                filters=filters,
                limit=limit,
                continuation_token=token,
            )
        return Response(
            {
                "items": self.serialize_all(found.items),
                "continuation_token": found.continuation_token,
                "has_more": found.has_more,
            }
        )


class ListView(RowsView):
    """A view whose GET returns a page, newest first; `query_class` parses the query string."""

    query_class: ClassVar[type[PageQuery]] = PageQuery

    def get(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        return self.page(self.query_class(data=request.query_params, context={"compatible": self.compatible}))


class CreateView(RowsView):
    """A view whose POST creates a row and returns 201 with the row and its `Location`."""

    creates_row = True

    def create(self) -> Model:
        """Insert a row from the body, as parsed by `ApiView.sent`, and return it."""
        raise NotImplementedError

    def post(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        row = self.create()
        with given_by_caller():
            created = self.serialize_changed(row)
        return Response(created, status=201, headers={"Location": f"{request.path}/{row.pk}"})


class ActionView(RowsView):
    """A view whose POST calls the service `verb` with a row and the fields of the body, and returns the row.

    Without a `body_class` a body with fields is refused: what a caller asks for there must not be passed over.
    """

    verb: ClassVar[Callable[..., Any]]
    body_class: ClassVar[type[StrictSerializer] | None] = None

    def find_writable(self, **ids: UUID) -> Any:
        """The row that the URL names, to change it. Raises ServiceError or Problem."""
        raise NotImplementedError

    def post(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        row = self.find_writable(**ids)
        body = self.read_body(self.body_class or StrictSerializer)
        return Response(self.serialize_changed(type(self).verb(row, **body, actor=self.actor, now=database_now())))
