"""Consents are kept as they were recorded: the database itself refuses to change or remove one."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from rvm.platform.database.clock import database_now
from rvm.platform.encryption.fields import BlindIndexField, EncryptedField
from tests.factories import make_consent
from usecases.models import Consent

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "change", [{"purposes": ["marketing"]}, {"at": database_now}, {"last4": "0000"}, {"created_by": None}]
)
def test_no_writer_changes_a_consent(change: dict[str, Any]) -> None:
    row = make_consent()
    values = {name: value() if callable(value) else value for name, value in change.items()}
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Consent.objects.filter(pk=row.pk).update(**values)


def test_no_writer_removes_a_consent_or_its_revocation() -> None:
    row = make_consent()
    revocation = make_consent(row.workspace, revokes=row)
    for doomed in (revocation, row):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            Consent.objects.filter(pk=doomed.pk)._raw_delete(using="default")
    assert Consent.objects.count() == 2


def test_no_writer_empties_the_table() -> None:
    make_consent()
    connection.check_constraints()  # as after a commit
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE usecases_consent CASCADE")
    assert Consent.objects.count() == 1


# Another value than a consent has, by the type of the column.
ANOTHER = {
    "ArrayField": "'{}'",
    "BinaryField": "'x'",
    "CharField": "'x'",
    "DateTimeField": "'2001-02-03'",
    "ForeignKey": "gen_random_uuid()",
    "OneToOneField": "gen_random_uuid()",
    "PositiveSmallIntegerField": "9",
    "UUIDField": "gen_random_uuid()",
}


@pytest.mark.parametrize("field", Consent._meta.concrete_fields, ids=lambda field: field.column)
def test_only_what_is_under_keys_is_ever_written_anew(field: Any) -> None:
    make_consent()
    statement = f"UPDATE usecases_consent SET {field.column} = {ANOTHER[field.get_internal_type()]}"
    with transaction.atomic(), connection.cursor() as cursor:
        if isinstance(field, EncryptedField | BlindIndexField) or field.column == "index_key":
            cursor.execute(statement)
        else:
            with pytest.raises(IntegrityError, match="append-only"):
                cursor.execute(statement)
        transaction.set_rollback(True)
