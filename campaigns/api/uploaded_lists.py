"""Uploaded lists of any kind over HTTP: read in one way or another, and looked at before they are checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api.base import CampaignsView
from campaigns.api.serializers.uploaded_lists import ListPreviewSerializer, ListReading
from campaigns.imports import uploaded_lists
from campaigns.imports.uploaded_lists import RECIPIENTS, Kind, Sample
from campaigns.models import UploadedList
from rvm.platform import audit
from rvm.platform.api.lists import RowsView
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.encrypted_uploads import EncryptedUploadHandler
from rvm.platform.errors import ServiceError
from rvm.platform.observability.masking import mask_numbers

HIDDEN = "•••"
READ_AS = "Where the guess is wrong. What was checked already must be checked again."


class ListUploadHandler(EncryptedUploadHandler):
    # What is a little over gets the message of the service.
    max_bytes = 100 * 1024 * 1024


class UploadedListView(CampaignsView, RowsView):
    """A list of one `kind`. `preview_class` is how the first look at its file is answered, of the sample and what `look` says."""

    kind: ClassVar[Kind] = RECIPIENTS
    preview_class: ClassVar[type[ListPreviewSerializer]]

    def find(self, **ids: UUID) -> Any:
        """The list that the address names."""
        raise NotImplementedError

    def find_writable(self, **ids: UUID) -> Any:
        """The same where the caller may change it."""
        return self.find(**ids)

    def look(self, row: Any) -> dict[str, Any]:
        """What the first look says beside the sample."""
        raise NotImplementedError

    def detail(self, row: Any) -> dict[str, Any]:
        """The list with the first look at its file."""
        sample = self._sample(row)
        if sample and not self.may_see_numbers:
            sample = _hidden(sample)
        look = {**self.look(row), "sample": sample}
        return {
            **self.serialize(row),
            **self.preview_class(look, context={"question_texts": self.kind.question_texts}).data,
        }

    def _sample(self, row: UploadedList) -> Sample | None:
        if row.is_under_way:
            return None  # asked for again and again; a workbook is opened anew each time
        try:
            return uploaded_lists.sample(row, self.kind)
        except ServiceError:
            return None


class UploadedListDetailView(UploadedListView):
    """GET answers a list with the first look, PATCH has its file read in another way, DELETE discards it."""

    reading_class: ClassVar[type[ListReading]]
    read_as: ClassVar[Callable[..., Any]]
    discard: ClassVar[Callable[..., Any]]
    audit_name: ClassVar[str]

    def get(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        row = self.find(**ids)
        detail = self.detail(row)
        if self.may_see_numbers and detail["sample"] is not None:
            audit.record(self.audit_name, row, actor=self.actor, workspace=self.workspace)
        return Response(detail)

    def patch(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        row = self.find_writable(**ids)
        changes = self.read_body(self.reading_class)
        return Response(self.detail(type(self).read_as(row, changes, actor=self.actor, now=database_now())))

    def delete(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        type(self).discard(self.find_writable(**ids), actor=self.actor, now=database_now())
        return Response(status=204)


def hidden(cell: str) -> str:
    return HIDDEN if cell else ""


def _hidden(sample: Sample) -> Sample:
    """It is seen which cells are filled, and nothing of what stands in them."""
    return replace(
        sample,
        titles=[[hidden(cell) for cell in cells] for cells in sample.titles],
        # A first row that is no header, taken for one, names somebody.
        header=[mask_numbers(name) if sample.header_sure else hidden(name) for name in sample.header],
        rows=[[hidden(cell) for cell in row] for row in sample.rows],
    )
