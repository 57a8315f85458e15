"""API views of the feed: a page of events, one event, and the stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.fields import IdField, MomentField, StrictSerializer, WholeNumberField, YesFilter
from rvm.platform.api.lists import RowsView
from rvm.platform.api.pagination import DEFAULT_LIMIT, MAX_LIMIT
from rvm.platform.api.problem_codes import by_code
from rvm.platform.api.problems import invalid
from rvm.platform.api.rendering import AnyAccept
from rvm.platform.api.rows.serializers import RowSerializer
from rvm.platform.api.schema import response_example
from rvm.platform.api.views import ApiView
from rvm.platform.client_address import seen_address
from rvm.platform.database.ids import first_id_at
from rvm.platform.events import feed
from rvm.platform.events.streams import Stream
from rvm.platform.events.types import TYPES
from rvm.platform.models import Event
from rvm.platform.scopes import Scope

MAX_TYPES = 50
_TAGS = ["Events"]
_WORLD = "A test key gets what happened to test rows; a live key gets that with `live=false`."
_NO_ID = "This is not the id of an event. Send the `id` of one, or the `after` of a page, as it was answered."

_FRAME = {
    "type": "object",
    "description": "One frame of the stream.",
    "properties": {
        "id": {"type": "string", "format": "uuid", "description": "Where the stream is with it."},
        "event": {"type": "string", "description": "The type of the event, or `end`."},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "The event as `GET /events` has it, or what ends the stream.",
        },
    },
}


def data_serializers() -> Sequence[serializers.Serializer[Any] | type[serializers.Serializer[Any]]]:
    """The serializers of the data of all types, each once."""
    return list(dict.fromkeys(each.data for each in TYPES.values()))


@extend_schema_field(PolymorphicProxySerializer("EventData", data_serializers, resource_type_field_name=None))
class DataField(serializers.Field[Any, Any, Any, Any]):
    """The data of an event, as its type has them."""

    def to_representation(self, value: Any) -> Any:
        return value


class EventSerializer(RowSerializer[Event]):
    """Something that happened, as webhooks tell it too."""

    id = serializers.UUIDField(
        source="pk", help_text="It rises in the order of the feed, and goes on from here as `after`."
    )
    type = serializers.CharField(help_text="Types are added without notice; pass over those that you do not know.")
    timestamp = serializers.DateTimeField(source="occurred_at", help_text="When it happened.")
    data = DataField(  # type: ignore[assignment]  # the name of webhooks
        help_text="Ids, states and codes, by the type; members are added without notice."
    )


class EventPageSerializer(serializers.Serializer[Any]):
    """Events in the order in which they were published, the oldest first."""

    items = EventSerializer(many=True)
    after = serializers.UUIDField(
        help_text="Ask for `after` this to go on, also if nothing has happened behind it yet."
    )
    has_more = serializers.BooleanField(help_text="Whether there is more behind `after` already.")


class StreamQuery(StrictSerializer):
    """From where on, and what."""

    after = IdField(
        required=False,
        help_text="Only what was published behind this event: the `id` of an event, or the `after` of a page.",
        error_messages={"invalid": _NO_ID},
    )
    since = MomentField(required=False, help_text="Only what was published from this time on, within the last 30 days.")
    type = serializers.ListField(
        required=False,
        child=serializers.ChoiceField(sorted(TYPES)),
        allow_empty=False,
        max_length=MAX_TYPES,
        help_text=f"Any of these; repeatable up to {MAX_TYPES} times. By default all, also those of later versions.",
    )
    live = YesFilter(
        required=False,
        help_text="False for what happened to test rows, which a live key gets only if it asks for it.",
    )


class EventQuery(StreamQuery):
    """From where on, what, and how much."""

    limit = WholeNumberField(required=False, min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)


class _FeedView(ApiView):
    required_scopes: ClassVar = {"GET": Scope.EVENTS_READ}
    problems: ClassVar = {**ApiView.problems, **by_code(codes.EVENTS_GONE, codes.TOO_MANY_AT_ONCE)}

    def asked(self) -> tuple[dict[str, Any], bool]:
        """What the address asks for, and the world. Raises ValidationError, Problem."""
        query = (self.query_class or StreamQuery)(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return query.validated_data, self.world(query.validated_data.get("live"))

    def position(self, asked: dict[str, Any], live: bool, otherwise: UUID, field: str = "after") -> UUID:
        """The position to begin behind, the later one of `after` and `since`. Raises ServiceError, Problem."""
        given: list[UUID] = []
        if after := asked.get("after"):
            feed.require_position(after, self.workspace.pk, live=live, now=self.asked_at, field=field)
            given.append(after)
        if since := asked.get("since"):
            if since > self.asked_at:
                raise invalid(
                    "/since", "This time is yet to come; leave it out for what happens from now on.", "too_late"
                )
            feed.require_kept(since, self.asked_at)
            given.append(first_id_at(since))
        return max(given, default=otherwise)


class EventsView(_FeedView):
    query_class = EventQuery

    @extend_schema(
        operation_id="list_events",
        summary="List events",
        description="What happened, in the order of its publication, the oldest first: from the oldest on that is kept, or behind "
        f"`after`. The answer's `after` goes on, also from a last page, when more has happened. A page may have fewer items than "
        f"asked for, or none, and more behind it: a filter looks at {feed.SCANNED:,} events at a time. {_WORLD}",
        tags=_TAGS,
        parameters=[EventQuery],
        responses={200: EventPageSerializer},
    )
    def get(self, request: Request, workspace_id: UUID) -> Response:
        asked, live = self.asked()
        begin = self.position(asked, live, feed.BEGINNING)
        page = feed.read(self.workspace.pk, begin, live=live, types=asked.get("type", ()), limit=asked["limit"])
        after = feed.moment(self.asked_at) if page.position == feed.BEGINNING else page.position
        represent = EventSerializer().to_representation
        return Response(
            {"items": [represent(event) for event in page.events], "after": str(after), "has_more": page.has_more}
        )


class EventView(RowsView):
    required_scopes: ClassVar = {"GET": Scope.EVENTS_READ}
    serializer_class = EventSerializer

    def find(self, event_id: UUID) -> Event:
        own = Event.objects.filter(workspace=self.workspace)
        rows = own if self.reach is None else own.filter(live=self.reach)
        return self.get_row(rows, event_id, self.not_found_message("This workspace has no such event, or no longer."))

    @extend_schema(
        operation_id="get_event",
        summary="Get an event",
        tags=_TAGS,
        responses={200: EventSerializer},
    )
    def get(self, request: Request, workspace_id: UUID, event_id: UUID) -> Response:
        return Response(self.serialize(self.find(event_id)))


class StreamResponse(StreamingHttpResponse):
    """The beginning of a stream. The web server that goes on with it takes the stream from here."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(
            stream.parts(),
            content_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self.stream = stream

    def close(self) -> None:
        super().close()
        if not self.stream.goes_on:
            self.stream.close()


class EventStreamView(_FeedView):
    query_class = StreamQuery
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="stream_events",
        summary="Stream events",
        description="What happens from now on, or happened behind `after`, as server-sent events: `id` is the event's id, `event` "
        "its type, `data` the event as `GET /events` has it, in one line. A frame of an `id` alone, at the beginning and after 15 "
        "seconds of silence, says where the stream is. It lasts ten minutes at most and ends with `event: end`, whose `data` has "
        "`code` and `detail`: connect again with the last id as `Last-Event-ID`, which browsers do by themselves, and nothing is "
        f"missed. {_WORLD}",
        tags=_TAGS,
        parameters=[
            StreamQuery,
            OpenApiParameter(
                "Last-Event-ID",
                OpenApiTypes.UUID,
                OpenApiParameter.HEADER,
                description="The last id that the client got, from where it goes on, whatever the address says.",
            ),
        ],
        responses={(200, "text/event-stream"): _FRAME},
        examples=[
            response_example(
                "The beginning",
                "retry: 3000\n:\nid: 01920f3b-9a00-7000-8000-0000000000e0\n\n"
                "id: 01920f3b-9a00-7001-8000-0000000000e1\nevent: campaign.launched\n"
                'data: {"id":"01920f3b-9a00-7001-8000-0000000000e1","type":"campaign.launched",'
                '"timestamp":"2026-03-02T15:00:00Z","data":{}}\n\n',
                media_type="text/event-stream",
            )
        ],
    )
    def get(self, request: Request, workspace_id: UUID) -> HttpResponseBase:
        asked, live = self.asked()
        field = "after"
        if "Last-Event-ID" in request.headers:
            field = "Last-Event-ID"
            asked = {**asked, "after": self._read(request.headers[field]), "since": None}
        newest = feed.newest(self.workspace.pk, live=live, now=self.asked_at)
        begin = self.position(asked, live, newest, field)
        if request.method == "HEAD":
            return HttpResponse(content_type="text/event-stream")
        address = seen_address(_plain(request))
        types = frozenset(asked.get("type", ()))
        return StreamResponse(Stream.open(self.key, address, live=live, types=types, position=begin))

    def _read(self, last: str) -> UUID:
        """Raises Problem for what is no id."""
        try:
            found: UUID = IdField().run_validation(last.strip())
        except serializers.ValidationError:
            raise invalid("/Last-Event-ID", _NO_ID) from None
        return found


def _plain(request: Request) -> HttpRequest:
    return request._request
