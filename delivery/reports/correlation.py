"""Correlation of a report with its drop, for carriers that do not repeat the attempt key.

Such a report names the carrier's own id of the drop and the recipient. The id identifies the drop once an earlier report has linked
the two, unless reports have linked it to two drops. Until then the recipient decides, and only without ambiguity: exactly one drop of
this setup to this number is open and was created before the report's event, and no closed drop ended as the report says, because then
the report may be a duplicate. The event's time is by the carrier's clock, so a drop created slightly after it is a candidate too, and
leaves the report in doubt.
A report in doubt stays unmatched: a voicemail without its report can still be settled, one with another drop's report is wrong. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from delivery.carriers.signatures import TOLERANCE
from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import GUESSES
from delivery.lifecycle.status import DROP_UNDER_WAY, DropStatus


class Candidate(Protocol):
    """A drop of the report's setup to the report's recipient, in its current state."""

    status: DropStatus
    reason: str
    carrier_reference: str
    provisional: bool
    created_at: datetime | None


C = TypeVar("C", bound=Candidate)


def correlate(report: Report, candidates: Iterable[C]) -> C | None:
    """The only candidate that the report can be about, or None."""
    drops = list(candidates)
    named = [drop for drop in drops if report.carrier_reference and drop.carrier_reference == report.carrier_reference]
    if named:
        return named[0] if len(named) == 1 else None
    if report.occurred_at is None:
        return None
    latest = report.occurred_at + TOLERANCE
    possible = [drop for drop in drops if drop.created_at is not None and drop.created_at <= latest]
    # Also those that only a guess or an unsigned result has ended, which a signed report corrects.
    open_ones = [
        drop for drop in possible if drop.status in DROP_UNDER_WAY or drop.reason in GUESSES or drop.provisional
    ]
    if len(open_ones) != 1 or any(_is_duplicate(report, drop) for drop in possible):
        return None
    [only] = open_ones
    return only if only.created_at is not None and only.created_at <= report.occurred_at else None


def _is_duplicate(report: Report, drop: Candidate) -> bool:
    """Whether the report may be a second copy of the one that ended the drop."""
    if drop.carrier_reference and report.carrier_reference:
        return False  # the ids differ: an equal id would have matched already
    if report.status is ReportStatus.DELIVERED:
        return drop.status is DropStatus.DELIVERED
    return (
        drop.status is DropStatus.FAILED
        and report.status is ReportStatus.FAILED
        and drop.reason == (report.reason or "")
    )
