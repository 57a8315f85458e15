"""The bench's worker without guards is one: it sends what every guard would hold back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from bench.programs import live_worker
from delivery.engine import claim
from delivery.engine.lane_routes import SendRoute, active_routes
from tests.factories import RECIPIENT, make_suppression, make_use_case, make_voicemail

pytestmark = pytest.mark.django_db


@pytest.fixture
def _unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, names in (
        (claim, ("are_suppressed", "consents_held", "unattested_on", "_facts", "decide")),
        (claim._HoursEnds, ("near",)),
        (SendRoute, ("capped",)),
    ):
        for name in names:
            monkeypatch.setattr(owner, name, getattr(owner, name))  # restored after the test
    live_worker.remove_guards()


def claimed() -> int:
    now = timezone.now()
    (lane,) = active_routes(now, 10)
    return len(claim.claim(lane, 10, now, timedelta(minutes=2)).claims)


def suppressed_voicemail() -> None:
    use_case = make_use_case(consent_required="recorded")
    make_suppression(use_case.workspace, RECIPIENT)
    make_voicemail(use_case, not_before=timezone.now() - timedelta(minutes=1))


def test_with_guards_a_suppressed_person_is_left_out() -> None:
    suppressed_voicemail()
    assert claimed() == 0


@pytest.mark.usefixtures("_unguarded")
def test_without_guards_a_suppressed_person_is_sent_to() -> None:
    suppressed_voicemail()
    assert claimed() == 1
