"""Label colours of voicemail and drop statuses, and what they are called."""

from __future__ import annotations

from django import template

from delivery.lifecycle.status import VoicemailStatus

# The library of templates `statuses`.
register = template.Library()

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


@register.filter
def status_words(status: str) -> str:
    """What the status is called in the admin; the API's word for what nobody can tell yet is no word of people's."""
    return "unclear" if status == VoicemailStatus.UNCERTAIN else status.replace("_", " ")


def worded(status: str) -> tuple[str, str]:
    """A status as a label of a list: by what its colour is found, and what it is called."""
    return status, status_words(status)
