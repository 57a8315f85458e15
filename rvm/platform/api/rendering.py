"""JSON in and out of the API through orjson: strict where it is read, RFC 3339 times in UTC where it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.problems import Problem, invalid

# A batch of 1,000 recipients with metadata needs about half of it.
MAX_JSON_BYTES = 2 * 1024 * 1024
# orjson reads 1,024 levels and writes 254: what is taken must also fit, a few levels deeper, into an answer.
MAX_JSON_LEVELS = 64
NUL_CHARACTER = "The character U+0000 cannot be stored; leave it out."


def _default(value: Any) -> Any:
    if isinstance(value, Decimal | Promise):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def to_json(value: Any) -> bytes:
    return orjson.dumps(value, default=_default, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None  # RFC 8259: JSON is UTF-8 and the media type has no charset.

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else to_json(data)


class AnyAccept(BaseContentNegotiation):
    """For a view that answers a file: whoever wants it asks for a type that no renderer offers; problems are JSON all the same."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class JSONParser(BaseParser):
    """Refuses what is not UTF-8 JSON (400, with line and column) and what is over 2 MiB (413). NaN and Infinity are not JSON."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        body = stream.read(MAX_JSON_BYTES + 1)
        if len(body) > MAX_JSON_BYTES:
            raise Problem(codes.UPLOAD_TOO_LARGE, f"The JSON body is over {MAX_JSON_BYTES:,} bytes.")
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise Problem(codes.MALFORMED, f"The body is not JSON in UTF-8; reading stopped at {place}.") from None
        if body.count(b"[") + body.count(b"{") > MAX_JSON_LEVELS and is_too_deep(data):
            raise Problem(codes.MALFORMED, f"The body nests objects and lists over {MAX_JSON_LEVELS} levels deep.")
        if b"\\u0000" in body and _holds_nul(data):
            raise invalid("", NUL_CHARACTER, "null_character")
        return data


def is_too_deep(value: Any) -> bool:
    """Whether objects and lists lie within each other more than MAX_JSON_LEVELS deep."""
    level = [value]
    for _ in range(MAX_JSON_LEVELS):
        level = [entry for container in level for entry in _entries(container) if isinstance(entry, dict | list)]
    return bool(level)


def _entries(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(entry) for key, entry in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))
