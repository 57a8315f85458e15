"""The values that a page carries: equal exactly if the field shows the same, and told in the words of the form."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from typing import Any

import pytest
from django import forms

from rvm.platform.admin.pickers import LocalMomentField
from rvm.platform.admin.versions.shown_values import MAX_LENGTH, carried, differs, in_words
from tests.factories import make_workspace
from usecases.admin.weekdays import WeekdaysField

WAYS = forms.ChoiceField(choices=[("a", "By air"), ("At home", [("b", "By bus")])])

# The field, a value, what a browser posts of it untouched, what it posts of another, and the value in words.
VALUES: list[tuple[forms.Field, Any, Any, Any, str]] = [
    (forms.CharField(), "Flu shots", "Flu shots", "Flu", "Flu shots"),
    (forms.CharField(), "x" * 500, "x" * 500, "", "x" * (MAX_LENGTH - 1) + "…"),
    (forms.CharField(required=False), None, "", "Flu", "nothing"),
    (forms.IntegerField(), 0, "0", "1", "0"),
    (forms.IntegerField(required=False), None, "", "0", "nothing"),
    (forms.FloatField(), 2.5, "2.50", "2", "2.5"),
    (forms.BooleanField(), False, False, "on", "no"),
    (forms.BooleanField(), True, "on", False, "yes"),
    (forms.DateField(), date(2026, 12, 1), "2026-12-01", "2026-12-02", "Tue, Dec 1, 2026"),
    (forms.TimeField(), time(9), "09:00", "09:01", "9:00 AM"),
    (LocalMomentField(), datetime.fromisoformat("2026-12-01T09:00"), "2026-12-01T09:00", "2026-12-01T10:00",
     "Tue, Dec 1, 2026, 9:00 AM"),
    (WAYS, "b", "b", "a", "By bus"),
    (WeekdaysField(), ["5", "1"], ["1", "5"], ["1"], "Monday, Friday"),
    (forms.MultipleChoiceField(choices=[(str(n), f"No. {n}") for n in range(20)]), [str(n) for n in range(12)],
     [str(n) for n in range(12)], [], ", ".join(f"No. {n}" for n in sorted(map(str, range(12)))[:10]) + ", 2 more"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "same", "other", "words"), VALUES)
def test_a_value_survives_the_page_and_is_told_in_words(
    field: forms.Field, value: Any, same: Any, other: Any, words: str
) -> None:
    brought_back = json.loads(json.dumps(carried(field, value)))
    assert brought_back == carried(field, field.to_python(value))
    assert not differs(field, brought_back, same)
    assert differs(field, brought_back, other)
    assert in_words(field, brought_back) == words


@pytest.mark.django_db
def test_rows_are_carried_by_id_and_told_by_name() -> None:
    first, second = make_workspace(name="North"), make_workspace(name="South")
    rows = type(first).objects.filter(pk__in=[first.pk, second.pk]).order_by("name")
    one, several = forms.ModelChoiceField(rows), forms.ModelMultipleChoiceField(rows)
    assert carried(one, first) == carried(one, first.pk) == str(first.pk)
    assert in_words(one, str(first.pk)) == "North"
    assert carried(several, [second, first]) == carried(several, rows) == carried(several, [first.pk, second.pk])
    assert in_words(several, carried(several, rows)) == "North, South"
    assert differs(several, carried(several, [first]), [str(first.pk), str(second.pk)])


@pytest.mark.django_db
def test_a_row_that_is_not_offered_any_more_counts_as_another() -> None:
    gone = make_workspace()
    field = forms.ModelChoiceField(type(gone).objects.none())
    assert differs(field, str(gone.pk), str(gone.pk))
    assert in_words(field, str(gone.pk)) == str(gone.pk)
