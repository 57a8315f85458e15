"""Commands to calls: written in the transaction that keeps the callback's reports, and sent by a worker of their own, or said in the
answer to the callback.

A drop gets at most one PLAY, by the rule that holds for drops: a command is committed as leaving, under a lease, before its request
leaves, and as told before the answer does. If no answer is known, a PLAY leaves again only under the same key, to a vendor that obeys
a key once. Whether the drop is still under way is read when a PLAY is asked for, under the lock of its voicemail, and again right
before it leaves; if it is not, the call is hung up. A command changes no status of a drop: the events of the call tell what became of
it. Reports are merged under the same lock, so one that ends the drop comes before its PLAY, which is refused, or knows of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from delivery.calls.steps import hung_up, playable, under_way, wanted
from delivery.carriers import adapter_of
from delivery.carriers.abilities import WINDOW_SHARE, Action, CallCommands, CallStep, Command, Playable
from delivery.carriers.base import Carrier
from delivery.carriers.parsing import retry_after
from delivery.engine import circuit_breaker
from delivery.lifecycle.events import MAX_REFERENCE, Outcome
from delivery.models import CallCommand, Drop
from delivery.runtime.bisection import NOT_A_ROWS_FAULT
from delivery.runtime.wakeups import wake_on_commit
from delivery.transport.interface import CarrierResponse, Proof, Transport, TransportFailure
from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7
from rvm.platform.health import failed_work
from rvm.platform.models import Tally
from usecases.callbacks.addresses import recording_address
from usecases.callbacks.proofs import CallbackKey
from usecases.models import CallbackSecret, TelephonySetup

log = structlog.get_logger(__name__)

State = CallCommand.State

# A message that begins later than this is cut off by the machine, or said into a greeting that began anew. To hang up is never too
# late while the call may last.
GOOD_FOR = {Action.PLAY: timedelta(seconds=10), Action.HANG_UP: timedelta(minutes=2)}
# The longest exchange of one command, in seconds, and the lease of a worker that sends it.
EXCHANGE_SECONDS = 3.0
LEASE = timedelta(seconds=2 * EXCHANGE_SECONDS)
# The wait before a command without a clear answer leaves again, or one that the vendor put off: doubled each time, up to 8 s.
AGAIN = timedelta(milliseconds=500)
MAX_DOUBLINGS = 4
# Calls that could not be told to hang up, for `/metrics`.
TALLY = "abandoned_hang_ups"
BATCH = 100
_POLL_SECONDS = 0.02

# The worker's clock must not decide whether a command is due, so all of its times are the database's.
_INSERT = """
INSERT INTO delivery_callcommand (id, setup_id, drop_id, action, carrier_reference, state, attempts, not_after)
VALUES (%s, %s, %s, %s, %s, 'waiting', 0, now() + %s) ON CONFLICT DO NOTHING
"""
# A command that leaves with the answer to a callback.
_INSERT_TOLD = """
INSERT INTO delivery_callcommand (id, setup_id, drop_id, action, carrier_reference, state, attempts, not_after, ended_at)
VALUES (%s, %s, %s, %s, %s, 'told', 0, now(), now()) ON CONFLICT DO NOTHING
"""
# The lock under which every change of a drop happens. A report that is being merged has seen this command, or is waited for:
# otherwise a drop could fail and be tried again while its message is being played.
_LOCK_VOICEMAIL = """
SELECT FROM delivery_voicemail WHERE id = (SELECT voicemail_id FROM delivery_drop WHERE id = %s) FOR NO KEY UPDATE
"""
# Read after the lock: the call by which the vendor named the drop first, and the one that got its PLAY.
_CALLS_OF_DROP = """
SELECT d.carrier_reference, c.carrier_reference
  FROM delivery_drop d LEFT JOIN delivery_callcommand c ON c.drop_id = d.id AND c.action = 'play'
 WHERE d.id = %s
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
    nothing more."""
    if action := _action(setup_id, step):
        _insert(setup_id, step.attempt_key, action, step.carrier_reference)


def tell(key: CallbackKey, step: CallStep) -> Playable | None:
    """What is to be played in the call that asks, written down in the current transaction, before the answer leaves; None if it is to
    be hung up. A repeated callback gets the same answer while the drop is under way."""
    drop_id, call = step.attempt_key, step.carrier_reference
    action = _action(key.setup_id, step)
    sound = playable(key, drop_id) if action is Action.PLAY else None
    if action:
        told = Action.PLAY if sound else Action.HANG_UP
        sql.run(_INSERT_TOLD, [uuid7(), key.setup_id, drop_id, told.value, call])
    return sound


def _action(setup_id: UUID, step: CallStep) -> Action | None:
    """What the call is to be told; None if the setup has no such drop. Locks the drop's voicemail if that is to play.

    The drop's call is the one that got its PLAY, and before that the one that the vendor named first. Any other is hung up, as is a
    call whose drop is over, and one that is to be hung up already.
    """
    drop_id, call = step.attempt_key, step.carrier_reference
    if not Drop.objects.filter(pk=drop_id, setup_id=setup_id).exists():
        return None
    if step.action is not Action.PLAY:
        return step.action
    sql.run(_LOCK_VOICEMAIL, [drop_id])
    [(named, played_to)] = sql.run(_CALLS_OF_DROP, [drop_id])
    if hung_up(drop_id, call) or (played_to or named) not in ("", call[:MAX_REFERENCE], call):
        return Action.HANG_UP
    return Action.PLAY if played_to or under_way(setup_id, drop_id).exists() else Action.HANG_UP


def _insert(setup_id: UUID, drop_id: UUID, action: Action, carrier_reference: str) -> None:
    wake_on_commit("calls")
    sql.run(_INSERT, [uuid7(), setup_id, drop_id, action.value, carrier_reference, GOOD_FOR[action]])


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
            began = self._clock()  # before the leases are taken
            taken = [] if is_over() else _take_due(self._now())
            for command in taken:
                with _isolated_errors(command):
                    self._start(command, began)
            for sending, end in self._transport.poll(_POLL_SECONDS):
                with _isolated_errors(sending.taken):
                    self._record(sending, end)
            if not taken and not self._transport.in_flight:
                return

    def _start(self, command: _Taken, began: float) -> None:
        """Send the command, or end it without. `began`: when its lease was taken, at the latest."""
        now = self._now()
        plays = command.action is Action.PLAY
        without = State.UNKNOWN if command.may_have_left else State.DROPPED
        if now > command.not_after:  # before anything that may fail, so that no command is tried for ever
            self._give_up(command, may_have_left=command.may_have_left)
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
        # If that took long, or the process was suspended, another worker may have the command, and the drop may be over.
        if self._clock() - began < LEASE.total_seconds() - EXCHANGE_SECONDS:
            self._transport.submit(request, Sending(command, adapter))
        else:
            self._repeat(command, State.LEAVING if command.may_have_left else State.WAITING)

    def _record(self, sending: Sending, end: CarrierResponse | TransportFailure) -> None:
        command = sending.taken
        if isinstance(end, CarrierResponse) and isinstance(sending.adapter, Carrier):
            circuit_breaker.heed(command.setup_id, sending.adapter, end, self._now())
        match _outcome_of(sending.adapter, end):
            case Outcome.ACCEPTED:
                self._end(command, State.TAKEN)
            case Outcome.REFUSED if command.may_have_left:
                # Whether the first request was obeyed is not known: a message may be under way, which must not be cut off.
                self._end(command, State.UNKNOWN)
            case Outcome.REFUSED:
                self._end(command, State.REFUSED, hang_up=command.action is Action.PLAY)
            case Outcome.NOT_SENT if not command.may_have_left:
                self._repeat(command, State.WAITING, end)
            case _:
                self._repeat(command, State.LEAVING, end)

    def _end(self, command: _Taken, state: State, *, hang_up: bool = False) -> bool:
        """End the command; False if another worker has taken it since."""
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
        return bool(held)

    def _repeat(self, command: _Taken, state: State, end: CarrierResponse | TransportFailure | None = None) -> None:
        """Have the command leave again, at the latest when it is good for no longer."""
        now, wait = self._now(), AGAIN * 2 ** min(command.attempts - 1, MAX_DOUBLINGS)
        if now >= command.not_after:
            self._give_up(command, may_have_left=state is State.LEAVING)
            return
        asked = retry_after(end.headers) if isinstance(end, CarrierResponse) else None
        due = min(now + max(wait, asked or wait), command.not_after)
        sql.run(_CHANGE, [state.value, due, None, command.id, command.attempts])

    def _give_up(self, command: _Taken, *, may_have_left: bool) -> None:
        """End a command that is good for no longer. A call that was played nothing is hung up; one that could not be hung up goes on
        until its own limit, which the operator is told."""
        plays = command.action is Action.PLAY
        ended = State.UNKNOWN if may_have_left else State.DROPPED
        if self._end(command, ended, hang_up=plays and not may_have_left) and not plays:
            log.error("hang_up_abandoned", drop_id=str(command.drop_id), attempts=command.attempts)
            Tally.add(TALLY, 1, self._now())
            reason = "The carrier took no command to hang up."
            failed_work.record("command", reason=reason, reference=str(command.drop_id))

    def _link(self, command: _Taken) -> str | None:
        """The link to the recording that may be played; None if it may not any more."""
        if hung_up(command.drop_id, command.carrier_reference):
            return None
        with transaction.atomic():
            sql.run(_LOCK_VOICEMAIL, [command.drop_id])
            drop = wanted(command.setup_id, command.drop_id)
        if drop is None:
            return None
        secret = CallbackSecret.objects.get(setup_id=command.setup_id, version=drop.callback_version)
        return recording_address(secret.callback_key, command.drop_id)

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
