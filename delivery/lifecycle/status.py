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


V = VoicemailStatus

# The carrier has accepted the request.
TAKEN = frozenset({V.ACCEPTED, V.DELIVERED})
TERMINAL = frozenset({V.DELIVERED, V.FAILED, V.SKIPPED, V.CANCELED, V.EXPIRED})
OPEN_ENDED = frozenset(V) - TERMINAL

# Transitions not listed here are invalid. A voicemail leaves `failed` in three ways only: a late report corrects a conclusion drawn
# without one (unconfirmed, unreported), a signed report corrects an unsigned one, or a retry queues the voicemail for a new drop.
# queued -> delivered: a report about an earlier drop arrives before that retry is sent. queued -> failed: the carrier refused the
# recording before any drop.
TRANSITIONS: dict[VoicemailStatus, frozenset[VoicemailStatus]] = {
    V.QUEUED: frozenset({V.SENDING, V.SKIPPED, V.CANCELED, V.EXPIRED, V.DELIVERED, V.FAILED}),
    V.SENDING: frozenset({V.QUEUED, V.UNCERTAIN, V.ACCEPTED, V.DELIVERED, V.FAILED}),
    V.UNCERTAIN: frozenset({V.ACCEPTED, V.DELIVERED, V.FAILED}),
    V.ACCEPTED: frozenset({V.DELIVERED, V.FAILED}),
    V.FAILED: frozenset({V.QUEUED, V.ACCEPTED, V.DELIVERED, V.FAILED}),
    V.DELIVERED: frozenset(),
    V.SKIPPED: frozenset(),
    V.CANCELED: frozenset(),
    V.EXPIRED: frozenset(),
}


D = DropStatus

DROP_TAKEN = frozenset({D.ACCEPTED, D.DELIVERED})
DROP_TERMINAL = frozenset({D.DELIVERED, D.FAILED, D.NOT_SENT})

# The same for a drop. A drop leaves `failed` if that was concluded without a report or from an unsigned result; a report of delivery
# overrides any other end.
DROP_TRANSITIONS: dict[DropStatus, frozenset[DropStatus]] = {
    D.SENDING: frozenset({D.UNCERTAIN, D.ACCEPTED, D.DELIVERED, D.FAILED, D.NOT_SENT}),
    D.UNCERTAIN: frozenset({D.ACCEPTED, D.DELIVERED, D.FAILED}),
    D.ACCEPTED: frozenset({D.DELIVERED, D.FAILED}),
    D.FAILED: frozenset({D.ACCEPTED, D.DELIVERED, D.FAILED}),
    D.NOT_SENT: frozenset({D.DELIVERED}),
    D.DELIVERED: frozenset(),
}


def can_transition(old: VoicemailStatus, new: VoicemailStatus) -> bool:
    """Whether a voicemail may change from `old` to `new`."""
    return new in TRANSITIONS[old]


def can_transition_drop(old: DropStatus, new: DropStatus) -> bool:
    """Whether a drop may change from `old` to `new`."""
    return new in DROP_TRANSITIONS[old]
