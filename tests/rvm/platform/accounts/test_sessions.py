"""Sessions end: without activity, after some hours, with the account, and with the last membership."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from delivery.worker.tick import STEPS, Throttled, tick
from rvm.platform.accounts.sessions import clear_sessions
from rvm.platform.database.clock import database_now
from rvm.platform.models import Membership, Session, User
from tests.factories import make_user, make_workspace
from tests.rvm.platform.accounts.conftest import sign_in

pytestmark = pytest.mark.django_db

HOME = "/admin/"


@pytest.fixture
def at_work(client: Client, maria: User) -> Client:
    client.force_login(maria)
    return client


def is_in(client: Client, **headers: str) -> bool:
    return bool(client.get(HOME, headers=headers).status_code == 200)


def pass_time(by: timedelta) -> None:
    """As if the sessions had begun so much earlier."""
    Session.objects.update(expire_date=F("expire_date") - by, ends_at=F("ends_at") - by)


@pytest.mark.parametrize(("minutes", "ends"), [(14, False), (16, True)])
def test_a_session_ends_after_a_quarter_of_an_hour_without_a_request(at_work: Client, minutes: int, ends: bool) -> None:
    pass_time(timedelta(minutes=minutes))
    assert is_in(at_work) is not ends


def test_every_request_keeps_it_open(at_work: Client) -> None:
    for _ in range(6):
        pass_time(timedelta(minutes=10))
        assert is_in(at_work)


def test_a_page_that_reloads_a_part_of_itself_does_not_keep_it_open(at_work: Client) -> None:
    pass_time(timedelta(minutes=10))
    assert is_in(at_work, **{"HX-Request": "true"})
    pass_time(timedelta(minutes=10))
    assert not is_in(at_work)


def test_it_ends_twelve_hours_after_the_sign_in_whatever_is_done(at_work: Client) -> None:
    for _ in range(71):
        pass_time(timedelta(minutes=10))
        assert is_in(at_work)
    at_work.session.save()
    pass_time(timedelta(minutes=11))
    assert not is_in(at_work)


def test_both_ends_can_be_set(client: Client, maria: User, settings: Any) -> None:
    settings.RVM_SESSION_IDLE_MINUTES, settings.SESSION_COOKIE_AGE = 60, 2 * 3600
    client.force_login(maria)
    pass_time(timedelta(minutes=59))
    assert is_in(client)
    pass_time(timedelta(minutes=59))
    assert is_in(client)
    pass_time(timedelta(minutes=3))
    assert not is_in(client)


def writes(client: Client) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert is_in(client)
    return [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


@pytest.mark.parametrize("ends_in", [timedelta(hours=5), timedelta(minutes=3)])
def test_a_request_writes_at_most_once_a_minute(at_work: Client, ends_in: timedelta) -> None:
    Session.objects.update(ends_at=Now() + ends_in)
    pass_time(timedelta(seconds=61))
    assert len(writes(at_work)) <= 1
    assert writes(at_work) == []


def test_the_cookie_is_the_browsers_for_as_long_as_it_is_open_and_no_scripts(client: Client, maria: User) -> None:
    sign_in(client)
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"] and not cookie["expires"] and cookie["samesite"] == "Lax"


def test_a_changed_password_ends_the_other_sessions_and_not_the_own(at_work: Client, maria: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(maria)
    form = {
        "old_password": "a-password-for-maria",
        "new_password1": "quite-another-word-now",
        "new_password2": "quite-another-word-now",
    }
    assert at_work.post(reverse("admin:password_change"), form).status_code == 302
    assert is_in(at_work)
    assert not is_in(elsewhere)


def test_a_deactivated_account_has_no_sessions_also_after_it_is_active_again(at_work: Client, maria: User) -> None:
    maria.is_active = False
    maria.save()
    assert not is_in(at_work)
    maria.is_active = True
    maria.save()
    assert not is_in(at_work)


def test_a_person_without_a_membership_has_no_session_and_no_access(at_work: Client, maria: User) -> None:
    other = Membership.objects.create(workspace=make_workspace(), user=maria)
    Membership.objects.exclude(pk=other.pk).get(user=maria).delete()
    assert is_in(at_work)
    other.delete()
    assert not Session.objects.filter(user=maria).exists()
    at_work.force_login(maria)
    page = at_work.get(HOME, follow=True)
    assert page.status_code == 403
    assert "member of no workspace" in page.content.decode()


def test_a_superuser_needs_no_membership(client: Client) -> None:
    boss = make_user(is_staff=True, is_superuser=True, password=None)
    client.force_login(boss)
    Membership.objects.create(workspace=make_workspace(), user=boss).delete()
    assert is_in(client)


def test_the_tick_clears_ended_sessions(at_work: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in STEPS:
        if isinstance(step, Throttled):
            monkeypatch.setattr(step, "taken_at", None)  # another test of this process may have ticked a moment ago
    clear_sessions(database_now())
    assert Session.objects.count() == 1
    pass_time(timedelta(hours=1))
    tick(database_now())
    assert not Session.objects.exists()


def test_a_row_does_not_hold_what_opens_its_session(at_work: Client) -> None:
    key = at_work.cookies["sessionid"].value
    row = Session.objects.get()
    assert key not in str(Session.objects.values().get()) and key not in str(row.get_decoded())
    assert is_in(at_work)
    thief = Client()
    thief.cookies["sessionid"] = row.pk
    assert not is_in(thief)
