"""Statements about what recordings and clips say: what one needs, and whether the clips of a joined recording state it as a whole.

Pure. The sources are in docs/guards.md.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# What may come before the clip that says who calls: "Hello", a first name.
MAX_GREETING_MS = 5000


class Voice(StrEnum):
    HUMAN = "human"
    SYNTHETIC = "synthetic"


class Said(StrEnum):
    """What a sound says. Of a recording all has to be said, of the clips of a joined one together."""

    CALLER = "caller"
    CALLBACK_NUMBER = "callback_number"
    OPT_OUT_NUMBER = "opt_out_number"
    SYNTHETIC_VOICE = "synthetic_voice"


# The checklist, by the names of the API, in the words of those who recorded the message.
CHECKLIST: dict[Said, tuple[str, str]] = {
    Said.CALLER: ("says_caller", "It says at the start who is calling: the name of the provider."),
    Said.CALLBACK_NUMBER: ("says_callback_number", "It says a number at which the provider can be called back."),
    Said.OPT_OUT_NUMBER: ("says_opt_out_number", "It says a number to call to get no more such messages."),
    Said.SYNTHETIC_VOICE: (
        "says_synthetic_voice",
        "It says that the voice is artificial, as far as the law asks for that; needed for a synthetic voice only.",
    ),
}
NO_DETAILS = (
    "no_health_details",
    "It says no diagnosis, test, drug or specialty, and of test results only that there are some, not which.",
)
VOICE = ("voice", "Whose voice it is: a human's, or a synthetic one, also where it imitates a human's.")
# What every recording says, whatever its voice.
_ALWAYS = frozenset({Said.CALLER, Said.CALLBACK_NUMBER, Said.OPT_OUT_NUMBER})


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody states about a sound. `says`: all that it says; `no_health_details`: it tells nothing of anybody's health."""

    voice: Voice | None
    says: frozenset[Said]
    no_health_details: bool


@dataclass(frozen=True, slots=True)
class Part:
    """The statement about one clip, as it was kept; without `at` there is none. `by_another`: not by who uploaded it."""

    duration_ms: int
    at: datetime | None
    by_another: bool
    voice: str
    says: Collection[str]


@dataclass(frozen=True, slots=True)
class Whole:
    """The statement about a recording that its clips make together."""

    at: datetime
    by_another: bool
    voice: Voice
    says: frozenset[Said]


def missing_fields(statement: Statement, *, clip: bool) -> list[str]:
    """The names of what the statement lacks, to be one about a recording, or about a clip, which need not say everything itself."""
    missing = [] if statement.voice else [VOICE[0]]
    if not clip:
        missing += [CHECKLIST[said][0] for said in Said if said in _needed(statement.voice) - statement.says]
    return missing if statement.no_health_details else [*missing, NO_DETAILS[0]]


def whole_of(parts: Sequence[Part]) -> Whole | None:
    """The statement that the parts make in this order; None unless each has one, all that is needed is said, and who is calling at
    the start: by the first part, or after a greeting of at most MAX_GREETING_MS."""
    times = [part.at for part in parts if part.at is not None]
    if not parts or len(times) < len(parts) or not _begins_with_caller(parts):
        return None
    voice = Voice.SYNTHETIC if any(part.voice == Voice.SYNTHETIC for part in parts) else Voice.HUMAN
    says = frozenset(Said(said) for part in parts for said in part.says)
    if _needed(voice) - says:
        return None
    return Whole(max(times), all(part.by_another for part in parts), voice, says)


def _needed(voice: Voice | None) -> frozenset[Said]:
    return _ALWAYS | {Said.SYNTHETIC_VOICE} if voice is Voice.SYNTHETIC else _ALWAYS


def _begins_with_caller(parts: Sequence[Part]) -> bool:
    before = 0
    for part in parts:
        if Said.CALLER in part.says:
            return before <= MAX_GREETING_MS
        before += part.duration_ms
    return False
