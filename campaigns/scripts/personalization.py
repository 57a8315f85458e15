"""Which recording each person of a campaign hears, made of clips where nobody has heard that combination yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from campaigns.models import Campaign
from campaigns.scripts.parts import Combination, choose, read_script
from delivery.models import Recording
from delivery.recordings.clips import assemble
from delivery.recordings.links import link
from delivery.recordings.storage import STORAGE_UNAVAILABLE
from rvm.platform.errors import ServiceError


class RecordingResolver:
    """What the people of one campaign hear, for whoever goes through its list: one `RecordingResolver` per pass, one call per row.

    A combination is looked up, or joined, once; after that a row costs a dictionary look-up for each part that is chosen, and one.
    Memory grows with the number of combinations (at most 5,000), never with rows. Without a script everybody hears one recording.
    """

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._script = None if campaign.script is None else read_script(campaign.script)
        self._known: dict[Combination, Recording | ServiceError] = {}

    def recording_for(self, merge_fields: Mapping[str, object] | None) -> Recording:
        """Raises ServiceError: `clip_missing`, `recording_missing`, why the clips make no recording; `storage_unavailable` for
        now."""
        if self._script is None:
            if self._campaign.recording is None:
                raise ServiceError("recording_missing", "The campaign has no recording; give it one, or a script.")
            return self._campaign.recording
        clips = choose(self._script, merge_fields)
        found = self._known.get(clips) or self._assembled(clips)
        if isinstance(found, ServiceError):
            raise found.with_traceback(None)  # else it would grow by every row
        return found

    def _assembled(self, clips: Combination) -> Recording | ServiceError:
        found: Recording | ServiceError
        try:
            found = assemble(self._campaign.workspace, clips)
        except ServiceError as refused:
            if refused.code == STORAGE_UNAVAILABLE:
                raise  # may be gone at the next row
            found = refused
        self._known[clips] = found
        return found


def recording_for(campaign: Campaign, merge_fields: Mapping[str, object] | None) -> Recording:
    """For one person; whoever goes through a list keeps a `RecordingResolver`."""
    return RecordingResolver(campaign).recording_for(merge_fields)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one row would hear: a recording and a link that plays it for 15 minutes, or the code and sentence of why it is refused."""

    recording: Recording | None
    link: str | None = None
    code: str = ""
    sentence: str = ""


def sample_recordings(campaign: Campaign, rows: Iterable[Mapping[str, object] | None]) -> list[Sample]:
    """What these rows of a list, given by their merge fields, would hear, in order. Joins what nobody has heard yet."""
    hearing = RecordingResolver(campaign)
    return [_sample(hearing, merge_fields) for merge_fields in rows]


def _sample(hearing: RecordingResolver, merge_fields: Mapping[str, object] | None) -> Sample:
    try:
        recording = hearing.recording_for(merge_fields)
    except ServiceError as refused:
        return Sample(None, code=refused.code, sentence=refused.sentence)
    return Sample(recording, link(recording))
