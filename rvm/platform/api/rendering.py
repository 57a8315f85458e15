"""JSON parsing and rendering with orjson: strict input, RFC 3339 times in UTC in output."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
from django.utils.functional import Promise
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.problems import Problem, invalid
from rvm.platform.observability.representation import hides

# A batch of 1,000 recipients with metadata needs about half of this.
MAX_JSON_BYTES = 2 * 1024 * 1024
# orjson reads 1,024 levels but writes only 254. Accepted values must also fit into a response, a few levels deeper.
MAX_JSON_LEVELS = 64
# What the database keeps and JSON writers of all kinds can write.
MIN_NUMBER, MAX_NUMBER = -(2**63), 2**64 - 1
# A body with more flaws than this names the first ones.
MAX_FLAWS = 20
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


class AnyAccept(DefaultContentNegotiation):
    """Content negotiation for views that return a file, whose media type no renderer offers; problems remain JSON."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class JSONParser(BaseParser):
    """A parser of UTF-8 JSON, without NaN and Infinity.

    It refuses malformed JSON (400, with line and column), more than 2 MiB (413), more than MAX_JSON_LEVELS levels (400), and the
    character U+0000, members that stand twice and numbers that would change (422).
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
        require_unambiguous(body.decode())
        return data


@hides("members", "names")
class _Doubled(NamedTuple):
    """An object in which members stand twice."""

    members: dict[str, Any]
    names: set[str]


@hides("written")
class _Changed(NamedTuple):
    """A number that would come back as another one."""

    written: str


_TWICE = ErrorDetail("This stands twice in its object; write it once.", "repeated")
_NOT_KEPT = ErrorDetail(
    "This number would come back as another one: whole numbers have at most 64 bits, fractions about 15 digits. Send it as a string.",
    "not_exact",
)


def require_unambiguous(text: str) -> None:
    """Raise ValidationError for members that stand twice, of which orjson takes the last, and numbers that it rounds.

    The text has been read by orjson and is not too deep. A body of a batch of 1,000 takes a millisecond, one of a send microseconds.
    """
    flaws: list[_Doubled | _Changed] = []

    def members(pairs: list[tuple[str, Any]]) -> Any:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        flaws.append(_Doubled(found, {name for name, count in Counter(name for name, _ in pairs).items() if count > 1}))
        return flaws[-1]

    def number(written: str) -> Any:
        if not _is_kept(written):
            flaws.append(_Changed(written))
            return flaws[-1]
        return None

    read: Any = json.JSONDecoder(object_pairs_hook=members, parse_int=number, parse_float=number).decode(text)
    if flaws:
        raise ValidationError(_refusals(read, [MAX_FLAWS]))


def _is_kept(written: str) -> bool:
    """Whether a number of JSON comes back as the same number after it was read, kept as jsonb and written. -0 loses its sign."""
    if len(written) < 16 and written.replace(".", "", 1).isdecimal():
        return True
    try:
        exact = Decimal(written)
        kept = exact if written.lstrip("-").isdecimal() else Decimal(repr(float(written)))
    except (ArithmeticError, ValueError):
        return False
    return kept == exact and MIN_NUMBER <= exact <= MAX_NUMBER and not (exact.is_signed() and exact.is_zero())


def _refusals(value: Any, left: list[int]) -> Any:
    """The refusals of all flaws in the value, nested like it, or nothing; `left` counts down how many may be named."""
    if isinstance(value, _Changed):
        left[0] -= 1
        return [_NOT_KEPT]
    twice = value.names if isinstance(value, _Doubled) else ()
    entries = value.members if isinstance(value, _Doubled) else value
    named = entries.items() if isinstance(entries, dict) else enumerate(entries) if isinstance(entries, list) else ()
    found = {}
    for name, entry in named:
        if left[0] <= 0:
            break
        refusals = [_TWICE] if name in twice else _refusals(entry, left)
        if refusals:
            left[0] -= name in twice
            found[str(name)] = refusals
    return found


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
