"""Times have one spelling, in the reader's zone, and are read as people write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from rvm.platform.errors import ServiceError
from rvm.platform.times import clocks, moments
from tests.docs.pages import PROJECT

NEW_YORK, CHICAGO = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago")
AT = datetime(2026, 11, 28, 15, 4, 31, tzinfo=UTC)
ZONES = [NEW_YORK, CHICAGO, ZoneInfo("America/Phoenix"), ZoneInfo("Pacific/Honolulu"), ZoneInfo("UTC")]
TODAY = date(2026, 11, 30)
local = datetime.fromisoformat
times = st.datetimes(local("2000-01-02"), local("2098-12-30"), timezones=st.just(UTC))


def test_a_time_names_its_day_and_its_zone() -> None:
    assert moments.moment(AT, NEW_YORK) == "Sat, Nov 28, 2026, 10:04 AM EST"
    assert moments.moment(AT + timedelta(days=240), CHICAGO) == "Mon, Jul 26, 2027, 10:04 AM CDT"
    assert moments.moment_to_the_second(AT, NEW_YORK) == "Sat, Nov 28, 2026, 10:04:31 AM EST"
    assert moments.day(datetime(2026, 11, 29, 3, tzinfo=UTC), NEW_YORK) == "Sat, Nov 28, 2026"
    assert moments.day(date(2026, 11, 29)) == "Sun, Nov 29, 2026"


def test_without_a_zone_it_is_the_active_one_and_else_utc() -> None:
    assert moments.moment(AT) == "Sat, Nov 28, 2026, 3:04 PM UTC"
    with timezone.override(CHICAGO):
        assert moments.moment(AT) == "Sat, Nov 28, 2026, 9:04 AM CST"


@given(times, st.sampled_from(ZONES))
def test_the_spelling_of_pure_modules_is_that_of_the_formats(at: datetime, zone: ZoneInfo) -> None:
    there = at.astimezone(zone)
    assert clocks.spelled(there) == moments.moment(at, zone)
    assert clocks.clock(there.time()) == moments.clock(there.time())


@given(times, st.sampled_from(ZONES))
def test_what_is_shown_can_be_written_again(at: datetime, zone: ZoneInfo) -> None:
    shown, there = moments.moment(at, zone), at.astimezone(zone)
    read = moments.moment_in(shown.rpartition(" ")[0], lambda: TODAY)
    assert read == there.replace(tzinfo=None, second=0, microsecond=0)


@pytest.mark.parametrize(
    "text",
    [
        "11/28/2026 10:04 am", "11/28/26 10:04am", "11/28/2026, 10:04 a.m.", "11/28/2026 at 10:04", "2026-11-28T10:04",
        "2026-11-28T10:04:00", "2026-11-28 10:04", "Nov 28 2026 10:04 AM", "Sat, Nov 28, 2026, 10:04 AM",
    ],
)  # fmt: skip
def test_a_time_is_read_in_every_spelling(text: str) -> None:
    assert moments.moment_in(text, lambda: TODAY) == local("2026-11-28T10:04")


def test_a_time_without_a_year_is_the_next_one() -> None:
    assert moments.moment_in("Dec 1 9am", lambda: TODAY) == local("2026-12-01T09:00")
    assert moments.moment_in("Nov 28, 2pm", lambda: TODAY) == local("2027-11-28T14:00")
    assert moments.moment_in("tomorrow 12am", lambda: TODAY) == local("2026-12-01")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("11/28/2026", "time_not_understood"), ("9:00 am", "time_not_understood"), ("11/28/2026 25:00", "time_not_understood"),
        ("11/28/2026 13:00 pm", "time_not_understood"), ("11/28/2026 9", "time_not_understood"),
        ("13/11/2026 9:00", "day_not_understood"), ("Nov 209am", "time_not_understood"), ("soon", "time_not_understood"),
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_what_to_write(text: str, code: str) -> None:
    with pytest.raises(ServiceError) as refusal:
        moments.moment_in(text, lambda: TODAY)
    assert refusal.value.code == code and "write" in refusal.value.message.casefold()


@given(st.text(max_size=30) | st.text("0123456789/:-T ,apmnov", max_size=20))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        assert moments.moment_in(text, lambda: TODAY).tzinfo is None
    except ServiceError as refusal:
        assert refusal.message.startswith("“")


def test_a_time_that_clocks_skip_is_refused_and_one_that_comes_twice_is_the_first() -> None:
    with pytest.raises(ServiceError, match="2:30 AM does not exist on Sun, Mar 8, 2026"):
        moments.moment_at(local("2026-03-08T02:30"), NEW_YORK)
    assert moments.moment_at(local("2026-11-01T01:30"), NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


# What writes a time in another way, and what says a zone beside one.
_ELSEWHERE = re.compile(r"%H:%M|%-d %B|:%Y-%m-%d[ }T]|\}\} UTC|\} UTC|\|date:\"[^D]|[a-z] \(UTC\)|times in UTC")
# For machines and for operators at a terminal: names of files, ISO 8601, values of browsers' pickers, commands, a vendor's times.
_OTHERS = {
    "campaigns/admin/fields.py", "delivery/carriers/slybroadcast.py", "delivery/downloads.py",
    "delivery/services/voicemail_indexes.py",
    "rvm/platform/admin/list_export.py", "rvm/platform/admin/pickers.py", "rvm/platform/api/authentication.py",
    "rvm/platform/api/rendering.py", "rvm/platform/audit_api/reference/views.py", "rvm/project/formats/en/formats.py",
}  # fmt: skip


def test_no_page_and_no_message_spells_a_time_by_itself() -> None:
    folders = ("campaigns", "delivery", "usecases", "rvm/platform", "rvm/project")
    files = [
        path for folder in folders for path in (PROJECT / folder).rglob("*") if path.suffix in (".py", ".html", ".txt")
    ]
    found = {
        str(path.relative_to(PROJECT))
        for path in files
        if "management" not in path.parts and "migrations" not in path.parts and _ELSEWHERE.search(path.read_text())
    }
    assert found == _OTHERS
