"""The rate at which webhooks reach one receiver, and what events and one destination cost those who send and who merge reports.

Baseline: the same worker without the outbox (`bench.programs.untold_worker`). Beside the other one runs the shipped process of
events, which publishes and sends. Its CPU time and that of its sessions are figures of their own: it works where there is room.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.db import connection as own_connection
from django.db.models.functions import Now

from bench import callbacks, scenario
from bench.dispatch import OURS, Bench, stub_carrier
from bench.measure import Spent, spending, wait_until
from bench.scenario import Clinic
from rvm.devtools.embedded.processes import spawn, stop
from rvm.devtools.stack import MANAGE
from rvm.platform.database.ids import uuid7
from rvm.platform.models import WebhookDelivery, WebhookDestination, WebhookSecret

EVENTS = [sys.executable, str(MANAGE), "events"]
NAME = "rvm-bench-events"


def _untold(queue: str) -> list[str]:
    return [sys.executable, "-m", "bench.programs.untold_worker", queue]


@dataclass(frozen=True)
class Sizes:
    """The numbers of webhooks, of drops and reports in a run, and of pairs of runs."""

    webhooks: int = 20_000
    drops: int = 20_000
    reports: int = 30_000
    runs: int = 3


QUICK = Sizes(200, 200, 200, 1)


def run(sizes: Sizes, say: Callable[[str], None]) -> dict[str, float]:
    """Measure everything and return the values of the last line; `say` prints lines for a person."""
    with ExitStack() as exits:
        receiver = stub_carrier(exits, 0)
        rate, each = webhooks(sizes.webhooks, receiver, say)
        return {
            "webhooks_per_second": round(rate),
            "webhook_cpu_ms": round(each * 1000, 2),
            "dispatch_cost": round(dispatch_cost(exits, sizes, receiver, say), 2),
            "callbacks_cost": round(callbacks_cost(sizes, receiver, say), 2),
        }


def webhooks(count: int, receiver: str, say: Callable[[str], None]) -> tuple[float, float]:
    """Webhooks a second to one receiver, and the CPU seconds of each with those of PostgreSQL."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        clinic = scenario.make_clinic(connection, carrier_url=receiver, cap=1)
        destination = add_destination(clinic, receiver)
        with sending(nice=0) as pids, spending(pids) as spent:
            _tell(connection, clinic, count)
            wait_until(lambda: _taken(destination) == count, "the webhooks", patience=600)
    cpu = (spent.worker_cpu + spent.postgres_cpu) / count
    say(f"{count:,} webhooks, 4 at a time: {count / spent.seconds:,.0f} a second, {cpu * 1000:.2f} ms of CPU each")
    destination.delete()
    return count / spent.seconds, cpu


def dispatch_cost(exits: ExitStack, sizes: Sizes, receiver: str, say: Callable[[str], None]) -> float:
    bench = Bench(exits, say)

    def measure(told: bool) -> tuple[int, Spent]:
        title = "dispatch, one destination" if told else "dispatch, nobody told"
        if not told:
            return bench.ours(title, sizes.drops, command=_untold("dispatch"))
        with sending():
            return bench.ours(
                title, sizes.drops, command=OURS, prepare=lambda clinic: _add(clinic, receiver), but_name=NAME
            )

    return _cost(measure, sizes.runs)


def callbacks_cost(sizes: Sizes, receiver: str, say: Callable[[str], None]) -> float:
    url = os.environ["DATABASE_URL"]

    def measure(told: bool) -> tuple[int, Spent]:
        title = "merge, one destination" if told else "merge, nobody told"
        with psycopg.connect(url) as connection:
            if not told:
                return callbacks.merge(connection, url, sizes.reports, say, title, command=_untold("reports"))
            with sending():
                return callbacks.merge(
                    connection,
                    url,
                    sizes.reports,
                    say,
                    title,
                    prepare=lambda clinic: _add(clinic, receiver),
                    but_name=NAME,
                )

    return _cost(measure, sizes.runs)


def _cost(measure: Callable[[bool], tuple[int, Spent]], runs: int) -> float:
    """The ratio of the CPU time for each, told over untold: the median of pairs."""
    ratios = []
    for _ in range(runs):
        told, untold = (
            (spent.worker_cpu + spent.postgres_cpu) / count for count, spent in (measure(True), measure(False))
        )
        ratios.append(told / untold)
    return statistics.median(ratios)


@contextmanager
def sending(nice: int = 10) -> Iterator[list[int]]:
    """Run the process of events, which gives way as deploy/ has it, and yield its id."""
    log = Path("/tmp/rvm-bench-events.log")  # noqa: S108
    command = ["nice", "-n", str(nice), *EVENTS]
    process = spawn(command, log=log, env={**os.environ, "PGAPPNAME": NAME}, cwd=MANAGE.parent)
    try:
        wait_until(_is_there, "the start of the process of events")
        yield [process.pid]
    finally:
        stop(process, patience_seconds=30)
        WebhookDestination.objects.update(deleted_at=Now())


def _is_there() -> bool:
    with own_connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [NAME])
        return bool(cursor.fetchone()[0])


def add_destination(clinic: Clinic, receiver: str) -> WebhookDestination:
    """A destination of the clinic that takes everything, at the receiver."""
    destination = WebhookDestination.objects.create(
        workspace_id=clinic.workspace, live=True, name="Bench", url=f"{receiver}/webhooks"
    )
    WebhookSecret.objects.create(destination=destination, secret="whsec_" + "QUJD" * 10, last4="QUJD")
    return destination


def _add(clinic: Clinic, receiver: str) -> None:
    add_destination(clinic, receiver)


# Two events for each subject, as of a voicemail that is accepted and delivered.
_TELL = """
INSERT INTO platform_outbox (workspace_id, live, type, subject_id, occurred_at, data)
SELECT %s, true, 'voicemail.' || what, id, now(),
       jsonb_build_object('voicemail_id', id, 'status', what, 'reason', NULL, 'attempts', 1, 'use_case_id', %s, 'campaign_id', NULL)
  FROM unnest(%s::uuid[]) id, unnest(ARRAY['accepted', 'delivered']) WITH ORDINALITY AS told(what, place) ORDER BY place
"""


def _tell(connection: psycopg.Connection, clinic: Clinic, count: int) -> None:
    subjects = [uuid7() for _ in range(count // 2)]
    connection.execute(_TELL, [clinic.workspace, clinic.use_case, subjects])
    connection.commit()


def _taken(destination: WebhookDestination) -> int:
    return WebhookDelivery.objects.filter(destination=destination, state=WebhookDelivery.State.DELIVERED).count()
