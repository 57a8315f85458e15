"""Views to send, list, search, get, cancel and retry voicemails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from delivery.api import examples
from delivery.api.base import ONE_WORLD, DeliveryView
from delivery.api.reference_statuses import in_their_words
from delivery.api.serializers.filters import VoicemailQuery, VoicemailSearch
from delivery.api.serializers.requests import (
    BatchItemSerializer,
    BatchResultSerializer,
    NewBatch,
    SendRecording,
    SendUpload,
    VoicemailRetry,
)
from delivery.api.serializers.voicemails import (
    SHOWN,
    SHOWN_OF_OTHERS,
    VoicemailDetailSerializer,
    VoicemailSerializer,
    represented,
)
from delivery.audio import Inspection
from delivery.audio.inspection import Unheard
from delivery.models import Voicemail
from delivery.recordings.recordings import inspected, stored_recording
from delivery.recordings.storage import name_of_file
from delivery.selectors.newest import newest
from delivery.selectors.sending import sending
from delivery.selectors.voicemails import voicemails
from delivery.services.eligibility import waiting_for
from delivery.services.retries import retry
from delivery.services.screening import Recipient
from delivery.services.voicemails import cancel, queue_voicemails
from rvm.platform import audit
from rvm.platform.api.forms import MultiPartParser
from rvm.platform.api.idempotency import PreparedView
from rvm.platform.api.lists import ActionView, CreateView, ListView, RowsView, page_of
from rvm.platform.api.pagination import Listing
from rvm.platform.api.permissions import require_scope
from rvm.platform.api.rendering import JSONParser
from rvm.platform.database.clock import database_now
from rvm.platform.database.narrow_rows import NarrowRows
from rvm.platform.errors import ServiceError
from rvm.platform.scopes import Scope
from usecases.selectors import NO_SUCH_USE_CASE

TAGS = ["Voicemail"]
_ROWS = NarrowRows(Voicemail, SHOWN, SHOWN_OF_OTHERS)


class _VoicemailView(DeliveryView, RowsView):
    serializer_class = VoicemailSerializer

    def find(self, voicemail_id: UUID) -> Voicemail:
        found = voicemails(self.workspace, live=self.reach)
        return self.get_row(
            found, voicemail_id, self.not_found_message("The voicemail does not exist in this workspace.")
        )

    def context(self, rows: list[Voicemail]) -> dict[str, Any]:
        return {"reveal": self.may_see_numbers, "waiting_for": waiting_for(rows)}

    def queue(
        self,
        asked: Mapping[str, Any],
        recipients: Sequence[Recipient | ServiceError],
        recording_id: UUID,
        now: datetime,
    ) -> list[Voicemail | ServiceError]:
        """What became of each recipient. `asked` is the validated body. Raises ServiceError."""
        found = sending(self.workspace, asked["use_case_id"], recording_id, live=self.key.live)
        if found is None:
            raise ServiceError("use_case_not_found", NO_SUCH_USE_CASE)
        return queue_voicemails(
            use_case=found.use_case,
            recording=self.known(found.recording),
            live=self.key.live,
            recipients=recipients,
            not_before=asked.get("not_before"),
            expires_at=asked.get("expires_at"),
            lane=found.lane,
            now=now,
        )

    def rows(self, query: VoicemailQuery, live: bool | None) -> QuerySet[Voicemail]:
        return voicemails(self.workspace, query.voicemail_filter(), live=live)

    def listing(self, query: VoicemailQuery, live: bool | None) -> Listing[Voicemail]:
        filters, world = query.voicemail_filter(), cast(bool, live)  # a WorldQuery asks for one of the two

        def first(count: int, below: UUID | None) -> list[Voicemail]:
            return _ROWS.newest(newest(self.workspace, filters, count, live=world, below=below))

        return Listing(Voicemail, first)

    def serialize(self, row: Voicemail) -> Any:
        return in_their_words(super().serialize(row)) if self.compatible else super().serialize(row)

    def serialize_all(self, rows: list[Voicemail]) -> Any:
        context = self.context(rows)
        shown = [represented(row, **context) for row in rows]
        return [in_their_words(row) for row in shown] if self.compatible else shown


@extend_schema_view(
    get=extend_schema(
        operation_id="list_voicemails",
        summary="List voicemails",
        description=f"Newest first. Voicemails that are created meanwhile do not shift the following pages. {ONE_WORLD}",
        tags=TAGS,
        parameters=[VoicemailQuery],
        responses={200: page_of(VoicemailSerializer)},
        examples=[examples.PAGE],
    ),
    post=extend_schema(
        operation_id="send_voicemail",
        summary="Send a voicemail",
        description=(
            "Queues one recording for one recipient: the MP3 in a form, or the id of a recording in JSON. Outside of the calling "
            "window, and while sending is switched off, the voicemail waits in the queue. Through a real carrier only that is sent "
            "of which it is stated what it says: 422 `recording_not_attested`; a form may state it by the fields of the checklist."
        ),
        tags=TAGS,
        request={"multipart/form-data": SendUpload, "application/json": SendRecording},
        responses={201: VoicemailSerializer},
        examples=[examples.SEND_RECORDING, examples.SENT],
    ),
)
class VoicemailsView(_VoicemailView, ListView, CreateView, PreparedView):
    required_scopes: ClassVar = {"POST": Scope.VOICEMAIL_SEND, "GET": Scope.VOICEMAIL_READ}
    parser_classes = [JSONParser, MultiPartParser]
    query_class = VoicemailQuery

    def prepare(self) -> None:
        uploaded = hasattr(self.request.data, "lists")
        self.order = (SendUpload if uploaded else SendRecording)(data=self.request.data)
        self.order.is_valid(raise_exception=True)
        self.sound: Inspection | Unheard | None = None
        if uploaded:
            self.require_use_case(self.order.validated_data["use_case_id"])
            self.require_attesting(self.order.validated_data["statement"])
            # The response says nothing of the levels, whose measurement takes most of an inspection: the first view measures them.
            self.sound = inspected(self.workspace, self.order.validated_data["audio"].read())

    def create(self) -> Voicemail:
        order = self.order
        if self.sound is not None:
            name = name_of_file(order.validated_data["audio"].name)
            with stored_recording(
                self.workspace,
                name,
                self.sound,
                uploaded_by=self.actor,
                statement=order.validated_data["statement"],
                now=self.asked_at,
            ) as recording:
                try:
                    return self._queue(order, recording.pk, database_now())
                except ServiceError as refusal:
                    refusal.field = "audio" if refusal.field == "recording_id" else refusal.field
                    raise
        return self._queue(order, order.validated_data["recording_id"], self.asked_at)

    def serialize_changed(self, row: Voicemail) -> Any:
        """No guard has seen it yet, so there is no decision to look for."""
        shown = represented(row, reveal=self.may_see_numbers, waiting_for={})
        return in_their_words(shown) if self.compatible else shown

    def _queue(self, order: SendUpload | SendRecording, recording_id: UUID, now: datetime) -> Voicemail:
        [outcome] = self.queue(order.validated_data, [order.recipient()], recording_id, now)
        if isinstance(outcome, ServiceError):
            raise outcome
        return outcome


class VoicemailSearchView(_VoicemailView):
    required_scopes: ClassVar = {"POST": Scope.VOICEMAIL_READ}

    @extend_schema(
        operation_id="search_voicemails",
        summary="Search voicemails",
        description="The list with its filters in a body, so that phone and record numbers are not in URLs and their logs. "
        f"{ONE_WORLD}",
        tags=TAGS,
        request=VoicemailSearch,
        responses={200: page_of(VoicemailSerializer)},
        examples=[examples.SEARCH, examples.PAGE],
    )
    def post(self, request: Request, workspace_id: UUID) -> Response:
        return self.page(VoicemailSearch(data=request.data, context={"compatible": self.compatible}))


class VoicemailBatchView(_VoicemailView):
    required_scopes: ClassVar = {"POST": Scope.VOICEMAIL_SEND}

    @extend_schema(
        operation_id="send_voicemail_batch",
        summary="Send a recording to up to 1,000 recipients",
        description="Each recipient has a result of its own, in order; a refused one does not fail the others.",
        tags=TAGS,
        request=NewBatch,
        responses={200: BatchResultSerializer},
        examples=[examples.BATCH, examples.BATCH_RESULT],
    )
    def post(self, request: Request, workspace_id: UUID) -> Response:
        asked = self.read_body(NewBatch)
        outcomes = self.queue(asked, asked["recipients"], asked["recording_id"], self.asked_at)
        refused = sum(isinstance(outcome, ServiceError) for outcome in outcomes)
        items = [*map(BatchItemSerializer().to_representation, enumerate(outcomes))]
        if self.compatible:
            items = [in_their_words(item) for item in items]
        return Response({"queued": len(outcomes) - refused, "refused": refused, "items": items})


class VoicemailView(_VoicemailView):
    serializer_class = VoicemailDetailSerializer
    required_scopes: ClassVar = {"GET": Scope.VOICEMAIL_READ}

    @extend_schema(
        operation_id="get_voicemail",
        summary="Get a voicemail with its drops and the latest decision that withheld it",
        tags=TAGS,
        responses={200: VoicemailDetailSerializer},
        examples=[examples.DETAIL, examples.WAITING],
    )
    def get(self, request: Request, workspace_id: UUID, voicemail_id: UUID) -> Response:
        voicemail = self.find(voicemail_id)
        audit.record("voicemail.read", voicemail, actor=self.actor, workspace=self.workspace)
        return Response(self.serialize(voicemail))


@extend_schema_view(
    post=extend_schema(
        operation_id="cancel_voicemail",
        summary="Cancel a queued voicemail",
        tags=TAGS,
        request=None,
        responses={200: VoicemailSerializer},
        examples=[examples.CANCELED],
    )
)
class VoicemailCancelView(_VoicemailView, ActionView):
    required_scopes: ClassVar = {"POST": Scope.VOICEMAIL_SEND}
    verb = staticmethod(cancel)

    def find_writable(self, **ids: UUID) -> Voicemail:
        return self.find(**ids)


class VoicemailRetryView(_VoicemailView):
    required_scopes: ClassVar = {"POST": Scope.VOICEMAIL_SEND}

    @extend_schema(
        operation_id="retry_voicemail",
        summary="Send a failed voicemail again",
        description=(
            "Only if a retry is safe and may help. One that may have reached the person (uncertain, unconfirmed, unreported) needs "
            f"`accept_duplicate_risk` and the scope `{Scope.VOICEMAIL_RESEND_UNCERTAIN.value}`."
        ),
        tags=TAGS,
        request=VoicemailRetry,
        responses={200: VoicemailSerializer},
        examples=[examples.RETRY, examples.QUEUED_AGAIN],
    )
    def post(self, request: Request, workspace_id: UUID, voicemail_id: UUID) -> Response:
        accepts = self.read_body(VoicemailRetry)["accept_duplicate_risk"]
        if accepts:
            require_scope(self.key, Scope.VOICEMAIL_RESEND_UNCERTAIN)
        voicemail = retry(self.find(voicemail_id), accept_duplicate_risk=accepts, actor=self.actor, now=database_now())
        return Response(self.serialize(voicemail))
