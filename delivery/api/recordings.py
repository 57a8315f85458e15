"""Views to upload, list and play recordings."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view

from delivery.api import examples
from delivery.api.base import DeliveryView
from delivery.api.serializers.sounds import RecordingDetailSerializer, RecordingSerializer, RecordingUpload
from delivery.api.sounds import PLAYING, SoundAudioView, SoundListView, SoundView
from delivery.models import Recording
from delivery.recordings.recordings import measured, store_recording
from delivery.selectors import selectable_recordings
from rvm.platform.api.lists import PageQuery, page_of
from rvm.platform.scopes import Scope

TAGS = ["Recordings"]


@extend_schema_view(
    get=extend_schema(
        operation_id="list_recordings",
        summary="List recordings",
        description="Newest first. Recordings that campaigns joined from clips are left out, because they may name people; with "
        f"the scope `{Scope.NUMBERS_READ.value}` you can get them by their ids.",
        tags=TAGS,
        parameters=[PageQuery],
        responses={200: page_of(RecordingSerializer)},
    ),
    post=extend_schema(
        operation_id="upload_recording",
        summary="Upload a recording",
        description=(
            "An MP3 whose sound lasts 10 to 60 seconds, at most 8 MB. Only the sound is stored, without tags. The same sound "
            "uploaded twice is one recording, with its first name."
        ),
        tags=TAGS,
        request={"multipart/form-data": RecordingUpload},
        responses={201: RecordingSerializer},
        examples=[examples.RECORDING],
    ),
)
class RecordingsView(SoundListView):
    serializer_class = RecordingSerializer
    upload_class = RecordingUpload
    store = staticmethod(store_recording)

    def rows(self, query: PageQuery, live: bool | None) -> QuerySet[Recording]:
        return selectable_recordings(self.workspace)


@extend_schema_view(
    get=extend_schema(
        operation_id="get_recording",
        summary="Get a recording with a link that plays it",
        tags=TAGS,
        responses={200: RecordingDetailSerializer},
        examples=[examples.RECORDING_DETAIL],
    )
)
class RecordingView(SoundView):
    serializer_class = RecordingDetailSerializer

    def find(self, sound_id: UUID) -> Recording:
        return measured(self.find_recording(sound_id))


@extend_schema_view(
    get=extend_schema(
        operation_id="play_recording",
        summary="Play a recording",
        description="The MP3, byte for byte what carriers fetch.",
        tags=TAGS,
        **PLAYING,
    )
)
class RecordingAudioView(SoundAudioView):
    find = DeliveryView.find_recording
