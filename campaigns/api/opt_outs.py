"""Lists of people who must not be reached: uploaded, read, checked, confirmed or discarded, and undone."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import selectors
from campaigns.api import examples
from campaigns.api.answers import (
    OptOutListAnswer,
    OptOutListDetail,
    OptOutListPage,
    opt_out_list_answer,
    reading_answer,
    sample_answer,
)
from campaigns.api.base import CampaignsView
from campaigns.api.imports import READ_AS, ListUploadHandler
from campaigns.api.requests import OptOutConfirmation, OptOutReading, OptOutUpload
from campaigns.imports.uploaded_lists import Sample
from campaigns.models import OptOutImport
from campaigns.opt_outs import service as services
from campaigns.opt_outs.columns import SENTENCES
from rvm.platform import audit
from rvm.platform.api.forms import MultiPartParser
from rvm.platform.api.lists import CreateView, ListView, WorldQuery
from rvm.platform.api.problem_codes import NOT_FOUND
from rvm.platform.api.problems import Problem
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.scopes import Scope

TAGS = ["Opt-out lists"]


class _OptOutView(CampaignsView):
    def find(self, opt_out_list_id: UUID) -> OptOutImport:
        lists = selectors.opt_out_lists(self.workspace, live=self.reach).select_related("workspace")
        row = lists.filter(pk=opt_out_list_id).first()
        if row is None:
            raise Problem(NOT_FOUND, self.absent("This workspace has no such opt-out list."))
        return row

    def detail(self, row: OptOutImport) -> dict[str, Any]:
        sample = self._sample(row)
        return {
            **opt_out_list_answer(row),
            "reading": sample and reading_answer(sample.reading, SENTENCES),
            "warnings": services.warnings(row),
            "sample": sample and sample_answer(sample, reveal=self.may_see_numbers),
        }

    def _sample(self, row: OptOutImport) -> Sample | None:
        if row.is_under_way:
            return None  # asked for again and again; a workbook is opened anew each time
        try:
            return services.sample(row)
        except ServiceError:
            return None


@extend_schema_view(
    get=extend_schema(
        operation_id="list_opt_out_lists",
        summary="List opt-out lists",
        description="Newest first.",
        tags=TAGS,
        parameters=[WorldQuery],
        responses={200: OptOutListPage},
    ),
    post=extend_schema(
        operation_id="upload_opt_out_list",
        summary="Upload a list of people who must not be reached",
        description="The file is kept encrypted for a day. Nobody is on the suppression list yet: the answer shows how the file is "
        "read. Change that where the guess is wrong or where a column is `unclear`, or say it with the upload; have it checked, look "
        "at the counts, and confirm. A test key's list is read and counted, and puts nobody on the suppression list.",
        tags=TAGS,
        request={"multipart/form-data": OptOutUpload},
        responses={201: OptOutListDetail},
        examples=[examples.OPT_OUTS_UPLOADED],
    ),
)
class OptOutListsView(_OptOutView, ListView, CreateView):
    required_scopes: ClassVar = {"GET": Scope.OPT_OUTS_READ, "POST": Scope.OPT_OUTS_WRITE}
    parser_classes = [MultiPartParser]
    upload_handler = ListUploadHandler
    query_class = WorldQuery

    def rows(self, query: WorldQuery, live: bool | None) -> QuerySet[OptOutImport]:
        return selectors.opt_out_lists(self.workspace, live=live)

    def create(self) -> OptOutImport:
        reading = self.sent(OptOutUpload)
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

    def serialize(self, row: OptOutImport) -> dict[str, Any]:
        return self.detail(row)

    def serialize_all(self, rows: list[OptOutImport]) -> list[dict[str, Any]]:
        return [opt_out_list_answer(row) for row in rows]


class OptOutListView(_OptOutView):
    required_scopes: ClassVar = {
        "GET": Scope.OPT_OUTS_READ,
        "PATCH": Scope.OPT_OUTS_WRITE,
        "DELETE": Scope.OPT_OUTS_WRITE,
    }

    @extend_schema(
        operation_id="get_opt_out_list",
        summary="Get an opt-out list",
        description="How the file is read, how far it is, what is in it, and its first rows. The cells of these are hidden without "
        f"the scope `{Scope.NUMBERS_READ.value}`.",
        tags=TAGS,
        responses={200: OptOutListDetail},
        examples=[examples.OPT_OUTS_CHECKED],
    )
    def get(self, request: Request, workspace_id: UUID, opt_out_list_id: UUID) -> Response:
        row = self.find(opt_out_list_id)
        detail = self.detail(row)
        if self.may_see_numbers and detail["sample"] is not None:
            audit.record("opt_outs.read", row, actor=self.actor, workspace=self.workspace)
        return Response(detail)

    @extend_schema(
        operation_id="read_opt_out_list_as",
        summary="Say how an opt-out list is read",
        description=READ_AS,
        tags=TAGS,
        request=OptOutReading,
        responses={200: OptOutListDetail},
    )
    def patch(self, request: Request, workspace_id: UUID, opt_out_list_id: UUID) -> Response:
        row = self.find(opt_out_list_id)
        read = services.read_as(row, self.sent(OptOutReading), actor=self.actor, now=database_now())
        return Response(self.detail(read))

    @extend_schema(
        operation_id="discard_opt_out_list",
        summary="Discard an opt-out list",
        description="Its file is removed. Only a list that has put nobody on the suppression list can be discarded.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, workspace_id: UUID, opt_out_list_id: UUID) -> Response:
        services.discard(self.find(opt_out_list_id), actor=self.actor, now=database_now())
        return Response(status=204)


class OptOutCheckView(_OptOutView):
    required_scopes: ClassVar = {"POST": Scope.OPT_OUTS_WRITE}

    @extend_schema(
        operation_id="check_opt_out_list",
        summary="Check every row of an opt-out list",
        description="In the background: ask for the list until it is `checked`. Nobody is on the suppression list yet. 422 "
        "`columns_unclear` while a column could decide who on the list has opted out and nobody has said what it is; `columns` has "
        "these with their questions.",
        tags=TAGS,
        request=None,
        responses={200: OptOutListAnswer},
    )
    def post(self, request: Request, workspace_id: UUID, opt_out_list_id: UUID) -> Response:
        checking = services.check(self.find(opt_out_list_id), actor=self.actor, now=database_now())
        return Response(opt_out_list_answer(checking))


class OptOutConfirmView(_OptOutView):
    required_scopes: ClassVar = {"POST": Scope.OPT_OUTS_WRITE}

    @extend_schema(
        operation_id="confirm_opt_out_list",
        summary="Put the numbers of an opt-out list on the suppression list",
        description="In the background: ask for the list until it is `completed`. Each number binds from the moment at which it is "
        "listed. 409 `opt_out_list_looks_like_patients` where a column says that people may be reached, or most of them wait in a "
        "campaign, unless `must_not_be_reached` is true.",
        tags=TAGS,
        request=OptOutConfirmation,
        responses={200: OptOutListAnswer},
        examples=[examples.OPT_OUTS_CONFIRM, examples.OPT_OUTS_IMPORTING],
    )
    def post(self, request: Request, workspace_id: UUID, opt_out_list_id: UUID) -> Response:
        row = self.find(opt_out_list_id)
        importing = services.confirm(row, **self.sent(OptOutConfirmation), actor=self.actor, now=database_now())
        return Response(opt_out_list_answer(importing))


class OptOutUndoView(_OptOutView):
    required_scopes: ClassVar = {"POST": Scope.OPT_OUTS_UNDO}

    @extend_schema(
        operation_id="undo_opt_out_list",
        summary="Undo an opt-out list",
        description="In the background: ask for the list until it is `undone`. What this list alone has put on the suppression list "
        "is taken off again; numbers that a person, a carrier or another list has named since stay. Voicemails that were ended "
        "meanwhile stay so and are counted in `ended_meanwhile`; another campaign reaches these people.",
        tags=TAGS,
        request=None,
        responses={200: OptOutListAnswer},
        examples=[examples.OPT_OUTS_UNDOING],
    )
    def post(self, request: Request, workspace_id: UUID, opt_out_list_id: UUID) -> Response:
        undoing = services.undo(self.find(opt_out_list_id), actor=self.actor, now=database_now())
        return Response(opt_out_list_answer(undoing))
