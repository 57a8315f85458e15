"""Correlation of a report with the drop that it means, where the carrier does not repeat our key.

Such a report names the carrier's own id of the drop and the recipient. The id is the drop's own once an earlier report has brought
both together, and nobody's once reports have given it to two. Until then the recipient decides, and only where there is no choice:
exactly one drop of this setup to this number is open and was made before the report's event, and no closed one has ended as the
report says, which may then be said a second time. The event's time is by the carrier's clock, so a drop that was made a little
after it may be meant as well, and leaves it in doubt.
Whatever remains in doubt stays unmatched: to leave a voicemail without its report is an open question, to give it another's is a
wrong answer. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from delivery.carriers.signatures import TOLERANCE
from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import GUESSES
from delivery.lifecycle.status import DropStatus

_OPEN = (DropStatus.SENDING, DropStatus.UNCERTAIN, DropStatus.ACCEPTED)


class Candidate(Protocol):
    """A drop of the report's setup to the report's recipient, as it stands."""

    status: DropStatus
    reason: str
    carrier_reference: str
    created_at: datetime | None


C = TypeVar("C", bound=Candidate)


def correlate(report: Report, candidates: Iterable[C]) -> C | None:
    """The one that the report can only mean, or None."""
    drops = list(candidates)
    named = [drop for drop in drops if report.carrier_reference and drop.carrier_reference == report.carrier_reference]
    if named:
        return named[0] if len(named) == 1 else None
    if report.occurred_at is None:
        return None
    latest = report.occurred_at + TOLERANCE
    possible = [drop for drop in drops if drop.created_at is not None and drop.created_at <= latest]
    open_ones = [drop for drop in possible if drop.status in _OPEN or drop.reason in GUESSES]
    if len(open_ones) != 1 or any(_has_said(report, drop) for drop in possible):
        return None
    [only] = open_ones
    return only if only.created_at is not None and only.created_at <= report.occurred_at else None


def _has_said(report: Report, drop: Candidate) -> bool:
    """Whether the report may be the one by which the drop ended, come a second time and on another way."""
    if drop.carrier_reference and report.carrier_reference:
        return False  # the ids differ, or it would be named
    if report.status is ReportStatus.DELIVERED:
        return drop.status is DropStatus.DELIVERED
    return (
        drop.status is DropStatus.FAILED
        and report.status is ReportStatus.FAILED
        and drop.reason == (report.reason or "")
    )
