"""A list's record numbers: a field of their own, encrypted, found again, and never a reference."""

from __future__ import annotations

import pytest
from django.db import connection

from campaigns.imports.staging import table_of
from delivery.models import Voicemail, VoicemailIdentifier
from delivery.selectors.filters import VoicemailFilter
from delivery.selectors.voicemails import voicemails
from rvm.platform.models import Workspace
from tests.campaigns.imports.lists import as_csv, checked, imported, make_campaign, numbers

pytestmark = pytest.mark.django_db

HEADER = ("Phone", "Name", "MRN", "Reference")


def last4(workspace: Workspace, **sought: str) -> list[str]:
    found = voicemails(workspace, VoicemailFilter(**sought), live=None)
    return sorted(found.values_list("last4", flat=True))


def test_a_record_number_is_kept_beside_the_reference_and_both_find_their_person() -> None:
    campaign = make_campaign()
    people = [
        [numbers(3)[0], "Ana", "0010482", "visit-1"],
        [numbers(3)[1], "Ben", "", "visit-2"],
        [numbers(3)[2], "Cleo", "0010483", ""],
    ]
    row = imported(campaign, as_csv(people, HEADER))
    assert row.columns == ["phone", "name", "record_number", "reference"]
    kept = Voicemail.objects.filter(lane_id=campaign.pk).order_by("id")
    assert [(each.record_number, each.reference) for each in kept] == [
        ("0010482", "visit-1"),
        (None, "visit-2"),
        ("0010483", ""),
    ]
    assert [each.merge_fields for each in kept] == [{"name": "Ana"}, {"name": "Ben"}, {"name": "Cleo"}]
    assert VoicemailIdentifier.objects.count() == 3
    workspace = campaign.workspace
    assert last4(workspace, record_number="0010482") == last4(workspace, reference="visit-1") == ["0100"]
    assert last4(workspace, reference="visit-2") == ["0101"]
    assert last4(workspace, either="0010483") == last4(workspace, record_number="0010483") == ["0102"]
    assert last4(workspace, record_number="10482") == []


def test_nothing_of_it_stands_in_clear_while_it_is_imported() -> None:
    campaign = make_campaign()
    row = checked(campaign, as_csv([[numbers(1)[0], "Ana", "0010482", "visit-1"]], HEADER))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT t::text FROM {table_of(row)} t")
        [(staged,)] = cursor.fetchall()
    assert "visit-1" in staged
    assert "0010482" not in staged and b"0010482".hex() not in staged


def test_one_that_is_too_long_is_refused_by_its_row() -> None:
    long = [[numbers(2)[0], "Ana", "1" * 101, ""], [numbers(2)[1], "Ben", "1" * 100, ""]]
    row = checked(make_campaign(), as_csv(long, HEADER))
    assert (row.counts["accepted"], row.codes) == (1, {"record_number_too_long": 1})


def test_a_list_without_either_has_no_entries() -> None:
    imported(make_campaign(), as_csv([[numbers(1)[0], "Ana"]]))
    assert Voicemail.objects.count() == 1 and not VoicemailIdentifier.objects.exists()
