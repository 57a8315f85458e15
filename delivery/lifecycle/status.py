"""Statuses of voicemails and drops, and all allowed transitions between them.

Pure. `delivery.lifecycle.transitions` applies these tables in SQL; no other module changes a status. docs/architecture.md has the
diagram.
"""

from __future__ import annotations

from enum import StrEnum


class VoicemailStatus(StrEnum):
    QUEUED = "queued"  # waits to be sent or retried
    SENDING = "sending"  # claimed: a drop exists and its request may be on the wire
    UNCERTAIN = "uncertain"  # the carrier may or may not have the request; sent again only under the same key
    ACCEPTED = "accepted"  # the carrier took it and has not reported yet
    DELIVERED = "delivered"  # the carrier reported that the message is in the mailbox
    FAILED = "failed"  # refused, reported as not left, or never confirmed: the reason says which
    SKIPPED = "skipped"  # a guard of the platform rejected it before submission
    CANCELED = "canceled"  # a user or the API withdrew it before submission
    EXPIRED = "expired"  # its expiry passed before submission


class DropStatus(StrEnum):
    SENDING = "sending"  # committed before the request leaves
    UNCERTAIN = "uncertain"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    NOT_SENT = "not_sent"  # proved: the carrier did not get or did not process the request


# The carrier has accepted the request.
TAKEN = frozenset({VoicemailStatus.ACCEPTED, VoicemailStatus.DELIVERED})
TERMINAL = frozenset(
    {
        VoicemailStatus.DELIVERED,
        VoicemailStatus.FAILED,
        VoicemailStatus.SKIPPED,
        VoicemailStatus.CANCELED,
        VoicemailStatus.EXPIRED,
    }
)
OPEN_ENDED = frozenset(VoicemailStatus) - TERMINAL
# Not queued any more: a drop of it has not ended. In the order in which a voicemail goes through them.
UNDER_WAY = (VoicemailStatus.SENDING, VoicemailStatus.UNCERTAIN, VoicemailStatus.ACCEPTED)

# Transitions not listed here are invalid. A voicemail leaves `failed` in three ways only: a late report corrects a conclusion drawn
# without one (unconfirmed, unreported), a signed report corrects an unsigned one, or a retry queues the voicemail for a new drop.
# queued -> delivered: a report about an earlier drop arrives before that retry is sent. queued -> failed: the carrier refused the
# recording before any drop.
TRANSITIONS: dict[VoicemailStatus, frozenset[VoicemailStatus]] = {
    VoicemailStatus.QUEUED: frozenset(
        {
            VoicemailStatus.SENDING,
            VoicemailStatus.SKIPPED,
            VoicemailStatus.CANCELED,
            VoicemailStatus.EXPIRED,
            VoicemailStatus.DELIVERED,
            VoicemailStatus.FAILED,
        }
    ),
    VoicemailStatus.SENDING: frozenset(
        {
            VoicemailStatus.QUEUED,
            VoicemailStatus.UNCERTAIN,
            VoicemailStatus.ACCEPTED,
            VoicemailStatus.DELIVERED,
            VoicemailStatus.FAILED,
        }
    ),
    VoicemailStatus.UNCERTAIN: frozenset({VoicemailStatus.ACCEPTED, VoicemailStatus.DELIVERED, VoicemailStatus.FAILED}),
    VoicemailStatus.ACCEPTED: frozenset({VoicemailStatus.DELIVERED, VoicemailStatus.FAILED}),
    VoicemailStatus.FAILED: frozenset(
        {VoicemailStatus.QUEUED, VoicemailStatus.ACCEPTED, VoicemailStatus.DELIVERED, VoicemailStatus.FAILED}
    ),
    VoicemailStatus.DELIVERED: frozenset(),
    VoicemailStatus.SKIPPED: frozenset(),
    VoicemailStatus.CANCELED: frozenset(),
    VoicemailStatus.EXPIRED: frozenset(),
}


DROP_TAKEN = frozenset({DropStatus.ACCEPTED, DropStatus.DELIVERED})
DROP_TERMINAL = frozenset({DropStatus.DELIVERED, DropStatus.FAILED, DropStatus.NOT_SENT})
DROP_UNDER_WAY = frozenset(DropStatus) - DROP_TERMINAL

# The same for a drop. A drop leaves `failed` if that was concluded without a report or from an unsigned result; a report of delivery
# overrides any other end.
DROP_TRANSITIONS: dict[DropStatus, frozenset[DropStatus]] = {
    DropStatus.SENDING: frozenset(
        {DropStatus.UNCERTAIN, DropStatus.ACCEPTED, DropStatus.DELIVERED, DropStatus.FAILED, DropStatus.NOT_SENT}
    ),
    DropStatus.UNCERTAIN: frozenset({DropStatus.ACCEPTED, DropStatus.DELIVERED, DropStatus.FAILED}),
    DropStatus.ACCEPTED: frozenset({DropStatus.DELIVERED, DropStatus.FAILED}),
    DropStatus.FAILED: frozenset({DropStatus.ACCEPTED, DropStatus.DELIVERED, DropStatus.FAILED}),
    DropStatus.NOT_SENT: frozenset({DropStatus.DELIVERED}),
    DropStatus.DELIVERED: frozenset(),
}


def can_transition(old: VoicemailStatus, new: VoicemailStatus) -> bool:
    """Whether a voicemail may change from `old` to `new`."""
    return new in TRANSITIONS[old]


def can_transition_drop(old: DropStatus, new: DropStatus) -> bool:
    """Whether a drop may change from `old` to `new`."""
    return new in DROP_TRANSITIONS[old]
