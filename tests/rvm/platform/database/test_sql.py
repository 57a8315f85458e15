"""The array literals that the engine's statements are given say in PostgreSQL what they were made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["", ""],
        ["NULL", "null", " "],
        ['"'],
        ['a"b', "c"],
        ['"', '"', '"'],
        ["\\", "\\\\", '\\"'],
        ["{", "}", ",", "{a,b}", '","'],
        ["ünïcödé", "漢字", "🎉", "\n\t\r"],
        ["plain", 'quoted "word"', "back\\slash"],
    ],
)
def test_words_arrive_as_they_are(values: list[str]) -> None:
    assert sql.run("SELECT %s::text[]", [sql.texts(values)]) == [(values,)]


def test_what_no_text_can_hold_is_left_out_of_a_word() -> None:
    assert sql.run("SELECT %s::text[]", [sql.texts(["a\x00b", "\x00"])]) == [(["ab", ""],)]


def test_ids_binaries_numbers_and_times_arrive_as_they_are() -> None:
    ids = [uuid7(), None, uuid7()]
    times = [
        datetime(2026, 3, 1, 12, 30, 5, 123456, UTC),
        None,
        datetime(1999, 1, 1, tzinfo=timezone(timedelta(hours=-5))),
    ]
    assert sql.run("SELECT %s::uuid[]", [sql.ids(ids)]) == [(ids,)]
    binaries = [b"", None, bytes(range(256)), b'\\x"']
    assert sql.run("SELECT %s::bytea[]", [sql.binaries(binaries)]) == [(binaries,)]
    assert sql.run("SELECT %s::bytea[]", [sql.binaries([])]) == [([],)]
    assert sql.run("SELECT %s::bigint[]", [sql.numbers([3, -1, 2**62])]) == [([3, -1, 2**62],)]
    assert sql.run("SELECT %s::timestamptz[]", [sql.times(times)]) == [(times,)]
    assert sql.run("SELECT %s::bigint[], %s::uuid[]", [sql.numbers([]), sql.ids([])]) == [([], [])]
