"""Bounded uploads: kept in memory, never on disk, and refused as soon as they exceed their limit.

Django parses a multipart body at the first access, so the refusal is raised there: as a 413 problem under /v1/, as Django's page
elsewhere. An API view for larger files names a subclass as its `upload_handler`; other views set `request.upload_handlers` before
the first access.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

# A recording of 8 MiB must pass. With the extra bytes, the refusal of a slightly larger one can state its size.
MAX_FILE_BYTES = 8 * 1024 * 1024 + 64 * 1024
# The part of a body that is not files: fields, part headers and boundaries.
MAX_FORM_BYTES = 512 * 1024
# The most that is read and discarded of a refused body.
_MAX_DRAINED = 1024**3


class UploadTooLarge(RequestDataTooBig):
    """More bytes arrived, or were announced, than the view accepts."""


class BoundedMemoryUploadHandler(FileUploadHandler):
    """Keep all files of a request in memory, together at most `max_bytes`.

    An announced length above the limit is refused at once; otherwise the received bytes are counted.
    """

    max_bytes = MAX_FILE_BYTES

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.file: Any = BytesIO()
        self._received = 0

    def open_file(self) -> Any:
        """A new file object for one uploaded file, which is first written and then read."""
        return BytesIO()

    def _refuse(self) -> UploadTooLarge:
        self.file.close()
        return UploadTooLarge(f"The upload is over {self.max_bytes:,} bytes, the most that is read.")

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        if content_length > self.max_bytes + MAX_FORM_BYTES:
            raise self._refuse()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if (self.content_length or 0) > self.max_bytes:
            raise self._refuse()
        self.file = self.open_file()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._received += len(raw_data)
        if self._received > self.max_bytes:
            raise self._refuse()
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        if self.content_length is not None and self.content_length != file_size:
            raise MultiPartParserError(f"a part announced {self.content_length} bytes and {file_size} arrived")
        self.file.seek(0)
        return UploadedFile(
            self.file, self.file_name, self.content_type, file_size, self.charset, self.content_type_extra
        )

    def upload_interrupted(self) -> None:
        self.file.close()


def drain(request: HttpRequest) -> None:
    """Discard the rest of a body, up to 1 GiB: a browser shows the response to a refused upload only after it has sent everything."""
    left = _MAX_DRAINED
    while left > 0 and (data := request.read(64 * 1024)):
        left -= len(data)
