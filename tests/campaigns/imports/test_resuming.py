"""An import that is killed, doubled, raced or robbed of its staging table ends with every accepted number queued exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from campaigns.imports import insertion, service, staging
from campaigns.imports.runner import work
from campaigns.imports.staging import table_of
from campaigns.lifecycle.transitions import Superseded
from campaigns.models import Campaign, RecipientImport, RejectedRow
from campaigns.states import ImportState
from delivery.lane_totals import counts_of
from rvm.devtools.stack import MANAGE
from rvm.phone_numbers.numbers import NumberInvalid, check_recipient
from tests.campaigns.imports.lists import as_csv, checked, make_campaign, recipients, upload

pytestmark = pytest.mark.django_db(transaction=True)


def many(count: int) -> list[str]:
    """Fictional numbers over all area codes."""
    found: list[str] = []
    for area in range(201, 990):
        try:
            check_recipient(f"+1{area}5550100")
        except NumberInvalid:
            continue
        found += [f"+1{area}55501{last:02}" for last in range(100)]
        if len(found) >= count:
            break
    return found[:count]


PEOPLE = many(900)
# Every tenth row again, and a few that cannot be called.
ROWS = [[number, "Ana"] for number in PEOPLE] + [[number, "Bo"] for number in PEOPLE[::10]] + [["12", "Cy"]] * 5
LIST = as_csv(ROWS)


def finish(patience: float = 60) -> None:
    """Work until nothing is under way. A killed worker's lock goes as soon as PostgreSQL sees that its connection is gone."""
    deadline = time.monotonic() + patience
    while RecipientImport.objects.filter(state__in=["checking", "importing"]).exists():
        work()
        assert time.monotonic() < deadline


def exact(row: RecipientImport, campaign: Campaign) -> None:
    row.refresh_from_db()
    assert row.state == ImportState.COMPLETED
    assert row.rows_read == row.rows_imported == len(ROWS) == sum(row.counts.values())
    assert row.counts["accepted"] == len(PEOPLE) and row.codes == {"same_phone": 90, "not_a_phone": 5}
    assert recipients(campaign) == PEOPLE
    assert RejectedRow.objects.filter(recipient_import=row).count() == 95
    assert counts_of([campaign.pk])[campaign.pk] == {"queued": len(PEOPLE)}


_CHILD = """
import os, signal, sys
import django
django.setup()
from campaigns.imports import insertion
from campaigns.imports import staging
from campaigns.imports import runner
staging.SEGMENT, staging.BLOCK, insertion.BATCH = 100, 20, 100
module, name, turn = {"stage": (staging, "_progress", 5), "insert": (insertion, "insert_staged", 4),
                      "committed": (insertion, "insert_batch", 4)}[sys.argv[1]]
real, turns = getattr(module, name), [0]
def paused(*arguments, **options):
    answer = real(*arguments, **options)
    turns[0] += 1
    if turns[0] == turn:
        print("there", flush=True)
        signal.pause()
    return answer
setattr(module, name, paused)
runner.work()
"""


def kill_a_worker(at: str) -> None:
    """A real process that works until it gets there, inside its transaction or just behind it, and is killed without warning."""
    url = os.environ["DATABASE_URL"].partition("?")
    address = url[0].rpartition("/")[0] + "/" + connection.settings_dict["NAME"] + url[1] + url[2]
    environment = {**os.environ, "DATABASE_URL": address, "RVM_MEDIA_ROOT": str(settings.MEDIA_ROOT)}
    environment["DJANGO_SETTINGS_MODULE"] = "rvm.project.settings"
    assert connection.vendor == "postgresql"
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, at], env=environment, cwd=MANAGE.parent, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "there\n"
        child.send_signal(signal.SIGKILL)


def confirmed(row: RecipientImport) -> RecipientImport:
    return service.confirm(row, consent_statement="They agreed.", actor=None, now=timezone.now())


def test_a_worker_killed_while_it_stages_leaves_nothing_that_is_missed_or_doubled() -> None:
    campaign = make_campaign()
    row = service.check(upload(campaign, LIST), actor=None, now=timezone.now())
    kill_a_worker("stage")
    row.refresh_from_db()
    assert row.state == ImportState.CHECKING and 0 < row.rows_read < len(ROWS)
    finish()
    row.refresh_from_db()
    confirmed(row)
    finish()
    exact(row, campaign)


@pytest.mark.parametrize(("at", "done"), [("insert", 300), ("committed", 400)])
def test_a_worker_killed_while_it_inserts_leaves_no_gap_and_no_double(at: str, done: int) -> None:
    campaign = make_campaign()
    row = confirmed(checked(campaign, LIST))
    kill_a_worker(at)
    row.refresh_from_db()
    assert (row.state, row.rows_imported) == (ImportState.IMPORTING, done)
    assert len(recipients(campaign)) == done
    finish()
    exact(row, campaign)


def crash_postgresql(row: RecipientImport) -> None:
    """As recovery does to unlogged tables: the table is there, and empty."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table_of(row)}")


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_a_staging_table_that_postgresql_emptied_is_filled_again(monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
    campaign = make_campaign()
    row = confirmed(checked(campaign, LIST))
    monkeypatch.setattr(insertion, "BATCH", 130)
    row = RecipientImport.objects.select_related("campaign__lane").get(pk=row.pk)
    for _ in range(batches):
        insertion.insert_batch(row)
    crash_postgresql(row)
    finish()
    exact(row, campaign)


def test_a_worker_that_lost_its_import_to_another_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make_campaign()
    row = confirmed(checked(campaign, LIST))
    monkeypatch.setattr(insertion, "BATCH", 300)
    late = RecipientImport.objects.select_related("campaign__lane").get(pk=row.pk)
    insertion.insert_batch(RecipientImport.objects.select_related("campaign__lane").get(pk=row.pk))
    with pytest.raises(Superseded):
        insertion.insert_batch(late)
    assert len(recipients(campaign)) == 300
    finish()
    exact(row, campaign)


def test_a_script_that_changes_meanwhile_has_the_rows_staged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make_campaign()
    row = confirmed(checked(campaign, LIST))
    assert staging.is_staged(RecipientImport.objects.select_related("campaign").get(pk=row.pk))
    old = RecipientImport.objects.select_related("campaign__lane").get(pk=row.pk)
    Campaign.objects.filter(pk=campaign.pk).update(script=[{"clip": str(campaign.pk)}])
    with pytest.raises(Superseded):
        insertion.insert_batch(old)
    assert not staging.is_staged(RecipientImport.objects.select_related("campaign").get(pk=row.pk))
    assert recipients(campaign) == []


def at_once(jobs: list[Callable[[], object]]) -> None:
    begin, errors = Barrier(len(jobs)), list[BaseException]()

    def run(job: Callable[[], object]) -> None:
        try:
            begin.wait(10)
            job()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert errors == []


def test_two_workers_at_once_do_the_work_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "SEGMENT", 100)
    monkeypatch.setattr(insertion, "BATCH", 50)
    campaign = make_campaign()
    row = service.check(upload(campaign, LIST), actor=None, now=timezone.now())
    at_once([finish, finish])
    row.refresh_from_db()
    confirmed(row)
    at_once([finish, finish, finish])
    exact(row, campaign)


@pytest.mark.parametrize("campaigns", [1, 5])
def test_ten_imports_of_overlapping_lists_at_once_queue_everybody_once_a_campaign(
    monkeypatch: pytest.MonkeyPatch, campaigns: int
) -> None:
    monkeypatch.setattr(staging, "SEGMENT", 60)
    monkeypatch.setattr(insertion, "BATCH", 25)
    targets = [make_campaign() for _ in range(campaigns)]
    rows = [
        service.check(
            upload(
                targets[place % campaigns], as_csv([[number, "A"] for number in PEOPLE[place * 10 : place * 10 + 200]])
            ),
            actor=None,
            now=timezone.now(),
        )
        for place in range(10)
    ]
    at_once([finish] * 4)
    for row in rows:
        row.refresh_from_db()
        confirmed(row)
    at_once([finish] * 4)
    for place, campaign in enumerate(targets):
        expected = {n for at in range(place, 10, campaigns) for n in PEOPLE[at * 10 : at * 10 + 200]}
        reached = recipients(campaign)
        assert len(reached) == len(set(reached)) and set(reached) == expected
        assert counts_of([campaign.pk])[campaign.pk] == {"queued": len(expected)}
    accepted = 0
    for row in rows:
        row.refresh_from_db()
        assert row.state == ImportState.COMPLETED and sum(row.counts.values()) == 200 == row.rows_imported
        accepted += row.counts["accepted"]
    assert accepted == sum(len(recipients(campaign)) for campaign in targets)


def test_an_import_that_is_discarded_while_it_is_checked_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make_campaign()
    row = service.check(upload(campaign, LIST), actor=None, now=timezone.now())
    monkeypatch.setattr(staging, "SEGMENT", 100)
    real = staging._copy
    elsewhere = connection.copy()

    def discarding(*arguments: Any) -> int:
        with elsewhere.cursor() as cursor:
            cursor.execute("UPDATE campaigns_recipientimport SET state = 'discarded' WHERE id = %s", [row.pk])
        return real(*arguments)

    monkeypatch.setattr(staging, "_copy", discarding)
    try:
        work()
    finally:
        elsewhere.close()
    row.refresh_from_db()
    assert (row.state, row.rows_read) == (ImportState.DISCARDED, 0)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table_of(row)}")
        assert cursor.fetchone() == (0,)  # until the tick removes it
