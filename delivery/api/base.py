"""What the views of this floor share: refusals become problems, ids are looked up in the caller's workspace only."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.response import Response

from delivery.api.problem_codes import AUDIO_PROBLEMS, DELIVERY_PROBLEMS, USE_CASE_NOT_FOUND
from delivery.audio import AudioRejected
from delivery.models import Recording
from delivery.selectors import recordings
from rvm.platform.api.problem_codes import INVALID_REQUEST, NOT_FOUND
from rvm.platform.api.problems import FieldError, Problem
from rvm.platform.api.views import ApiView
from rvm.platform.scopes import Scope
from usecases.errors import Refused
from usecases.models import UseCase


class DeliveryView(ApiView):
    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(_problem(exc))

    @property
    def may_see_numbers(self) -> bool:
        return Scope.NUMBERS_READ in self.key.scopes

    def find_use_case(self, use_case_id: UUID) -> UseCase:
        found = UseCase.objects.filter(workspace=self.workspace, pk=use_case_id, deleted_at=None)
        use_case = found.select_related("workspace", "setup", "failover_setup").first()
        if use_case is None:
            raise Problem(USE_CASE_NOT_FOUND)
        return use_case

    def find_recording(self, recording_id: UUID) -> Recording:
        recording = recordings(self.workspace).filter(pk=recording_id).first()
        if recording is None:
            raise Problem(
                NOT_FOUND, "The recording does not exist in this workspace; upload it first, or check its id."
            )
        return recording


def _problem(error: Exception) -> Exception:
    """A code with a page of its own keeps it; any other refusal is about one field."""
    if isinstance(error, AudioRejected):
        return Problem(
            AUDIO_PROBLEMS[error.code], error.sentence, errors=[FieldError("/audio", error.code, error.sentence)]
        )
    if isinstance(error, Refused):
        errors = [FieldError(f"/{error.field}", error.code, error.sentence)] if error.field else []
        problem = DELIVERY_PROBLEMS.get(error.code, INVALID_REQUEST)
        return Problem(problem, error.sentence, errors=errors, extra=error.facts)
    return error


def page_answer(page: Any, items: list[dict[str, Any]]) -> Response:
    return Response({"items": items, "continuation_token": page.continuation_token, "has_more": page.has_more})
