"""The outcome of a drop by number: fixed for sandbox numbers, from a seeded mix for all others.

Pure: the outcome depends on the seed and the number only, so a run is repeatable for any order of requests.
Numbers up to +1 555 001 0098 follow Drop Cowboy's published simulation.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

# The codes of reports, with their sentences.
CODES: dict[str, str] = {
    "delivered": "The message is in the voicemail box.",
    "voicemail_not_detected": "No voicemail box answered.",
    "no_answer": "Nothing answered.",
    "busy": "The line was busy.",
    "unreachable": "The number could not be reached.",
    "mailbox_not_set_up": "The voicemail box is not set up.",
    "mailbox_full": "The voicemail box is full.",
    "human_answered": "A person answered; no message was left.",
    "number_not_supported": "This kind of number has no voicemail.",
    "do_not_call": "The number is on the do-not-call list.",
    "litigator": "The number belongs to a known litigant.",
    "number_reassigned": "The number was given to somebody else.",
    "too_many_attempts": "Too many attempts at this number.",
    "opted_out": "The person opted out.",
    "spam": "The receiving network took the message for spam.",
    "carrier_denied": "The receiving network denied the drop.",
    "audio_unusable": "The recording could not be fetched or is no MP3 of 10 to 60 seconds.",
}
SANDBOX_PREFIX = "+1555001"


class Answer(StrEnum):
    """The kind of response to an accepted drop."""

    PLAIN = "plain"
    HANG = "hang"
    GARBAGE = "garbage"


class Reports(StrEnum):
    """The kind of reports on an accepted drop."""

    ONCE = "once"
    NEVER = "never"
    SHUFFLED = "shuffled"  # the final report, then the late `accepted` one, then the final one again


@dataclass(frozen=True, slots=True)
class Refusal:
    """A response without acceptance to the first `times` requests; None means all requests."""

    status: int
    code: str
    message: str
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for a drop. `code` is its outcome, None leaves it accepted; `after` is in seconds, None is the configured delay."""

    code: str | None
    answer: Answer = Answer.PLAIN
    reports: Reports = Reports.ONCE
    refusal: Refusal | None = None
    after: float | None = None

    @property
    def status(self) -> str:
        return {None: "accepted", "delivered": "delivered"}.get(self.code, "failed")


PLANS: dict[str, Plan] = {code: Plan(code) for code in CODES}
# A server that has accepted a connection can no longer refuse it. "Connection refused twice" (0013) is therefore an
# equally reliable refusal: a 503 whose code is documented as "this request was not processed".
NUMBERS: dict[str, Plan] = {
    "0001": PLANS["delivered"],
    "0002": PLANS["voicemail_not_detected"],
    "0004": PLANS["no_answer"],
    "0005": PLANS["busy"],
    "0006": PLANS["unreachable"],
    "0010": Plan(None, reports=Reports.NEVER),
    "0011": Plan(None, refusal=Refusal(422, "refused", "This number is refused for good.")),
    "0012": Plan("delivered", refusal=Refusal(429, "throttled", "Too many requests; see Retry-After.", times=2)),
    "0013": Plan("delivered", refusal=Refusal(503, "not_processed", "Not processed; try again later.", times=2)),
    "0014": Plan("delivered", answer=Answer.HANG, reports=Reports.NEVER),
    "0015": Plan("delivered", reports=Reports.SHUFFLED),
    "0016": Plan("delivered", after=60.0),
    "0017": Plan("delivered", answer=Answer.GARBAGE),
    "0020": PLANS["human_answered"],
    "0021": PLANS["number_not_supported"],
    "0022": PLANS["mailbox_full"],
    "0090": PLANS["do_not_call"],
    "0091": PLANS["litigator"],
    "0092": PLANS["number_reassigned"],
    "0094": PLANS["carrier_denied"],
    "0097": PLANS["too_many_attempts"],
    "0098": PLANS["opted_out"],
}


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of outcomes, by code, in any unit."""

    codes: tuple[str, ...]
    bounds: tuple[float, ...]

    @classmethod
    def of(cls, shares: Mapping[str, float]) -> Mix:
        """The mix of these shares. Raises ValueError with a sentence for an unknown code, a negative share or only zeros."""
        unknown = sorted(set(shares) - set(CODES))
        if unknown:
            raise ValueError(f"no such outcome: {', '.join(unknown)}; there are: {', '.join(CODES)}")
        if min(shares.values(), default=0) < 0 or not sum(shares.values()):
            raise ValueError("shares of outcomes are numbers of 0 or more, and one of them is more than 0")
        return cls(tuple(shares), tuple(accumulate(shares.values())))

    def pick(self, point: float) -> str:
        """The code at `point`, a number in [0, 1)."""
        return self.codes[bisect_right(self.bounds, point * self.bounds[-1])]


DEFAULT_MIX = Mix.of(
    {"delivered": 92, "no_answer": 3, "voicemail_not_detected": 2, "busy": 1, "unreachable": 1, "mailbox_full": 1}
)


def _points(seed: int, to: str) -> tuple[float, float]:
    digest = hashlib.blake2b(f"{seed}:{to}".encode(), digest_size=12).digest()
    return int.from_bytes(digest[:6]) / 2**48, int.from_bytes(digest[6:]) / 2**48


def plan_for(to: str, mix: Mix, seed: int) -> Plan:
    """The plan for a drop to `to` (E.164)."""
    if len(to) == 12 and to.startswith(SANDBOX_PREFIX):
        fixed = NUMBERS.get(to[-4:])
        if fixed is not None:
            return fixed
    return PLANS[mix.pick(_points(seed, to)[0])]


def delay_for(to: str, plan: Plan, mean: float, seed: int) -> float:
    """The seconds from acceptance to outcome: the plan's own, otherwise between 0.5 and 1.5 times `mean`."""
    return plan.after if plan.after is not None else mean * (0.5 + _points(seed, to)[1])
