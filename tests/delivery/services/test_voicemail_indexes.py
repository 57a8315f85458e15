"""After every commit of `reindex` a voicemail is found by whatever it was found by before, and its person is suppressed or capped."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from delivery.engine.recent_drops import RecentDrops
from delivery.identifiers import by_record_number, numbers_in_lane, record_numbers_in
from delivery.models import Voicemail
from rvm.platform.database.clock import database_now
from rvm.platform.models import Erasure
from rvm.platform.rotation.indexes import BlindIndexes
from rvm.platform.rotation.passes import Pace, Passes
from rvm.platform.rotation.stores import INDEXES, Store
from tests.factories import RECIPIENT, make_suppression, make_use_case, make_voicemail
from usecases.suppressions import are_suppressed

pytestmark = pytest.mark.django_db
Keys = Callable[..., None]
MRN = "MRN 1"


def stores() -> Iterator[Store]:
    return (store for each in INDEXES for store in each())


def reindex(look: Callable[[], object] = lambda: None) -> None:
    for store in stores():
        Passes("reindex", 2, Pace(1e9, sleep=lambda seconds: look()), str).over(store)


def test_it_is_found_and_held_back_as_before_after_every_commit(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    use_case = make_use_case()
    drop_id = use_case.pk
    rows = [make_voicemail(use_case, record_number=MRN) for _ in range(3)]
    lane = rows[0].lane
    make_suppression(use_case.workspace)
    recent = RecentDrops(use_case.workspace.organisation_id, database_now()).look([RECIPIENT])
    recent.add(RECIPIENT, drop_id)
    recent.write()
    keys(index=(1, 2))
    rows.append(make_voicemail(use_case, record_number=MRN))
    make_suppression(use_case.workspace)
    monkeypatch.setattr(BlindIndexes, "batch", 1)
    all_of_them = {row.pk for row in rows}
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        assert {found.voicemail_id for found in numbers_in_lane(lane, [RECIPIENT])[RECIPIENT]} == all_of_them
        assert {found.voicemail_id for found in record_numbers_in(lane, [MRN])[MRN]} == all_of_them
        people = [(bytes(row.recipient_index), row.recipient) for row in Voicemail.objects.all()]
        assert all(are_suppressed(use_case.workspace_id, people, None))
        counted = RecentDrops(use_case.workspace.organisation_id, database_now()).look([RECIPIENT])
        assert {entry.drop_id for entries in counted._rows.values() for entry in entries} == {drop_id}

    reindex(look)
    assert looks >= 4
    keys(index=(2,))
    assert {found.voicemail_id for found in numbers_in_lane(lane, [RECIPIENT])[RECIPIENT]} == all_of_them
    assert {found.voicemail_id for found in record_numbers_in(lane, [MRN])[MRN]} == all_of_them


def test_a_record_number_that_does_not_open_is_named_and_the_number_is_found(keys: Keys) -> None:
    row = make_voicemail(record_number=MRN)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_voicemail SET record_number = set_byte(record_number, 0, 200)")
    keys(index=(1, 2))
    [store] = [each for each in stores() if each.table == "delivery_voicemail"]
    renewed = store.renew([row.pk])
    assert (renewed.written, list(renewed.unreadable)) == (1, [row.pk])
    assert set(by_record_number([row.workspace_id], MRN).values_list("pk", flat=True)) == {
        row.pk
    }  # by the older key still
    assert numbers_in_lane(row.lane, [RECIPIENT])[RECIPIENT]


def test_a_voicemail_whose_number_was_removed_loses_its_index_with_the_key(keys: Keys) -> None:
    make_voicemail(status="delivered")
    Voicemail.objects.update(recipient=None, number_removed_at=database_now())
    keys(index=(1, 2))
    [store] = [each for each in stores() if each.table == "delivery_voicemail"]
    assert store.counts() == {1: 1}
    reindex()
    row = Voicemail.objects.defer("recipient").get()
    assert (bytes(row.recipient_index), row.index_key) == (b"", 2)
    assert store.counts() == {}


def test_an_erasure_under_way_finds_its_voicemails_under_the_new_key(keys: Keys) -> None:
    row = make_voicemail(status="accepted")
    old = bytes(row.recipient_index).hex()
    for finished_at in (None, database_now()):
        Erasure.objects.create(workspace=row.workspace, number_indexes=[old], finished_at=finished_at)
    keys(index=(1, 2))
    reindex()
    row.refresh_from_db()
    under_way = Erasure.objects.get(finished_at=None)
    assert under_way.number_indexes == [old, bytes(row.recipient_index).hex()]
    assert Erasure.objects.exclude(finished_at=None).get().number_indexes == [old]
