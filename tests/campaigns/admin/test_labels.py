"""The pure parts of the admin: cells that hide whom they are about, columns by name, scripts as fields, times and rates in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaigns.admin import labels, time_zones
from campaigns.admin.campaign.script_form import from_script, to_script
from campaigns.admin.lists.column_labels import CALLED, labeled_columns, masked_cell, merge_field
from campaigns.imports.uploaded_lists import ColumnRead
from campaigns.states import CampaignState, ImportState, RowOutcome
from delivery.lifecycle.reasons import REASONS
from delivery.lifecycle.status import VoicemailStatus
from delivery.services.retries import LeftOut
from rvm.spreadsheets.columns.kinds import KINDS, MERGE_FIELD
from rvm.spreadsheets.columns.questions import Question
from rvm.spreadsheets.columns.reading import Sureness, Why


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("(202) 555-0142", "•••••••0142"),
        ("+12025550142", "•••••••0142"),
        ("Zoë O'Neil", "xxx x'xxxx"),
        ("10001-1234", "00000-0000"),
        ("2026-11-24", "0000-00-00"),
        ("a㈵㌳2", "xxx0"),
        ("", ""),
    ],
)
def test_a_hidden_cell_keeps_its_shape(cell: str, shown: str) -> None:
    assert masked_cell(cell) == shown


@given(st.text(max_size=40))
def test_a_hidden_cell_says_no_word_and_at_most_four_digits(cell: str) -> None:
    shown = masked_cell(cell)
    assert not [char for char in shown if char.isalpha() and char != "x"]
    assert len([char for char in shown if char.isdecimal() and char != "0"]) <= 4


@given(st.text(max_size=60), st.integers(0, 300))
def test_a_column_of_no_known_field_gets_a_name_that_a_merge_field_may_have(name: str, at: int) -> None:
    made = merge_field(name, at)
    assert MERGE_FIELD.fullmatch(made) and made not in KINDS


def test_every_column_offers_every_field_and_keeps_what_was_chosen() -> None:
    assert set(CALLED) == set(KINDS)
    reading = [
        ColumnRead(0, "phone", Sureness.SURE, Why.NAME_AND_CELLS, Question.NONE),
        ColumnRead(1, "visit_day", Sureness.SURE, Why.SAID, Question.NONE),
        ColumnRead(2, "", Sureness.UNSURE, Why.NOTHING, Question.NONE),
        ColumnRead(3, "unclear", Sureness.UNSURE, Why.CELLS, Question.YES_OR_NO),
    ]
    first, second, third, fourth = labeled_columns(["Mobile", "Appointment Day", "", "Flag"], reading)
    assert (first.chosen, second.chosen, third.chosen) == ("phone", "visit_day", "")
    for column in (first, second, third, fourth):
        values = [value for value, _ in column.choices]
        assert column.chosen in values and set(KINDS) < set(values) and len(values) == len(set(values))
    assert second.choices[-1] == ("visit_day", "Other: visit day")
    assert third.choices[-1] == ("column_3", "Other: column 3")
    assert [column.why for column in (first, second, third)] == ["by its name and what stands in it", "as you said", ""]
    assert fourth.choices[0] == ("unclear", "Please say what it is") and fourth.question.endswith("?")
    assert not third.question


def clip(name: str) -> Any:
    return SimpleNamespace(pk=f"id of {name}", name=name)


@pytest.mark.parametrize(
    "said",
    [
        {"opening": clip("Hello"), "closing": clip("Bye")},
        {"opening": clip("Hello"), "column": "first_name", "chosen": [clip("Ana"), clip("Zoë")]},
        {"column": "day", "chosen": [clip("Mon")], "otherwise": clip("soon"), "closing": clip("Bye")},
    ],
)
def test_a_script_reads_back_as_the_fields_that_made_it(said: dict[str, Any]) -> None:
    names = {f"id of {name}": name for name in ("Hello", "Bye", "Ana", "Zoë", "Mon", "soon")}
    read = from_script(to_script(said), names)
    assert read is not None
    flat = {
        key: [each.pk for each in value] if key == "chosen" else getattr(value, "pk", value)
        for key, value in said.items()
    }
    assert {key: value for key, value in read.items() if value} == flat


@pytest.mark.parametrize(
    "script",
    [
        [{"clip": "a"}, {"clip": "b"}, {"clip": "c"}],
        [{"field": "x", "clips": {"A": "a"}}, {"field": "y", "clips": {"A": "a"}}],
        [{"field": "x", "clips": {"another name": "a"}, "otherwise": None}],
    ],
)
def test_a_script_that_the_fields_cannot_say_is_not_read_as_another(script: list[Any]) -> None:
    assert from_script(script, {"a": "A", "b": "B", "c": "C"}) is None


def test_every_state_status_and_outcome_has_its_words() -> None:
    assert set(labels.STATUSES) == set(labels.BAR_COLOURS) == set(VoicemailStatus)
    assert set(labels.OUTCOMES) == set(RowOutcome)
    assert set(labels.IMPORT_STATES) == set(ImportState)
    for state in CampaignState:
        snapshot = labels.CampaignSnapshot(state=state, total=1, recording=True, start="", end="")
        assert labels.next_step_message(snapshot).startswith(state.capitalize())
    for state in ImportState:
        assert labels.list_step(state, 1, operates=True).endswith(".")
    for state in (ImportState.FAILED, ImportState.DISCARDED):
        step = labels.list_step(state, 1, operates=True, imported=20_000)
        assert (
            "after its first 20,000 rows" in step and "nobody was added" not in step and "could not be read" not in step
        )
    for reason, facts in REASONS.items():
        assert labels.reason(reason) == facts.detail
    assert labels.reason("of_another_version") == "Of another version"


def test_the_bar_adds_up_and_is_said_in_words() -> None:
    counts = {"delivered": 1, "failed": 1, "queued": 2, "skipped": 0}
    assert [(part.status, part.percent) for part in labels.parts(counts)] == [
        ("delivered", "25.00"),
        ("failed", "25.00"),
        ("queued", "50.00"),
    ]
    assert labels.bar_text(counts) == "1 delivered, 1 failed, 2 waiting"
    assert labels.bar_text({}) == "no recipients yet"


@pytest.mark.parametrize(
    ("per_second", "told"),
    [(0, "-"), (0.001, "4 an hour"), (0.5, "30 a minute"), (1, "1 a second"), (1234.5, "1,234 a second")],
)
def test_a_rate_is_said_in_the_unit_that_one_can_picture(per_second: float, told: str) -> None:
    assert labels.rate(per_second) == told


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        (0.2, "less than a minute"),
        (1, "1 minute"),
        (59, "59 minutes"),
        (60, "1 hour"),
        (600, "10 hours"),
        (4000, "3 days"),
    ],
)
def test_a_span_is_said_roughly(minutes: float, told: str) -> None:
    assert labels.duration(timedelta(minutes=minutes)) == told


@pytest.mark.parametrize(
    ("minutes", "told"), [(0.2, "in less than a minute"), (1, "in about 1 minute"), (60, "in about 1 hour")]
)
def test_when_something_is_expected_is_said_roughly(minutes: float, told: str) -> None:
    assert labels.in_about(timedelta(minutes=minutes)) == told


def test_a_time_is_said_by_the_readers_clock_and_by_the_campaigns_where_that_differs() -> None:
    moment = datetime(2026, 11, 24, 14, tzinfo=UTC)
    with timezone.override("America/New_York"):
        assert time_zones.local(moment, "America/New_York") == "Tue, Nov 24, 2026, 9:00 AM EST"
        assert time_zones.local(moment, "America/Detroit") == "Tue, Nov 24, 2026, 9:00 AM EST"
        other = time_zones.local(moment, "America/Chicago")
    assert other == "Tue, Nov 24, 2026, 9:00 AM EST (8:00 AM CST by the campaign's clock)"
    with timezone.override("Asia/Tokyo"):
        far = time_zones.local(moment + timedelta(hours=6), "America/Chicago")
    assert far == "Wed, Nov 25, 2026, 5:00 AM JST (Tue, Nov 24, 2026, 2:00 PM CST by the campaign's clock)"


@pytest.mark.parametrize(
    ("state", "queued", "left_out", "words"),
    [
        ("running", 0, {}, "The failed are being queued again: 0 of 3,000 people looked at, 0 queued."),
        (
            "running",
            1990,
            {"suppressed": 8, "attempts_used_up": 2},
            "The failed are being queued again: 2,000 of 3,000 people looked at, 1,990 queued. Left out: 2 after ten attempts, 8 on "
            "the suppression list.",
        ),
        ("completed", 1, {}, "The last retry queued 1 person again."),
        (
            "completed",
            0,
            {"suppressed": 1},
            "The last retry found nobody whom it may reach. Left out: 1 on the suppression list.",
        ),
        ("stopped", 2000, {}, "The retry was stopped with 2,000 people queued again. The campaign was canceled."),
    ],
)
def test_a_retry_is_told_in_a_sentence(state: str, queued: int, left_out: dict[str, int], words: str) -> None:
    because = "The campaign was canceled." if state == "stopped" else ""
    told = labels.retry_message(state, matching=3000, queued=queued, left_out=left_out, stopped_because=because)
    assert told == words


def test_every_reason_for_leaving_somebody_out_has_words() -> None:
    assert set(labels.LEFT_OUT) == set(LeftOut)
