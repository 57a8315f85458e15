"""Record numbers are the patient's: encrypted, found exactly, shown as numbers are, and in no address, log or audit."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import unquote

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from delivery.identifiers import MAX_RECORD_NUMBER, record_number_entry
from delivery.models import Voicemail, VoicemailIdentifier
from delivery.selectors.filters import VoicemailFilter
from delivery.selectors.voicemails import voicemails
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.encryption.keys import KeyRing
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.roles import Role
from rvm.platform.scopes import Scope
from tests.factories import Api, make_api, make_lane, make_recording, make_use_case, make_user, make_voicemail
from usecases.models import UseCase

pytestmark = pytest.mark.django_db

MRN = "MRN-10482"
FIND = "/admin/delivery/voicemail/find/"


@pytest.fixture
def use_case(workspace: Workspace) -> UseCase:
    return make_use_case(workspace)


@pytest.fixture
def masked(workspace: Workspace) -> Api:
    return make_api(workspace, scopes=[scope for scope in Scope if scope is not Scope.NUMBERS_READ])


def sent(api: Api, use_case: UseCase, **fields: Any) -> Any:
    body = {
        "use_case_id": str(use_case.pk),
        "recording_id": str(make_recording(use_case.workspace).pk),
        "recipient_phone_number": "+12025550142",
        **fields,
    }
    return api.post("voicemail", body)


def in_clear(text: str) -> list[str]:
    """The tables in which the text stands."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f'SELECT EXISTS (SELECT 1 FROM "{table}" t WHERE t::text ILIKE %s)', [f"%{text}%"])
            found += [table] if cursor.fetchone()[0] else []
    return found


def found_by(workspace: Workspace, **sought: str) -> set[Any]:
    return set(voicemails(workspace, VoicemailFilter(**sought), live=None).values_list("pk", flat=True))


def test_a_record_number_is_kept_encrypted_and_found_by_its_blind_index(api: Api, use_case: UseCase) -> None:
    answer = sent(api, use_case, record_number=MRN, reference="visit-1")
    assert (answer.status_code, answer.json()["record_number"]) == (201, MRN)
    assert in_clear(MRN) == []
    voicemail = Voicemail.objects.get()
    assert voicemail.record_number == MRN
    found = api.post("voicemail/search", {"record_number": " mrn-10482 "}).json()["items"]
    assert [entry["voicemail_id"] for entry in found] == [str(voicemail.pk)]
    assert api.post("voicemail/search", {"record_number": "MRN-1048"}).json()["items"] == []
    assert api.post("voicemail/search", {"record_number": "visit-1"}).json()["items"] == []
    assert found_by(use_case.workspace, reference="visit-1") == {voicemail.pk}


def test_a_batch_may_say_record_numbers(api: Api, use_case: UseCase) -> None:
    rows = [
        {"recipient_phone_number": "+12025550101", "record_number": MRN},
        {"recipient_phone_number": "+12025550102", "record_number": "x" * (MAX_RECORD_NUMBER + 1)},
        {"recipient_phone_number": "+12025550103", "record_number": 10482},
        {"recipient_phone_number": "+12025550104", "record_number": "  "},
    ]
    recording = make_recording(use_case.workspace)
    body = {"use_case_id": str(use_case.pk), "recording_id": str(recording.pk), "recipients": rows}
    items = api.post("voicemail/batch", body).json()["items"]
    assert [entry.get("error", {}).get("code") for entry in items] == [None, "too_long", "invalid", None]
    assert items[1]["error"]["pointer"] == "/recipients/1/record_number"
    kept = Voicemail.objects.order_by("id")
    assert [voicemail.record_number for voicemail in kept] == [MRN, None]
    assert VoicemailIdentifier.objects.count() == 1


def test_who_may_see_no_numbers_sees_no_digit_of_it(api: Api, masked: Api, use_case: UseCase) -> None:
    sent(api, use_case, record_number=MRN)
    search = {"record_number": MRN}
    for caller, shown in ((api, MRN), (masked, "•••••••")):
        [item] = caller.post("voicemail/search", search).json()["items"]
        assert item["record_number"] == shown
        assert caller.get(f"voicemail/{item['voicemail_id']}").json()["record_number"] == shown
        file = b"".join(caller.post("voicemail/export", search)).decode("utf-8-sig")  # type: ignore[call-overload]
        assert [row["record_number"] for row in csv.DictReader(io.StringIO(file))] == [shown]


def test_an_address_takes_no_record_number(api: Api) -> None:
    for route in ("voicemail", "voicemail/export"):
        refused = api.get(route, record_number=MRN)
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "unknown_field")


def test_it_stands_in_no_audit_and_no_log(api: Api, use_case: UseCase, capsys: pytest.CaptureFixture[str]) -> None:
    sent(api, use_case, record_number=MRN)
    api.post("voicemail/search", {"record_number": MRN})
    b"".join(api.post("voicemail/export", {"record_number": MRN}))  # type: ignore[call-overload]
    [exported] = AuditEvent.objects.filter(action="voicemail.exported")
    assert exported.details["filters"] == {"record_number": "[number]"}
    assert in_clear(MRN) == []
    said = capsys.readouterr()
    assert MRN.casefold() not in (said.out + said.err).casefold()


def test_another_workspace_finds_nothing(api: Api, use_case: UseCase) -> None:
    theirs = make_voicemail(record_number=MRN, reference="r-1")
    ours = make_voicemail(use_case, record_number=MRN, reference="r-1")
    for name, text in {"record_number": MRN, "reference": "r-1"}.items():
        assert found_by(use_case.workspace, **{name: text}) == {ours.pk}
        assert found_by(theirs.workspace, **{name: text}) == {theirs.pk}


def test_it_is_found_under_an_older_index_key(monkeypatch: pytest.MonkeyPatch, api: Api, use_case: UseCase) -> None:
    sent(api, use_case, record_number=MRN)
    keys = settings.RVM_INDEX_KEYS
    rotated = KeyRing({**keys.keys, 200: b"k" * 32}, 200)
    monkeypatch.setattr(settings, "RVM_INDEX_KEYS", rotated)
    blind_index.cache_clear()
    try:
        sent(api, use_case, record_number=MRN, recipient_phone_number="+12025550143")
        assert len(api.post("voicemail/search", {"record_number": MRN}).json()["items"]) == 2
    finally:
        monkeypatch.undo()
        blind_index.cache_clear()


def test_its_entry_goes_with_the_voicemail(api: Api, use_case: UseCase) -> None:
    sent(api, use_case, record_number=MRN)
    Voicemail.objects.all().delete()
    assert not VoicemailIdentifier.objects.exists()


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_two_record_numbers_are_the_same_but_for_case_and_blanks(one: str, other: str) -> None:
    workspace_id = uuid7()
    same = "".join(one.split()).casefold() == "".join(other.split()).casefold()
    assert (record_number_entry(workspace_id, one) == record_number_entry(workspace_id, other)) is same
    assert record_number_entry(workspace_id, f" {one.swapcase()}") is not None
    assert -(2**63) <= record_number_entry(workspace_id, one) < 2**63


def test_leading_noughts_are_part_of_it() -> None:
    workspace_id = uuid7()
    assert record_number_entry(workspace_id, "0042") != record_number_entry(workspace_id, "42")


# In the admin


def signed_in(workspace: Workspace, *, sees: bool) -> Client:
    client = Client()
    role = Role.ADMIN if sees else Role.VIEWER
    person = make_user(workspace=workspace, is_staff=True, may_see_numbers=sees, role=role, password=None)
    client.force_login(person)
    return client


@pytest.mark.parametrize("typed", [MRN, " mrn-10482", "r-1"])
def test_a_campaigns_person_is_found_by_record_number_or_reference(use_case: UseCase, typed: str) -> None:
    voicemail = make_voicemail(lane=make_lane(use_case), record_number=MRN, reference="r-1")
    page = reverse("admin:delivery_voicemail_change", args=[voicemail.pk])
    assert signed_in(use_case.workspace, sees=True).post(FIND, {"sought": typed})["Location"] == page


def test_several_voicemails_of_a_record_number_are_listed_without_it_in_the_address(use_case: UseCase) -> None:
    made = {make_voicemail(lane=make_lane(use_case), record_number=MRN).pk for _ in range(2)}
    make_voicemail(use_case)
    client = signed_in(use_case.workspace, sees=True)
    answer = client.post(FIND, {"sought": MRN})
    assert MRN not in unquote(answer["Location"])
    listed = client.get(answer["Location"])
    assert {row.pk for row in listed.context["cl"].result_list} == made
    assert MRN not in listed.content.decode()


@pytest.mark.parametrize("sees", [True, False])
def test_the_page_of_a_voicemail_shows_it_to_whoever_may_see_numbers(use_case: UseCase, sees: bool) -> None:
    voicemail = make_voicemail(use_case, record_number=MRN)
    page = reverse("admin:delivery_voicemail_change", args=[voicemail.pk])
    shown = signed_in(use_case.workspace, sees=sees).get(page).content.decode()
    assert (MRN in shown) is sees
    assert "Record number" in shown
