"""Who waited for another's verb on the same campaign goes on from what that one left, in its lane too."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction

from campaigns.lifecycle import service as services
from campaigns.models import Campaign
from delivery.models import Lane
from tests.factories import make_campaign, make_recording

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)

_WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def behind(first: Callable[[], object], second: Callable[[], object]) -> None:
    """Run the second until it waits for the first, which then commits."""

    def elsewhere() -> None:
        try:
            second()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            waiting = pool.submit(elsewhere)
            deadline = time.monotonic() + 20
            with connection.cursor() as cursor:
                while cursor.execute(_WAITS).fetchone() == (0,):
                    assert time.monotonic() < deadline and not waiting.done()
        waiting.result(20)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("verb", "held"), [("pause", True), ("cancel", True), ("resume", False)])
def test_an_edit_that_waited_for_another_verb_leaves_the_lane_as_that_one_did(verb: str, held: bool) -> None:
    campaign = make_campaign(count=1, state="paused" if verb == "resume" else "running")
    behind(
        lambda: getattr(services, verb)(campaign, actor=None, now=NOW),
        lambda: services.edit(campaign, {"pace_per_second": 3.0}, actor=None, now=NOW),
    )
    lane = Lane.objects.get(pk=campaign.pk)
    assert (lane.held, lane.pace_per_second) == (held, 3.0)


@pytest.mark.django_db(transaction=True)
def test_a_launch_that_waited_for_another_recording_takes_it() -> None:
    campaign = make_campaign(count=1, playable=True)
    other = make_recording(campaign.workspace)
    default_storage.save(other.storage_name, ContentFile(b"as good as a recording"))
    behind(
        lambda: services.edit(campaign, {"recording": other}, actor=None, now=NOW),
        lambda: services.launch(campaign, actor=None, now=NOW),
    )
    row = Campaign.objects.get(pk=campaign.pk)
    assert (row.state, row.recording_id, row.recordings_set) == ("running", other.pk, False)
