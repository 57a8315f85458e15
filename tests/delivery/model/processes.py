"""Simulated processes: real code in threads, one of which runs at a time, on one connection.

A process stops where a real one can be killed, suspended or overtaken: before a transaction, after a commit, and at a request. There
the model checks what was committed and decides whether the process continues, waits, or dies with its memory. A transaction is a
savepoint and a commit is its release, so that a history can be rolled back as a whole.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.transaction import Atomic

from delivery.engine import lane_routes
from delivery.lifecycle import invariants
from delivery.reports import inbox
from delivery.runtime import watermarks
from delivery.runtime.watermarks import Watermark
from delivery.worker import maintenance
from rvm.platform.database import sql

_WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")
_MAX_SWITCH_SECONDS = 60


class Killed(BaseException):
    """Ends a process like SIGKILL: a BaseException, which `except Exception` in the platform does not catch."""


class Stage:
    """Scheduler of processes. `look` is called at each stop and raises AssertionError for a violated invariant."""

    def __init__(self, look: Callable[[], None]) -> None:
        self.look = look
        self.running: Process | None = None
        self._depth = len(connection.savepoint_ids)

    def stop(self) -> None:
        """A point where the running process, if any, may be stopped."""
        process = self.running
        if process is None or len(connection.savepoint_ids) != self._depth or process.is_dying:
            return
        self.judge(self.look)
        process.stop()

    def judge(self, check: Callable[[], Any]) -> Any:
        """The result of the check. Its AssertionError ends the running process and fails the model; the platform cannot catch it."""
        process = self.running
        if process is None:
            return check()
        try:
            return check()
        except AssertionError as fault:
            process.fault, process.is_dying = fault, True
            raise Killed from fault

    @contextmanager
    def set(self) -> Iterator[None]:
        """Makes every start of a transaction, commit and writing statement a stop within the context."""
        enter, leave, run = Atomic.__enter__, Atomic.__exit__, sql.run

        def entering(atomic: Atomic) -> None:
            self.stop()
            enter(atomic)

        def leaving(atomic: Atomic, kind: Any, error: Any, traceback: Any) -> None:
            leave(atomic, kind, error, traceback)
            if kind is None:
                self.stop()

        def running(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
            rows = run(statement, parameters)
            if statement.lstrip().startswith(_WRITES):
                self.stop()
            return rows

        def executing(execute: Callable[..., Any], statement: str, *rest: Any) -> Any:
            result = execute(statement, *rest)
            if statement.lstrip().startswith(_WRITES):
                self.stop()
            return result

        with (
            patch.object(Atomic, "__enter__", entering),
            patch.object(Atomic, "__exit__", leaving),
            patch.object(sql, "run", running),
            connection.execute_wrapper(executing),
        ):
            yield


class Memory:
    """Module state of one process (watermarks, the walk of invariants), with a clock in seconds. It is lost with the process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._kept: list[tuple[ModuleType, str, object]] = [
            (module, name, Watermark(mark._front, clock))
            for module in (inbox, lane_routes, maintenance)
            for name, mark in vars(module).items()
            if isinstance(mark, Watermark)
        ]
        self._kept.append((invariants, "_walk", invariants.Walk()))

    def take(self) -> None:
        """Install this state for the running process."""
        for module, name, kept in self._kept:
            setattr(module, name, kept)

    @classmethod
    @contextmanager
    def apart(cls) -> Iterator[None]:
        """Restores the module state of the test process on exit."""
        own = cls(lambda: 0.0)
        own._kept = [(module, name, getattr(module, name)) for module, name, _ in own._kept]
        with patch.object(watermarks, "_looks_again", True):
            try:
                yield
            finally:
                own.take()


class Process:
    """One process of the platform, from its start to its end or death. `kind` is its readable name."""

    def __init__(self, stage: Stage, kind: str, work: Callable[[], object]) -> None:
        self.kind = kind
        self.is_over = False
        self.is_dying = False
        self.fault: BaseException | None = None
        self._stage = stage
        self._work = work
        self._left: int | None = 0
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._shared = connections[DEFAULT_DB_ALIAS]
        self._thread = threading.Thread(target=self._live, name=kind, daemon=True)

    def go_on(self, stops: int | None) -> None:
        """Run past `stops` stops, or to the end if None; raises the process's exception or the judge's."""
        self._left = stops
        self._stage.running = self
        if self._thread.ident is None:
            self._shared.inc_thread_sharing()
            self._thread.start()
        else:
            self._turn.release()
        if not self._back.acquire(timeout=_MAX_SWITCH_SECONDS):
            raise RuntimeError(f"{self.kind} neither stopped nor ended within {_MAX_SWITCH_SECONDS} s")
        self._stage.running = None
        if self.is_over:
            self._thread.join()
            self._shared.dec_thread_sharing()
        if self.fault is not None:
            raise self.fault

    def die(self) -> None:
        """Kill the process where it stopped."""
        self.is_dying = True
        self.go_on(None)

    def stop(self) -> None:
        """Stop; called in the process's own thread through the stage."""
        if self._left is None:
            return
        if self._left > 0:
            self._left -= 1
            return
        self._back.release()
        self._turn.acquire()
        if self.is_dying:
            raise Killed

    def _live(self) -> None:
        connections[DEFAULT_DB_ALIAS] = self._shared
        try:
            self._work()
        except Killed:
            pass
        except BaseException as error:  # raised again by the waiting thread
            self.fault = error
        finally:
            self.is_over = True
            self._back.release()
