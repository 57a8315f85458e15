"""The bases of views of a list: one page of it, and a row that is added to it. A view says which rows there are and how one looks."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api.fields import StrictSerializer, TextField, YesFilter
from rvm.platform.api.pagination import DEFAULT_LIMIT, MAX_LIMIT, page
from rvm.platform.api.views import ApiView

# Of a list's address these choose no rows among those that there are: the place in it, and the world.
_NO_FILTERS = frozenset({"limit", "continuation_token", "live"})


class PageQuery(StrictSerializer):
    """The place in a list."""

    limit = serializers.IntegerField(required=False, min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    continuation_token = TextField(required=False, allow_null=True, help_text="From the page before; same filters.")

    @property
    def filters(self) -> dict[str, Any]:
        """The filters that were given; neither the place nor the world."""
        return {name: value for name, value in self.validated_data.items() if name not in _NO_FILTERS}


class WorldQuery(PageQuery):
    """A list whose rows are live ones or test ones."""

    live = YesFilter(
        required=False,
        help_text="False for test rows, which a live key does not get unless it asks for them. A test key gets no others.",
    )

    @property
    def asked_live(self) -> bool | None:
        """For `ApiView.world`; None where the caller does not say."""
        asked: bool | None = self.validated_data.get("live")
        return asked


class RowsView(ApiView):
    """A view of rows of one kind."""

    def rows(self, query: Any, live: bool | None) -> QuerySet[Any]:
        """The rows by the filters of `query`, which is valid. `live`: the world that was asked for, or the key's reach where the list
        is not of one world."""
        raise NotImplementedError

    def serialize(self, row: Any) -> dict[str, Any]:
        """One row as answers show it."""
        raise NotImplementedError

    def serialize_all(self, rows: list[Any]) -> list[dict[str, Any]]:
        return [self.serialize(row) for row in rows]

    def page(self, query: PageQuery) -> Response:
        """The page of `rows` that `query` asks for."""
        query.is_valid(raise_exception=True)
        world = {"live": self.world(query.asked_live)} if isinstance(query, WorldQuery) else {}
        found = page(
            self.rows(query, world.get("live", self.reach)),
            workspace_id=self.workspace.pk,
            filters={**self.kwargs, **query.filters, **world},
            limit=query.validated_data["limit"],
            continuation_token=query.validated_data.get("continuation_token"),
        )
        return Response(
            {
                "items": self.serialize_all(found.items),
                "continuation_token": found.continuation_token,
                "has_more": found.has_more,
            }
        )


class ListView(RowsView):
    """GET answers a page, newest first, by a `query_class` in the address."""

    query_class: ClassVar[type[PageQuery]] = PageQuery

    def get(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        return self.page(self.query_class(data=request.query_params))


class CreateView(RowsView):
    """POST creates a row and answers 201 with it and its address."""

    def create(self) -> Model:
        """The new row, from what `ApiView.sent` reads of the body."""
        raise NotImplementedError

    def post(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        row = self.create()
        return Response(self.serialize(row), status=201, headers={"Location": f"{request.path}/{row.pk}"})
