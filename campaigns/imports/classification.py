"""What a row alone cannot tell: who stands in the list twice, in the campaign already, or on the suppression list. Set-wise, in SQL.

What becomes a voicemail is what is not rejected: no staged row is ever updated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Count

from campaigns.imports.row_errors import NOT_REACHABLE
from campaigns.imports.staging import table_of
from campaigns.imports.verdicts import BINDING, Consent
from campaigns.models import RecipientImport, RejectedRow
from campaigns.states import Outcome
from delivery.lane_totals import has_voicemails
from rvm.platform.encryption.crypto import blind_index
from usecases.suppressions import suppressed_sql

_REJECT_ROWS = "INSERT INTO campaigns_rejectedrow (recipient_import_id, row_number, outcome, code) "
_REJECT_REPEATED_ROWS = (
    "INSERT INTO campaigns_rejectedrow (recipient_import_id, row_number, outcome, code, earlier_row, differs) "
)
# Rows of a stretch without a code of their own that nothing before has rejected. NOT IN, and not NOT EXISTS: it is hashed whatever
# the planner believes of a table that was empty a moment ago; the other was compared with each rejected row for each row.
_STILL_OPEN = """
s.code IS NULL AND s.place > %(after)s AND s.place <= %(until)s
   AND s.number NOT IN (SELECT r.row_number FROM campaigns_rejectedrow r WHERE r.recipient_import_id = %(import)s
                           AND r.row_number BETWEEN %(low)s AND %(high)s)
"""
# The first and the last row number of a stretch of places.
_ROW_NUMBERS_OF_STRETCH = "SELECT min(number), max(number) FROM {table} WHERE place > %(after)s AND place <= %(until)s"
# Rows that say themselves why they are not accepted.
# OFFSET 0 has PostgreSQL probe the index row by row: what it knows of a campaign that is being filled is old, and by that it would
# read all of the campaign for each stretch.
_REJECTED_BY_ITSELF = """
SELECT %(import)s, s.number, CASE WHEN s.code = ANY(%(not_reachable)s) THEN 'not_reachable' ELSE 'invalid' END, s.code
  FROM {table} s WHERE s.code IS NOT NULL AND s.place > %(after)s
"""
# Who has said no in one row is not reached by another one; nor is who may have said it in a row that could not be read. Of several
# rows that bind a number the code that comes first in the alphabet is told.
_NUMBERS_SAYING_NO = """
SELECT i.index, min(CASE WHEN b.code = ANY(%(saying_no)s) THEN b.code ELSE 'number_in_doubt' END) AS code
  FROM {table} b, unnest(b.binds) AS i(index) WHERE b.binds IS NOT NULL GROUP BY 1
"""
# Rows of a number to which another row says no.
_REJECTED_BY_ANOTHER = """
SELECT %(import)s, s.number, CASE WHEN bound.code = ANY(%(not_reachable)s) THEN 'not_reachable' ELSE 'invalid' END, bound.code
  FROM {table} s JOIN ({bound}) bound ON bound.index = s.index WHERE s.code IS NULL AND s.place > %(after)s
"""
# Of rows of one number the first is reached. One that says the same of its person is there twice; another is another person, whose
# `prints` differ in four bytes for each column that does.
_REPEATED_IN_FILE = """
SELECT %(import)s, number, outcome, outcome, first_number,
       CASE outcome WHEN 'same_phone' THEN
         (SELECT array_agg(compared.place ORDER BY nth) FROM unnest(%(compared)s::smallint[]) WITH ORDINALITY compared(place, nth)
           WHERE substr(prints, nth::int * 4 - 3, 4) <> substr(first_prints, nth::int * 4 - 3, 4)) END
  FROM (SELECT *, CASE WHEN prints = first_prints THEN 'duplicate_in_file' ELSE 'same_phone' END AS outcome
          FROM (SELECT number, place, prints, row_number() OVER same AS nth_row, first_value(number) OVER same AS first_number,
                       first_value(prints) OVER same AS first_prints
                  FROM {table} WHERE code IS NULL AND index NOT IN (SELECT index FROM ({bound}) bound)
                WINDOW same AS (PARTITION BY index ORDER BY place)) s
         WHERE nth_row > 1 AND place > %(after)s) twice
"""
_IN_CAMPAIGN_ALREADY = """
SELECT %(import)s, s.number, 'duplicate_in_campaign', 'duplicate_in_campaign' FROM {table} s
 WHERE {open} AND EXISTS (SELECT 1 FROM (SELECT lane_id FROM delivery_voicemail v WHERE v.recipient_index {sought} OFFSET 0) v
                           WHERE v.lane_id = %(campaign)s)
"""
# Rows of a number that must not be reached.
_ON_SUPPRESSION_LIST = """
SELECT %(import)s, s.number, 'suppressed', 'suppressed' FROM {table} s WHERE {open} AND {suppressed}
"""
# Takes back what was said of rows that are not imported yet.
_FORGET_REJECTED = """
DELETE FROM campaigns_rejectedrow r USING {table} s
 WHERE r.recipient_import_id = %(import)s AND s.number = r.row_number AND s.place > %(after)s
"""


def classify(recipient_import: RecipientImport, compared: Sequence[int]) -> None:
    """Reject what must be rejected of the rows that are not imported yet, in place of what was said of them before.

    `compared` are the places of the columns by which persons of one number differ.
    """
    arguments = _arguments(recipient_import, recipient_import.rows_imported, recipient_import.rows_read)
    _run(recipient_import, _FORGET_REJECTED, arguments)
    _run(recipient_import, _REJECT_ROWS + _REJECTED_BY_ITSELF, arguments)
    _run(recipient_import, _REJECT_ROWS + _REJECTED_BY_ANOTHER, arguments)
    _run(recipient_import, _REJECT_REPEATED_ROWS + _REPEATED_IN_FILE, {**arguments, "compared": list(compared)})
    if has_voicemails(recipient_import.campaign_id):
        _run(recipient_import, _REJECT_ROWS + _IN_CAMPAIGN_ALREADY, arguments)
    _run(recipient_import, _REJECT_ROWS + _ON_SUPPRESSION_LIST, arguments)


def reject_late(recipient_import: RecipientImport, after: int, until: int) -> dict[str, Any]:
    """Reject rows of a stretch whose number came into the campaign, or onto the suppression list, since the list was judged.

    Returns the arguments by which `open_rows_of` finds the rest. Call it while the campaign is locked.
    """
    arguments = _arguments(recipient_import, after, until)
    # Only lists bring people into a campaign, so a campaign's only list need not ask again.
    if (
        RecipientImport.objects.filter(campaign_id=recipient_import.campaign_id)
        .exclude(pk=recipient_import.pk)
        .exists()
    ):
        _run(recipient_import, _REJECT_ROWS + _IN_CAMPAIGN_ALREADY, arguments)
    _run(recipient_import, _REJECT_ROWS + _ON_SUPPRESSION_LIST, arguments)
    return arguments


def open_rows_of(recipient_import: RecipientImport) -> str:
    """A query for the rows of a stretch that become voicemails, in their order."""
    return f"SELECT s.* FROM {table_of(recipient_import)} s WHERE {_STILL_OPEN} ORDER BY s.place"  # noqa: S608 - ours


def count_outcomes(recipient_import: RecipientImport) -> tuple[dict[str, int], dict[str, int]]:
    """Rows by outcome, and rejected rows by code."""
    outcomes: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    rejected = recipient_import.rejected.order_by().values_list("outcome", "code")
    for outcome, code, count in rejected.annotate(count=Count("*")):
        outcomes[outcome] += count
        codes[code] += count
    accepted = recipient_import.rows_read - sum(outcomes.values())
    return {outcome.value: outcomes[outcome] for outcome in Outcome} | {Outcome.ACCEPTED.value: accepted}, dict(codes)


def count_answers(recipient_import: RecipientImport) -> dict[str, int]:
    """Rows by what they say about consent, where a column asks for it, and how many are reached by another than their first phone."""
    counted: Counter[str] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT consent, coalesce(nth, 0), count(*) FROM {table_of(recipient_import)} GROUP BY 1, 2"  # noqa: S608 - ours
        )
        for consent, nth, count in cursor.fetchall():
            counted[Consent(consent).name.lower()] += count
            counted["next_number"] += count if nth else 0
    asked = [answer.name.lower() for answer in Consent if answer is not Consent.NOT_ASKED]
    told = {answer: counted[answer] for answer in asked} if any(counted[answer] for answer in asked) else {}
    return told | ({"next_number": counted["next_number"]} if counted["next_number"] else {})


def forget(recipient_import: RecipientImport) -> None:
    """What was said of its rows."""
    rejected = RejectedRow.objects.filter(recipient_import=recipient_import)
    rejected._raw_delete(rejected.db)


def _arguments(recipient_import: RecipientImport, after: int, until: int) -> dict[str, Any]:
    stretch = {"after": after, "until": until}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("SET LOCAL enable_memoize = off")  # every number is looked up once
        cursor.execute(_ROW_NUMBERS_OF_STRETCH.format(table=table_of(recipient_import)), stretch)
        low, high = cursor.fetchone()
    return {
        "import": recipient_import.pk,
        "workspace": recipient_import.workspace_id,
        "campaign": recipient_import.campaign_id,
        "not_reachable": NOT_REACHABLE,
        "saying_no": sorted(BINDING),
        "low": low,
        "high": high,
        **stretch,
    }


def _run(recipient_import: RecipientImport, query: str, arguments: dict[str, Any]) -> None:
    table = table_of(recipient_import)
    words = {
        "table": table,
        "bound": _NUMBERS_SAYING_NO.format(table=table),
        "open": _STILL_OPEN,
        "sought": (sought := blind_index().match_sql("s.index", "s.older")),
        "suppressed": suppressed_sql(workspace="%(workspace)s", matches=sought),
    }
    with connection.cursor() as cursor:
        cursor.execute(query.format(**words), arguments)
