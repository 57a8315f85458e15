"""What an encrypted column holds opens in its own row only, and is not read before somebody asks for it."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st

from delivery.models import CarrierReport, Voicemail
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import Undecryptable, cipher
from rvm.platform.encryption.fields import Encrypted, EncryptedField
from tests import factories
from tests.rvm.platform.admin.every_row import make_every_row
from usecases.models import CallbackSecret, TelephonySetup

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "EncryptedField": st.binary(),
    "EncryptedTextField": st.text(),
    "EncryptedJSONField": json_values,
}
FIELDS = [
    field for model in apps.get_models() for field in model._meta.concrete_fields if isinstance(field, EncryptedField)
]
ids = st.uuids(version=4)


@pytest.mark.parametrize("field", FIELDS, ids=str)
@given(draw=st.data(), owner=ids, row=ids)
def test_a_value_comes_back_in_its_row(field: EncryptedField, draw: st.DataObject, owner: UUID, row: UUID) -> None:
    value = draw.draw(VALUES[type(field).__name__])
    ciphertext = field.encrypt(value, owner, row)
    assert field.decrypt(ciphertext, owner, row) == value
    assert cipher().is_current(ciphertext)


@given(text=st.text(), owner=ids, row=ids, other=ids, draw=st.data())
def test_a_value_opens_nowhere_else(text: str, owner: UUID, row: UUID, other: UUID, draw: st.DataObject) -> None:
    field, another = draw.draw(st.permutations(FIELDS))[:2]
    ciphertext = cipher().encrypt(text.encode(), field.associated_data(owner, row))
    wrong = [(another, owner, row), (field, other, row), (field, owner, other), (field, row, owner)]
    for where, owner_id, row_id in wrong:
        if (where, owner_id, row_id.bytes[8:]) != (field, owner, row.bytes[8:]):
            with pytest.raises(Undecryptable):
                where.decrypt(ciphertext, owner_id, row_id)


@given(text=st.text(max_size=40), owner=ids, row=ids, draw=st.data())
def test_a_damaged_value_does_not_open(text: str, owner: UUID, row: UUID, draw: st.DataObject) -> None:
    field = draw.draw(st.sampled_from(FIELDS))
    data = field.associated_data(owner, row)
    ciphertext = cipher().encrypt(text.encode(), data)
    bit, end = draw.draw(st.integers(0, 8 * len(ciphertext) - 1)), draw.draw(st.integers(0, len(ciphertext) - 1))
    flipped = (int.from_bytes(ciphertext) ^ 1 << bit).to_bytes(len(ciphertext))
    for damaged in (flipped, ciphertext[:end], ciphertext + b"\0"):
        with pytest.raises(Undecryptable):
            cipher().decrypt(damaged, data)


def test_the_columns_of_all_tables_have_different_purposes() -> None:
    bound = [field.associated_data(UUID(int=1), UUID(int=2)) for field in FIELDS]
    assert len(set(bound)) == len(FIELDS) > 12


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_a_column_is_bound_to_the_nearest_owner_of_its_row_and_to_an_id_that_is_known_beforehand(
    field: EncryptedField,
) -> None:
    owner, row = (field.model._meta.get_field(name.removesuffix("_id")) for name in field.bound_to)
    assert owner.get_attname() == field.bound_to[0] and isinstance(owner, models.ForeignKey)
    assert isinstance(row, models.UUIDField) and row.default is uuid7
    has_workspace = any(each.name == "workspace" for each in field.model._meta.concrete_fields)
    assert (field.bound_to[0] == "workspace_id") == has_workspace


def _row_of(model: type[models.Model], rows: dict[Any, Any]) -> Any:
    return rows[TelephonySetup].callback_secrets.get() if model is CallbackSecret else rows[model]


@pytest.mark.django_db
@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_a_rows_value_does_not_open_in_another_row_or_under_another_owner(field: EncryptedField) -> None:
    row, other = (_row_of(field.model, make_every_row(factories.make_workspace())) for _ in range(2))
    owner = field.bound_to[0]
    value = {"EncryptedField": b"answer", "EncryptedTextField": "words"}.get(type(field).__name__, {"a": 1})
    read = partial(lambda pk: getattr(field.model._default_manager.get(pk=pk), field.attname))
    table = field.model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # triggers guard some rows, and the owners of all
        write = f"UPDATE {table} SET {field.column} = %s WHERE id = %s"
        ciphertext = factories.encrypted(row, field.attname, value)
        cursor.execute(write, [ciphertext, row.pk])
        assert read(row.pk) == value
        cursor.execute(write, [ciphertext, other.pk])
        with pytest.raises(Undecryptable):
            read(other.pk)
        cursor.execute(f"UPDATE {table} SET {owner} = %s WHERE id = %s", [uuid7(), row.pk])
        with pytest.raises(Undecryptable):
            read(row.pk)
        cursor.execute("SET session_replication_role = DEFAULT")


@pytest.mark.django_db
def test_a_number_does_not_open_in_another_row() -> None:
    ours, theirs = factories.make_voicemail(), factories.make_voicemail(recipient="+12025550143")
    Voicemail.objects.filter(pk=ours.pk).update(recipient=Voicemail.objects.filter(pk=theirs.pk).values("recipient"))
    found = Voicemail.objects.get(pk=ours.pk)
    with pytest.raises(Undecryptable):
        _ = found.recipient
    assert Voicemail.objects.get(pk=theirs.pk).recipient == "+12025550143"


@pytest.mark.django_db
def test_what_nobody_asks_for_is_not_decrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    row = factories.make_voicemail()
    asked: list[bytes] = []
    decrypt = EncryptedField.decrypt
    monkeypatch.setattr(EncryptedField, "decrypt", lambda field, *of: asked.append(of[0]) or decrypt(field, *of))
    found = Voicemail.objects.get(pk=row.pk)
    assert (found.last4, asked) == (row.last4, [])
    assert [found.recipient, found.recipient] == [row.recipient] * 2
    assert len(asked) == 1


@pytest.mark.django_db
def test_a_row_is_saved_copied_and_inserted_in_bulk_with_its_own_ids() -> None:
    row = factories.make_voicemail(record_number="MRN-1")
    found = Voicemail.objects.get(pk=row.pk)
    found.save()
    copies = [Voicemail.objects.get(pk=row.pk) for _ in range(2)]
    for each in copies:
        assert each.recipient == row.recipient and each.record_number == "MRN-1"
        each.pk = uuid7()
    copies[0].save(force_insert=True)
    Voicemail.objects.bulk_create(copies[1:])
    stored = Voicemail.objects.all()
    assert {(each.recipient, each.record_number) for each in stored} == {(row.recipient, "MRN-1")} and len(stored) == 3
    assert len(set(Voicemail.objects.values_list("recipient", flat=True))) == 3


@pytest.mark.django_db
def test_queries_without_rows_read_and_write_ciphertexts_only() -> None:
    row = factories.make_voicemail()
    [ciphertext] = Voicemail.objects.values_list("recipient", flat=True)
    assert isinstance(ciphertext, Encrypted) and row.recipient.encode() not in ciphertext
    with pytest.raises(TypeError, match="encrypted for one row"), transaction.atomic():
        Voicemail.objects.update(recipient="+12025550143")
    row.recipient = "+12025550143"
    with pytest.raises(TypeError, match="encrypted for one row"), transaction.atomic():
        Voicemail.objects.bulk_update([row], ["recipient"])
    Voicemail.objects.update(recipient=F("recipient"), record_number=factories.encrypted(row, "record_number", "1"))
    assert Voicemail.objects.get().record_number == "1"


@pytest.mark.django_db
def test_an_empty_column_stays_empty() -> None:
    row = factories.make_voicemail()
    assert (row.record_number, Voicemail.objects.get(pk=row.pk).record_number) == (None, None)
    assert Voicemail.objects.filter(record_number__isnull=True).count() == 1


def test_reports_are_bound_to_a_column_of_their_own_because_their_id_is_a_serial() -> None:
    first, second = CarrierReport(), CarrierReport()
    assert first.binding != second.binding and first.pk is None
