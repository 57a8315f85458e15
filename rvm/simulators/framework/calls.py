"""Vendors that ring: the steps of a call, who answers, and what is played to them.

A call goes queued, ringing, answered, detected, greeting ended, and then where the customer directs it: by the markup that a
callback is answered with, or by commands. A subclass posts its callbacks in `tell` and gets the directions in `direct`.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from rvm.simulators.framework.vendor import Options, Vendor
from rvm.simulators.sandbox.audio import seconds
from rvm.simulators.sandbox.outcomes import Plan, Reports


class Phone(StrEnum):
    """What the called number does."""

    MACHINE = "machine"  # a greeting, a beep, and room for the message
    FULL = "full"  # a greeting and a beep; the machine hangs up during the message
    HUMAN = "human"
    FAX = "fax"
    SILENCE = "silence"  # answered, and nothing is said
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    REJECTED = "rejected"  # the network does not put the call through

    @property
    def answers(self) -> bool:
        return self in (Phone.MACHINE, Phone.FULL, Phone.HUMAN, Phone.FAX, Phone.SILENCE)

    @property
    def rings(self) -> bool:
        return self.answers or self is Phone.NO_ANSWER


# By code of the sandbox. What a vendor that rings cannot know of a number, such as an opt-out, is a call that is not put through.
PHONES: Mapping[str, Phone] = {
    "delivered": Phone.MACHINE,
    "voicemail_not_detected": Phone.SILENCE,
    "no_answer": Phone.NO_ANSWER,
    "busy": Phone.BUSY,
    "unreachable": Phone.UNREACHABLE,
    "mailbox_not_set_up": Phone.FULL,
    "mailbox_full": Phone.FULL,
    "human_answered": Phone.HUMAN,
    "number_not_supported": Phone.FAX,
}


LONGEST_RECORDING = 60.0  # seconds


class Step(StrEnum):
    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    ANSWERED = "answered"
    DETECTED = "detected"  # who answered is known; of a machine, its greeting goes on
    GREETING_ENDED = "greeting_ended"  # of a machine only
    PLAYBACK_STARTED = "playback_started"
    PLAYBACK_ENDED = "playback_ended"
    ENDED = "ended"


class Played(StrEnum):
    COMPLETED = "completed"
    UNUSABLE = "unusable"  # the recording could not be fetched, or is none
    HUNG_UP = "hung_up"  # by either side, before the end


@dataclass(eq=False, slots=True)
class Call:
    """One call. `fields` are the request's, for the callbacks; `played` is how the last playback ended."""

    id: str
    to: str = field(repr=False)
    sender: str
    plan: Plan
    phone: Phone
    fields: Mapping[str, Any] = field(repr=False)
    step: Step = Step.QUEUED
    number: int = 0  # of the last step that was told, from 0 on
    started: datetime | None = None
    answered: datetime | None = None
    ended: datetime | None = None
    played: Played | None = None
    spoken: float = 0  # seconds of the vendor since it was answered
    hung_up_by: str = ""  # "caller" or "callee"
    over: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def event_id(self, step: Step) -> str:
        return f"{self.id}-{step}"


class CallingVendor(Vendor):
    """Times are the vendor's seconds."""

    queue_seconds: ClassVar[float] = 0.5
    ring_seconds: ClassVar[float] = 3
    ring_timeout: ClassVar[float] = 20
    detection_seconds: ClassVar[float] = 2
    greeting_seconds: ClassVar[float] = 4
    longest_call: ClassVar[float] = 300  # without directions
    heads_recordings: ClassVar[bool] = False  # whether a HEAD comes before the GET of a recording

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.calls: dict[str, Call] = {}
        self.loses_recordings = False  # tests: each takes as long as it may last to be fetched, and then was not

    @abstractmethod
    async def tell(self, call: Call, step: Step) -> None:
        """Post the callbacks of this step; none where the vendor has none."""

    @abstractmethod
    async def direct(self, call: Call) -> None:
        """Have the customer direct the call once its phone is known, until nothing more is to come; then it is hung up.

        Asks for markup and obeys it by `play` and `hang_up`, or waits for `call.over` while commands do so.
        """

    def place(self, call: Call) -> None:
        """Call the number, unless its plan says that it is never heard of again."""
        self.calls[call.id] = call
        self.ledger.accepted[call.to] += 1
        if call.plan.code is not None:
            self.spawn(self._run(call))

    def phone(self, plan: Plan) -> Phone:
        return PHONES.get(plan.code or "", Phone.REJECTED)

    def hang_up(self, call: Call, by: str = "caller") -> None:
        """End the call; nothing where it is over."""
        if not call.over.is_set():
            call.hung_up_by = by
            call.over.set()

    async def play(self, call: Call, url: str) -> Played:
        """Fetch the recording and play it to who has answered."""
        if self.loses_recordings:
            await self._passes(call, LONGEST_RECORDING)
            mp3 = None
        else:
            mp3 = await self.outbound.fetch(url, head=self.heads_recordings)
        call.played = await self._play(call, url, seconds(mp3)) if mp3 is not None else Played.UNUSABLE
        return call.played

    async def _play(self, call: Call, url: str, length: float) -> Played:
        if call.over.is_set():
            return Played.HUNG_UP
        if call.phone in (Phone.HUMAN, Phone.FAX):
            self.ledger.overheard[call.to] += 1
        if call.phone is Phone.FULL:
            await self._passes(call, length / 2)
            self.hang_up(call, by="callee")
            return Played.HUNG_UP
        if not await self._passes(call, length):
            return Played.HUNG_UP
        if call.phone is Phone.MACHINE:
            self.ledger.leave(call.to, url)
        return Played.COMPLETED

    async def _passes(self, call: Call, length: float) -> bool:
        """Whether so many seconds pass before the call is over."""
        if await self.clock.within(length, call.over):
            return False
        call.spoken += length
        return True

    async def _run(self, call: Call) -> None:
        await self.clock.sleep(call.plan.after or self.queue_seconds)
        call.started = self.clock.now()
        await self._step(call, Step.INITIATED)
        if call.phone.rings:
            self.ledger.rang[call.to] += 1
            await self._step(call, Step.RINGING)
            if call.phone.answers:
                await self.clock.sleep(self.ring_seconds)
                await self._answered(call)
            else:
                await self.clock.sleep(self.ring_timeout)
        self.hang_up(call)
        call.ended = self.clock.now()
        self.ledger.ends[call.plan.code or ""] += 1
        await self._step(call, Step.ENDED)
        if call.plan.reports is Reports.SHUFFLED:  # a step that is long past, and the end again
            await self.tell(call, Step.INITIATED)
            await self.tell(call, Step.ENDED)

    async def _answered(self, call: Call) -> None:
        call.answered = self.clock.now()
        await self._step(call, Step.ANSWERED)
        if not await self._passes(call, self.detection_seconds):
            return
        await self._step(call, Step.DETECTED)
        if call.phone in (Phone.MACHINE, Phone.FULL):
            if not await self._passes(call, self.greeting_seconds):
                return
            await self._step(call, Step.GREETING_ENDED)
        if not call.over.is_set():
            await self.direct(call)

    async def _step(self, call: Call, step: Step) -> None:
        call.step = step
        if call.plan.reports is not Reports.NEVER and not self.loses_reports:
            await self.tell(call, step)
            call.number += 1
