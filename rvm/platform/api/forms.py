"""The multipart parser of the API. Unlike Django's, it refuses a body that ends before its closing boundary, and one with parts that
Django passes over.

A file truncated by a broken connection would otherwise look like a complete, shorter file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.http.multipartparser import MultiPartParser as DjangoMultiPartParser
from django.http.multipartparser import MultiPartParserError
from django.utils.http import parse_header_parameters
from rest_framework.parsers import BaseParser, DataAndFiles

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.problems import Problem


class _Watched:
    """A stream wrapper that counts the bytes read and the boundaries, and looks for the closing one."""

    def __init__(self, stream: Any, boundary: bytes) -> None:
        self._stream = stream
        self._boundary = b"--" + boundary
        self._closing = self._boundary + b"--"
        self._before = self._tail = b""
        self.count = 0
        self.boundaries = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        chunk: bytes = self._stream.read(size)
        self.count += len(chunk)
        # What is left of the chunk before is too short for the boundary and the closing one respectively.
        self.boundaries += (self._before + chunk).count(self._boundary)
        self.closed = self.closed or self._closing in self._tail + chunk
        self._before = (self._before + chunk)[-len(self._boundary) + 1 :]
        self._tail = (self._tail + chunk)[-len(self._closing) + 1 :]
        return chunk


class MultiPartParser(BaseParser):
    """A parser that responds to a malformed or truncated body with 400; the upload handler responds with 413 to one too large."""

    media_type = "multipart/form-data"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> DataAndFiles:
        request = (parser_context or {})["request"]
        meta = {**request.META, "CONTENT_TYPE": media_type or ""}
        boundary = parse_header_parameters(media_type or "")[1].get("boundary", "")
        watched = _Watched(stream, boundary.encode("ascii", "replace"))
        try:
            data, files = DjangoMultiPartParser(meta, cast(Any, watched), request.upload_handlers, "utf-8").parse()
        except MultiPartParserError as error:
            raise Problem(codes.MALFORMED, f"The multipart body cannot be read: {error}.") from None
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
        read = sum(len(values) for fields in (data, files) for _, values in fields.lists())
        message = ""
        if watched.count < announced or not watched.closed:
            message = (
                f"The multipart body is cut off: {watched.count} of {announced} announced bytes arrived, "
                f"{'with' if watched.closed else 'without'} the closing boundary."
            )
        elif read < watched.boundaries - 1:
            message = (
                f"Of {watched.boundaries - 1} parts of the multipart body {read} can be read; each needs a line "
                '`Content-Disposition: form-data; name="…"` in UTF-8, and a file a `filename`.'
            )
        if message:
            for _, parts in files.lists():
                for part in parts:
                    part.close()
            raise Problem(codes.MALFORMED, message)
        return DataAndFiles(data, files)
