"""Which recording each person of a campaign hears, made of clips where nobody has heard that combination yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from campaigns.models import Campaign
from campaigns.scripts.parts import Combination, choose, read_script
from delivery.models import Recording
from usecases.errors import Refused


class Hearing:
    """What the people of one campaign hear, for whoever goes through its list: one `Hearing` per pass, one call per row.

    A combination is looked up, or joined, once; after that a row costs two dictionary look-ups. Memory grows with the number of
    combinations (at most 5,000), never with rows. A campaign without a script has one recording for everybody.
    """

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._script = None if campaign.script is None else read_script(campaign.script)
        self._known: dict[Combination, Recording] = {}

    def recording_for(self, merge_fields: Mapping[str, object] | None) -> Recording:
        """Raises Refused: `clip_missing`, `recording_missing`, or why the clips make no recording."""
        if self._script is None:
            if self._campaign.recording is None:
                raise Refused("recording_missing", "The campaign has no recording; give it one, or a script.")
            return self._campaign.recording
        clips = choose(self._script, merge_fields)
        recording = self._known.get(clips)
        if recording is None:
            recording = self._known[clips] = self._assembled(clips)
        return recording

    def _assembled(self, clips: Combination) -> Recording:
        raise NotImplementedError


def recording_for(campaign: Campaign, merge_fields: Mapping[str, object] | None) -> Recording:
    """For one person; whoever goes through a list keeps a `Hearing`."""
    return Hearing(campaign).recording_for(merge_fields)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one row would hear: a recording and a link that plays it for 15 minutes, or why it would be refused."""

    recording: Recording | None
    link: str
    code: str
    sentence: str


def sample_recordings(campaign: Campaign, rows: Iterable[Mapping[str, object] | None]) -> list[Sample]:
    """For each row's merge fields, in order."""
    raise NotImplementedError
