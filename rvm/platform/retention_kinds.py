"""The kinds of data that are removed with time, each with what it covers and for how long it is kept unless a workspace decides.

The reasons for the days are in docs/administer/retention.md too; a test compares its table with this one.
"""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import TextChoices

YEARS_6 = 2192  # days, with both leap days
YEARS_10 = 3653


class RetentionKind(TextChoices):
    NUMBERS = "numbers", "Numbers and fields of people"
    RECORDINGS = "recordings", "Recordings and clips"
    CALLBACKS = "callbacks", "Raw callbacks and messages"
    LISTS = "lists", "Uploaded lists"
    DRAFTS = "drafts", "Drafts of campaigns"
    ANSWERS = "answers", "Stored responses of the API"
    EVENTS = "events", "Events and deliveries of webhooks"
    SESSIONS = "sessions", "Sessions of browsers"
    AUDIT = "audit", "Audit events"


class Term(NamedTuple):
    """How long a kind is kept. `days`: None for ever. A kind whose `least` is its `most` is not for a workspace to decide."""

    covers: str
    days: int | None
    least: int | None
    most: int | None

    @property
    def fixed(self) -> bool:
        return self.least == self.most


TERMS: dict[RetentionKind, Term] = {
    # 16 CFR 310.5 wants five years of call details, with the called number, where a call sells; HIPAA (45 CFR 164.316) six years of
    # documentation. A provider without either may go down to the time in which a bill or a complaint is settled.
    RetentionKind.NUMBERS: Term(
        "Phone number, record number, merge fields, metadata and places of voicemails that have ended, and opt-outs as people sent"
        " them. Status, times, campaign and counts stay.",
        YEARS_6,
        30,
        YEARS_10,
    ),
    # The same: 16 CFR 310.5 counts each recorded message among the records. From the last use on.
    RetentionKind.RECORDINGS: Term(
        "The sound of recordings and clips that nothing has used for so long. Name, length and SHA-256 stay.",
        YEARS_6,
        30,
        YEARS_10,
    ),
    # The voicemail has all that a callback said; its bytes only help to argue with the carrier, whose bills come monthly.
    RetentionKind.CALLBACKS: Term(
        "Callbacks of carriers as they came with the numbers in them, and messages of people that were not understood as an opt-out.",
        90,
        30,
        YEARS_6,
    ),
    # A list is needed until it is imported and its errors are read, which takes hours; all that is sent from it is in voicemails.
    RetentionKind.LISTS: Term(
        "Files of uploaded lists, from which the lists of skipped rows are made, too; a list that nobody confirms is discarded.",
        1,
        1,
        30,
    ),
    # People are reached soon after their list is made or not by it at all: appointments have passed, consents may have ended.
    RetentionKind.DRAFTS: Term(
        "Drafts of campaigns that nobody has changed for so long: they are canceled, with the people who wait in them.",
        60,
        7,
        730,
    ),
    # The API promises a day (docs/integrate/requests.md).
    RetentionKind.ANSWERS: Term("Responses that are returned again for an Idempotency-Key.", 1, 1, 1),
    # The feed promises 30 days (docs/integrate/events.md): as long as a system may be away and still catch up.
    RetentionKind.EVENTS: Term(
        "What happened, as systems were or are yet to be told it: ids, states and codes.", 30, 30, 30
    ),
    RetentionKind.SESSIONS: Term("Ended and expired sessions of browsers.", 1, 1, 1),
    # HIPAA asks for six years, and removing events breaks the chain that proves the others (docs/operate/audit.md). They hold ids,
    # never a number, name or text of a person.
    RetentionKind.AUDIT: Term("Who did what. Events hold no number of a person.", None, None, None),
}

# What a workspace decides on, in the order of pages.
DECIDED = tuple(kind for kind, term in TERMS.items() if not term.fixed)
