"""Rules that nobody has looked at for half a year are reported, to operators and on the first page of the admin."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from rvm.platform.health.checks import WARNINGS
from tests.factories import make_user, make_workspace
from usecases.rules_in_force import overdue_review

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("now", "named"),
    [
        (datetime(2026, 12, 1, tzinfo=UTC), []),
        (datetime(2027, 4, 29, tzinfo=UTC), []),
        # 180 days after 31 October 2026, and then after 29 November.
        (datetime(2027, 5, 1, tzinfo=UTC), ["US", "OK", "TN"]),
        (datetime(2027, 6, 1, tzinfo=UTC), ["US", "FL", "RI"]),
    ],
)
def test_a_rule_is_named_once_its_review_is_overdue(
    now: datetime, named: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("usecases.rules_in_force.database_now", lambda: now)
    sentence = overdue_review()
    assert bool(sentence) is bool(named)
    assert all(state in sentence for state in named)


def test_operators_and_administrators_are_warned(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usecases.rules_in_force.database_now", lambda: datetime(2027, 6, 1, tzinfo=UTC))
    assert overdue_review in WARNINGS
    client.force_login(make_user(workspace=make_workspace(), is_staff=True, password=None))
    assert "Nobody has compared the calling hours of US, FL" in client.get(reverse("admin:index")).content.decode()
