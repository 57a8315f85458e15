"""Response headers in the OpenAPI document: what each says, and which responses have it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_TEXT = {"type": "string"}
# `required` is said of a header that each response has to which it is given below.
HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "The id of the request: the caller's own `X-Request-Id`, or a new one. Logs and the audit repeat it.",
        "required": True,
        "schema": _TEXT,
    },
    "RateLimit-Policy": {
        "description": 'The limit that counts this request, such as `"write";q=6000;w=60`: its name, requests, seconds.',
        "schema": _TEXT,
    },
    "RateLimit": {
        "description": 'Where the API key stands, such as `"write";r=5999;t=60`: requests left, seconds until the next window.',
        "schema": _TEXT,
    },
    "X-RateLimit-Limit": {
        "description": "The requests of a window, for clients that do not read `RateLimit`.",
        "schema": _TEXT,
    },
    "X-RateLimit-Remaining": {"description": "The requests that are left in it.", "schema": _TEXT},
    "X-RateLimit-Reset": {"description": "When it ends, in seconds since 1970.", "schema": _TEXT},
    "Retry-After": {
        "description": "Seconds after which the request may succeed.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Location": {
        "description": "The path of the new row.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Idempotent-Replayed": {
        "description": "`true` if this is the stored response to an earlier request under the same Idempotency-Key.",
        "schema": {"type": "string", "const": "true"},
    },
    "ETag": {
        "description": "The row's entity tag, for `If-Match` and `If-None-Match`.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[!#-~]*"$'},
    },
    "WWW-Authenticate": {"description": "The way to authenticate.", "required": True, "schema": _TEXT},
    "Deprecation": {
        "description": "Since when it is deprecated (RFC 9745): `@` and seconds since 1970. `Link` leads to what replaces it.",
        "required": True,
        "schema": {"type": "string", "pattern": "^@[0-9]+$"},
    },
    "Sunset": {
        "description": "When the operation ends (RFC 8594).",
        "schema": _TEXT,
    },
}

_OF_LIMIT = [name for name in HEADERS if "RateLimit" in name]


def names_for(status: str, *, once: bool, creates: bool, tagged: bool, deprecated: bool) -> Iterator[str]:
    """The headers of a response with this status, in the order of the table.

    `once`: the operation honours Idempotency-Key. `creates`: it responds with the path of a new row. `tagged`: with a row.
    """
    succeeds = status.startswith("2")
    has = {
        "X-Request-Id": True,
        # A request is counted once its key is accepted.
        **dict.fromkeys(_OF_LIMIT, status not in ("401", "500")),
        "Retry-After": status in ("409", "429", "503"),
        "Location": creates and status == "201",
        "Idempotent-Replayed": once and succeeds,
        "ETag": status in ("304", "412") or (tagged and status in ("200", "201")),
        "WWW-Authenticate": status == "401",
        "Deprecation": deprecated and succeeds,
        "Sunset": deprecated and succeeds,
    }
    return (name for name in HEADERS if has[name])
