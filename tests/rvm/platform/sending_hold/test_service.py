"""All sending is held where the database is not the one that it was, until a person releases it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from delivery.engine.lane_routes import active_routes
from delivery.models import Voicemail
from delivery.worker.tick import tick
from rvm.platform.errors import ServiceError
from rvm.platform.health.checks import WARNINGS
from rvm.platform.models import AuditEvent, DatabaseIdentity, Heartbeat, Workspace
from rvm.platform.roles import Role
from rvm.platform.sending_hold.identity import Identity
from rvm.platform.sending_hold.service import hold, is_held, look, notice, release, unseen_parts
from tests.chaos.servers import django_on
from tests.delivery.states import make_drop
from tests.factories import make_user, make_voicemail

pytestmark = pytest.mark.django_db

KEPT = Identity(7713866038855435592, 1, 16384)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (KEPT, ""),
        (KEPT._replace(timeline=2), "PostgreSQL is on timeline 2, and was on 1"),
        (KEPT._replace(system=7), "another PostgreSQL cluster"),
        (KEPT._replace(database=16400), "in the same PostgreSQL cluster: a copy"),
        (Identity(None, None, 16384), ""),
    ],
)
def test_what_differs_is_said_and_what_is_not_told_is_not_compared(seen: Identity, told: str) -> None:
    assert told in KEPT.change_to(seen)
    assert bool(told) == bool(KEPT.change_to(seen))
    assert Identity(None, None, None).change_to(seen) == ""


def test_the_first_tick_keeps_the_identity_and_the_next_ones_change_nothing() -> None:
    assert not is_held() and look().kept is None
    notice(timezone.now())
    first = DatabaseIdentity.objects.get()
    notice(timezone.now() + timedelta(seconds=1))
    assert DatabaseIdentity.objects.get().kept_at == first.kept_at
    assert look().kept == look().seen and not is_held()
    assert None not in look().seen


@pytest.mark.parametrize("part", Identity._fields)
def test_another_identity_holds_sending_at_once_and_the_tick_says_so(part: str) -> None:
    notice(timezone.now())
    kept = look().kept
    DatabaseIdentity.objects.update(**{part: 7})
    assert is_held()
    notice(timezone.now())
    row = DatabaseIdentity.objects.get()
    assert row.held_at is not None and row.held_because == look().why_held != ""
    event = AuditEvent.objects.get(action="sending.held")
    assert (event.actor, event.details["seen"]) == (None, str(kept))
    DatabaseIdentity.objects.update(**{part: getattr(kept, part)})
    assert is_held(), "it stays held when it looks as before again"
    notice(timezone.now())
    assert AuditEvent.objects.filter(action="sending.held").count() == 1


def test_a_release_keeps_the_identity_that_is_seen_and_who_did_it() -> None:
    notice(timezone.now())
    DatabaseIdentity.objects.update(timeline=7)
    notice(timezone.now())
    operator, seen = make_user(is_superuser=True), look().seen
    release(operator, str(seen), "The standby was synchronous.")
    assert not is_held() and look().kept == seen
    event = AuditEvent.objects.get(action="sending.released")
    assert event.actor == operator
    assert event.details["kept"] == str(seen._replace(timeline=7)) and event.details["seen"] == str(seen)
    assert event.details["reason"] == "The standby was synchronous."


def test_only_what_was_looked_at_is_released_and_only_with_a_reason() -> None:
    notice(timezone.now())
    with pytest.raises(ServiceError, match="not held"):
        release(None, str(look().seen), "No reason.")
    hold(None, "By hand.")
    assert not hold(None, "Once more.")
    with pytest.raises(ServiceError, match=r"Look at it again"):
        release(None, "1/1/1", "It is the same.")
    with pytest.raises(ServiceError, match=r"Say why"):
        release(None, str(look().seen), " ")
    assert is_held()


def test_held_by_hand_before_the_first_tick_it_stays_held() -> None:
    hold(None, "A copy is made.")
    notice(timezone.now())
    assert is_held() and look().because == "A copy is made."


@pytest.mark.usefixtures("as_runtime")
def test_the_role_of_the_processes_sees_holds_and_releases() -> None:
    notice(timezone.now())
    assert None not in look().seen
    hold(None, "By hand.")
    release(None, str(look().seen), "By hand.")
    assert not is_held()


@pytest.fixture
def tells_nothing(runtime_role: str) -> Iterator[None]:
    """A PostgreSQL that lets this role ask for neither, as managed ones may."""
    with connection.cursor() as cursor:
        cursor.execute("REVOKE EXECUTE ON FUNCTION pg_control_system(), pg_current_wal_lsn() FROM PUBLIC")
        cursor.execute(f'SET SESSION AUTHORIZATION "{runtime_role}"')
        yield
        cursor.execute("RESET SESSION AUTHORIZATION")


def test_what_postgresql_does_not_tell_is_warned_of_and_holds_nothing(tells_nothing: None) -> None:
    notice(timezone.now())
    assert look().seen[:2] == (None, None) and not is_held()
    assert "does not tell its timeline" in unseen_parts() and unseen_parts in WARNINGS
    DatabaseIdentity.objects.update(database=7)
    assert is_held()


def test_what_is_told_later_is_kept_then() -> None:
    notice(timezone.now())
    DatabaseIdentity.objects.update(timeline=None)
    notice(timezone.now())
    assert look().kept == look().seen


def waiting(client: Client) -> dict[str, Any]:
    checks = {check["name"]: check for check in client.get("/readyz").json()["checks"]}
    return checks["sending"]


def test_readyz_and_the_metrics_say_it(client: Client) -> None:
    assert waiting(client)["ok"]
    hold(None, "A snapshot is restored.")
    assert not waiting(client)["ok"]
    assert waiting(client)["detail"].startswith("Sending is held. A snapshot is restored. Nothing is sent until")
    Heartbeat.objects.create(name="tick", at=timezone.now())
    assert b"rvm_sending_held 1.0" in client.get("/metrics").content


@pytest.mark.django_db(transaction=True)
def test_a_copy_of_the_database_is_held_and_the_original_is_not() -> None:
    voicemail = make_voicemail()
    notice(timezone.now())
    name = connection.settings_dict["NAME"]
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    connection.close()
    with psycopg.connect(f"{server}/postgres", autocommit=True) as other:
        other.execute(f'CREATE DATABASE "{name}_copy" TEMPLATE "{name}"')
        try:
            with django_on(f"{server}/{name}_copy"):
                assert Voicemail.objects.get().pk == voicemail.pk
                assert active_routes(timezone.now(), 10) == []
                tick(timezone.now())
                assert "in the same PostgreSQL cluster: a copy" in DatabaseIdentity.objects.get().held_because
                release(None, str(look().seen), "A rehearsal.")
                assert len(active_routes(timezone.now(), 10)) == 1
        finally:
            other.execute(f'DROP DATABASE "{name}_copy" WITH (FORCE)')
    assert len(active_routes(timezone.now(), 10)) == 1


# what may have been forgotten


def make_held_with(count: int) -> list[Voicemail]:
    notice(timezone.now())
    first = make_voicemail()
    found = [first, *(make_voicemail(first.use_case) for _ in range(count - 1))]
    DatabaseIdentity.objects.update(timeline=7)
    notice(timezone.now())
    return found


def test_the_checklist_says_what_this_database_knows_last_and_what_would_be_sent() -> None:
    make_held_with(2)
    told = " ".join(look().checklist())
    assert "knows of no attempt" in told and "2 voicemails were due when the hold was set" in told
    make_drop(make_voicemail(status="sending"), created_at=timezone.now().replace(2026, 11, 29, 12, 0, 1))
    assert "knows began at Sun, Nov 29, 2026, 12:00:01 PM UTC" in " ".join(look().checklist())


def test_what_was_due_can_be_ended_before_sending_goes_on() -> None:
    before, now = make_held_with(3), timezone.now()
    later = make_voicemail(before[0].use_case, not_before=now + timedelta(minutes=1))
    release(None, str(look().seen), "The standby lagged.", end_waiting=True)
    assert is_held(), "until all of it has ended"
    tick(timezone.now())
    assert not is_held() and "not held" in shown()
    ended = {(v.status, v.reason) for v in Voicemail.objects.exclude(pk=later.pk)}
    assert ended == {("failed", "unconfirmed")}
    assert Voicemail.objects.get(pk=later.pk).status == "queued"


# at the server


def shown() -> str:
    out = StringIO()
    call_command("sending", "show", stdout=out)
    return out.getvalue()


def test_the_command_shows_holds_and_releases() -> None:
    notice(timezone.now())
    assert "Sending is not held." in shown()
    call_command("sending", "hold", "--reason", "A snapshot is restored.", stdout=StringIO())
    assert "A snapshot is restored." in shown() and "* No voicemail was due" in shown()
    with pytest.raises(CommandError, match="Look at it again"):
        call_command("sending", "release", "--identity", "1/1/1", "--reason", "It is over.")
    call_command("sending", "release", "--identity", str(look().seen), "--reason", "It is over.", stdout=StringIO())
    assert "Sending is not held." in shown()


# at the desk


def page(action: str) -> str:
    return reverse(f"admin:platform_databaseidentity_{action}", args=[DatabaseIdentity.ONLY])


def test_a_superuser_holds_and_releases_at_the_desk(client: Client) -> None:
    notice(timezone.now())
    operator = make_user(is_staff=True, is_superuser=True, password=None)
    client.force_login(operator)
    assert "Say why" in client.post(page("hold"), {"reason": ""}, follow=True).content.decode()
    assert not is_held()
    shown = client.post(page("hold"), {"reason": "A snapshot is restored."}, follow=True).content.decode()
    assert "A snapshot is restored." in shown and "No voicemail was due" in shown and str(look().seen) in shown
    assert "All sending is held. A snapshot is restored." in client.get("/admin/").content.decode()
    assert page("change") in client.get("/admin/").content.decode()
    answer = {"identity": str(look().seen), "reason": "It is over.", "waiting": "send"}
    client.post(page("release"), answer)
    assert not is_held()
    actors = dict(AuditEvent.objects.filter(action__startswith="sending.").values_list("action", "actor"))
    assert actors == {"sending.held": operator.pk, "sending.released": operator.pk}


def test_an_administrator_of_a_workspace_reads_that_it_is_held_and_cannot_release_it(
    client: Client, workspace: Workspace
) -> None:
    hold(None, "A snapshot is restored.")
    client.force_login(make_user(workspace=workspace, role=Role.ADMIN, is_staff=True, password=None))
    overview = client.get("/admin/").content.decode()
    assert "All sending is held. A snapshot is restored." in overview and page("change") not in overview
    answer = {"identity": str(look().seen), "reason": "It is over."}
    assert client.post(page("release"), answer).status_code == 404
    assert is_held()
