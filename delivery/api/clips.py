"""Upload, list and play clips, of which campaigns join what each person hears."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from delivery.api import examples
from delivery.api.answers import ClipAnswer, ClipDetail, ClipPage, clip_answer
from delivery.api.base import PLAYING, DeliveryView
from delivery.api.requests import ClipUpload
from delivery.api.voicemails import recording_name
from delivery.models import Clip
from delivery.recordings.clips import store_clip
from delivery.recordings.links import link
from delivery.selectors import clips
from rvm.platform import audit
from rvm.platform.api.forms import MultiPartParser
from rvm.platform.api.lists import CreateView, ListView, PageQuery
from rvm.platform.api.rendering import AnyAccept
from rvm.platform.scopes import Scope

TAGS = ["Clips"]


@extend_schema_view(
    get=extend_schema(
        operation_id="list_clips",
        summary="List clips",
        description="Newest first.",
        tags=TAGS,
        parameters=[PageQuery],
        responses={200: ClipPage},
    ),
    post=extend_schema(
        operation_id="upload_clip",
        summary="Upload a clip",
        description=(
            "An MP3 of 0.2 to 60 seconds, at most 8 MB: a greeting, a first name, a closing. A campaign's script joins clips to "
            "recordings of 10 to 60 seconds. The same sound uploaded twice is one clip, under its first name."
        ),
        tags=TAGS,
        request={"multipart/form-data": ClipUpload},
        responses={201: ClipAnswer},
        examples=[examples.CLIP],
    ),
)
class ClipsView(ListView, CreateView, DeliveryView):
    required_scopes: ClassVar = {"POST": Scope.RECORDINGS_WRITE, "GET": Scope.RECORDINGS_READ}
    parser_classes = [MultiPartParser]

    def rows(self, query: PageQuery, live: bool | None) -> QuerySet[Clip]:
        return clips(self.workspace)

    def create(self) -> Clip:
        upload = self.sent(ClipUpload)
        audio = upload["audio"]
        return store_clip(self.workspace, upload.get("name") or recording_name(audio.name), audio.read())

    def serialize(self, row: Clip) -> dict[str, Any]:
        return clip_answer(row)


class ClipView(DeliveryView):
    required_scopes: ClassVar = {"GET": Scope.RECORDINGS_READ}

    @extend_schema(
        operation_id="get_clip",
        summary="Get a clip with a link that plays it",
        tags=TAGS,
        responses={200: ClipDetail},
    )
    def get(self, request: Request, workspace_id: UUID, clip_id: UUID) -> Response:
        clip = self.find_clip(clip_id)
        audit.record("clip.linked", clip, actor=self.actor, workspace=self.workspace)
        return Response({**clip_answer(clip), "audio_url": link(clip)})


class ClipAudioView(DeliveryView):
    required_scopes: ClassVar = {"GET": Scope.RECORDINGS_READ}
    content_negotiation_class = AnyAccept

    @extend_schema(operation_id="play_clip", summary="Play a clip", tags=TAGS, **PLAYING)
    def get(self, request: Request, workspace_id: UUID, clip_id: UUID) -> HttpResponse:
        clip = self.find_clip(clip_id)
        answer = self.play(request, clip)
        audit.record("clip.played", clip, actor=self.actor, workspace=self.workspace)
        return answer
