"""Who may not see phone numbers asks by one so many times a day, and each time is on record."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from rvm.platform import number_questions
from rvm.platform.models import AuditEvent, NumberQuestions, User, Workspace
from rvm.platform.number_questions import A_DAY, QuestionsUsedUp, ask
from tests.factories import make_user, make_workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db: None) -> User:
    return make_user(username="ann", password=None)


def events(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("id"))


def test_each_question_is_recorded_in_each_workspace_whose_numbers_are_hidden(ann: User, workspace: Workspace) -> None:
    other = make_workspace()
    ask(ann, [workspace, other], "voicemail")
    assert [(event.actor, event.workspace, event.details) for event in events("number.asked_about")] == [
        (ann, place, {"by": "voicemail", "count": 1}) for place in (workspace, other)
    ]


def test_who_sees_the_numbers_is_not_counted(ann: User) -> None:
    for _ in range(3):
        ask(ann, [], "voicemail")
    assert not NumberQuestions.objects.exists() and not AuditEvent.objects.exists()


def test_beyond_the_days_questions_nothing_is_told_and_that_is_recorded_once(ann: User, workspace: Workspace) -> None:
    ask(ann, [workspace], "voicemail", A_DAY)
    for _ in range(2):
        with pytest.raises(QuestionsUsedUp, match=f"may ask about {A_DAY} in a day"):
            ask(ann, [workspace], "voicemail")
    assert len(events("number.questions_used_up")) == 1
    assert NumberQuestions.objects.get().asked == A_DAY
    ask(make_user(password=None), [workspace], "voicemail")  # another person's day is another's


def test_the_next_day_begins_anew(ann: User, workspace: Workspace) -> None:
    ask(ann, [workspace], "voicemail", A_DAY)
    with pytest.raises(QuestionsUsedUp):
        ask(ann, [workspace], "voicemail")
    NumberQuestions.objects.update(began_at=timezone.now() - timedelta(days=1, seconds=1))
    ask(ann, [workspace], "voicemail", A_DAY)
    with pytest.raises(QuestionsUsedUp):
        ask(ann, [workspace], "voicemail")
    assert len(events("number.questions_used_up")) == 2


def test_what_would_be_too_many_is_not_counted(ann: User, workspace: Workspace) -> None:
    ask(ann, [workspace], "withdrawal", A_DAY - 1)
    with pytest.raises(QuestionsUsedUp):
        ask(ann, [workspace], "withdrawal", 2)
    ask(ann, [workspace], "withdrawal", 1)
    with pytest.raises(QuestionsUsedUp, match="at once"):
        ask(make_user(password=None), [workspace], "withdrawal", A_DAY + 1)


def test_the_quota_is_a_small_part_of_the_numbers_that_four_digits_leave() -> None:
    # About 640,000 numbers of +1 end in the same four digits.
    assert number_questions.A_DAY <= 640_000 / 5_000
