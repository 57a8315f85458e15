"""Set-wise checks of a staged list, in SQL: duplicates, people who are in the campaign already, suppressed numbers.

Rejections are rows of `campaigns_rejectedrow`, and all other staged rows become voicemails, so no staged row is ever updated.
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
from campaigns.states import RowOutcome
from delivery.lane_totals import has_voicemails
from rvm.platform.encryption.crypto import blind_index
from usecases.suppressions import suppressed_sql

_REJECT_ROWS = "INSERT INTO campaigns_rejectedrow (recipient_import_id, row_number, outcome, code) "
_REJECT_REPEATED_ROWS = (
    "INSERT INTO campaigns_rejectedrow (recipient_import_id, row_number, outcome, code, earlier_row, differs) "
)
# Rows of a range of places that have no code and no rejection yet. NOT IN instead of NOT EXISTS, because PostgreSQL hashes it even if
# the statistics are those of an empty table; for NOT EXISTS it compared each row with each rejected row.
_STILL_OPEN = """
s.code IS NULL AND s.place > %(after)s AND s.place <= %(until)s
   AND s.number NOT IN (SELECT r.row_number FROM campaigns_rejectedrow r WHERE r.recipient_import_id = %(import)s
                           AND r.row_number BETWEEN %(low)s AND %(high)s)
"""
# The lowest and the highest row number in a range of places.
_ROW_NUMBERS_OF_STRETCH = "SELECT min(number), max(number) FROM {table} WHERE place > %(after)s AND place <= %(until)s"
# Rows that row validation rejected.
_REJECTED_BY_ITSELF = """
SELECT %(import)s, s.number, CASE WHEN s.code = ANY(%(not_reachable)s) THEN 'not_reachable' ELSE 'invalid' END, s.code
  FROM {table} s WHERE s.code IS NOT NULL AND s.place > %(after)s
"""
# Numbers that a rejected row binds: a person who says no in one row is not reached through another row, and neither is a person who
# may have said no in a row that could not be read. If several rows bind a number, its code is the alphabetically first one.
_NUMBERS_SAYING_NO = """
SELECT i.index, min(CASE WHEN b.code = ANY(%(saying_no)s) THEN b.code ELSE 'number_in_doubt' END) AS code
  FROM {table} b, unnest(b.binds) AS i(index) WHERE b.binds IS NOT NULL GROUP BY 1
"""
# Rows whose number another row binds.
_REJECTED_BY_ANOTHER = """
SELECT %(import)s, s.number, CASE WHEN bound.code = ANY(%(not_reachable)s) THEN 'not_reachable' ELSE 'invalid' END, bound.code
  FROM {table} s JOIN ({bound}) bound ON bound.index = s.index WHERE s.code IS NULL AND s.place > %(after)s
"""
# The numbers of more than one row. They are few in most lists, and to hash all is half as expensive as to sort all rows.
_NUMBERS_REPEATED = "SELECT index FROM {table} WHERE code IS NULL GROUP BY 1 HAVING count(*) > 1"
# The rows of each number after its first. A row with the same `prints` as the first is a duplicate; any other is for another person
# or visit, and differs in the columns whose four bytes of `prints` differ.
_REPEATED_IN_FILE = """
SELECT %(import)s, number, outcome, outcome, first_number,
       CASE outcome WHEN 'same_phone' THEN
         (SELECT array_agg(compared.place ORDER BY nth) FROM unnest(%(compared)s::smallint[]) WITH ORDINALITY compared(place, nth)
           WHERE substr(prints, nth::int * 4 - 3, 4) <> substr(first_prints, nth::int * 4 - 3, 4)) END
  FROM (SELECT *, CASE WHEN prints = first_prints THEN 'duplicate_in_file' ELSE 'same_phone' END AS outcome
          FROM (SELECT number, place, prints, row_number() OVER same AS nth_row, first_value(number) OVER same AS first_number,
                       first_value(prints) OVER same AS first_prints
                  FROM {table} WHERE code IS NULL AND index IN ({repeated}) AND index NOT IN (SELECT index FROM ({bound}) bound)
                WINDOW same AS (PARTITION BY index ORDER BY place)) s
         WHERE nth_row > 1 AND place > %(after)s) twice
"""
# Rows whose number has a voicemail in the campaign. OFFSET 0 makes PostgreSQL probe the index row by row: its statistics of a
# campaign that is being filled are old, and by them it would read the whole campaign for each range.
_IN_CAMPAIGN_ALREADY = """
SELECT %(import)s, s.number, 'duplicate_in_campaign', 'duplicate_in_campaign' FROM {table} s
 WHERE {open} AND EXISTS (SELECT 1 FROM (SELECT lane_id FROM delivery_voicemail v WHERE v.recipient_index {sought} OFFSET 0) v
                           WHERE v.lane_id = %(campaign)s)
"""
# Rows whose number is suppressed.
_ON_SUPPRESSION_LIST = """
SELECT %(import)s, s.number, 'suppressed', 'suppressed' FROM {table} s WHERE {open} AND {suppressed}
"""
# Deletes the rejections of rows that are not imported yet.
_FORGET_REJECTED = """
DELETE FROM campaigns_rejectedrow r USING {table} s
 WHERE r.recipient_import_id = %(import)s AND s.number = r.row_number AND s.place > %(after)s
"""


def classify(recipient_import: RecipientImport, compared: Sequence[int]) -> None:
    """Reject rows among those that are not imported yet, in place of their earlier rejections.

    `compared` are the positions of the columns in which two people with one number may differ, in the order of `prints`.
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
    """Reject rows with `after` < place <= `until` whose number was added to the campaign or the suppression list since the check.

    Returns the arguments of the query of `open_rows_of` for the other rows. The caller holds the campaign's lock.
    """
    arguments = _arguments(recipient_import, after, until)
    # Only imports add people to a campaign, so the only import of a campaign need not check again.
    if (
        RecipientImport.objects.filter(campaign_id=recipient_import.campaign_id)
        .exclude(pk=recipient_import.pk)
        .exists()
    ):
        _run(recipient_import, _REJECT_ROWS + _IN_CAMPAIGN_ALREADY, arguments)
    _run(recipient_import, _REJECT_ROWS + _ON_SUPPRESSION_LIST, arguments)
    return arguments


def open_rows_of(recipient_import: RecipientImport) -> str:
    """An SQL query for the rows of a range that become voicemails, in the order of the list. `reject_late` returns its arguments."""
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
    by_outcome = {outcome.value: outcomes[outcome] for outcome in RowOutcome} | {RowOutcome.ACCEPTED.value: accepted}
    return by_outcome, dict(codes)


def count_answers(recipient_import: RecipientImport) -> dict[str, int]:
    """Rows by their answer about consent, if a column asks for it, and as `next_number` the rows whose first phone is not used."""
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
    """Delete all rejections of the import."""
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
        "purpose": recipient_import.campaign.lane.use_case.purpose,
        "confidential": recipient_import.campaign.lane.use_case.to_confidential,
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
        "repeated": _NUMBERS_REPEATED.format(table=table),
        "open": _STILL_OPEN,
        "sought": (sought := blind_index().match_sql("s.index", "s.older")),
        "suppressed": suppressed_sql(
            workspace="%(workspace)s", purpose="%(purpose)s", confidential="%(confidential)s", matches=sought
        ),
    }
    with connection.cursor() as cursor:
        cursor.execute(query.format(**words), arguments)
