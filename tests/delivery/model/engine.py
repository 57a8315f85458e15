"""The engine in a history: real code of workers and tick, one process at a time, up to a drawn stop."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from copy import deepcopy
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any, ClassVar
from unittest.mock import patch
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone
from django_rq import get_connection
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from structlog.testing import capture_logs

from campaigns.lifecycle import retries, scheduler
from delivery.calls import commands
from delivery.calls.commands import EXCHANGE_SECONDS, CommandSender
from delivery.carriers import CARRIERS
from delivery.engine import circuit_breaker, idle_lanes, results
from delivery.engine.dispatcher import Dispatcher
from delivery.engine.rate_limit import RateLimiter
from delivery.lifecycle import invariants
from delivery.lifecycle.events import ReportStatus
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import UNDER_WAY
from delivery.recordings import carrier_media
from delivery.reports import inbox
from delivery.reports.inbox import merge
from delivery.reports.reconciliation import reconcile
from delivery.reports.result_polls import poll_results
from delivery.runtime import shutdown
from delivery.selectors import plays
from delivery.services.suppressions import end_left_waiting
from delivery.transport.interface import CarrierRequest, CarrierResponse, Proof, TransportFailure
from delivery.worker import maintenance
from rvm.platform.database.clock import database_now
from tests.delivery.fake_carrier import Inline
from tests.delivery.model.carriers import KINDS, Answer, Ledger, account_of
from tests.delivery.model.judge import Saying, suppresses
from tests.delivery.model.processes import Memory, Process, Stage
from tests.delivery.model.world import START, Keys, World, statements_know
from usecases.models import INSTALLED_CARRIERS

HTTP_TIMEOUT = 15.0
MOMENT = timedelta(milliseconds=10)
Step = Callable[[datetime], object]
OFTEN: tuple[Step, ...] = (
    maintenance.expire_leases,
    maintenance.expire,
    end_left_waiting,
    maintenance.fail_unreported,
    maintenance.fail_unconfirmed,
)
# All steps of the tick for voicemails; rare steps run as often as the others.
STEPS: tuple[Step, ...] = (
    *OFTEN,
    lambda now: maintenance.roll_up_counts(),
    idle_lanes.reactivate_lanes,
    idle_lanes.mark_idle,
    maintenance.is_work_due,
    inbox.reopen_doubtful,
    invariants.check,
    *scheduler.STEPS,
)

# Lanes become idle at once, because the statement measures its 10 minutes by now() and not by the drawn clock.
AT_ONCE = idle_lanes._MARK_IDLE.replace("now() - interval '10 minutes'", "now()")

# Number of stops that a process passes; None means that it runs to its end.
PLACES = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15])
STOPS = st.none() | st.none() | PLACES
ANSWERS = st.lists(st.sampled_from([Answer.ACCEPTED, Answer.ACCEPTED, *Answer]), max_size=4)
LOOK_UPS = st.lists(
    st.sampled_from(["truth", "truth", "nothing", "never_seen", "accepted", "delivered", "failed", "another"]),
    max_size=3,
)
UPLOADS = st.lists(st.sampled_from([Answer.ACCEPTED, Answer.REFUSED, Answer.THROTTLED, Answer.UNHEARD]), max_size=2)
WAITS = st.sampled_from([1, 3, 3, 10, 40, 60, 120, 600, 1800, 3600, 13 * 3600, 25 * 3600])
# Errors of the database's clock and a carrier's, in seconds: more than a lease, but both together, also across a clock step, less
# than the tolerance for signed reports.
CLOCKS = st.sampled_from([0, 0, 0, 90, -90])
# Errors of hosts' clocks, which must have no effect.
HOSTS_CLOCKS = st.sampled_from([0, 600, -600, 7200, -7200])


def _asking_the_clock() -> list[ModuleType]:
    """Modules that import database_now by name."""
    return [module for module in list(sys.modules.values()) if getattr(module, "database_now", None) is database_now]


class Wire:
    """Transport of a process: requests are judged, arrive in the ledger or not, and get the drawn response.

    `decide` judges a request when it is handed over, at which nothing has happened since the process decided to send it."""

    def __init__(
        self,
        engine: Engine,
        answer: Callable[[CarrierRequest], CarrierResponse | TransportFailure],
        *,
        decide: Callable[[CarrierRequest], None] = lambda request: None,
        timeout: float = HTTP_TIMEOUT,
    ) -> None:
        self._engine = engine
        self._answer = answer
        self._decide = decide
        self._timeout = timeout
        self._ended: list[tuple[Any, CarrierResponse | TransportFailure]] = []

    @property
    def in_flight(self) -> int:
        return len(self._ended)

    def submit(self, request: CarrierRequest, context: Any) -> None:
        self._engine.stage.judge(lambda: self._decide(request))
        latest = self._engine.elapsed() + self._timeout
        self._engine.stage.stop()  # between the decision and the write
        if self._engine.elapsed() > latest:
            self._ended.append((context, TransportFailure(Proof.NOT_SENT, "The request could not leave in time.")))
        else:
            self._ended.append((context, self._answer(request)))

    def poll(self, seconds: float) -> list[tuple[Any, CarrierResponse | TransportFailure]]:
        self._engine.passed += MOMENT
        self._engine.stage.stop()
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None: ...


class Waiting:
    """Substitute for `shutdown.requested`: never set, and waiting advances the drawn time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def is_set(self) -> bool:
        return False

    def wait(self, seconds: float = 0.0) -> bool:
        self._engine.passed += max(timedelta(seconds=seconds), MOMENT)
        return False


class Engine(RuleBasedStateMachine):
    """Two dispatch workers, two workers for reports, two for calls, one tick. The runner sets `world`."""

    world: ClassVar[World]
    told: ClassVar[int] = 0
    steps: ClassVar[int] = 0
    honest = True

    def __init__(self) -> None:
        super().__init__()
        type(self).told += 1
        self.ledger = Ledger(media=deepcopy(self.world.judge.ledger.media))
        self.judge = self.world.judge.copy(self.ledger, lambda: self.now)
        self.passed = self.wrong = self.skew = timedelta()
        self.rotation = 0
        self.keys: dict[str, Keys] = {}
        self.memories: dict[str, Memory] = {}
        self.processes: dict[str, Process] = {}
        self.answers: dict[str, list[Answer]] = {}
        self.redis = get_connection("dispatch")
        self.redis.flushdb()
        self.undo = ExitStack()
        self.undo.enter_context(transaction.atomic())
        self.undo.callback(transaction.set_rollback, True)
        self.stage = Stage(self.look)
        self.logs = self.undo.enter_context(capture_logs())
        self.undo.enter_context(self.stage.set())
        self.undo.enter_context(patch.object(shutdown, "requested", Waiting(self)))
        self.undo.enter_context(patch.object(carrier_media, "read_mp3", lambda recording: b""))
        for module in _asking_the_clock():
            self.undo.enter_context(patch.object(module, "database_now", lambda: self.now))
        self.undo.enter_context(patch.object(timezone, "now", lambda: self.now + self.skew))
        self.undo.enter_context(Memory.apart())
        self.undo.enter_context(patch.object(idle_lanes, "_MARK_IDLE", AT_ONCE))
        self.undo.enter_context(patch.object(retries, "BATCH", 2))
        # Two use cases: one pass over the pairs instead of MAX_PAIRS.
        self.undo.enter_context(patch.object(invariants, "MAX_PAIRS", 2 * len(UNDER_WAY)))
        self.undo.enter_context(patch.object(commands, "_insert", self._inserting(commands._insert)))
        self.undo.enter_context(patch.object(inbox, "_lock", self._locking(inbox._lock)))
        self.undo.enter_context(patch.object(results, "_credible", self._locking(results._credible)))
        self.undo.enter_context(patch.dict(CARRIERS))  # plug-ins may go and come
        self.undo.callback(self.world.stages[0][0].take)

    # clocks

    @property
    def now(self) -> datetime:
        """The time of the database's clock, which is stepped during histories. A host's clock is off by `skew`, without effect."""
        return self.true_now + self.wrong

    @property
    def true_now(self) -> datetime:
        return START + self.passed

    def elapsed(self) -> float:
        """Seconds of the boot clock, which includes suspended time."""
        return self.passed.total_seconds()

    def _inserting(self, insert: Callable[..., bool]) -> Callable[..., bool]:
        """Commands are written with the drawn time; both columns of time have the database's clock for their default."""
        columns = commands._INSERT.replace("not_after)", "not_after, created_at, due_at)").replace(
            "now() + %s)", "{now} + %s, {now}, {now})"
        )

        def inserting(*arguments: Any) -> bool:
            with patch.object(commands, "_INSERT", columns.format(now=self._literal())):
                return insert(*arguments)

        return inserting

    def _locking(self, lock: Callable[..., Any]) -> Callable[..., Any]:
        asked = plays._MAY_HAVE_PLAYED

        def locking(*arguments: Any) -> Any:
            with patch.object(plays, "_MAY_HAVE_PLAYED", asked.replace("statement_timestamp()", self._literal())):
                return lock(*arguments)

        return locking

    def _literal(self) -> str:
        return f"'{self.now.isoformat()}'::timestamptz"

    # processes

    def look(self) -> None:
        running = self.stage.running
        self.judge.running = running.kind.split()[0] if running else ""
        self.judge.look()

    def run(self, name: str, work: Callable[[], object], stops: int | None) -> None:
        """Start a process, or continue it if it has stopped."""
        if name not in self.processes:
            allowed = self.world.stages[self.rotation]
            self.processes[name] = Process(self.stage, name, work)
            self.keys[name] = allowed[sum(name.encode()) % len(allowed)]
        process = self.processes[name]
        self.keys[name].take()
        self.memories.setdefault(name, Memory(self.elapsed)).take()
        try:
            process.go_on(stops)
        finally:
            if process.is_over:
                self.forget(name)
            self.keys_at_the_desk().take()

    def forget(self, name: str) -> Process:
        del self.keys[name]
        return self.processes.pop(name)

    def keys_at_the_desk(self) -> Keys:
        return self.world.stages[self.rotation][-1]

    def dispatch(self, name: str, width: int) -> None:
        wire = Wire(self, lambda request: self.submitted(name, request))
        dispatcher = Dispatcher(
            wire,
            RateLimiter(self.redis, name),
            Inline(),
            http_timeout=HTTP_TIMEOUT,
            clock=self.elapsed,
            now=lambda: self.now,
            concurrency=width,
        )
        dispatcher.run(MOMENT.total_seconds())

    def submitted(self, name: str, request: CarrierRequest) -> CarrierResponse | TransportFailure:
        body = orjson.loads(request.body)
        key = UUID(body["key"])
        self.stage.judge(lambda: self.judge.leaves(request, key, name, self.now, self.true_now))
        plan = self.answers[name]
        answer = plan.pop(0) if plan else Answer.ACCEPTED
        if answer is Answer.OPTED_OUT:
            self.judge.said_no.add(body["to"])
        return self.answered(request, answer)

    def answered(self, request: CarrierRequest, answer: Answer) -> CarrierResponse | TransportFailure:
        """The answer to what may reach somebody, which the judge is told."""
        answered = self.ledger.answer(request, answer, self.true_now)
        entry = self.ledger.of(UUID(orjson.loads(request.body)["key"]), account_of(request))
        if entry is not None:
            self.stage.judge(lambda: self.judge.reached(entry))
        return answered

    def command(self, name: str) -> None:
        """Send the commands to calls that are due."""

        def left(request: CarrierRequest) -> CarrierResponse | TransportFailure:
            self.stage.judge(lambda: self.judge.commands(request, self.true_now))
            plan = self.answers[name]
            return self.answered(request, plan.pop(0) if plan else Answer.ACCEPTED)

        wire = Wire(self, left, decide=lambda request: self.judge.may_command(request), timeout=EXCHANGE_SECONDS)
        CommandSender(wire, lambda: self.now, self.elapsed).run(lambda: False)

    def merge_and_settle(self, name: str, limit: int, look_ups: list[str], uploads: list[Answer]) -> None:
        while merge(self.now, limit):
            pass
        said = iter(look_ups)

        def answered(request: CarrierRequest) -> CarrierResponse | TransportFailure:
            if request.method == "GET":
                return self.looked_up(request, next(said, "truth"))
            return self.submitted(name, request)

        def polled(request: CarrierRequest) -> CarrierResponse | TransportFailure:
            return self.result_told(request, next(said, "truth"))

        def uploaded(request: CarrierRequest) -> CarrierResponse | TransportFailure:
            return self.ledger.upload(request, uploads.pop(0) if uploads else Answer.ACCEPTED)

        limiter, refused = RateLimiter(self.redis, name), circuit_breaker.open_for_account
        reconcile(Wire(self, answered), limiter, lambda: self.now, self.elapsed)
        poll_results(Wire(self, polled), limiter, lambda: self.now)
        carrier_media.upload_one(Wire(self, uploaded), lambda: self.now, self.elapsed, refused)

    def looked_up(self, request: CarrierRequest, said: str) -> CarrierResponse | TransportFailure:
        """The response to a look-up. It may deny a recent drop that the carrier has, as an eventually consistent API would."""
        key = UUID(orjson.loads(request.body)["key"])
        entry = self.ledger.of(key, account_of(request))
        if said == "nothing":
            return TransportFailure(Proof.UNKNOWN, "No whole response in time.")
        if said == "never_seen":
            return CarrierResponse(200, b'{"status":"never_seen"}')
        if entry is not None and said not in ("truth", "another") and not self.honest:
            entry.deny(said == "failed", signed=True)
            return self.ledger.about(entry, said, "busy" if said == "failed" else None)
        if entry is not None and suppresses(entry.reason or ""):
            self.judge.said_no.add(entry.to)
        return self.ledger.look_up(request)

    def result_told(self, request: CarrierRequest, said: str) -> CarrierResponse | TransportFailure:
        """The response to a question for a result. It may be about another drop of the account, or a lie."""
        entry = self.ledger.result(request)
        if said == "nothing":
            return TransportFailure(Proof.UNKNOWN, "No whole response in time.")
        if said == "never_seen" or entry is None:
            return self.ledger.told(None, "", None)[1]
        if said == "another":
            others = [other for other in self.ledger.all() if other.account == entry.account and other is not entry]
            return self.ledger.told(others[0] if others else None, ReportStatus.FAILED, "busy")[1]
        lies = said in ("delivered", "failed") and not self.honest
        status = said if lies or said == "accepted" else entry.fate or ReportStatus.ACCEPTED
        reason = ("busy" if lies else entry.reason) if status == ReportStatus.FAILED else None
        if lies:
            entry.deny(status == ReportStatus.FAILED, signed=True)
        event, answer = self.ledger.told(entry, status, reason)
        self.judge.sayings[event] = Saying(
            setup=self.judge.rows["delivery_drop"][str(entry.key)]["setup_id"],
            status=ReportStatus(status),
            reason=Reason(reason) if reason else None,
            entry=entry,
            keyed=True,
            number=entry.to,
            unsigned=False,
            honest=not lies,
        )
        return answer

    def tick(self, steps: Iterable[Step]) -> None:
        now = self.now
        for step in steps:
            step(now)

    # rules of the engine

    def dispatches(self, worker: int, width: int, answers: list[Answer], stops: int | None) -> None:
        name = f"dispatch {worker}"
        self.answers[name] = list(answers)
        self.run(name, lambda: self.dispatch(name, width), stops)

    dispatching = rule(worker=st.integers(0, 1), width=st.sampled_from([1, 2, 8]), answers=ANSWERS, stops=STOPS)
    a_worker_dispatches, a_worker_dispatches_again = dispatching(dispatches), dispatching(dispatches)

    def merges_and_settles(
        self,
        worker: int,
        limit: int,
        look_ups: list[str],
        answers: list[Answer],
        stops: int | None,
        uploads: Sequence[Answer] = (),
    ) -> None:
        name = f"reports {worker}"
        self.answers[name] = list(answers)
        self.run(name, lambda: self.merge_and_settle(name, limit, look_ups, list(uploads)), stops)

    merging = rule(
        worker=st.integers(0, 1),
        limit=st.integers(1, 6),
        look_ups=LOOK_UPS,
        answers=ANSWERS,
        stops=STOPS,
        uploads=UPLOADS,
    )
    a_worker_merges, a_worker_merges_again = merging(merges_and_settles), merging(merges_and_settles)

    def commands_calls(self, worker: int, answers: list[Answer], stops: int | None) -> None:
        name = f"calls {worker}"
        self.answers[name] = list(answers)
        self.run(name, lambda: self.command(name), stops)

    a_worker_commands_calls = rule(worker=st.integers(0, 1), answers=ANSWERS, stops=STOPS)(commands_calls)

    @rule(skipped=st.sets(st.integers(0, len(STEPS) - 1), max_size=4), backwards=st.booleans(), stops=STOPS)
    def ticks(self, skipped: set[int], backwards: bool, stops: int | None) -> None:
        steps = [step for place, step in enumerate(STEPS) if place not in skipped]
        self.run("tick", lambda: self.tick(reversed(steps) if backwards else steps), stops)

    @precondition(lambda self: self.processes)
    @rule(place=st.integers(0, 4))
    def is_killed(self, place: int) -> None:
        self.kill(sorted(self.processes)[place % len(self.processes)])

    def kill(self, name: str) -> None:
        self.memories.pop(name, None)
        self.forget(name).die()

    @rule(seconds=WAITS)
    def time_passes(self, seconds: int) -> None:
        self.passed += timedelta(seconds=seconds)
        self.ledger.lose(self.true_now)
        if seconds >= 30:
            self.redis.flushdb()  # its keys have expired by then, and its clock is not drawn

    @precondition(lambda self: self.ledger.on_the_way)
    @rule()
    def a_late_request_arrives(self) -> None:
        request, _ = self.ledger.on_the_way.pop(0)
        if (entry := self.ledger.arrive(request, self.true_now)) is not None:
            self.judge.reached(entry)

    def takes_a_plug_in_away(self, kind: str, gone: bool) -> None:
        """Processes start without the plug-in of a carrier, or with it again."""
        if gone:
            CARRIERS.pop(kind, None)
        else:
            CARRIERS[kind] = KINDS[kind]
        statements_know(INSTALLED_CARRIERS, set(CARRIERS), self.undo)

    @rule(seconds=CLOCKS)
    def the_databases_clock_is_set(self, seconds: int) -> None:
        """Step the database's clock, as in a failover to another server."""
        wrong = timedelta(seconds=seconds)
        self.judge.clock_was_set |= wrong != self.wrong
        self.wrong = wrong
