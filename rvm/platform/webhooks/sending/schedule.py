"""The times at which a delivery is tried again, a destination is left alone as a whole, and is disabled. Pure.

A delivery has eight attempts within 28 hours. These count only while the destination takes others: once TOLERATED attempts in a row
have failed, the destination as a whole waits. Then the feed is read no further, one delivery at a time is tried, another one each
time, and these probes count for no delivery. So however long the destination is away, nothing of it is given up; with the first
that it takes, all goes on as before. Whoever took nothing for DISABLED_AFTER is disabled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

# Svix's schedule: seconds before each attempt.
DELAYS = (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600)
# Each time is up to a tenth longer or shorter, so that what failed together is not tried again together.
JITTER = 0.1
# Attempts in a row that may fail before the destination as a whole waits, and the seconds before each probe then; the last repeats.
TOLERATED = 5
WAITS = (5, 10, 20, 40, 80, 160, 300)
DISABLED_AFTER = timedelta(days=5)
# A receiver may ask for a longer rest by Retry-After, of these statuses, up to this.
ASKS_FOR_REST = frozenset({429, 502, 503, 504})
MAX_REST_SECONDS = 3600
GONE = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request. `error`: why it does not count as taken, as a sentence; `rest` is its Retry-After in seconds."""

    status: int | None
    error: str = ""
    text: str = field(repr=False, default="")
    milliseconds: int = 0
    rest: float = 0

    @property
    def taken(self) -> bool:
        return not self.error


@dataclass(frozen=True, slots=True)
class Health:
    """How a destination does: attempts in a row that failed, since when, and until when it is left alone."""

    failures: int = 0
    failing_since: datetime | None = None
    waits_until: datetime | None = None

    @property
    def fails(self) -> bool:
        """Whether it is only probed."""
        return self.failures >= TOLERATED

    def waits(self, now: datetime) -> bool:
        return self.waits_until is not None and now < self.waits_until


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an answer means. `ended`: None if the delivery is due again in `seconds`, else whether it was taken. `probe`: the attempt
    counts for the destination alone. `disabled_because` is a sentence, or empty."""

    health: Health
    ended: bool | None = None
    seconds: float = 0
    probe: bool = False
    disabled_because: str = field(repr=False, default="")


def judge(health: Health, answer: Answer, counted: int, *, now: datetime, chance: float) -> Judgement:
    """`counted` are the delivery's earlier attempts without probes, `chance` a number from -1 to 1."""
    if answer.taken:
        return Judgement(Health(), ended=True)
    if health.waits_until is not None and now < health.waits_until:  # under way since before the wait
        left = (health.waits_until - now).total_seconds()
        return Judgement(health, seconds=_after(left), probe=True, disabled_because=_because(answer, health, now))
    jitter = 1 + JITTER * chance
    failed = Health(health.failures + 1, health.failing_since or now)
    wait = WAITS[min(failed.failures - TOLERATED, len(WAITS) - 1)] * jitter if failed.fails else 0
    if answer.status in ASKS_FOR_REST:
        wait = max(wait, min(answer.rest, MAX_REST_SECONDS))
    because = _because(answer, failed, now)
    if wait or because:
        waiting = Health(failed.failures, failed.failing_since, now + timedelta(seconds=wait))
        return Judgement(waiting, seconds=_after(wait), probe=True, disabled_because=because)
    if counted + 1 >= len(DELAYS):
        return Judgement(failed, ended=False)
    return Judgement(failed, seconds=DELAYS[counted + 1] * jitter)


def _after(wait: float) -> float:
    """The wait of a delivery that was a probe: it ends behind all that is due then, so that another one is tried."""
    return min(wait, WAITS[-1]) + 1


def _because(answer: Answer, health: Health, now: datetime) -> str:
    if answer.status == GONE:
        return f"It answered {GONE}: what receives webhooks there is gone for good."
    if health.fails and health.failing_since is not None and now - health.failing_since >= DISABLED_AFTER:
        return f"It took nothing for {DISABLED_AFTER.days} days. The last attempt: {answer.error}"
    return ""
