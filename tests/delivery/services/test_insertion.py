"""Ids of voicemails that come from a list, which PostgreSQL makes."""

from __future__ import annotations

from uuid import RFC_4122, UUID

import pytest

from delivery.models import Voicemail
from delivery.services.insertion import insert_staged
from rvm.platform.database.ids import time_of
from tests import factories
from tests.delivery.engine.test_lane_plans import STAGED
from tests.delivery.states import NOW

pytestmark = pytest.mark.django_db


def test_ids_of_two_lists_at_one_moment_are_distinct_uuids_of_version_7_in_the_order_of_their_rows() -> None:
    numbered = STAGED.replace("'0100'::varchar AS last4", "to_char(n, 'FM0000')::varchar AS last4")
    ids: list[UUID] = []
    for voicemail in (factories.make_voicemail(), factories.make_voicemail()):
        insert_staged(voicemail.lane, numbered, {"rows": 5000}, recording_id=voicemail.recording_id, now=NOW)
        made = Voicemail.objects.filter(lane=voicemail.lane).exclude(pk=voicemail.pk).order_by("last4")
        of_list = list(made.values_list("pk", flat=True))
        assert len(of_list) == 5000
        assert of_list == sorted(of_list)
        ids += of_list
    assert len(set(ids)) == len({identifier.int & (1 << 62) - 1 for identifier in ids}) == 10_000
    assert {(identifier.version, identifier.variant) for identifier in ids} == {(7, RFC_4122)}
    assert {(time_of(identifier) - NOW).total_seconds() for identifier in ids} == {0.0, 0.001}
    assert Voicemail.objects.filter(pk__in=ids).count() == 10_000
