"""Suppressions tell which numbers must not be reached by id, once each, and in every workspace where they hold."""

from __future__ import annotations

import pytest
from django.utils import timezone

from rvm.platform.models import Outbox
from tests import factories
from usecases.api.event_types import SuppressionEventSerializer
from usecases.models import Suppression
from usecases.services.suppressions import lift
from usecases.suppression_kinds import SuppressionKind, SuppressionScope
from usecases.suppressions import Statement, suppress_and_count

pytestmark = pytest.mark.django_db
NUMBERS = ["+12125550101", "+12125550102"]


def told() -> list[tuple[str, str]]:
    return [(event.type, event.data["suppression_id"]) for event in Outbox.objects.order_by("id")]


def add(**options: object) -> list[Suppression]:
    workspace = factories.make_workspace()
    suppress_and_count(
        [Statement(workspace.pk, number, kind=SuppressionKind.WRONG_NUMBER) for number in NUMBERS],
        Suppression.Source.API,
        scope=SuppressionScope.WORKSPACE,
        **options,  # type: ignore[arg-type]
    )
    return list(Suppression.objects.order_by("pk"))


def test_each_new_suppression_is_told_once() -> None:
    rows = add()
    assert sorted(told()) == sorted(("suppression.created", str(row.pk)) for row in rows)
    event = Outbox.objects.first()
    assert event is not None and event.live
    assert set(event.data) == set(SuppressionEventSerializer().fields)
    suppress_and_count(
        [Statement(rows[0].workspace_id, NUMBERS[0], kind=SuppressionKind.WRONG_NUMBER)],
        Suppression.Source.API,
        scope=SuppressionScope.WORKSPACE,
    )
    assert len(told()) == 2


def test_a_lift_is_told() -> None:
    row = add()[0]
    Outbox.objects.all().delete()
    lift(row, reason="Number checked.", actor=None, now=timezone.now())
    assert told() == [("suppression.lifted", str(row.pk))]
