"""Pure timeline of one voicemail: its events with times and messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.models import CarrierReport, Drop, Voicemail
from delivery.recordings.links import MAX_FETCHES
from rvm.platform.times import moments


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    status: str
    text: str
    detail: str = ""  # the carrier's code and text


def timeline(voicemail: Voicemail, drops: Sequence[Drop], reports: Sequence[CarrierReport]) -> list[Event]:
    """Events of the voicemail, oldest first. `drops` are in order and have their setups loaded."""
    events = [Event(voicemail.created_at, VoicemailStatus.QUEUED, "Queued.")]
    if voicemail.not_before > voicemail.created_at:
        when = moments.moment_to_the_second(voicemail.not_before)
        waits = voicemail.status == VoicemailStatus.QUEUED
        events[0] = Event(
            voicemail.created_at, VoicemailStatus.QUEUED, f"Queued{f'; waits until {when}' if waits else ''}."
        )
    for drop in drops:
        events += _of_drop(drop)
    events += [_of_report(report) for report in reports]
    if voicemail.ended_at and voicemail.status in _OURS:
        events.append(Event(voicemail.ended_at, voicemail.status, voicemail.reason_detail or "Ended."))
    return sorted(events, key=lambda event: event.at)


_OURS = (VoicemailStatus.SKIPPED, VoicemailStatus.CANCELED, VoicemailStatus.EXPIRED)


def _of_drop(drop: Drop) -> Iterator[Event]:
    number = f"Attempt {drop.number}"
    yield Event(
        drop.created_at, VoicemailStatus.SENDING, f"{number} sent through “{drop.setup.name}” from {drop.sender}."
    )
    carrier = " ".join(filter(None, [drop.carrier_code, drop.carrier_text]))
    if drop.accepted_at:
        reference = f" as {drop.carrier_reference}" if drop.carrier_reference else ""
        yield Event(drop.accepted_at, VoicemailStatus.ACCEPTED, f"{number} was accepted by the carrier{reference}.")
    if drop.fetched_at:
        accepted = drop.accepted_at is not None and drop.accepted_at <= drop.fetched_at
        yield Event(drop.fetched_at, DropStatus.ACCEPTED if accepted else DropStatus.SENDING, _fetched(drop))
    if drop.status == DropStatus.UNCERTAIN:
        asked = f" The carrier was asked {drop.checks} times." if drop.checks else ""
        text = f"It is not known whether the carrier got attempt {drop.number}; it is not sent again.{asked}"
        yield Event(drop.created_at, DropStatus.UNCERTAIN, text, carrier)
    elif drop.ended_at:
        yield Event(drop.ended_at, drop.status, _end(drop, number), carrier)


def _fetched(drop: Drop) -> str:
    if drop.fetches == 1:
        return f"The carrier fetched the recording of attempt {drop.number}."
    times = f"at least {drop.fetches}" if drop.fetches >= MAX_FETCHES else str(drop.fetches)
    return f"The carrier fetched the recording of attempt {drop.number}, {times} times by then."


def _end(drop: Drop, number: str) -> str:
    if drop.status == DropStatus.DELIVERED:
        return f"{number} is in the voicemail box."
    verb = "was not sent" if drop.status == DropStatus.NOT_SENT else "failed"
    return " ".join(filter(None, [f"{number} {verb}.", drop.reason_detail]))


def _of_report(report: CarrierReport) -> Event:
    happened = f" (happened {moments.moment_to_the_second(report.occurred_at)})" if report.occurred_at else ""
    kept = " It came late or twice and changed nothing." if report.effect == CarrierReport.Effect.KEPT else ""
    carrier = " ".join(filter(None, [report.carrier_code, report.carrier_text]))
    return Event(report.received_at, report.status, f"The carrier reported: {report.status}{happened}.{kept}", carrier)
