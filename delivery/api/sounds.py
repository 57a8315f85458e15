"""Base views of recordings and clips: upload, list, details with a link, and playback."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

from delivery.api.base import NO_TEST_KEY, DeliveryView
from delivery.api.problem_codes import RANGE_NOT_SATISFIABLE
from delivery.api.serializers.sounds import SoundChanges, SoundQuery
from delivery.models import Clip, Recording
from delivery.recordings.attestations import withdraw_attestation
from delivery.recordings.byte_ranges import RangeNotSatisfiable
from delivery.recordings.fetching import fetch_sound
from delivery.recordings.playback import play
from delivery.recordings.shelf import delete, rename, unarchive
from delivery.recordings.storage import name_of_file
from rvm.platform import audit
from rvm.platform.api.fields import StrictSerializer
from rvm.platform.api.forms import MultiPartParser
from rvm.platform.api.idempotency import PreparedView
from rvm.platform.api.lists import CreateView, ListView, RowsView
from rvm.platform.api.problem_codes import TOO_MANY_AT_ONCE, by_code
from rvm.platform.api.problems import Problem
from rvm.platform.api.rendering import AnyAccept, JSONParser
from rvm.platform.scopes import Scope

# Arguments of `extend_schema` for operations that play a sound.
PLAYING: dict[str, Any] = {
    "parameters": [OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="One range of bytes.")],
    "responses": {
        (200, "audio/mpeg"): OpenApiTypes.BINARY,
        (206, "audio/mpeg"): OpenApiTypes.BINARY,
        416: OpenApiResponse(description="`range_not_satisfiable`: `Content-Range` says how many bytes there are."),
    },
}


ONE_SHELF = "Recordings and clips are the same for live and for test voicemails, so a test key does not change them; use a live key."


class SoundListView(ListView, CreateView, PreparedView, DeliveryView):
    required_scopes: ClassVar = {"POST": Scope.RECORDINGS_WRITE, "GET": Scope.RECORDINGS_READ}
    parser_classes = [MultiPartParser, JSONParser]
    query_class = SoundQuery
    problems: ClassVar = {**DeliveryView.problems, **by_code(TOO_MANY_AT_ONCE)}
    upload_class: ClassVar[type[StrictSerializer]]
    url_class: ClassVar[type[StrictSerializer]]
    checked: ClassVar[Callable[..., Any]]
    stored: ClassVar[Callable[..., AbstractContextManager[Any]]]

    def prepare(self) -> None:
        uploaded = hasattr(self.request.data, "lists")
        asked = self.read_body(self.upload_class if uploaded else self.url_class)
        self.statement = asked["statement"]
        self.require_attesting(self.statement)
        self.host = ""
        if uploaded:
            data, name = asked["audio"].read(), name_of_file(asked["audio"].name)
        else:
            self.sound_field = "url"
            self.take_place()
            data, name, self.host = fetch_sound(asked["url"])
        self.name = asked.get("name") or name
        self.verdict = type(self).checked(data, converting=self.workspace.converts_audio)

    def create(self) -> Recording | Clip:
        with type(self).stored(self.workspace, self.name, self.verdict, uploaded_by=self.actor) as sound:
            # Of the address only its host: a path or a query may be what permits to read the file.
            verb, origin = ("fetched", {"host": self.host}) if self.host else ("uploaded", {})
            audit.record(
                f"{sound._meta.model_name}.{verb}", sound, actor=self.actor, workspace=self.workspace, **origin
            )
            if sound.archived_at is not None and self.key.live:
                sound = unarchive(sound, actor=self.actor)
            return self.attested(sound, self.statement)


class _SoundView(DeliveryView):
    required_scopes: ClassVar = {"GET": Scope.RECORDINGS_READ}

    def find(self, sound_id: UUID, /) -> Recording | Clip:
        raise NotImplementedError

    def record(self, verb: str, sound: Recording | Clip) -> None:
        audit.record(f"{sound._meta.model_name}.{verb}", sound, actor=self.actor, workspace=self.workspace)


class AttestationView(_SoundView, RowsView):  # type: ignore[misc]  # `find` is a method here
    """The statement about what one sound says: made with PUT, withdrawn with DELETE."""

    required_scopes: ClassVar = {"PUT": Scope.RECORDINGS_ATTEST, "DELETE": Scope.RECORDINGS_ATTEST}
    statement_class: ClassVar[type[StrictSerializer]]

    def put(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        sound: Any = self.find(*ids.values())
        self.require_world(True, NO_TEST_KEY)
        statement = self.read_body(self.statement_class)["statement"]
        return Response(self.serialize(self.attested(sound, statement)))

    def delete(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        sound: Any = self.find(*ids.values())
        self.require_world(True, NO_TEST_KEY)
        withdraw_attestation([sound], actor=self.actor)
        return Response(status=204)


class SoundView(_SoundView, RowsView):  # type: ignore[misc]  # `find` is a method here
    required_scopes: ClassVar = {
        "GET": Scope.RECORDINGS_READ, "PATCH": Scope.RECORDINGS_WRITE, "DELETE": Scope.RECORDINGS_WRITE,
    }  # fmt: skip

    def patch(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        sound: Any = self.find(*ids.values())
        self.require_world(True, ONE_SHELF)
        changes = self.read_body(SoundChanges, partial=True)
        return Response(self.serialize(rename(sound, **changes, actor=self.actor) if changes else sound))

    def delete(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        sound: Any = self.find(*ids.values())
        self.require_world(True, ONE_SHELF)
        delete(sound, actor=self.actor)
        return Response(status=204)

    def get(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        sound = self.find(*ids.values())
        self.record("linked", sound)
        return Response(self.serialize(sound))


class ShelfView(_SoundView, RowsView):  # type: ignore[misc]  # `find` is a method here
    """A view whose POST archives a sound, or brings it back."""

    required_scopes: ClassVar = {"POST": Scope.RECORDINGS_WRITE}
    bodiless: ClassVar = frozenset({"POST"})
    verb: ClassVar[Callable[..., Any]]

    def post(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        sound: Any = self.find(*ids.values())
        self.require_world(True, ONE_SHELF)
        return Response(self.serialize(type(self).verb(sound, actor=self.actor)))


class SoundAudioView(_SoundView):
    content_negotiation_class = AnyAccept

    def get(self, request: Request, workspace_id: UUID, **ids: UUID) -> HttpResponseBase:
        sound = self.find(*ids.values())
        try:
            response = play(request, sound)
        except RangeNotSatisfiable as error:
            ends = {"Content-Range": f"bytes */{error.size}"}
            raise Problem(RANGE_NOT_SATISFIABLE, str(error), headers=ends) from None
        self.record("played", sound)
        return response
