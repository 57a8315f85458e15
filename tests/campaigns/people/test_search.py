"""People are found by number, by record number or reference, and by name inside one list: each within its workspace, and bounded."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from campaigns.models import Campaign
from campaigns.people import search
from campaigns.people.search import Known, by_identifier, by_name, known_in
from delivery.models import Voicemail
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.encryption.keys import KeyRing
from rvm.platform.models import Workspace
from tests.factories import (
    RECIPIENT,
    add_recipients,
    make_campaign,
    make_consent,
    make_suppression,
    make_use_case,
    make_voicemail,
    make_workspace,
    patient_number,
)

pytestmark = pytest.mark.django_db
OTHER = "+12025550143"


@pytest.fixture
def campaign(workspace: Workspace) -> Campaign:
    return make_campaign(make_use_case(workspace))


def named(campaign: Campaign, *names: str, first: int = 0) -> None:
    for at, name in enumerate(names, first):
        add_recipients(campaign, 1, first=at, merge_fields={"name": name})


def numbers(found: search.Matches) -> list[str | None]:
    return [match.number for match in found.items]


def test_each_workspace_says_what_it_has_about_a_number(workspace: Workspace) -> None:
    other, third = make_workspace(), make_workspace()
    old = make_voicemail(make_use_case(workspace))
    new = make_voicemail(old.use_case)
    make_suppression(other)
    make_suppression(third, lifted_at=database_now())
    make_consent(other)
    found = known_in([workspace, other, third], RECIPIENT)
    assert found == {
        workspace.pk: Known(new.pk),
        other.pk: Known(None, True, False, True),
        third.pk: Known(None, False, True),
    }
    nothing = known_in([workspace, other], OTHER)
    assert [each.anything for each in nothing.values()] == [False, False]
    assert known_in([], RECIPIENT) == {}


def test_a_number_is_found_under_the_keys_of_a_rotation(workspace: Workspace, settings: Any) -> None:
    voicemail = make_voicemail(make_use_case(workspace))
    keys = dict(settings.RVM_INDEX_KEYS.keys)
    settings.RVM_INDEX_KEYS = KeyRing(keys={**keys, 9: b"9" * 32}, current=9)
    blind_index.cache_clear()
    try:
        make_suppression(workspace)
        assert known_in([workspace], RECIPIENT) == {workspace.pk: Known(voicemail.pk, True)}
    finally:
        blind_index.cache_clear()


def test_one_person_is_found_once_by_a_record_number_and_each_who_has_it(workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    for number in (RECIPIENT, RECIPIENT, OTHER):
        make_voicemail(use_case, recipient=number, record_number="MRN-10482")
    make_voicemail(use_case, recipient="+12025550144", record_number="MRN-1048")
    make_voicemail(make_use_case(make_workspace()), record_number="MRN-10482")
    found = by_identifier(workspace, record_number=" mrn-10482", live=None, limit=10)
    assert (numbers(found), found.position) == ([OTHER, RECIPIENT], None)
    assert numbers(by_identifier(workspace, record_number="", reference="MRN-10482", live=None, limit=10)) == []


def test_a_reference_of_a_list_and_one_of_the_api_are_found_exactly(workspace: Workspace, campaign: Campaign) -> None:
    add_recipients(campaign, 1, reference="10482")
    make_voicemail(campaign.use_case, recipient=OTHER, reference="10482 ")
    assert numbers(by_identifier(workspace, reference="10482", live=None, limit=10)) == [patient_number(0)]
    assert by_identifier(workspace, live=None, limit=10).items == []


def test_test_and_live_voicemails_find_people_apart(workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    make_voicemail(use_case, reference="a")
    make_voicemail(use_case, recipient=OTHER, reference="a", live=False)
    asked = {"reference": "a", "limit": 10}
    assert numbers(by_identifier(workspace, live=True, **asked)) == [RECIPIENT]
    assert numbers(by_identifier(workspace, live=False, **asked)) == [OTHER]
    assert numbers(by_identifier(workspace, live=None, **asked)) == [OTHER, RECIPIENT]


def test_people_who_share_a_reference_come_page_by_page(workspace: Workspace, campaign: Campaign) -> None:
    add_recipients(campaign, 5, reference="recall")
    first = by_identifier(workspace, reference="recall", live=None, limit=3)
    assert (len(first.items), first.position) == (3, first.items[-1].voicemail_id)
    rest = by_identifier(workspace, reference="recall", live=None, after=first.position, limit=3)
    assert (len(rest.items), rest.position) == (2, None)
    assert len({*numbers(first), *numbers(rest)}) == 5


def test_a_name_is_found_in_its_own_list_only(workspace: Workspace, campaign: Campaign) -> None:
    named(campaign, "Ana Alder", "Ben Birch", "Analise Date")
    named(make_campaign(campaign.use_case), "Ana Elm", first=50)
    found = by_name(campaign, "ana", limit=10)
    assert [(match.name, match.number) for match in found.items] == [
        ("Ana Alder", patient_number(0)),
        ("Analise Date", patient_number(2)),
    ]
    assert (found.position, found.scanned) == (None, 3)


def test_a_page_of_names_ends_where_the_next_begins(campaign: Campaign) -> None:
    named(campaign, "Ana A", "Ben B", "Ana C", "Ana D")
    first = by_name(campaign, "ana", limit=2)
    assert [match.name for match in first.items] == ["Ana A", "Ana C"]
    rest = by_name(campaign, "ana", after=first.position, limit=2)
    assert ([match.name for match in rest.items], rest.position) == (["Ana D"], None)


def test_no_search_decrypts_more_names_than_its_bound_and_it_says_where_it_stopped(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_SCANNED", 5)
    monkeypatch.setattr(search, "_SCAN_ROWS", 2)
    named(campaign, *["Ben B"] * 5, "Ana A")
    first = by_name(campaign, "ana", limit=10)
    assert (first.items, first.scanned) == ([], 5)
    rest = by_name(campaign, "ana", after=first.position, limit=10)
    assert ([match.name for match in rest.items], rest.position, rest.scanned) == (["Ana A"], None, 1)


@pytest.mark.parametrize("people", [4, 5])
def test_a_list_that_ends_at_the_bound_is_searched_completely(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, people: int
) -> None:
    monkeypatch.setattr(search, "MAX_SCANNED", 5)
    monkeypatch.setattr(search, "_SCAN_ROWS", 2)
    named(campaign, *["Ben B"] * people)
    assert by_name(campaign, "ana", limit=10) == search.Matches([], None, people)


def test_what_cannot_be_decrypted_hides_nobody_else(workspace: Workspace, campaign: Campaign) -> None:
    named(campaign, "Ana A", "Ana B", "Ana C")
    first, second, _ = Voicemail.objects.order_by("id").values_list("pk", flat=True)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_voicemail SET merge_fields = '\\x00' WHERE id = %s", [first])
        cursor.execute("UPDATE delivery_voicemail SET recipient = '\\x00' WHERE id = %s", [second])
    found = by_name(campaign, "ana", limit=10)
    assert [(match.name, match.number) for match in found.items] == [("Ana B", None), ("Ana C", patient_number(2))]
    assert found.items[0].voicemail_id == second
