"""SQL conditions of attempts: what drops, rows `d`, say of whether the person was reached."""

from __future__ import annotations

from delivery.lifecycle.reasons import GUESSES
from rvm.platform.database import sql

# Not proved unsent.
COUNTS_SQL = "d.status <> 'not_sent'"
# How many attempts of the voicemail, the row `v`, count.
COUNT_SQL = f"(SELECT count(*) FROM delivery_drop d WHERE d.voicemail_id = v.id AND {COUNTS_SQL})"  # noqa: S608 - of constants
# It failed, and the message may have been left: its end is a guess, or an unsigned result that a signed one may override.
MAY_HAVE_LEFT_SQL = f"(d.status = 'failed' AND (d.provisional OR d.reason IN {sql.literals(GUESSES)}))"
