"""The recording of each recipient of a campaign; a new combination of clips is joined on first use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from campaigns.models import Campaign
from campaigns.scripts.parts import Combination, choose, read_script
from delivery.models import Recording
from delivery.recordings.clips import assemble
from delivery.recordings.links import link
from delivery.recordings.storage import TEMPORARY
from rvm.platform.errors import ServiceError


class RecordingResolver:
    """Recordings of one campaign's recipients: one instance per pass over its list, one call per row.

    Each combination is looked up or joined once; afterwards a row costs one dictionary look-up per chosen part, and one more.
    Memory grows with the number of combinations (at most 5,000), not with rows. Without a script all recipients hear one recording.
    """

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._script = None if campaign.script is None else read_script(campaign.script)
        self._known: dict[Combination, Recording | ServiceError] = {}

    def recording_for(self, merge_fields: Mapping[str, object] | None) -> Recording:
        """The recording for these merge fields. Raises ServiceError: `clip_missing`, `recording_missing`, the reason why the clips
        cannot be joined, or one of TEMPORARY."""
        if self._script is None:
            if self._campaign.recording is None:
                raise ServiceError("recording_missing", "The campaign has no recording; give it one, or a script.")
            return self._campaign.recording
        clips = choose(self._script, merge_fields)
        found = self._known.get(clips) or self._assembled(clips)
        if isinstance(found, ServiceError):
            raise found.with_traceback(None)  # the kept exception's traceback would grow with every row
        return found

    def _assembled(self, clips: Combination) -> Recording | ServiceError:
        found: Recording | ServiceError
        try:
            found = assemble(self._campaign.workspace, clips)
        except ServiceError as refused:
            if refused.code in TEMPORARY:
                raise  # temporary, so it is not kept
            found = refused
        self._known[clips] = found
        return found


def recording_for(campaign: Campaign, merge_fields: Mapping[str, object] | None) -> Recording:
    """The recording of one recipient; a pass over a list uses one `RecordingResolver`."""
    return RecordingResolver(campaign).recording_for(merge_fields)


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample for one row: a recording and a link to it, good for 15 minutes, or the code and message of the refusal."""

    recording: Recording | None
    link: str | None = field(default=None, repr=False)
    code: str = ""
    message: str = ""


def sample_recordings(campaign: Campaign, rows: Iterable[Mapping[str, object] | None]) -> list[Sample]:
    """Samples for rows of a list, given by their merge fields, in the same order. New combinations of clips are joined."""
    resolver = RecordingResolver(campaign)
    return [_sample(resolver, merge_fields) for merge_fields in rows]


def _sample(resolver: RecordingResolver, merge_fields: Mapping[str, object] | None) -> Sample:
    try:
        recording = resolver.recording_for(merge_fields)
    except ServiceError as refused:
        return Sample(None, code=refused.code, message=refused.message)
    return Sample(recording, link(recording))
