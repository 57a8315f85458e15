"""What the views of this floor share: refused recordings become problems too, and are looked up in the caller's workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from rest_framework.response import Response

from delivery.api.problem_codes import AUDIO_PROBLEMS, DELIVERY_PROBLEMS
from delivery.audio import AudioRejected
from delivery.models import Recording
from delivery.selectors import recordings
from rvm.platform.api.problem_codes import NOT_FOUND, ProblemCode
from rvm.platform.api.problems import FieldError, Problem
from rvm.platform.scopes import Scope
from usecases.api.base import UseCasesView


class DeliveryView(UseCasesView):
    problems: ClassVar[Mapping[str, ProblemCode]] = {**UseCasesView.problems, **DELIVERY_PROBLEMS}

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(_rejection(exc) if isinstance(exc, AudioRejected) else exc)

    @property
    def may_see_numbers(self) -> bool:
        return Scope.NUMBERS_READ in self.key.scopes

    def find_recording(self, recording_id: UUID) -> Recording:
        recording = recordings(self.workspace).filter(pk=recording_id).first()
        if recording is None:
            raise Problem(NOT_FOUND, "This workspace has no such recording; upload it first, or check its id.")
        return recording


def _rejection(rejected: AudioRejected) -> Problem:
    error = FieldError("/audio", rejected.code, rejected.sentence)
    return Problem(AUDIO_PROBLEMS[rejected.code], rejected.sentence, errors=[error])
