"""Commands to calls: written in the transaction that keeps the callback's reports, and sent by a worker of their own.

A call gets at most one PLAY, by the rule that holds for drops: a command is committed as leaving, under a lease, before its request
leaves. If no answer is known, a PLAY leaves again only under the same key, to a vendor that obeys a key once. Whether the drop is
still under way is read when the command is asked for and again right before it leaves; if it is not, the call is hung up. A command
changes no status of a drop: the events of the call tell what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from delivery.calls.steps import hung_up, under_way, wanted
from delivery.carriers import adapter_of
from delivery.carriers.abilities import WINDOW_SHARE, Action, CallCommands, CallStep, Command
from delivery.carriers.base import Carrier
from delivery.lifecycle.events import Outcome
from delivery.models import CallCommand, Drop
from delivery.recordings.links import carrier_link
from delivery.runtime.bisection import NOT_A_ROWS_FAULT
from delivery.runtime.wakeups import wake_on_commit
from delivery.transport.interface import CarrierResponse, Proof, Transport, TransportFailure
from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7
from rvm.platform.observability import failed_work
from usecases.callbacks.models import CallbackSecret
from usecases.models import TelephonySetup

log = structlog.get_logger(__name__)

State = CallCommand.State

# A message that begins later than this is cut off by the machine, or said into a greeting that began anew. To hang up is never too
# late while the call may last.
GOOD_FOR = {Action.PLAY: timedelta(seconds=10), Action.HANG_UP: timedelta(minutes=2)}
# The longest exchange of one command, in seconds, and the lease of a worker that sends it.
EXCHANGE_SECONDS = 3.0
LEASE = timedelta(seconds=2 * EXCHANGE_SECONDS)
# The wait before a command without a clear answer leaves again, or one that the vendor put off.
AGAIN = timedelta(milliseconds=500)
BATCH = 100
_POLL_SECONDS = 0.02

# The worker's clock must not decide whether a command is due, so all of its times are the database's.
_INSERT = """
INSERT INTO delivery_callcommand (id, setup_id, drop_id, action, carrier_reference, state, attempts, not_after)
VALUES (%s, %s, %s, %s, %s, 'waiting', 0, now() + %s) ON CONFLICT DO NOTHING RETURNING id
"""
# Takes due commands under a lease, and tells in which state each one was. The first part is materialized, so that it runs once.
_TAKE_DUE = """
WITH due AS MATERIALIZED (
  SELECT id, state FROM delivery_callcommand WHERE state IN ('waiting', 'leaving') AND due_at <= %s
   ORDER BY due_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE delivery_callcommand c SET state = 'leaving', attempts = attempts + 1, due_at = %s FROM due WHERE c.id = due.id
RETURNING c.id, c.setup_id, c.drop_id, c.action, c.carrier_reference, c.attempts, c.created_at, c.not_after, due.state
"""
# Changes a command, if no other worker has taken it since.
_CHANGE = """
UPDATE delivery_callcommand SET state = %s, due_at = %s, ended_at = %s WHERE id = %s AND state = 'leaving' AND attempts = %s
RETURNING id
"""
IS_DUE = (
    "SELECT EXISTS (SELECT FROM delivery_callcommand WHERE state IN ('waiting', 'leaving') AND due_at <= %s) AS calls"
)


def ask(setup_id: UUID, step: CallStep) -> None:
    """Write the command of a step into the outbox and wake its worker, in the current transaction. A repeated callback asks for
    nothing more.

    A call is hung up in place of a PLAY if its drop is over, or if another call of the drop got the PLAY. Nothing is played to a call
    that is to be hung up.
    """
    drop_id, call = step.attempt_key, step.carrier_reference
    action = step.action
    if not Drop.objects.filter(pk=drop_id, setup_id=setup_id).exists():
        return
    if action is Action.PLAY:
        asked = CallCommand.objects.filter(drop_id=drop_id, action=action).values_list("carrier_reference", flat=True)
        played_to = asked.first()
        if played_to == call or hung_up(drop_id, call):
            return
        if played_to is None and under_way(setup_id, drop_id).exists():
            if not _insert(setup_id, drop_id, action, call):
                ask(setup_id, step)  # another callback was faster
            return
        action = Action.HANG_UP
    _insert(setup_id, drop_id, action, call)


def _insert(setup_id: UUID, drop_id: UUID, action: Action, carrier_reference: str) -> bool:
    wake_on_commit("calls")
    return bool(sql.run(_INSERT, [uuid7(), setup_id, drop_id, action.value, carrier_reference, GOOD_FOR[action]]))


@dataclass(frozen=True, slots=True)
class _Taken:
    """A command under this worker's lease. `may_have_left`: another worker took it before, and no answer is known."""

    id: UUID
    setup_id: UUID
    drop_id: UUID
    action: Action
    carrier_reference: str
    attempts: int
    created_at: datetime
    not_after: datetime
    may_have_left: bool


@dataclass(frozen=True, slots=True)
class Sending:
    """A command whose request is on its way."""

    taken: _Taken
    adapter: CallCommands


class CommandSender:
    """One round: sends due commands until none is left. `clock` is in seconds and also counts while the machine is suspended."""

    def __init__(self, transport: Transport[Sending], now: Callable[[], datetime], clock: Callable[[], float]) -> None:
        self._transport, self._now, self._clock = transport, now, clock
        self._adapters: dict[UUID, CallCommands] = {}

    def run(self, is_over: Callable[[], bool]) -> None:
        """Returns when nothing is due and all requests have ended; once `is_over`, it begins nothing."""
        while True:
            taken = [] if is_over() else _take_due(self._now())
            for command in taken:
                with _isolated_errors(command):
                    self._start(command)
            for sending, end in self._transport.poll(_POLL_SECONDS):
                with _isolated_errors(sending.taken):
                    self._record(sending, end)
            if not taken and not self._transport.in_flight:
                return

    def _start(self, command: _Taken) -> None:
        """Send the command, or end it without."""
        began, now = self._clock(), self._now()
        plays = command.action is Action.PLAY
        without = State.UNKNOWN if command.may_have_left else State.DROPPED
        if now > command.not_after:  # before anything that may fail, so that no command is tried for ever
            self._end(command, without, hang_up=plays and not command.may_have_left)
            return
        adapter = self._adapter(command.setup_id)
        link = self._link(command) if plays else ""
        if link is None:
            self._end(command, without, hang_up=True)
            return
        if plays and command.may_have_left and not _obeyed_once(adapter, command, now):
            self._end(command, without)
            return
        request = adapter.command_request(
            Command(command.id, command.action, command.carrier_reference, command.drop_id, link)
        )
        # If the process was suspended meanwhile, another worker may have the command, and the drop may be over.
        if self._clock() - began < LEASE.total_seconds() - EXCHANGE_SECONDS:
            self._transport.submit(request, Sending(command, adapter))

    def _record(self, sending: Sending, end: CarrierResponse | TransportFailure) -> None:
        command = sending.taken
        match _outcome_of(sending.adapter, end):
            case Outcome.ACCEPTED:
                self._end(command, State.TAKEN)
            case Outcome.REFUSED if command.may_have_left:
                # Whether the first request was obeyed is not known: a message may be under way, which must not be cut off.
                self._end(command, State.UNKNOWN)
            case Outcome.REFUSED:
                self._end(command, State.REFUSED, hang_up=command.action is Action.PLAY)
            case Outcome.NOT_SENT if not command.may_have_left:
                self._repeat(command, State.WAITING)
            case _:
                self._repeat(command, State.LEAVING)

    def _end(self, command: _Taken, state: State, *, hang_up: bool = False) -> None:
        now = self._now()
        with transaction.atomic():
            held = sql.run(_CHANGE, [state.value, command.not_after, now, command.id, command.attempts])
            if held and hang_up:
                _insert(command.setup_id, command.drop_id, Action.HANG_UP, command.carrier_reference)
        log.info(
            "command_ended",
            drop_id=str(command.drop_id),
            action=command.action.value,
            state=state.value,
            seconds=round((now - command.created_at).total_seconds(), 3),
        )

    def _repeat(self, command: _Taken, state: State) -> None:
        sql.run(_CHANGE, [state.value, self._now() + AGAIN, None, command.id, command.attempts])

    def _link(self, command: _Taken) -> str | None:
        """The link to the recording that may be played; None if it may not any more."""
        if hung_up(command.drop_id, command.carrier_reference):
            return None
        drop = wanted(command.setup_id, command.drop_id)
        if drop is None:
            return None
        secret = CallbackSecret.objects.get(setup_id=command.setup_id, version=drop.callback_version)
        return carrier_link(secret.callback_key, command.drop_id)

    def _adapter(self, setup_id: UUID) -> CallCommands:
        """Raises LookupError or ValueError if the setup cannot be used."""
        if setup_id not in self._adapters:
            adapter: Carrier = adapter_of(TelephonySetup.objects.get(pk=setup_id))
            if not isinstance(adapter, CallCommands):
                raise LookupError("the carrier takes no commands")
            self._adapters[setup_id] = adapter
        return self._adapters[setup_id]


def _take_due(now: datetime) -> list[_Taken]:
    rows = sql.run(_TAKE_DUE, [now, BATCH, now + LEASE])
    return [
        _Taken(
            id_, setup_id, drop_id, Action(action), reference, attempts, created_at, not_after, state == State.LEAVING
        )
        for id_, setup_id, drop_id, action, reference, attempts, created_at, not_after, state in rows
    ]


def _obeyed_once(adapter: CallCommands, command: _Taken, now: datetime) -> bool:
    """Whether the vendor still obeys the command's key once."""
    window = adapter.command_window
    return window is not None and now - command.created_at <= window * WINDOW_SHARE


def _outcome_of(adapter: CallCommands, end: CarrierResponse | TransportFailure) -> Outcome:
    if isinstance(end, TransportFailure):
        return Outcome.NOT_SENT if end.proof is Proof.NOT_SENT else Outcome.UNKNOWN
    return adapter.read_command(end)


@contextmanager
def _isolated_errors(command: _Taken) -> Iterator[None]:
    """Limits an error to this command: it is logged, without a text that may quote an address, and tried again after its lease."""
    try:
        yield
    except NOT_A_ROWS_FAULT:
        raise
    except Exception as error:
        log.error("command_not_sent", drop_id=str(command.drop_id), error=type(error).__name__)
        failed_work.record("command", reason=failed_work.reason_of(error), reference=str(command.drop_id))
