"""The life of a voicemail and of a drop: their statuses and the only transitions between them.

Pure. `delivery.lifecycle.transitions` applies these tables in SQL; nothing else writes a status. docs/architecture.md draws the
picture.
"""

from __future__ import annotations

from enum import StrEnum


class VoicemailStatus(StrEnum):
    QUEUED = "queued"  # waits for its turn, its time or a retry
    SENDING = "sending"  # claimed: a drop exists and its request may be on the wire
    UNCERTAIN = "uncertain"  # the carrier may or may not have the request; never sent again but under the same key
    ACCEPTED = "accepted"  # the carrier took it and has not reported yet
    DELIVERED = "delivered"  # the carrier reported that the message is in the mailbox
    FAILED = "failed"  # refused, reported as not left, or never confirmed: the reason says which
    SKIPPED = "skipped"  # one of our own guards said no before submission
    CANCELED = "canceled"  # a person or the API withdrew it before submission
    EXPIRED = "expired"  # its time ran out before submission


class DropStatus(StrEnum):
    SENDING = "sending"  # committed before the request leaves
    UNCERTAIN = "uncertain"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    NOT_SENT = "not_sent"  # proved: the carrier never got the request


V = VoicemailStatus

# The carrier has had it.
TAKEN = frozenset({V.ACCEPTED, V.DELIVERED})
TERMINAL = frozenset({V.DELIVERED, V.FAILED, V.SKIPPED, V.CANCELED, V.EXPIRED})
OPEN_ENDED = frozenset(V) - TERMINAL

# Whatever is not listed does not happen. `failed` is left in three ways only: a late report corrects what was concluded without
# one (unconfirmed, unreported), a signed report corrects an unsigned one, or a retry queues the voicemail again with a new drop.
# queued -> delivered is that retry overtaken by an earlier drop's report; queued -> failed is a carrier that refused the recording
# before any drop.
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

# The same for a drop. `failed` is left where it was concluded without a report, or rests on a result that nobody signed; and whatever
# was taken for an attempt's end yields to the report that the message was left.
DROP_TRANSITIONS: dict[DropStatus, frozenset[DropStatus]] = {
    D.SENDING: frozenset({D.UNCERTAIN, D.ACCEPTED, D.DELIVERED, D.FAILED, D.NOT_SENT}),
    D.UNCERTAIN: frozenset({D.ACCEPTED, D.DELIVERED, D.FAILED}),
    D.ACCEPTED: frozenset({D.DELIVERED, D.FAILED}),
    D.FAILED: frozenset({D.ACCEPTED, D.DELIVERED, D.FAILED}),
    D.NOT_SENT: frozenset({D.DELIVERED}),
    D.DELIVERED: frozenset(),
}


def can_transition(old: VoicemailStatus, new: VoicemailStatus) -> bool:
    """Whether a voicemail may go from `old` to `new`."""
    return new in TRANSITIONS[old]


def can_transition_drop(old: DropStatus, new: DropStatus) -> bool:
    """Whether a drop may go from `old` to `new`."""
    return new in DROP_TRANSITIONS[old]
