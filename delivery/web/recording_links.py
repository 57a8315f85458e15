"""Signed links to recordings and clips: carriers and players fetch sounds without an API key; the link is the permission."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from delivery.api.problem_codes import LINK_ENDED, LINK_EXPIRED, LINK_UNKNOWN, RANGE_NOT_SATISFIABLE
from delivery.models import Clip, Recording
from delivery.recordings.byte_ranges import RangeNotSatisfiable
from delivery.recordings.links import (
    LinkEnded,
    LinkExpired,
    LinkMalformed,
    count_fetch,
    note_given,
    open_carrier_link,
    open_link,
)
from delivery.recordings.playback import play
from rvm.platform.api.problems import CONTENT_TYPE, Problem
from rvm.platform.api.rendering import to_json
from rvm.platform.errors import ServiceError


@require_safe
def recording(request: HttpRequest, token: str) -> HttpResponseBase:
    """The MP3 for a player."""

    def answer() -> HttpResponseBase:
        opened = open_link(token)
        model = Clip if opened.purpose == "clip" else Recording
        return play(request, model._default_manager.get(pk=opened.sound_id))

    return _answered(answer)


@require_safe
def recording_of_drop(request: HttpRequest, setup_id: UUID, version: int, token: str) -> HttpResponseBase:
    """The MP3 for the carrier that leaves it, which is counted where its first byte is given, and where its last one proves
    something, then too."""

    def answer() -> HttpResponseBase:
        opened = open_carrier_link(setup_id, version, token)
        response = play(request, opened.recording, partial(note_given, opened) if opened.is_proof else None)
        if request.method == "GET" and response.get("Content-Range", _BEGIN).startswith(_BEGIN):
            count_fetch(opened)
        return response

    return _answered(answer)


_BEGIN = "bytes 0-"


def _answered(answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The MP3, whole or in part; 403 expired link, 404 invalid link or unknown sound, 410 ended link, 416 range not satisfiable."""
    try:
        return answer()
    except LinkExpired as error:
        return _refuse(Problem(LINK_EXPIRED, str(error)))
    except ServiceError as removed:
        return _refuse(Problem(LINK_ENDED, removed.message))
    except LinkEnded as error:
        return _refuse(Problem(LINK_ENDED, str(error)))
    except (LinkMalformed, Clip.DoesNotExist, Recording.DoesNotExist):
        return _refuse(Problem(LINK_UNKNOWN))
    except RangeNotSatisfiable as error:
        return _refuse(Problem(RANGE_NOT_SATISFIABLE, str(error), headers={"Content-Range": f"bytes */{error.size}"}))


def _refuse(problem: Problem) -> HttpResponse:
    return HttpResponse(
        to_json(problem.body()), status=problem.status_code, headers=problem.headers, content_type=CONTENT_TYPE
    )
