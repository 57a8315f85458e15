"""What the tests of the API send and read."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import Api
from usecases.models import UseCase


def mp3_file(content: bytes | None = None, name: str = "Flu shot.mp3") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, encoded(12) if content is None else content, "audio/mpeg")


def send_form(api: Api, use_case: UseCase, audio: object = None, **fields: Any) -> Any:
    """The reference API's own form of sending; `headers` are headers, a field that is None is left out."""
    headers = fields.pop("headers", {})
    form = {
        "use_case_id": str(use_case.pk),
        "recipient_phone_number": "+12025550142",
        "audio": audio or mp3_file(),
        **fields,
    }
    given = {name: value for name, value in form.items() if value is not None}
    return api.client.post(api.url("voicemail"), given, headers=headers)


def codes(response: Any) -> list[tuple[str, str]]:
    """The wrong fields, as (pointer, code)."""
    return [(error["pointer"], error["code"]) for error in response.json()["errors"]]
