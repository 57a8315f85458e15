"""What people and keys that may not see phone numbers may ask by a number: so many a day, and each recorded.

Masked rows show the last four digits. Whoever may try out the other digits without end finds out the whole number, so whether a
number is known is told to those who may see numbers, and to others a few times a day. The count is in PostgreSQL, so that it holds in
every process and without Redis.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog

from rvm.platform import audit
from rvm.platform.database import sql
from rvm.platform.errors import ServiceError
from rvm.platform.models import NumberQuestions, User, Workspace
from rvm.platform.times import moments

log = structlog.get_logger(__name__)

A_DAY = 100
WINDOW = timedelta(days=1)

# The row of a day that is over begins anew. What would be too many is not counted, and returns no row.
_COUNT = """
INSERT INTO platform_numberquestions AS t (user_id, began_at, asked, refused) VALUES (%s, now(), %s, false)
ON CONFLICT (user_id) DO UPDATE SET
       began_at = CASE WHEN t.began_at <= now() - %s THEN excluded.began_at ELSE t.began_at END,
       asked = CASE WHEN t.began_at <= now() - %s THEN excluded.asked ELSE t.asked + excluded.asked END,
       refused = CASE WHEN t.began_at <= now() - %s THEN false ELSE t.refused END
 WHERE t.began_at <= now() - %s OR t.asked + excluded.asked <= %s
RETURNING asked
"""


class QuestionsUsedUp(ServiceError):
    """The day's questions by number are used up. That is recorded once, so what was written stays."""

    keeps_work = True


def ask(asker: User, hidden_in: Iterable[Workspace], by: str, count: int = 1) -> None:
    """Count `count` questions of somebody who may not see the numbers of these workspaces, and record them; nothing where there are
    none. `by` says where a number was asked about. Raises QuestionsUsedUp."""
    workspaces = list(hidden_in)
    if not workspaces or not count:
        return
    if count > A_DAY or not sql.run(_COUNT, [asker.pk, count, *[WINDOW] * 4, A_DAY]):
        raise _refused(asker, workspaces, by, count)
    for workspace in workspaces:
        audit.record("number.asked_about", workspace, actor=asker, workspace=workspace, by=by, count=count)


def _refused(asker: User, workspaces: list[Workspace], by: str, count: int) -> QuestionsUsedUp:
    again = _again(asker)
    if NumberQuestions.objects.filter(pk=asker.pk, refused=False).update(refused=True):
        log.warning("number_questions_used_up", user_id=str(asker.pk), by=by)
        for workspace in workspaces:
            audit.record("number.questions_used_up", workspace, actor=asker, workspace=workspace, by=by, count=count)
    if again is None or count > A_DAY:
        asked = f"This asks about {count:,} phone numbers at once"
    else:
        asked = f"You have asked about {A_DAY} phone numbers within a day, or would with this; go on from {moments.moment(again)} on"
    return QuestionsUsedUp(
        "number_questions_used_up",
        f"{asked}. Who may not see phone numbers may ask about {A_DAY} in a day. Ask somebody who may see them, or use an id.",
        **({"retry_at": again.isoformat()} if again else {}),
    )


def _again(asker: User) -> datetime | None:
    began = NumberQuestions.objects.filter(pk=asker.pk).values_list("began_at", flat=True).first()
    return began + WINDOW if began else None
