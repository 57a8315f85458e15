"""Upload, list and play recordings."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from delivery.api import examples
from delivery.api.answers import RecordingAnswer, RecordingDetail, RecordingPage, recording_answer, recording_detail
from delivery.api.base import PLAYING, DeliveryView
from delivery.api.requests import RecordingUpload
from delivery.api.voicemails import recording_name
from delivery.models import Recording
from delivery.recordings.links import link
from delivery.recordings.recordings import measured, store_recording
from delivery.selectors import offered_recordings
from rvm.platform import audit
from rvm.platform.api.forms import MultiPartParser
from rvm.platform.api.lists import CreateView, ListView, PageQuery
from rvm.platform.api.rendering import AnyAccept
from rvm.platform.scopes import Scope

TAGS = ["Recordings"]


@extend_schema_view(
    get=extend_schema(
        operation_id="list_recordings",
        summary="List recordings",
        description="Newest first. What campaigns assembled from clips is left out, and found by its id, with the scope "
        f"`{Scope.NUMBERS_READ.value}`: it may name people.",
        tags=TAGS,
        parameters=[PageQuery],
        responses={200: RecordingPage},
    ),
    post=extend_schema(
        operation_id="upload_recording",
        summary="Upload a recording",
        description=(
            "An MP3 whose sound lasts 10 to 60 seconds, at most 8 MB. What is kept is the sound itself, without tags; the same "
            "sound uploaded twice is one recording, under its first name."
        ),
        tags=TAGS,
        request={"multipart/form-data": RecordingUpload},
        responses={201: RecordingAnswer},
        examples=[examples.RECORDING],
    ),
)
class RecordingsView(ListView, CreateView, DeliveryView):
    required_scopes: ClassVar = {"POST": Scope.RECORDINGS_WRITE, "GET": Scope.RECORDINGS_READ}
    parser_classes = [MultiPartParser]

    def rows(self, query: PageQuery, live: bool | None) -> QuerySet[Recording]:
        return offered_recordings(self.workspace)

    def create(self) -> Recording:
        upload = self.sent(RecordingUpload)
        audio = upload["audio"]
        return store_recording(self.workspace, upload.get("name") or recording_name(audio.name), audio.read())

    def serialize(self, row: Recording) -> dict[str, Any]:
        return recording_answer(row)


class RecordingView(DeliveryView):
    required_scopes: ClassVar = {"GET": Scope.RECORDINGS_READ}

    @extend_schema(
        operation_id="get_recording",
        summary="Get a recording with a link that plays it",
        tags=TAGS,
        responses={200: RecordingDetail},
        examples=[examples.RECORDING_DETAIL],
    )
    def get(self, request: Request, workspace_id: UUID, recording_id: UUID) -> Response:
        recording = measured(self.find_recording(recording_id))
        audit.record("recording.linked", recording, actor=self.actor, workspace=self.workspace)
        return Response(recording_detail(recording, link(recording)))


class RecordingAudioView(DeliveryView):
    required_scopes: ClassVar = {"GET": Scope.RECORDINGS_READ}
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="play_recording",
        summary="Play a recording",
        description="The MP3, byte for byte what carriers fetch.",
        tags=TAGS,
        **PLAYING,
    )
    def get(self, request: Request, workspace_id: UUID, recording_id: UUID) -> HttpResponse:
        recording = self.find_recording(recording_id)
        answer = self.play(request, recording)
        audit.record("recording.played", recording, actor=self.actor, workspace=self.workspace)
        return answer
