"""Pausing and resuming while two workers send: nobody twice, nobody forgotten, and while it is paused nobody at all."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from django.db import connection
from django.utils import timezone
from django_rq import get_connection

from campaigns.lifecycle import scheduler
from campaigns.lifecycle import service as services
from campaigns.models import Campaign
from delivery.engine.dispatcher import Dispatcher
from delivery.engine.rate_limit import RateLimiter
from delivery.models import Drop
from tests.delivery.fake_carrier import Answer, FakeTransport
from tests.delivery.states import counter_totals, row_counts
from tests.factories import make_campaign, make_setup, make_use_case, patient_number

pytestmark = pytest.mark.django_db(transaction=True)

PAUSES = 10
# Between two pauses so many are answered, and at most the cap, claimed by a turn that was under way, on top.
ANSWERS, CAP = 60, 40
PEOPLE = PAUSES * (ANSWERS + 3 * CAP)


class Allowance:
    """How many requests the carrier answers for now, so that no machine is too slow to pause in the middle."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 0.0

    def set(self, count: float) -> None:
        with self._lock:
            self._left = count

    def take(self, wanted: int) -> int:
        with self._lock:
            taken = int(min(wanted, self._left))
            self._left -= taken
            return taken


class SlowCarrier(FakeTransport):
    def __init__(self, allowance: Allowance) -> None:
        super().__init__()
        self._allowance = allowance

    def poll(self, seconds: float) -> list[tuple[Any, Answer]]:
        count = self._allowance.take(len(self._open))
        if not count:
            time.sleep(seconds)
        ended, self._open = self._open[:count], self._open[count:]
        return [(context, self.answer(request)) for context, request in ended]


class Worker:
    """Dispatches on threads of its own until it is told to stop."""

    def __init__(self, name: str, allowance: Allowance) -> None:
        self.transport = SlowCarrier(allowance)
        self.rounds = 0  # that ended with nothing of its own in flight
        self._stop = threading.Event()
        self._database = ThreadPoolExecutor(1)
        self._thread = threading.Thread(target=self._work, args=[RateLimiter(get_connection("dispatch"), name)])

    def start(self) -> None:
        self._thread.start()

    def _work(self, gate: RateLimiter) -> None:
        while not self._stop.is_set():
            Dispatcher(self.transport, gate, self._database, http_timeout=15).run(0.1)
            self.rounds += 1

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)
        # Looked up over there: every thread has a connection of its own.
        self._database.submit(lambda: connection.close()).result(20)
        self._database.shutdown()


class Crew:
    """Two workers at it."""

    def __init__(self) -> None:
        self.allowance = Allowance()
        self._workers = [Worker(name, self.allowance) for name in ("worker-1", "worker-2")]

    def __enter__(self) -> Crew:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.allowance.set(math.inf)
        for worker in self._workers:
            worker.stop()

    def sent(self) -> list[str]:
        """To whom, so far."""
        return [orjson.loads(request.body)["to"] for worker in self._workers for request in [*worker.transport.sent]]

    def goes_round(self) -> None:
        """Wait until each has ended what it was at and has looked again from the start."""
        rounds = [worker.rounds + 2 for worker in self._workers]
        until(lambda: all(worker.rounds >= least for worker, least in zip(self._workers, rounds, strict=True)))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_ten_pauses_under_load_reach_everybody_exactly_once() -> None:
    use_case = make_use_case(setup=make_setup(pace_per_second=2000, in_flight_cap=CAP))
    campaign = make_campaign(use_case, PEOPLE, playable=True, canary_size=0)
    other = make_campaign(use_case, 50, state="paused")
    services.launch(campaign, actor=None, now=timezone.now())
    with Crew() as crew:
        for _ in range(PAUSES):
            enough = len(crew.sent()) + ANSWERS
            crew.allowance.set(ANSWERS)
            until(lambda: len(crew.sent()) > enough)  # noqa: B023
            services.pause(campaign, actor=None, now=timezone.now())
            crew.allowance.set(math.inf)
            crew.goes_round()  # what was claimed before the pause still leaves
            before = crew.sent()
            assert len(before) < PEOPLE
            crew.goes_round()
            assert crew.sent() == before
            assert row_counts(campaign.pk) == {("accepted", ""): len(before), ("queued", ""): PEOPLE - len(before)}
            scheduler.complete(timezone.now())
            crew.allowance.set(0)
            services.resume(campaign, actor=None, now=timezone.now())
        crew.allowance.set(math.inf)
        until(lambda: len(crew.sent()) >= PEOPLE)
        crew.goes_round()
        recipients = crew.sent()
    assert sorted(recipients) == sorted(patient_number(serial) for serial in range(PEOPLE))
    assert row_counts(campaign.pk) == counter_totals(campaign.pk) == {("accepted", ""): PEOPLE}
    assert row_counts(other.pk) == {("queued", ""): 50}
    assert Drop.objects.filter(voicemail__lane_id=campaign.pk).count() == PEOPLE
    # The carrier has not reported yet, so it has not ended.
    scheduler.complete(timezone.now())
    assert Campaign.objects.get(pk=campaign.pk).state == "running"
