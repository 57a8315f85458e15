"""Scripts: a recording per recipient, joined from clips, some of them chosen by a merge field of the list.

`with_named_clips` finds clips by their names and `check_script` validates a script before it is saved, `choose` a row during the
check of a list; `RecordingResolver` (or, for one recipient, `recording_for`) gives recordings, `sample_recordings` samples to listen
to before a launch.
"""

from __future__ import annotations

from campaigns.scripts.names import with_named_clips
from campaigns.scripts.parts import Script, choose, key_of, read_script
from campaigns.scripts.personalization import RecordingResolver, Sample, recording_for, sample_recordings
from campaigns.scripts.validation import check_script

__all__ = [
    "RecordingResolver",
    "Sample",
    "Script",
    "check_script",
    "choose",
    "key_of",
    "read_script",
    "recording_for",
    "sample_recordings",
    "with_named_clips",
]
