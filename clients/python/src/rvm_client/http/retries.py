"""Rules for repeated requests: after which answers, how often, and after which pause. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

# 409 is repeated too, where the first request under the key is still being answered.
REPEATED = frozenset({408, 429, 500, 502, 503, 504})
IN_USE = "idempotency_key_in_use"


@dataclass(frozen=True)
class Retries:
    """Bounds: `attempts` in all, pauses that double from `first_pause` to `longest_pause` seconds, and at most `total_pause`
    seconds for one call. A `Retry-After` beyond `longest_pause` is not waited for."""

    attempts: int = 5
    first_pause: float = 0.5
    longest_pause: float = 60.0
    total_pause: float = 180.0

    def pause(
        self, attempt: int, waited: float, retry_after: float | None, chance: Callable[[], float]
    ) -> float | None:
        """Seconds before the next attempt, None if there is none. `attempt` counts from 1, `chance` draws from 0 to 1.

        The jitter keeps clients that failed at one moment from coming back at one moment. It only adds to a `Retry-After`.
        """
        if attempt >= self.attempts:
            return None
        usual = min(self.longest_pause, self.first_pause * 2 ** (attempt - 1))
        if retry_after is None:
            pause = usual * (0.5 + chance() / 2)
        elif retry_after > self.longest_pause:
            return None
        else:
            pause = retry_after + usual * chance() / 2
        return pause if waited + pause <= self.total_pause else None


def is_repeated(status: int, code: str | None) -> bool:
    return status in REPEATED or (status == 409 and code == IN_USE)


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """The seconds of `Retry-After`. A time in it is compared with the answer's own `Date`, because clocks differ."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(headers["Date"])).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None
