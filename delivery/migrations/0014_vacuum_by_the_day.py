"""Has the tables that keep history vacuumed by what a day changes, not by a fifth of all that they hold.

A voicemail leaves three dead versions of its row and two of its drop's on its way, and none of them in a page's own room: each change
of a status is one in an index. By default their space comes back once they are a fifth of the table, and the planner hears of what
changed after a tenth; of a hundred million rows that is the work of days. Counts (`lanecount`) need nothing: 99 of 100 of their updates
stay within their page and are tidied up by the next one. The differences (`lanedelta`) are gone within a second of being written, so the
size of their table says nothing about how many dead ones it holds.
"""

from __future__ import annotations

from django.db import migrations

SETTINGS = {
    "delivery_voicemail": {"autovacuum_vacuum_scale_factor": "0.05", "autovacuum_analyze_scale_factor": "0.02"},
    "delivery_drop": {"autovacuum_vacuum_scale_factor": "0.05", "autovacuum_analyze_scale_factor": "0.02"},
    "delivery_lanedelta": {"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "1000"},
}


def statement(table: str, action: str, parameters: list[str]) -> str:
    return f"ALTER TABLE {table} {action} ({', '.join(parameters)})"


class Migration(migrations.Migration):
    dependencies = [("delivery", "0013_fronts_of_queues")]

    operations = [
        migrations.RunSQL(
            statement(table, "SET", [f"{name} = {value}" for name, value in parameters.items()]),
            statement(table, "RESET", list(parameters)),
        )
        for table, parameters in SETTINGS.items()
    ]
