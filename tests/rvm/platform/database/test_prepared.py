"""Prepared queries give what the ORM gives, each time anew, and are compiled once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.db.models.sql.compiler import SQLCompiler

from delivery.models import Recording, Voicemail
from rvm.platform.database.prepared import insert, prepared, set_prefetched
from rvm.platform.models import ApiKey
from tests.factories import (
    make_api_key,
    make_phone_number,
    make_recording,
    make_setup,
    make_use_case,
    make_voicemail,
)
from usecases.models import TelephonySetup, UseCase

pytestmark = pytest.mark.django_db


@prepared
def setups_of(workspace_id: UUID, carrier: str) -> QuerySet[TelephonySetup]:
    return TelephonySetup.objects.filter(workspace=workspace_id, carrier=carrier, enabled=True).order_by("name")


@prepared
def use_cases(use_case_id: UUID) -> QuerySet[UseCase]:
    return UseCase.objects.select_related("setup", "failover_setup").defer("setup__carrier").filter(pk=use_case_id)


@prepared
def keys(digest: bytes) -> QuerySet[ApiKey]:
    return ApiKey.objects.select_related("user").annotate(asked_at=Now()).filter(digest=digest)


def columns(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_rows_are_those_of_the_orm_whatever_changes_between_two_calls() -> None:
    first = make_setup(name="A")
    other = make_setup(first.workspace, name="B")
    make_setup(name="C")
    for expected in ([first, other], [other]):
        found = setups_of(first.workspace_id, "sandbox")
        assert [columns(row) for row in found] == [columns(TelephonySetup.objects.get(pk=row.pk)) for row in expected]
        first.enabled = False
        first.save()
    assert setups_of(uuid4(), "sandbox") == setups_of(first.workspace_id, "drop_cowboy") == []


def test_a_row_can_be_changed_and_saved() -> None:
    [row] = use_cases(make_use_case(name="Before").pk)
    row.name = "After"
    row.save()
    assert UseCase.objects.get().name == "After"


def test_related_rows_come_with_it_and_deferred_columns_when_they_are_asked_for(
    django_assert_num_queries: Any,
) -> None:
    use_case = make_use_case(failover_setup=None)
    with django_assert_num_queries(0):  # what a prepared query reads is not seen by Django's cursors
        [row] = use_cases(use_case.pk)
        assert (row.setup.name, row.failover_setup) == (use_case.setup.name, None)
    assert row.setup.get_deferred_fields() == {"carrier"}
    with django_assert_num_queries(1):
        assert row.setup.carrier == "sandbox"


def test_annotations_come_with_it() -> None:
    key, _ = make_api_key()
    [row] = keys(bytes(key.digest))
    assert row == key and row.user == key.user
    assert row.asked_at is not None  # type: ignore[attr-defined]


def test_it_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    setups_of(uuid4(), "sandbox")
    monkeypatch.setattr(SQLCompiler, "as_sql", None)
    assert setups_of(uuid4(), "sandbox") == []


def test_what_was_read_apart_counts_as_prefetched(django_assert_num_queries: Any) -> None:
    use_case = make_use_case(numbers=0)
    number = make_phone_number(use_case.setup)
    set_prefetched(use_case, "phone_numbers", use_case.phone_numbers.all(), [number])
    with django_assert_num_queries(0):
        assert list(use_case.phone_numbers.all()) == [number]
    # What narrows it further is asked of the database, among its own alone.
    assert not use_case.phone_numbers.filter(setup=use_case.setup).exists()


@pytest.mark.parametrize("values", [{}, {"used_at": datetime(2026, 5, 4, tzinfo=UTC)}, {"warnings": ["it's low", "{"]}])
def test_an_inserted_row_is_the_row_that_is_read(values: dict[str, Any]) -> None:
    of_another = {name: value for name, value in columns(make_recording()).items() if name not in ("id", "used_at")}
    made = Recording(**{**of_another, "sha256": "a" * 64, **values})
    insert(made)
    assert columns(made) == columns(Recording.objects.get(pk=made.pk))
    made.name = "After"
    made.save()
    assert Recording.objects.get(pk=made.pk).name == "After"


def test_an_inserted_row_is_encrypted_as_a_saved_one() -> None:
    saved = make_voicemail(record_number="MRN 7")
    made = Voicemail(**{name: value for name, value in columns(saved).items() if name != "id"})
    insert(made)
    assert columns(Voicemail.objects.get(pk=made.pk)) == {**columns(saved), "id": made.pk}
    [(ciphertext,)] = Voicemail.objects.filter(pk=made.pk).values_list("record_number")
    assert ciphertext is not None
    assert b"MRN" not in ciphertext
