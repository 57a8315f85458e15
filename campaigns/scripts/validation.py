"""Validation of a script before it is saved: every combination that a list can choose must make a valid recording.

No clips are joined: their durations are stored, so checking the shortest and the longest combination is enough.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from math import prod
from typing import Any
from uuid import UUID

from campaigns.scripts.parts import Script, read_script
from delivery.models import Clip
from delivery.recordings.clips import CHECK_IDS, joining_error
from delivery.recordings.shelf import require_offered
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace

MAX_COMBINATIONS = 5000
_NAMED = 5  # items listed in a message


def check_script(workspace: Workspace, script: Any, *, kept: Collection[UUID] = ()) -> list[ServiceError]:
    """All errors in the script (JSON), each with `field` "script"; empty if the script can be used. `kept`: clips of the
    campaign, which may be archived."""
    try:
        parts = read_script(script)
    except ServiceError as refused:
        return [refused]
    wanted = {clip for part in parts for clip in part.choices()}
    clips = Clip.objects.filter(workspace=workspace).in_bulk(wanted)
    new = [clip for pk, clip in clips.items() if pk not in kept]
    return [
        *_unknown(parts, clips),
        *_not_offered(new),
        *_too_many(parts),
        *(_unlike(clips) or _wrong_length(parts, clips)),
    ]


def _unknown(script: Script, clips: Mapping[UUID, Clip]) -> list[ServiceError]:
    refused = []
    for number, part in enumerate(script, 1):
        missing = [str(clip) for clip in part.choices() if clip not in clips]
        if missing:
            refused.append(
                _refused(
                    "clip_unknown",
                    f"Part {number} names {_counted(len(missing), 'clip')} that this workspace does not have "
                    f"({_listed(missing)}); {CHECK_IDS}.",
                )
            )
    return refused


def _not_offered(clips: Sequence[Clip]) -> list[ServiceError]:
    refused = []
    for clip in clips:
        try:
            require_offered(clip, field="script")
        except ServiceError as error:
            refused.append(_refused(error.code, f"“{clip.name}”: {error.message}"))
    return refused[:_NAMED]


def _too_many(script: Script) -> list[ServiceError]:
    count = prod(sum(1 for _ in part.choices()) for part in script)
    if count <= MAX_COMBINATIONS:
        return []
    return [
        _refused(
            "script_too_large",
            f"The script makes {count:,} different recordings; at most {MAX_COMBINATIONS:,} are made. Let fewer clips be chosen, "
            "or let one field choose instead of two.",
        )
    ]


def _unlike(clips: Mapping[UUID, Clip]) -> list[ServiceError]:
    """An error if sample rate or channels differ; it names the clips that differ from the most common format."""
    formats = {pk: f"{clip.sample_rate} Hz {'mono' if clip.channels == 1 else 'stereo'}" for pk, clip in clips.items()}
    if len(set(formats.values())) < 2:
        return []
    usual = Counter(formats.values()).most_common(1)[0][0]
    others = [f"“{clips[pk].name}” is {each}" for pk, each in formats.items() if each != usual]
    return [
        _refused(
            "clips_differ",
            f"Clips that are joined must agree in sample rate and channels. Most of these are {usual}, but {_listed(others)}. Open "
            "these in your recording program, export them as new MP3s like the others and upload those.",
        )
    ]


def _wrong_length(script: Script, clips: Mapping[UUID, Clip]) -> list[ServiceError]:
    lengths = [[clips[clip] for clip in part.choices() if clip in clips] for part in script]
    if not all(lengths):
        return []
    shortest = [min(choices, key=lambda clip: clip.duration_ms) for choices in lengths]
    longest = [max(choices, key=lambda clip: clip.duration_ms) for choices in lengths]
    wrong = [(joining_error(shortest), "too_short"), (joining_error(longest), "too_long")]
    return [_refused(code, refused.message) for refused, code in wrong if refused and refused.code == code]


def _refused(code: str, message: str) -> ServiceError:
    return ServiceError(code, message, field="script")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _listed(items: list[str]) -> str:
    more = len(items) - _NAMED
    return ", ".join(items[:_NAMED]) + (f" and {more} more" if more > 0 else "")
