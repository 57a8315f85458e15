"""Views to upload, list and play recordings."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view

from delivery.api import examples
from delivery.api.base import DeliveryView
from delivery.api.serializers.sounds import (
    NewRecordingStatement,
    RecordingDetailSerializer,
    RecordingFromUrl,
    RecordingSerializer,
    RecordingUpload,
    SoundChanges,
    SoundQuery,
)
from delivery.api.sounds import PLAYING, AttestationView, ShelfView, SoundAudioView, SoundListView, SoundView
from delivery.audio.conversion import inspect_any
from delivery.models import Recording
from delivery.recordings.recordings import measured, stored_recording
from delivery.recordings.shelf import archive, unarchive
from delivery.selectors.sounds import selectable_recordings
from rvm.platform.api.lists import page_of
from rvm.platform.scopes import Scope

TAGS = ["Recordings"]


@extend_schema_view(
    get=extend_schema(
        operation_id="list_recordings",
        summary="List recordings",
        description="Newest first. Recordings that campaigns joined from clips are left out, because they may name people; with "
        f"the scope `{Scope.NUMBERS_READ.value}` you can get them by their ids.",
        tags=TAGS,
        parameters=[SoundQuery],
        responses={200: page_of(RecordingSerializer)},
    ),
    post=extend_schema(
        operation_id="upload_recording",
        summary="Upload a recording",
        description=(
            "The file in a form, or its address in JSON. An MP3 whose sound lasts 10 to 60 seconds, at most 8 MB; another format, "
            "such as M4A or WAV, where the workspace has `converts_audio` on. Only the sound is stored, without tags. The same sound "
            "uploaded twice is one recording, with its first name, and back from the archive. Fields of the checklist state what it "
            "says, which a live "
            f"send needs; they need the scope `{Scope.RECORDINGS_ATTEST.value}`."
        ),
        tags=TAGS,
        request={"multipart/form-data": RecordingUpload, "application/json": RecordingFromUrl},
        responses={201: RecordingSerializer},
        examples=[examples.RECORDING_FROM_URL, examples.RECORDING],
    ),
)
class RecordingsView(SoundListView):
    serializer_class = RecordingSerializer
    upload_class = RecordingUpload
    url_class = RecordingFromUrl
    checked = staticmethod(inspect_any)
    stored = staticmethod(stored_recording)

    def rows(self, query: SoundQuery, live: bool | None) -> QuerySet[Recording]:
        return selectable_recordings(self.workspace, **query.filters)


@extend_schema_view(
    get=extend_schema(
        operation_id="get_recording",
        summary="Get a recording with a link that plays it",
        tags=TAGS,
        responses={200: RecordingDetailSerializer},
        examples=[examples.RECORDING_DETAIL],
    ),
    patch=extend_schema(
        operation_id="rename_recording",
        summary="Rename a recording",
        description="With a live key. 409 `recording_joined` for one that a campaign joined from clips.",
        tags=TAGS,
        request=SoundChanges,
        responses={200: RecordingDetailSerializer},
    ),
    delete=extend_schema(
        operation_id="delete_recording",
        summary="Delete a recording",
        description="Its sound is gone for good; the row stays for the voicemails that were sent with it. 409 `recording_in_use` "
        "while a voicemail waits or is under way with it, or a campaign that has not ended has it; 409 `recording_held`.",
        tags=TAGS,
        responses={204: None},
    ),
)
class RecordingView(SoundView):
    serializer_class = RecordingDetailSerializer

    def find(self, recording_id: UUID) -> Recording:
        return measured(self.find_recording(recording_id))


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


@extend_schema_view(
    put=extend_schema(
        operation_id="attest_recording",
        summary="State what a recording says",
        description="All of the checklist has to be so; what is missing is refused with its field named. Without this statement "
        "nothing of the recording is sent through a real carrier. Where the workspace asks for it, somebody other than who uploaded "
        "the recording has to state it.",
        tags=TAGS,
        request=NewRecordingStatement,
        responses={200: RecordingSerializer},
    ),
    delete=extend_schema(
        operation_id="withdraw_recording_attestation",
        summary="Withdraw what was stated about a recording",
        description="Binds the next claim: what is queued waits for a new statement.",
        tags=TAGS,
        responses={204: None},
    ),
)
class RecordingAttestationView(AttestationView):
    serializer_class = RecordingSerializer
    statement_class = NewRecordingStatement
    find = DeliveryView.find_recording


@extend_schema_view(
    post=extend_schema(
        operation_id="archive_recording",
        summary="Archive a recording",
        description="It is offered and used for nothing new; what uses it goes on. With a live key.",
        tags=TAGS,
        request=None,
        responses={200: RecordingSerializer},
    )
)
class RecordingArchiveView(ShelfView):
    serializer_class = RecordingSerializer
    find = DeliveryView.find_recording
    verb = staticmethod(archive)


@extend_schema_view(
    post=extend_schema(
        operation_id="unarchive_recording",
        summary="Bring a recording back from the archive",
        tags=TAGS,
        request=None,
        responses={200: RecordingSerializer},
    )
)
class RecordingUnarchiveView(ShelfView):
    serializer_class = RecordingSerializer
    find = DeliveryView.find_recording
    verb = staticmethod(unarchive)
