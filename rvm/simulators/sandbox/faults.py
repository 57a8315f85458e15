"""Injectable faults of the sandbox carrier, for fault tests.

Shares are probabilities of a single request or report, drawn from one seeded generator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from random import Random


@dataclass(frozen=True, slots=True)
class Faults:
    """The configured faults: shares from 0 to 1, then amounts. A request gets at most one fault before and one after acceptance."""

    # before acceptance: nothing is sent, and the response says so
    refuse: float = 0  # 503 not_processed
    throttle: float = 0  # 429 with Retry-After
    # after acceptance: the client cannot tell
    hang: float = 0  # never responds
    cut: float = 0  # closes the connection instead of responding
    error: float = 0  # 500
    garbage: float = 0  # 200 with a meaningless body
    slow: float = 0  # responds after slow_ms
    # reports
    callback_lose: float = 0  # never sent
    callback_delay: float = 0  # sent callback_delay_ms late
    callback_duplicate: float = 0  # sent twice
    callback_reorder: float = 0  # followed by the older `accepted` report
    # amounts, not shares
    retry_after_s: float = 1
    slow_ms: float = 2000
    callback_delay_ms: float = 2000

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Faults:
        """The faults of a mapping by name. Raises ValueError with a sentence for an unknown name or a value out of range."""
        names = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - names)
        if unknown:
            raise ValueError(f"no such fault: {', '.join(unknown)}; there are: {', '.join(sorted(names))}")
        for name, value in values.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= limit(name):
                raise ValueError(f"{name} is a number from 0 to {limit(name):g}")
        faults = cls(**values)  # type: ignore[arg-type]
        if faults.refuse + faults.throttle > 1 or faults.after_acceptance_total() > 1:
            raise ValueError("the shares before acceptance, and those after it, add up to at most 1")
        return faults

    def after_acceptance_total(self) -> float:
        return sum(getattr(self, name) for name in AFTER)

    def before(self, random: Random) -> str | None:
        """The name of a request's fault before acceptance, or None."""
        return self._draw(BEFORE, random)

    def after(self, random: Random) -> str | None:
        """The name of the fault in the response to an accepted request, or None."""
        return self._draw(AFTER, random)

    def _draw(self, names: tuple[str, ...], random: Random) -> str | None:
        point = random.random()
        for name in names:
            point -= getattr(self, name)
            if point < 0:
                return name
        return None

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


BEFORE = ("refuse", "throttle")
AFTER = ("hang", "cut", "error", "garbage", "slow")
NONE = Faults()


def limit(name: str) -> float:
    """The maximum of a field: 1 for a share, one hour for an amount."""
    return {"s": 3600, "ms": 3_600_000}.get(name.rsplit("_", 1)[-1], 1)
