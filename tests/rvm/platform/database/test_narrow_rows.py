"""Rows of a list are real rows with some of their columns."""

from __future__ import annotations

from typing import Any

import pytest

from delivery.models import Voicemail
from rvm.platform.database.narrow_rows import NarrowRows, Sql
from tests.factories import RECIPIENT, make_use_case, make_voicemail

pytestmark = pytest.mark.django_db
ROWS = NarrowRows(Voicemail, ("id", "workspace_id", "setup_id", "recipient", "metadata"), {"setup": ("carrier",)})
ALL = Sql("SELECT id FROM delivery_voicemail WHERE live OR NOT %s", [True])


def test_rows_have_their_columns_and_share_what_they_belong_to(django_assert_num_queries: Any) -> None:
    use_case = make_use_case()
    made = [make_voicemail(use_case, metadata={"visit": number}) for number in range(3)]
    with django_assert_num_queries(1):
        rows = ROWS.newest(ALL)
        assert rows == made[::-1]
        assert [(row.recipient, row.metadata) for row in rows] == [(RECIPIENT, each.metadata) for each in made[::-1]]
        assert {row.setup.carrier for row in rows} == {use_case.setup.carrier}
    assert len({id(row.setup) for row in rows}) == 1


def test_another_column_is_read_when_it_is_asked_for(django_assert_num_queries: Any) -> None:
    made = make_voicemail(reference="visit-1")
    [row] = ROWS.newest(ALL)
    with django_assert_num_queries(1):
        assert row.reference == "visit-1"
    with django_assert_num_queries(1):
        assert row.setup.name == made.setup.name
