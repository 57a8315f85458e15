"""From queued voicemails to their ends through a simulated vendor: the workers' own jobs in turn, as one worker would run them.

Results come back over HTTP to a live server. What the engine lets rest for seconds comes at once.
"""

from __future__ import annotations

import time as clock
from collections import Counter
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest
from django_rq import get_connection

from delivery.models import AwaitedResult, CarrierMedia, CarrierReport, Drop, Recording, Voicemail
from delivery.recordings.recordings import store_recording
from delivery.worker import maintenance, tasks
from rvm.platform.database.clock import database_now
from rvm.simulators.framework.vendor import Vendor
from tests import factories
from tests.delivery.audio.mp3_bytes import encoded
from tests.delivery.fake_carrier import Inline
from usecases.models import TelephonySetup, UseCase

PREFIX = "+1555001"


def surround(settings: Any, live_server: Any, media: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the jobs run in the test's own thread, and carriers report to the live server."""
    settings.RVM_PUBLIC_URL = live_server.url
    settings.MEDIA_ROOT = str(media)
    settings.RVM_CARRIER_TIMEOUT_SECONDS = 2
    settings.RVM_DISPATCH_SECONDS = 5
    get_connection("dispatch").flushdb()
    monkeypatch.setattr(tasks, "database_thread", Inline)


def make_setup(vendor: Vendor, **fields: Any) -> TelephonySetup:
    credentials = vendor.credentials | fields.pop("credentials", {})
    fields = {"pace_per_second": 1000, "simulated": True, **fields}
    return factories.make_setup(carrier=vendor.name, credentials=credentials, **fields)


def make_use_case(setup: TelephonySetup, **fields: Any) -> UseCase:
    hours = {"window_start": time(0), "window_end": time(23, 59, 59)}
    return factories.make_use_case(
        **{"setup": setup, "max_attempts": 1, "allows_ringing": setup.rings, **hours, **fields}
    )


def make_recording(use_case: UseCase) -> Recording:
    return factories.attested(store_recording(use_case.workspace, "Reminder", encoded(12)))


def queue(use_case: UseCase, recording: Recording, last4: str = "0001") -> Voicemail:
    return factories.make_voicemail(use_case, recording=recording, recipient=f"{PREFIX}{last4}")


def work(done: Callable[[], bool], seconds: float = 40) -> None:
    """The jobs in turn until `done`."""
    deadline = clock.monotonic() + seconds
    while not done():
        assert clock.monotonic() < deadline, f"waited {seconds:g} s; {statuses()}"
        step()


def step() -> None:
    """Each job once, and before it what the tick does for it."""
    maintenance.expire_leases(database_now())
    tasks.dispatch()
    tasks.send_commands()
    tasks.merge_reports()
    hurry()


def hurry() -> None:
    now = database_now()
    Voicemail.objects.filter(status="queued", not_before__gt=now).update(not_before=now)
    Drop.objects.filter(status="uncertain", due_at__gt=now).update(due_at=now)
    CarrierMedia.objects.filter(state="failed").update(due_at=now)


def ask_for_results() -> None:
    """Let the wait until the carriers are asked for results be over."""
    AwaitedResult.objects.update(due_at=database_now())


def statuses() -> Counter[tuple[str, str]]:
    return Counter(Voicemail.objects.values_list("status", "reason"))


def state(voicemail: Voicemail) -> tuple[str, str]:
    voicemail.refresh_from_db()
    return voicemail.status, voicemail.reason


def all_ended(vendor: Vendor, *, but: tuple[Voicemail, ...] = ()) -> Callable[[], bool]:
    """Whether every voicemail `but` those has ended, the vendor has nothing to come, and every report is merged."""

    def done() -> bool:
        under_way = Voicemail.objects.filter(ended_at=None).exclude(pk__in=[each.pk for each in but])
        return not (vendor.pending or under_way.exists() or CarrierReport.objects.filter(merged_at=None).exists())

    return done


def report_horizon_over(voicemail: Voicemail) -> None:
    """Let the wait for a report be over."""
    Drop.objects.filter(voicemail=voicemail).update(accepted_at=database_now() - timedelta(days=30))
    maintenance.fail_unreported(database_now())
