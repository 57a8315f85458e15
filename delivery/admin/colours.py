"""The colour of a status: good, bad, under way, or to be looked at."""

from __future__ import annotations

from delivery.lifecycle.status import VoicemailStatus

# As unfold names its labels; what is not listed is grey.
STATUS_COLOURS: dict[str, str] = {
    VoicemailStatus.SENDING: "info",
    VoicemailStatus.ACCEPTED: "primary",
    VoicemailStatus.DELIVERED: "success",
    VoicemailStatus.FAILED: "danger",
    VoicemailStatus.UNCERTAIN: "warning",
    "not_sent": "warning",
    VoicemailStatus.EXPIRED: "warning",
}
