"""What a command follows: the stream of events, and readings in between or where there is no stream."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rvm_client import Client, ConnectionFailed, Problem, UnexpectedAnswer
from rvm_client.cli.exits import TimedOut
from rvm_client.cli.output import Output
from rvm_client.rows import Event

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
# A stream may be silent for so long, so the last seconds before an end that is asked for are read without it.
SILENT_SECONDS = 15.0


def moments(client: Client, out: Output, timeout: float | None) -> Iterator[Event | None]:
    """Each event as it happens, and None whenever it is time to read how things stand. Raises TimedOut."""
    until = None if timeout is None else time.monotonic() + timeout
    if until is None or time.monotonic() + 2 * SILENT_SECONDS < until:
        yield from _streamed(client, out, until)
    yield from rounds(until)


def _streamed(client: Client, out: Output, until: float | None) -> Iterator[Event | None]:
    try:
        for event in client.events.beats():
            yield event
            if until is not None and time.monotonic() + SILENT_SECONDS > until:
                return
    except (Problem, ConnectionFailed, UnexpectedAnswer) as error:
        out.remark(f"There is no stream of events, so RVM is asked again and again. {error}")


def rounds(until: float | None) -> Iterator[None]:
    """None at once, and after each pause, which grows. Raises TimedOut."""
    pause = SHORTEST_PAUSE
    while True:
        yield None
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
