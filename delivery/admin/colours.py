"""The colour of a status: good, bad, under way, or to be looked at."""

from __future__ import annotations

from delivery.lifecycle.status import VoicemailStatus as V

# As unfold names its labels; what is not listed is grey.
STATUS_COLOURS: dict[str, str] = {
    V.SENDING: "info",
    V.ACCEPTED: "primary",
    V.DELIVERED: "success",
    V.FAILED: "danger",
    V.UNCERTAIN: "warning",
    "not_sent": "warning",
    V.EXPIRED: "warning",
}
