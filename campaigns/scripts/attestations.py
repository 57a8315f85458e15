"""What is not stated about the recordings that a campaign's script makes for its people."""

from __future__ import annotations

from delivery.models import Lane
from delivery.services.lanes import count_unattested
from usecases.selectors import first_setup


def unattested_script(lane: Lane) -> str:
    """A sentence about queued people who would hear a recording about which it is not stated what it says; empty if there is none, or
    if nobody hears it."""
    if not first_setup(lane.use_case, lane.live).live:
        return ""
    count = count_unattested(lane)
    people = "1 person hears" if count == 1 else f"{count:,} people hear"
    return (
        f"{people} clips about which not everything is stated, so they are not sent to. State of every clip what it says, on the "
        "clips' pages: together they say who is calling at the start, the numbers to call back and to opt out, and tell nothing of "
        "anybody's health."
        if count
        else ""
    )
