"""Responses with the sound of a recording or a clip, whole or in part."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

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


def play(request: HttpRequest, sound: Recording | Clip) -> HttpResponse:
    """A response of 200 with the whole sound or 206 with the requested part; no body for HEAD.

    The whole file, a few hundred kilobytes, is decrypted, because only that proves its integrity. Raises RangeNotSatisfiable,
    FileNotFoundError, Undecryptable, ServiceError for a sound that was removed.
    """
    require_sound(sound)
    mp3 = read_mp3(sound)
    # Ranges are for GET only (RFC 9110, 14.2).
    part = parse_range(request.headers.get("Range", ""), len(mp3)) if request.method == "GET" else None
    body = mp3 if part is None else mp3[part.start : part.stop]
    response = HttpResponse(
        body if request.method == "GET" else b"", status=200 if part is None else 206, headers=_HEADERS
    )
    response["Content-Length"] = str(len(body))
    if part is not None:
        response["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(mp3)}"
    return response
