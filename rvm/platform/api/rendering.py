"""JSON parsing and rendering with orjson: strict input, RFC 3339 times in UTC in output."""

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

# A batch of 1,000 recipients with metadata needs about half of this.
MAX_JSON_BYTES = 2 * 1024 * 1024
# orjson reads 1,024 levels but writes only 254. Accepted values must also fit into a response, a few levels deeper.
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
    """Content negotiation for views that return a file, whose media type no renderer offers; problems remain JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class JSONParser(BaseParser):
    """A parser of UTF-8 JSON, without NaN and Infinity.

    It refuses malformed JSON (400, with line and column), more than 2 MiB (413), more than MAX_JSON_LEVELS levels (400) and the
    character U+0000 (422).
    """

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
    """Whether objects and lists are nested more than MAX_JSON_LEVELS deep."""
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
