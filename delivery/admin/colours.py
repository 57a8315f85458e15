"""Label colours of voicemail and drop statuses."""

from __future__ import annotations

from delivery.lifecycle.status import VoicemailStatus

# Names of unfold's labels; other statuses are grey.
STATUS_COLOURS: dict[str, str] = {
    VoicemailStatus.SENDING: "info",
    VoicemailStatus.ACCEPTED: "primary",
    VoicemailStatus.DELIVERED: "success",
    VoicemailStatus.FAILED: "danger",
    VoicemailStatus.UNCERTAIN: "warning",
    "not_sent": "warning",
    VoicemailStatus.EXPIRED: "warning",
}
