"""Base view of this layer: it adds the layer's problem codes, and finds recordings and clips of the caller's workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from rest_framework.response import Response

from delivery.api.problem_codes import AUDIO_PROBLEMS, DELIVERY_PROBLEMS
from delivery.audio import AudioRejected
from delivery.models import Clip, Recording
from delivery.recordings.attestations import attest
from delivery.recordings.storage import Sound
from delivery.selectors.sounds import clips, recording
from rvm.platform.api import problem_codes as codes
from rvm.platform.api.permissions import require_scope
from rvm.platform.api.problem_codes import ProblemCode
from rvm.platform.api.problems import FieldError, Problem
from rvm.platform.errors import ServiceError
from rvm.platform.scopes import Scope
from usecases.api.base import UseCasesView
from usecases.attestations.recordings import Statement

NO_TEST_KEY = "What is stated about a sound lets people hear it, and a test key changes test rows only; use a live key."
ONE_WORLD = "A live key gets live rows, or test rows with `live=false`; a test key gets test rows."


class DeliveryView(UseCasesView):
    """The base view of voicemails, recordings and clips. An AudioRejected raised in a view becomes a problem at `sound_field`."""

    sound_field = "audio"
    problems: ClassVar[Mapping[str, ProblemCode]] = {**UseCasesView.problems, **DELIVERY_PROBLEMS}

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(_rejection(exc, self.sound_field) if isinstance(exc, AudioRejected) else exc)

    def find_recording(self, recording_id: UUID) -> Recording:
        """The recording. Raises ServiceError if the workspace has none with this id, and Problem if it was assembled from clips and
        the API key lacks `numbers:read`."""
        return self.known(recording(self.workspace, recording_id))

    def known(self, recording: Recording | None) -> Recording:
        """The recording that was looked for in the workspace. Raises as `find_recording` does."""
        if recording is None:
            raise ServiceError(
                codes.NOT_FOUND.code, "This workspace has no such recording; upload it first, or check its id."
            )
        if recording.assembled:
            require_scope(
                self.key,
                Scope.NUMBERS_READ,
                "This recording was joined for some people by what a list says of them, such as their names; to see it, this API key "
                f"lacks the scope {Scope.NUMBERS_READ.value}.",
            )
        return recording

    def require_attesting(self, statement: Statement | None) -> None:
        """Check that the API key may make the statement, if there is one. Raises Problem."""
        if statement is not None:
            require_scope(self.key, Scope.RECORDINGS_ATTEST)
            self.require_world(True, NO_TEST_KEY)

    def attested(self, sound: Sound, statement: Statement | None) -> Sound:
        """The sound, with the statement if there is one. Raises ServiceError."""
        return sound if statement is None else attest([sound], statement, actor=self.actor)[0]

    def find_clip(self, clip_id: UUID) -> Clip:
        """The clip. Raises ServiceError if the workspace has none with this id."""
        return self.get_row(
            clips(self.workspace), clip_id, "This workspace has no such clip; upload it first, or check its id."
        )


def _rejection(rejected: AudioRejected, field: str) -> Problem:
    error = FieldError(f"/{field}", rejected.code, rejected.message)
    return Problem(AUDIO_PROBLEMS[rejected.code], rejected.message, errors=[error])
