"""The inbox is looked at through the index of what is unmerged, also where the planner last counted at a bad moment."""

from __future__ import annotations

import pytest
from django.db import connection

from delivery.reports import inbox
from delivery.worker import maintenance
from tests import factories

pytestmark = pytest.mark.django_db
ROWS = 5000
FILL = """
INSERT INTO delivery_carrierreport (setup_id, binding, drop_id, status, reason, carrier_code, carrier_text, carrier_reference,
                                    event_id, raw, effect)
SELECT %s, gen_random_uuid(), gen_random_uuid(), 'delivered', '', '', '', '', '', decode(repeat('ab', 300), 'hex'), ''
  FROM generate_series(1, %s)
"""
MERGE = "UPDATE delivery_carrierreport SET merged_at = now()"
COUNT = "ANALYZE delivery_carrierreport"
WORST = {
    "counted while it was full": (COUNT, MERGE),
    "counted while it was empty": (MERGE, COUNT),
    "never counted": (MERGE,),
}


def plan(statement: str, parameters: list[object]) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", parameters)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize("moment", list(WORST))
def test_neither_the_tick_nor_a_merge_reads_what_was_merged(moment: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILL, [factories.make_setup().id, ROWS])
        for statement in WORST[moment]:
            cursor.execute(statement)
        for statement, parameters in ((maintenance._FIRST_REPORT, [0]), (inbox._TAKE_UNMERGED, [0, inbox.BATCH])):
            if statement is inbox._TAKE_UNMERGED:
                cursor.execute(inbox._READ_IN_ORDER)
            scans = [line for line in plan(statement, parameters).splitlines() if "on delivery_carrierreport" in line]
            assert scans
            assert all("using report_unmerged" in line for line in scans), scans
