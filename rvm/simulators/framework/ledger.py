"""The vendor's own record of what reached whom, by which tests decide whether anybody was reached twice or never."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Ledger:
    """Counts by recipient (E.164), so it is shown as sums only; lists are in order of time."""

    accepted: Counter[str] = field(default_factory=Counter, repr=False)  # honoured requests
    rang: Counter[str] = field(default_factory=Counter, repr=False)  # telephones that rang
    left: Counter[tuple[str, str]] = field(
        default_factory=Counter, repr=False
    )  # messages in a voicemail box, with the recording
    overheard: Counter[str] = field(
        default_factory=Counter, repr=False
    )  # messages that a person or a fax machine was played
    ends: Counter[str] = field(default_factory=Counter)  # outcomes, by the sandbox's code
    refused: Counter[str] = field(default_factory=Counter)  # by code of the refusal
    replays: int = 0  # requests whose idempotency key was honoured before
    requests: Counter[str] = field(default_factory=Counter)  # by operation
    fetches: Counter[tuple[str, int]] = field(default_factory=Counter)  # of recordings, by method and status
    reactions: list[float] = field(
        default_factory=list, repr=False
    )  # seconds of this machine from a callback that wants a command to the command
    reports: list[tuple[str, int]] = field(
        default_factory=list
    )  # kind and status of each POST to the customer; 0 without an answer
    violations: list[str] = field(
        default_factory=list
    )  # what the customer did that the vendor's documents do not allow

    def leave(self, to: str, recording: str) -> None:
        """Record a message in a voicemail box; `recording` is its id or address, of which the query is dropped."""
        self.left[to, recording.partition("?")[0]] += 1

    def reaction_ms(self) -> dict[str, int]:
        """The median and the 99th percentile of the reactions, in milliseconds; empty without any."""
        ordered = sorted(self.reactions)
        places = {"p50": len(ordered) // 2, "p99": len(ordered) * 99 // 100}
        return {name: round(ordered[place] * 1000) for name, place in places.items()} if ordered else {}

    def summary(self) -> dict[str, Any]:
        """The sums, without numbers and addresses."""
        messages = Counter[str]()
        for (to, _), times in self.left.items():
            messages[to] += times
        return {
            "accepted": self.accepted.total(),
            "rang": self.rang.total(),
            "left": messages.total(),
            "reached_more_than_once": sum(times > 1 for times in messages.values()),
            "rang_more_than_once": sum(times > 1 for times in self.rang.values()),
            "overheard": self.overheard.total(),
            "ends": dict(self.ends),
            "refused": dict(self.refused),
            "replays": self.replays,
            "requests": dict(self.requests),
            "reaction_ms": self.reaction_ms(),
            "reports": dict(Counter(f"{kind} {status}" for kind, status in self.reports)),
            "violations": list(self.violations),
        }
