"""The bench of the API runs to its end; what it measures is for `make bench-api` on a quiet machine."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from django.db import connection, models

from bench import api
from bench.api.statements import counted, traced
from bench.programs.plain.models import Voicemail as PlainVoicemail
from delivery.models import Voicemail
from rvm.platform.database import sql


@pytest.fixture
def database_url(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    monkeypatch.setenv("DATABASE_URL", f"{server}/{connection.settings_dict['NAME']}")


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("database_url")
def test_sends_and_batches_are_measured_against_the_plainest_project() -> None:
    figures = api.run(replace(api.QUICK, steps=["sends", "batches"]), lambda line: None)
    assert {"send_ratio_drf", "send_statements", "batch_ratio_drf", "batch_ms"} <= figures.keys()
    assert min(figures.values()) > 0


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("database_url")
def test_lists_uploads_and_a_campaign_are_measured() -> None:
    figures = api.run(replace(api.QUICK, steps=["uploads", "campaign", "lists"]), lambda line: None)
    assert figures.keys() == {
        *("list_ms", "list_p99_over_median", "list_deep_ratio", "upload_ratio", "upload_known_ratio"),
        *("list_ms_at_client", "list_p99_over_median_at_client"),
        *("campaign_p99_ratio", "campaign_per_second"),
    }
    assert min(figures.values()) > 0


def test_the_plainest_project_has_the_same_columns_and_indexes() -> None:
    def columns(model: type[models.Model]) -> list[str | None]:
        return [field.column for field in model._meta.fields]

    def indexes(model: type[models.Model]) -> list[tuple[list[str], object]]:
        return [([_column(model, name) for name in each.fields], each.condition) for each in model._meta.indexes]

    assert columns(PlainVoicemail) == columns(Voicemail)
    assert indexes(PlainVoicemail) == indexes(Voicemail)
    assert [each.condition for each in PlainVoicemail._meta.constraints] == [
        each.condition for each in Voicemail._meta.constraints
    ]


def _column(model: type[models.Model], name: str) -> str:
    """The column of an index's entry, with its direction."""
    bare = name.lstrip("-")
    return name.replace(bare, model._meta.get_field(bare).column)


@pytest.mark.django_db
def test_statements_are_counted_as_they_are_sent_prepared_or_not() -> None:
    for _ in range(2):
        with traced() as found, connection.cursor() as cursor:
            sql.run('SELECT %s AS "one"', [1])
            sql.run("SELECT 'two\nlines', %s", ["F\t3\tSync"])
            cursor.execute("SAVEPOINT here")
            cursor.execute("SELECT 3 AS three")
    assert counted(found) == ['SELECT $1 AS "one"', "SELECT 'two\nlines', $1", "SELECT 3 AS three"]
