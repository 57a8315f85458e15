"""What each person hears: a script of clips, some chosen by a field of the list, joined to one recording.

`check_script` before a script is kept, `choose` while a list is judged, `RecordingResolver` (or, for one person, `recording_for`)
where a recording is needed, `sample_recordings` to listen before a launch.
"""

from __future__ import annotations

from campaigns.scripts.parts import Script, choose, key_of, read_script
from campaigns.scripts.personalization import RecordingResolver, Sample, recording_for, sample_recordings
from campaigns.scripts.suggestions import part_by_names
from campaigns.scripts.validation import check_script

__all__ = [
    "RecordingResolver",
    "Sample",
    "Script",
    "check_script",
    "choose",
    "key_of",
    "part_by_names",
    "read_script",
    "recording_for",
    "sample_recordings",
]
