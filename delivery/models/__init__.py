"""What is left, for whom, through what, and what the carrier said about it.

The voicemail and drop tables are built to be partitioned by id one day: no unique constraint but the primary key, and no enforced
foreign key where thousands of rows a second are written.
"""

from delivery.models.clip import Assembly, Clip
from delivery.models.drop import Drop
from delivery.models.lane import Lane, LaneCount, LaneDelta, UseCaseCount
from delivery.models.media import CarrierMedia
from delivery.models.recording import Recording
from delivery.models.report import CarrierReport
from delivery.models.voicemail import Voicemail, VoicemailIdentifier, VoicemailReference

__all__ = [
    "Assembly",
    "CarrierMedia",
    "CarrierReport",
    "Clip",
    "Drop",
    "Lane",
    "LaneCount",
    "LaneDelta",
    "Recording",
    "UseCaseCount",
    "Voicemail",
    "VoicemailIdentifier",
    "VoicemailReference",
]
