"""The factories make rows that satisfy the tables' own rules."""

from __future__ import annotations

import pytest

from delivery.models import LaneDelta
from tests import factories


@pytest.mark.django_db
def test_a_made_voicemail_hangs_together_in_one_workspace_and_is_counted() -> None:
    voicemail = factories.make_voicemail()
    rows = (voicemail.use_case, voicemail.setup, voicemail.lane, voicemail.recording)
    assert {row.workspace_id for row in rows} == {voicemail.workspace_id}
    voicemail.use_case.full_clean()
    voicemail.refresh_from_db()
    assert voicemail.recipient == factories.RECIPIENT
    assert list(LaneDelta.objects.values_list("lane_id", "status", "delta")) == [(voicemail.lane_id, "queued", 1)]


@pytest.mark.django_db
def test_two_made_use_cases_of_one_workspace_have_different_names_and_numbers() -> None:
    first = factories.make_use_case(numbers=2)
    second = factories.make_use_case(setup=first.setup, numbers=2)
    assert first.name != second.name
    assert not set(first.phone_numbers.all()) & set(second.phone_numbers.all())
