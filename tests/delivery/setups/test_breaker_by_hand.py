"""A person closes a setup's breaker: everything goes out again, and what opened it is forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_rq import get_connection

from delivery.engine import circuit_breaker
from delivery.engine.circuit_breaker import State, state_of
from delivery.setups.services import close_breaker
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent
from rvm.platform.scopes import Scope
from tests.factories import make_api, make_setup, make_user
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db


def opened(until: datetime) -> TelephonySetup:
    return make_setup(breaker_until=until, breaker_reason="The carrier account has no funds left.", breaker_openings=3)


@pytest.mark.parametrize(
    ("minutes", "state"), [(None, State.CLOSED), (1, State.OPEN), (0, State.HALF_OPEN), (-1, State.HALF_OPEN)]
)
def test_past_its_time_an_open_breaker_is_half_open(minutes: int | None, state: State) -> None:
    now = datetime(2026, 3, 2).astimezone()
    until = None if minutes is None else now + timedelta(minutes=minutes)
    assert state_of(TelephonySetup(breaker_until=until), now) is state


@pytest.mark.parametrize("minutes", [-1, 5])
def test_closing_it_lets_everything_go_out_again(minutes: int, django_capture_on_commit_callbacks: object) -> None:
    redis = get_connection("dispatch")
    redis.flushdb()
    setup, person = opened(timezone.now() + timedelta(minutes=minutes)), make_user()
    redis.hset(f"rvm:health:{setup.pk}:1", "bad", 20)
    assert circuit_breaker.may_probe(redis, setup.pk)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        close_breaker(setup=setup, actor=person)
    setup.refresh_from_db()
    assert (setup.breaker_until, setup.breaker_reason, setup.breaker_openings) == (None, "", 0)
    assert redis.keys(f"rvm:*{setup.pk}*") == []
    assert redis.llen("rq:queue:dispatch") == 1
    event = AuditEvent.objects.get(action="setup.breaker_closed")
    assert (event.actor, event.subject_id) == (person, setup.pk)
    assert event.details == {"was_open_for": "The carrier account has no funds left."}


def test_a_closed_one_is_not_closed_again() -> None:
    with pytest.raises(ServiceError, match="closed already"):
        close_breaker(setup=make_setup(), actor=None)
    assert not AuditEvent.objects.exists()


def test_a_key_closes_it_and_is_told_when_nothing_is_held_back() -> None:
    stopped = opened(timezone.now() + timedelta(hours=1))
    api = make_api(stopped.workspace)
    path = f"setups/{stopped.pk}/close-breaker"
    closed: Any = api.post(path)
    assert (closed.status_code, closed.json()) == (200, api.get(f"setups/{stopped.pk}").json())
    again: Any = api.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "breaker_closed")
    assert AuditEvent.objects.get(action="setup.breaker_closed").key_id == api.key.pk
    assert make_api(stopped.workspace, scopes=[Scope.SETUPS_READ]).post(path).status_code == 403
