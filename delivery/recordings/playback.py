"""Responses with the sound of a recording or a clip, whole or in part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from delivery.models import Clip, Recording
from delivery.recordings.byte_ranges import parse_range
from delivery.recordings.removal import require_sound
from delivery.recordings.storage import read_mp3

_HEADERS = {
    "Content-Type": "audio/mpeg",
    "X-Content-Type-Options": "nosniff",
    "Accept-Ranges": "bytes",
    # The admin may be open under another name of this host than the public address, which the players of its pages ask.
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def play(
    request: HttpRequest, sound: Recording | Clip, then: Callable[[range], object] | None = None
) -> HttpResponseBase:
    """A response of 200 with the whole sound or 206 with the requested part; no body for HEAD. `then` gets the positions that were
    asked for, once the last of their bytes was handed over; nothing if the client was gone before.

    The whole file, a few hundred kilobytes, is decrypted, because only that proves its integrity. Raises RangeNotSatisfiable,
    FileNotFoundError, Undecryptable, ServiceError for a sound that was removed.
    """
    require_sound(sound)
    mp3 = read_mp3(sound)
    # Ranges are for GET only (RFC 9110, 14.2).
    part = parse_range(request.headers.get("Range", ""), len(mp3)) if request.method == "GET" else None
    body = mp3 if part is None else mp3[part.start : part.stop]
    status = 200 if part is None else 206
    response: HttpResponseBase
    if request.method == "GET" and then is not None:
        given = _handed_over(body, partial(then, part or range(len(mp3))))
        response = StreamingHttpResponse(given, status=status, headers=_HEADERS)
    else:
        response = HttpResponse(body if request.method == "GET" else b"", status=status, headers=_HEADERS)
    response["Content-Length"] = str(len(body))
    if part is not None:
        response["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(mp3)}"
    return response


def _handed_over(body: bytes, then: Callable[[], object]) -> Iterator[bytes]:
    """The body, of which the server asks for more only once it has handed all over."""
    yield body
    then()
