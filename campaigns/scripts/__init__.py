"""What each person hears: a campaign's script names clips, some chosen by a field of the list, and they are joined to one recording.

`check_script` before a script is kept, `choose` while a list is judged, `Hearing` (or, for one person, `recording_for`) where a
recording is needed, `sample_recordings` to listen before a launch.
"""

from __future__ import annotations

from campaigns.scripts.parts import Script, choose, key_of, read_script
from campaigns.scripts.personalization import Hearing, Sample, recording_for, sample_recordings
from campaigns.scripts.suggestions import part_by_names
from campaigns.scripts.validation import check_script

__all__ = [
    "Hearing",
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
