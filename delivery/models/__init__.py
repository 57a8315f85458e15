"""Models of recordings, lanes, voicemails, drops and carrier reports.

The voicemail and drop tables are designed for later partitioning by id: their primary key is the only unique constraint, and foreign
keys are not enforced, because thousands of rows are written per second.
"""

from delivery.models.call_command import CallCommand
from delivery.models.canary import CanaryMember
from delivery.models.clip import Assembly, Clip
from delivery.models.decision import KeptDecision, KeptPolicy
from delivery.models.drop import AwaitedResult, Drop
from delivery.models.lane import Lane, LaneCount, LaneDelta, UseCaseCount
from delivery.models.media import CarrierMedia
from delivery.models.recent_drops import DropRecount, RecentDrops
from delivery.models.recording import Recording
from delivery.models.report import CarrierReport
from delivery.models.voicemail import Voicemail, VoicemailIdentifier, VoicemailReference

__all__ = [
    "Assembly",
    "AwaitedResult",
    "CallCommand",
    "CanaryMember",
    "CarrierMedia",
    "CarrierReport",
    "Clip",
    "Drop",
    "DropRecount",
    "KeptDecision",
    "KeptPolicy",
    "Lane",
    "LaneCount",
    "LaneDelta",
    "RecentDrops",
    "Recording",
    "UseCaseCount",
    "Voicemail",
    "VoicemailIdentifier",
    "VoicemailReference",
]
