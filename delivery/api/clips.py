"""Views to upload, list and play clips, which campaigns join into recordings."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view

from delivery.api import examples
from delivery.api.base import DeliveryView
from delivery.api.serializers.sounds import (
    ClipDetailSerializer,
    ClipFromUrl,
    ClipSerializer,
    ClipUpload,
    NewClipStatement,
    SoundChanges,
    SoundQuery,
)
from delivery.api.sounds import PLAYING, AttestationView, ShelfView, SoundAudioView, SoundListView, SoundView
from delivery.audio.conversion import inspect_any_clip
from delivery.models import Clip
from delivery.recordings.clips import stored_clip
from delivery.recordings.shelf import archive, unarchive
from delivery.selectors.sounds import selectable_clips
from rvm.platform.api.lists import page_of
from rvm.platform.scopes import Scope

TAGS = ["Clips"]


@extend_schema_view(
    get=extend_schema(
        operation_id="list_clips",
        summary="List clips",
        description="Newest first.",
        tags=TAGS,
        parameters=[SoundQuery],
        responses={200: page_of(ClipSerializer)},
    ),
    post=extend_schema(
        operation_id="upload_clip",
        summary="Upload a clip",
        description=(
            "The file in a form, or its address in JSON. An MP3 of 0.2 to 60 seconds, at most 8 MB, or another format where the "
            "workspace has `converts_audio` on: a greeting, a first name, a closing. A campaign's script joins clips to "
            "recordings of 10 to 60 seconds. The same sound uploaded twice is one clip, with its first name. Fields of the checklist "
            f"state what it says; they need the scope `{Scope.RECORDINGS_ATTEST.value}`."
        ),
        tags=TAGS,
        request={"multipart/form-data": ClipUpload, "application/json": ClipFromUrl},
        responses={201: ClipSerializer},
        examples=[examples.CLIP_FROM_URL, examples.CLIP],
    ),
)
class ClipsView(SoundListView):
    serializer_class = ClipSerializer
    upload_class = ClipUpload
    url_class = ClipFromUrl
    checked = staticmethod(inspect_any_clip)
    stored = staticmethod(stored_clip)

    def rows(self, query: SoundQuery, live: bool | None) -> QuerySet[Clip]:
        return selectable_clips(self.workspace, **query.filters)


@extend_schema_view(
    get=extend_schema(
        operation_id="get_clip",
        summary="Get a clip with a link that plays it",
        tags=TAGS,
        responses={200: ClipDetailSerializer},
    ),
    patch=extend_schema(
        operation_id="rename_clip",
        summary="Rename a clip",
        description="With a live key.",
        tags=TAGS,
        request=SoundChanges,
        responses={200: ClipDetailSerializer},
    ),
    delete=extend_schema(
        operation_id="delete_clip",
        summary="Delete a clip",
        description="Its sound is gone for good. 409 `recording_in_use` while the script of a campaign that has not ended may "
        "choose it; 409 `recording_held`.",
        tags=TAGS,
        responses={204: None},
    ),
)
class ClipView(SoundView):
    serializer_class = ClipDetailSerializer
    find = DeliveryView.find_clip


@extend_schema_view(get=extend_schema(operation_id="play_clip", summary="Play a clip", tags=TAGS, **PLAYING))
class ClipAudioView(SoundAudioView):
    find = DeliveryView.find_clip


@extend_schema_view(
    put=extend_schema(
        operation_id="attest_clip",
        summary="State what a clip says",
        description="Every clip needs the voice and that it tells nothing of anybody's health. Who calls, the numbers and the "
        "disclosure of a synthetic voice have to be said by the clips of a script together, who calls at the start.",
        tags=TAGS,
        request=NewClipStatement,
        responses={200: ClipSerializer},
    ),
    delete=extend_schema(
        operation_id="withdraw_clip_attestation",
        summary="Withdraw what was stated about a clip",
        description="Binds the next claim of every recording that it was joined into, unless that has a statement of its own.",
        tags=TAGS,
        responses={204: None},
    ),
)
class ClipAttestationView(AttestationView):
    serializer_class = ClipSerializer
    statement_class = NewClipStatement
    find = DeliveryView.find_clip


@extend_schema_view(
    post=extend_schema(
        operation_id="archive_clip",
        summary="Archive a clip",
        description="It is offered and used for nothing new; what uses it goes on. With a live key.",
        tags=TAGS,
        request=None,
        responses={200: ClipSerializer},
    )
)
class ClipArchiveView(ShelfView):
    serializer_class = ClipSerializer
    find = DeliveryView.find_clip
    verb = staticmethod(archive)


@extend_schema_view(
    post=extend_schema(
        operation_id="unarchive_clip",
        summary="Bring a clip back from the archive",
        tags=TAGS,
        request=None,
        responses={200: ClipSerializer},
    )
)
class ClipUnarchiveView(ShelfView):
    serializer_class = ClipSerializer
    find = DeliveryView.find_clip
    verb = staticmethod(unarchive)
