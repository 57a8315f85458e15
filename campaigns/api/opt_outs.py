"""Views to upload, read, check, confirm, discard and undo opt-out lists."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view

from campaigns import selectors
from campaigns.api import examples
from campaigns.api.serializers.opt_outs import (
    OptOutConfirmation,
    OptOutLift,
    OptOutListDetailSerializer,
    OptOutListPreviewSerializer,
    OptOutListSerializer,
    OptOutReading,
    OptOutUpload,
)
from campaigns.api.uploaded_lists import READ_AS, ListUploadHandler, UploadedListDetailView, UploadedListView
from campaigns.models import OptOutImport
from campaigns.opt_outs import service as services
from rvm.platform.api.forms import MultiPartParser
from rvm.platform.api.lists import ActionView, CreateView, ListView, WorldQuery, page_of
from rvm.platform.database.clock import database_now
from rvm.platform.scopes import Scope
from usecases.api.suppressions import require_organisation

TAGS = ["Opt-out lists"]


class _OptOutView(UploadedListView):
    serializer_class = OptOutListSerializer
    preview_class = OptOutListPreviewSerializer
    kind = services.KIND

    def find(self, **ids: UUID) -> OptOutImport:
        lists = selectors.opt_out_lists(self.workspace, live=self.reach).select_related("workspace")
        return self.get_row(
            lists, ids["opt_out_list_id"], self.not_found_message("This workspace has no such opt-out list.")
        )

    def look(self, row: OptOutImport) -> dict[str, Any]:
        return {"warnings": services.warnings(row)}


@extend_schema_view(
    get=extend_schema(
        operation_id="list_opt_out_lists",
        summary="List opt-out lists",
        description="Newest first.",
        tags=TAGS,
        parameters=[WorldQuery],
        responses={200: page_of(OptOutListSerializer)},
    ),
    post=extend_schema(
        operation_id="upload_opt_out_list",
        summary="Upload a list of people who must not be reached",
        description="The file is stored encrypted for a day, or as long as the workspace says. Nobody is suppressed "
        "yet: the response shows how the file is read. "
        "Change the reading if the guess is wrong or a column is `unclear`, or give it with the upload. Then check the list, look at "
        "the counts, and confirm. A test key's list is read and counted, but suppresses nobody.",
        tags=TAGS,
        request={"multipart/form-data": OptOutUpload},
        responses={201: OptOutListDetailSerializer},
        examples=[examples.OPT_OUTS_UPLOADED],
    ),
)
class OptOutListsView(_OptOutView, ListView, CreateView):
    required_scopes: ClassVar = {"GET": Scope.OPT_OUTS_READ, "POST": Scope.OPT_OUTS_WRITE}
    parser_classes = [MultiPartParser]
    heavy: ClassVar = frozenset({"POST"})
    upload_handler = ListUploadHandler
    query_class = WorldQuery

    def rows(self, query: WorldQuery, live: bool | None) -> QuerySet[OptOutImport]:
        return selectors.opt_out_lists(self.workspace, live=live)

    def create(self) -> OptOutImport:
        reading = self.read_body(OptOutUpload)
        file = reading.pop("file")
        return services.upload(
            workspace=self.workspace,
            live=self.key.live,
            file_name=file.name or "",
            chunks=file.chunks(),
            actor=self.actor,
            now=database_now(),
            reading=reading,
        )

    def serialize_changed(self, row: OptOutImport) -> dict[str, Any]:
        return self.detail(row)


@extend_schema_view(
    get=extend_schema(
        operation_id="get_opt_out_list",
        summary="Get an opt-out list",
        description="How the file is read, the progress, the counts, and its first rows, whose cells are hidden without the scope "
        f"`{Scope.NUMBERS_READ.value}`.",
        tags=TAGS,
        responses={200: OptOutListDetailSerializer},
        examples=[examples.OPT_OUTS_CHECKED],
    ),
    patch=extend_schema(
        operation_id="read_opt_out_list_as",
        summary="Say how an opt-out list is read",
        description=READ_AS,
        tags=TAGS,
        request=OptOutReading,
        responses={200: OptOutListDetailSerializer},
    ),
    delete=extend_schema(
        operation_id="discard_opt_out_list",
        summary="Discard an opt-out list",
        description="Its file is removed. A list that is importing, completed, undoing or undone cannot be discarded.",
        tags=TAGS,
        responses={204: None},
    ),
)
class OptOutListView(_OptOutView, UploadedListDetailView):
    required_scopes: ClassVar = {
        "GET": Scope.OPT_OUTS_READ,
        "PATCH": Scope.OPT_OUTS_WRITE,
        "DELETE": Scope.OPT_OUTS_WRITE,
    }
    reading_class = OptOutReading
    read_as = staticmethod(services.read_as)
    discard = staticmethod(services.discard)
    audit_name = "opt_outs.read"


@extend_schema_view(
    post=extend_schema(
        operation_id="check_opt_out_list",
        summary="Check every row of an opt-out list",
        description="Runs in the background: poll the list until it is `checked`. Nobody is suppressed yet. 422 `columns_unclear` "
        "while a column of unknown meaning could decide who on the list has opted out; `columns` lists these columns with their "
        "questions.",
        tags=TAGS,
        request=None,
        responses={200: OptOutListSerializer},
    ),
)
class OptOutCheckView(_OptOutView, ActionView):
    required_scopes: ClassVar = {"POST": Scope.OPT_OUTS_WRITE}
    verb = staticmethod(services.check)

    def find_writable(self, **ids: UUID) -> OptOutImport:
        row = super().find_writable(**ids)
        self.ask_by_number("OptOutCheck")
        return row


@extend_schema_view(
    post=extend_schema(
        operation_id="confirm_opt_out_list",
        summary="Put the numbers of an opt-out list on the suppression list",
        description="Runs in the background: poll the list until it is `completed`. Each number is suppressed from the moment at "
        "which it is added. 409 `opt_out_list_looks_like_patients` if a column says that people may be reached, or if most of them "
        "wait in a campaign, unless `must_not_be_reached` is true.",
        tags=TAGS,
        request=OptOutConfirmation,
        responses={200: OptOutListSerializer},
        examples=[examples.OPT_OUTS_CONFIRM, examples.OPT_OUTS_IMPORTING],
    ),
)
class OptOutConfirmView(_OptOutView, ActionView):
    required_scopes: ClassVar = {"POST": Scope.OPT_OUTS_WRITE}
    verb = staticmethod(services.confirm)
    body_class = OptOutConfirmation


@extend_schema_view(
    post=extend_schema(
        operation_id="undo_opt_out_list",
        summary="Undo an opt-out list",
        description="Runs in the background: poll the list until it is `undone`. Suppressions that only this list has added are "
        "removed; numbers that a user, a carrier or another list has named since stay suppressed. Voicemails that ended because of "
        "the list stay ended, and `ended_meanwhile` counts them; another campaign reaches these people.",
        tags=TAGS,
        request=None,
        responses={200: OptOutListSerializer},
        examples=[examples.OPT_OUTS_UNDOING],
    ),
)
class OptOutUndoView(_OptOutView, ActionView):
    required_scopes: ClassVar = {"POST": Scope.OPT_OUTS_UNDO}
    verb = staticmethod(services.undo)


@extend_schema_view(
    post=extend_schema(
        operation_id="lift_opt_out_list",
        summary="Lift the suppressions of an opt-out list",
        description="As the undo, for a list that was right and holds no longer: what this list alone has put on the suppression "
        "list stays there as lifted, with the reason. Where it holds in other workspaces of the organisation, the key needs "
        f"`{Scope.SUPPRESSIONS_LIFT_ORGANISATION.value}` too: 403 `missing_scope`.",
        tags=TAGS,
        request=OptOutLift,
        responses={200: OptOutListSerializer},
    ),
)
class OptOutLiftView(_OptOutView, ActionView):
    required_scopes: ClassVar = {"POST": Scope.SUPPRESSIONS_LIFT}
    verb = staticmethod(services.lift)
    body_class = OptOutLift

    def find_writable(self, **ids: UUID) -> OptOutImport:
        row: OptOutImport = super().find_writable(**ids)
        require_organisation(self.key, row.scope)
        return row
