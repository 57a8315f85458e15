"""What a command follows: the stream of events, and readings in between or where there is no stream."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import replace

from rvm_client import Client, ConnectionFailed, Problem, Retries, UnexpectedAnswer
from rvm_client.cli.exits import TimedOut
from rvm_client.cli.output import Output
from rvm_client.rows import Event

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
# A stream may be silent for so long, so the last seconds before an end that is asked for are read without it.
SILENT_SECONDS = 15.0
# Once RVM has answered, a failure is likely to pass, such as a restart; what is followed is not left for it.
_PATIENT = Retries(attempts=12, total_pause=300.0)


def moments(client: Client, out: Output, timeout: float | None) -> Iterator[Event | None]:
    """Each event as it happens, and None whenever it is time to read how things stand. Raises TimedOut."""
    until = None if timeout is None else time.monotonic() + timeout
    refusal = None
    if until is None or time.monotonic() + 2 * SILENT_SECONDS < until:
        refusal = yield from _streamed(client, until)
    for number, moment in enumerate(rounds(client, until)):
        if (
            refusal and number == 1
        ):  # what is refused to the stream alone is worth a word; another failure is told by itself
            out.remark(f"There is no stream of events, so RVM is asked again and again. {refusal}")
        yield moment


def patience(until: float | None) -> Retries:
    """For a client that RVM has answered already; nothing is repeated beyond the end."""
    if until is None:
        return _PATIENT
    return replace(_PATIENT, total_pause=max(0.0, min(_PATIENT.total_pause, until - time.monotonic())))


def _streamed(client: Client, until: float | None) -> Generator[Event | None, None, str]:
    """Why there is no stream, or no longer; empty where its time is over."""
    try:
        for event in client.events.beats():
            yield event
            client.retries = patience(until)
            if until is not None and time.monotonic() + SILENT_SECONDS > until:
                return ""
    except (Problem, ConnectionFailed, UnexpectedAnswer) as error:
        return str(error)
    return ""


def rounds(client: Client, until: float | None) -> Iterator[None]:
    """None at once, and after each pause, which grows. Raises TimedOut."""
    pause = SHORTEST_PAUSE
    while True:
        yield None
        client.retries = patience(until)
        wanted = pause
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise TimedOut(
                    "It has not ended within --timeout. Nothing was changed; follow it again, or read it later."
                )
            wanted = min(pause, left)
        time.sleep(wanted)
        pause = min(pause * 1.5, LONGEST_PAUSE)
