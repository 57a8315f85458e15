"""Statuses of voicemails in the words of the reference platform: filters beside ours, and what a compatible response has instead.

It has five. Its `failed` is what the carrier or the platform could not do, its `not_delivered` what the called number did not take.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from rvm.platform.api.compatibility.responses import with_texts

V = VoicemailStatus
# Reasons of failed voicemails that are `not_delivered` there; the others are `failed`.
NOT_DELIVERED = frozenset(
    {
        Reason.VOICEMAIL_NOT_DETECTED,
        Reason.NO_ANSWER,
        Reason.BUSY,
        Reason.UNREACHABLE,
        Reason.MAILBOX_NOT_SET_UP,
        Reason.MAILBOX_FULL,
        Reason.HUMAN_ANSWERED,
        Reason.NUMBER_NOT_SUPPORTED,
        Reason.SPAM_BLOCKED,
    }
)
FAILED = frozenset(Reason) - NOT_DELIVERED


class Meant(NamedTuple):
    """The voicemails that a word means: those in one of the statuses; of the failed ones, those with one of the reasons."""

    statuses: frozenset[VoicemailStatus]
    reasons: frozenset[Reason] = frozenset(Reason)


# Their words: what an answer says, and what a filter finds where the answers say so.
THEIR_WORDS: Mapping[str, Meant] = {
    "pending": Meant(frozenset({V.QUEUED, V.SENDING, V.UNCERTAIN, V.ACCEPTED})),
    "skipped": Meant(frozenset({V.SKIPPED, V.CANCELED, V.EXPIRED})),
    "failed": Meant(frozenset({V.FAILED}), FAILED),
    "delivered": Meant(frozenset({V.DELIVERED})),
    "not_delivered": Meant(frozenset({V.FAILED}), NOT_DELIVERED),
}
_OURS: Mapping[str, Meant] = {status.value: Meant(frozenset({status})) for status in VoicemailStatus}
# All words that a filter takes. What both use keeps our meaning, unless the responses are in their words.
WORDS = [*_OURS, *(word for word in THEIR_WORDS if word not in _OURS)]


def meant(words: Collection[str], *, compatible: bool) -> Meant:
    """What any of the words means."""
    table = {**_OURS, **THEIR_WORDS} if compatible else {**THEIR_WORDS, **_OURS}
    found = [table[word] for word in words]
    failed = [each.reasons for each in found if V.FAILED in each.statuses]
    return Meant(frozenset().union(*(each.statuses for each in found)), frozenset().union(*failed))


def their_word(status: str, reason: str | None) -> str:
    """The word for a voicemail."""
    if status == V.FAILED:
        return "not_delivered" if reason in NOT_DELIVERED else "failed"
    return next(word for word, each in THEIR_WORDS.items() if status in each.statuses)


def in_their_words(row: Mapping[str, Any]) -> dict[str, Any]:
    """A voicemail of a response, or the result for one of a batch, with their word for its status."""
    if "status" not in row:
        return dict(row)
    return with_texts({**row, "status": their_word(row["status"], row.get("reason"))})
