"""A burst of callbacks, early and late, twice and unsigned, in any order, ends as if each had come once and in turn."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from django_rq import get_queue

from delivery.models import CarrierReport, Drop
from delivery.reports.inbox import merge
from rvm.platform.database.ids import uuid7
from tests import factories
from tests.delivery.states import NOW, both, counter_totals, make_submitted, row_counts
from tests.delivery.web.test_callbacks import body, send

pytestmark = pytest.mark.django_db
DROPS, BURST = 60, 2000


def test_a_burst_with_repeats_forgeries_and_strangers_ends_right() -> None:
    get_queue("reports").connection.flushdb()
    random = Random(7)
    lane = factories.make_lane()
    drops = [make_submitted(random.choice(["sending", "uncertain", "accepted"]), lane=lane) for _ in range(DROPS)]
    ends = {drop.id: random.choice(["delivered", "failed"]) for drop in drops}
    forged, strangers = BURST // 10, BURST // 10
    sayings = [(drop.id, status) for drop in drops for status in ("accepted", ends[drop.id])]
    sayings += random.choices(sayings, k=BURST - forged - strangers - len(sayings))
    sayings += [(uuid7(), "delivered") for _ in range(strangers)]
    callbacks = [(body(key, status=status), True) for key, status in sayings]
    callbacks += [(body(random.choice(drops).id, status="failed"), False) for _ in range(forged)]
    random.shuffle(callbacks)

    answers: Counter[int] = Counter()
    for place, (raw, genuine) in enumerate(callbacks):
        forgery = {} if genuine else {"x-sandbox-signature": "sha256=00"}
        answers[send(drops[0].setup, raw, **forgery).status_code] += 1
        if place % 300 == 0:
            merge(NOW, limit=100)
    while merge(NOW):
        pass

    assert answers == {200: BURST - forged, 401: forged}
    assert {drop.id: both(drop)[0] for drop in drops} == ends
    assert all(both(drop)[0] == both(drop)[2] for drop in Drop.objects.all())
    assert counter_totals(lane.id) == row_counts(lane.id)
    effects = Counter(CarrierReport.objects.values_list("effect", flat=True))
    assert effects["unknown_drop"] == strangers
    assert effects.total() == BURST - forged
    assert DROPS <= effects["applied"] <= 2 * DROPS
