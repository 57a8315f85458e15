"""Freezes of states: which ones the guards see, who may set them, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from rvm.platform.models import AuditEvent
from tests.factories import make_user
from usecases.freezes import freezes
from usecases.models import StateFreeze
from usecases.windows import Freeze

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 8, 28, 12, tzinfo=UTC)
TODAY = NOW.date()


def make(state: str, starts_on: date, ends_on: date | None = None) -> StateFreeze:
    return StateFreeze.objects.create(state=state, starts_on=starts_on, ends_on=ends_on, reason="Declared emergency.")


def test_freezes_in_force_and_to_come_are_seen_and_those_that_are_over_everywhere_are_not() -> None:
    make("LA", TODAY - timedelta(days=3), TODAY)
    make("TX", TODAY + timedelta(days=30), TODAY + timedelta(days=31))
    make("US", TODAY - timedelta(days=1))
    # Over in the east, and not yet in Hawaii.
    make("HI", TODAY - timedelta(days=9), TODAY - timedelta(days=1))
    make("FL", TODAY - timedelta(days=9), TODAY - timedelta(days=2))
    assert freezes(NOW) == (
        Freeze("HI", TODAY - timedelta(days=9), TODAY - timedelta(days=1)),
        Freeze("LA", TODAY - timedelta(days=3), TODAY),
        Freeze("TX", TODAY + timedelta(days=30), TODAY + timedelta(days=31)),
        Freeze("US", TODAY - timedelta(days=1), None),
    )


def test_a_freeze_that_ends_before_it_begins_is_refused_with_its_field() -> None:
    with pytest.raises(ValidationError) as refused:
        StateFreeze(state="LA", starts_on=TODAY, ends_on=TODAY - timedelta(days=1), reason="x").full_clean()
    assert list(refused.value.message_dict) == ["ends_on"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"state": "XX"}, "state"), ({"reason": ""}, "reason"), ({"starts_on": "soon"}, "starts_on"), ({}, "")],
)
def test_the_platforms_operator_sets_a_freeze_and_it_is_audited(
    client: Client, changes: dict[str, Any], field: str
) -> None:
    client.force_login(make_user(is_staff=True, is_superuser=True, password=None))
    form = {"state": "LA", "starts_on": "2026-08-27", "ends_on": "", "reason": "Hurricane.", **changes}
    answer = client.post(reverse("admin:usecases_statefreeze_add"), form)
    if field:
        assert field in answer.context["adminform"].form.errors
        return
    assert answer.status_code == 302
    [row] = StateFreeze.objects.all()
    assert AuditEvent.objects.filter(action="state_freeze.created", subject_id=row.pk).exists()
    assert freezes(NOW) == (Freeze("LA", date(2026, 8, 27)),)
