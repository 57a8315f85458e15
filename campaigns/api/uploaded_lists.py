"""Base views of uploaded lists of any kind: show a list with a first look at its rows, change its reading, discard it."""

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
from rvm.platform.api.problem_codes import TOO_MANY_AT_ONCE, by_code
from rvm.platform.audit.numbers_shown import rows_shown
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.encrypted_uploads import EncryptedUploadHandler
from rvm.platform.errors import ServiceError
from rvm.platform.observability.masking import mask_numbers

HIDDEN = "•••"
READ_AS = "Change what was guessed wrong. A list that is checked already must be checked again."


class ListUploadHandler(EncryptedUploadHandler):
    # Above MAX_BYTES of the service, so that a list slightly over it gets the service's message.
    max_bytes = 100 * 1024 * 1024


class UploadedListView(CampaignsView, RowsView):
    """A view of lists of one `kind`. `preview_class` serializes the first look: the sample of the rows and the values of `look`."""

    kind: ClassVar[Kind] = RECIPIENTS
    preview_class: ClassVar[type[ListPreviewSerializer]]

    def find(self, **ids: UUID) -> Any:
        """The list that the URL names. Raises ServiceError if the caller has no such list."""
        raise NotImplementedError

    def find_writable(self, **ids: UUID) -> Any:
        """The list that the URL names, to change it. By default the same as `find`."""
        return self.find(**ids)

    def look(self, row: Any) -> dict[str, Any]:
        """The values of the first look other than `sample`."""
        raise NotImplementedError

    def detail(self, row: Any) -> dict[str, Any]:
        """The response for a list with the first look at its rows. Cells are hidden unless the API key may see numbers."""
        sample = self._sample(row)
        if sample and not self.may_see_numbers:
            sample = _hidden(sample)
        elif sample:
            rows_shown(len(sample.rows), self.workspace.pk)
        look = {**self.look(row), "sample": sample}
        return {
            **self.serialize(row),
            **self.preview_class(look, context={"question_texts": self.kind.question_texts}).data,
        }

    def _sample(self, row: UploadedList) -> Sample | None:
        if row.is_under_way:
            return None  # clients poll a list under way, and each sample would open the file again
        try:
            return uploaded_lists.sample(row, self.kind)
        except ServiceError:
            return None


class UploadedListDetailView(UploadedListView):
    """A view whose GET returns the list with the first look, PATCH changes how its file is read, and DELETE discards it."""

    reading_class: ClassVar[type[ListReading]]
    read_as: ClassVar[Callable[..., Any]]
    discard: ClassVar[Callable[..., Any]]
    audit_name: ClassVar[str]
    heavy: ClassVar = frozenset({"PATCH"})
    problems: ClassVar = {**CampaignsView.problems, **by_code(TOO_MANY_AT_ONCE)}

    def get(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        row = self.find(**ids)
        if not row.is_under_way:
            self.take_place()  # its file is read; polling a list under way is not heavy
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
    """The sample with HIDDEN in place of each cell that is not empty."""
    return replace(
        sample,
        titles=[[hidden(cell) for cell in cells] for cells in sample.titles],
        # A header that is not sure may be the row of a person.
        header=[mask_numbers(name) if sample.header_sure else hidden(name) for name in sample.header],
        rows=[[hidden(cell) for cell in row] for row in sample.rows],
    )
