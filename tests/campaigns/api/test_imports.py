"""A list of recipients over HTTP: uploaded, looked at, read in another way, checked, confirmed, discarded."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from campaigns.api.imports import ListUploadHandler
from campaigns.api.serializers.imports import RecipientImportDetailSerializer, RecipientImportSerializer
from campaigns.api.uploaded_lists import HIDDEN
from campaigns.imports.runner import work
from campaigns.models import Campaign, RecipientImport
from delivery.models import Voicemail
from rvm.platform import number_questions
from rvm.platform.models import AuditEvent
from rvm.platform.scopes import Scope
from tests.campaigns.api.calling import LIST, refusal, upload, wrong
from tests.delivery.api.test_endless_bodies import Endless
from tests.factories import Api, make_api, make_suppression
from tests.rvm.spreadsheets.books import book

STATEMENT = {"consent_statement": "They signed form PH-12."}


@pytest.fixture
def campaign(new_campaign: Callable[..., Campaign]) -> Campaign:
    return new_campaign()


@pytest.fixture
def uploaded(api: Api, campaign: Campaign) -> RecipientImport:
    return RecipientImport.objects.get(pk=upload(api, campaign).json()["import_id"])


def path_of(recipient_import: RecipientImport, verb: str = "") -> str:
    return f"campaigns/{recipient_import.campaign_id}/imports/{recipient_import.pk}{verb}"


def in_background() -> None:
    """What the worker of the queue does."""
    work()


# upload


def test_an_uploaded_list_shows_how_it_is_read(api: Api, campaign: Campaign, media: Path) -> None:
    response = upload(api, campaign)
    told = response.json()
    assert response.status_code == 201, told
    assert list(told) == list(RecipientImportDetailSerializer().fields)
    assert response["Location"] == api.url(f"campaigns/{campaign.pk}/imports/{told['import_id']}")
    assert (told["state"], told["format"], told["delimiter"], told["header_row"]) == ("uploaded", "csv", ",", 1)
    assert told["columns"] == ["phone", "first_name", "reference"]
    assert (told["file_name"], told["size_bytes"]) == ("patients.csv", len(LIST))
    assert told["sample"]["header"] == ["Mobile", "First name", "Reference"]
    assert told["sample"]["rows"][0] == ["2025550142", "Rosa", "a-1"]
    assert len(told["sample"]["rows"]) == 4
    assert not Voicemail.objects.exists()
    assert AuditEvent.objects.get(action="import.uploaded").actor == api.key.user
    kept = [file.read_bytes() for file in media.rglob("*") if file.is_file()]
    assert kept and not any(b"Rosa" in content for content in kept)


def test_a_workbook_tells_its_sheets_and_can_be_read_otherwise(api: Api, campaign: Campaign) -> None:
    def hide(made: Any) -> None:
        made.worksheets[0].row_dimensions[2].hidden = True
        made.worksheets[0].title, made.worksheets[1].title = "North", "South"

    people, others = [["Phone"], [2025550142], [2025550143]], [["Phone"], [2025550144]]
    told = upload(api, campaign, book(people, others, change=hide)).json()
    assert (told["format"], told["sheet"], told["hidden_rows"]) == ("xlsx", "North", False)
    assert told["sheets"] == [
        {"name": "North", "visibility": "visible", "has_rows": True},
        {"name": "South", "visibility": "visible", "has_rows": True},
    ]
    assert [warning.partition(".")[0] for warning in told["warnings"]] == [
        "Only the sheet “North” is read",
        "1 row is hidden in the workbook and left out",
    ]
    assert told["sample"]["rows"] == [["2025550143"]]
    path = f"campaigns/{campaign.pk}/imports/{told['import_id']}"
    assert api.patch(path, {"hidden_rows": True}).json()["sample"]["rows"] == [["2025550142"], ["2025550143"]]
    assert api.patch(path, {"sheet": "South"}).json()["sample"]["rows"] == [["2025550144"]]
    assert wrong(api.patch(path, {"sheet": "East"})) == [("/sheet", "invalid_choice")]


def test_without_the_scope_for_numbers_it_is_seen_which_cells_are_filled_and_no_more(
    campaign: Campaign, uploaded: RecipientImport
) -> None:
    api = make_api(campaign.workspace, scopes=[Scope.CAMPAIGNS_READ])
    told = api.get(path_of(uploaded)).json()
    assert told["sample"]["header"] == ["Mobile", "First name", "Reference"]
    assert told["sample"]["rows"] == [[HIDDEN] * 3] * 4
    assert not AuditEvent.objects.filter(action="import.read").exists()


def test_a_first_row_that_is_taken_for_a_header_names_nobody(campaign: Campaign) -> None:
    writer = make_api(campaign.workspace, scopes=[Scope.CAMPAIGNS_WRITE, Scope.CAMPAIGNS_READ])
    told = upload(writer, campaign, b"2025550142\r\n2025550143\r\n").json()
    read = writer.patch(f"campaigns/{campaign.pk}/imports/{told['import_id']}", {"header_row": 1}).json()
    assert "2025550142" not in str(told) + str(read)


@pytest.mark.parametrize("said", [{"header_row": 1}, {"encoding": "utf-16-le"}], ids=["header", "encoding"])
def test_no_other_reading_of_a_list_names_its_people_to_whom_it_hides_them(
    campaign: Campaign, said: dict[str, Any]
) -> None:
    writer = make_api(campaign.workspace, scopes=[Scope.CAMPAIGNS_WRITE, Scope.CAMPAIGNS_READ])
    told = upload(writer, campaign, b"2025550142,Quisquilia\r\n12,Zebedeus\r\n2025550143,Zebedeus\r\n").json()
    path = f"campaigns/{campaign.pk}/imports/{told['import_id']}"
    read = writer.patch(path, said | {"header_row": 1}).json()
    shown = json.dumps([told, read], ensure_ascii=False)
    shown += shown.encode("utf-16-le", "replace").decode("latin-1")
    writer.post(f"{path}/check", {})
    in_background()
    shown += b"".join(writer.get(f"{path}/errors")).decode() if "encoding" not in said else ""
    shown += str(list(RecipientImport.objects.values())) + str(list(AuditEvent.objects.values()))
    assert not [name for name in ("quisquilia", "zebedeus", "2025550142") if name in shown.casefold()]


def test_a_look_at_the_cells_is_audited(api: Api, uploaded: RecipientImport) -> None:
    assert api.get(path_of(uploaded)).json()["sample"]["rows"][0][1] == "Rosa"
    event = AuditEvent.objects.get(action="import.read")
    assert (event.subject_id, event.actor) == (uploaded.pk, api.key.user)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, [("/file", "required")]),
        ({"file": "no file"}, [("/file", "invalid")]),
        ({"file": "x", "fiel": "y"}, [("/fiel", "unknown_field")]),
    ],
)
def test_a_form_without_its_file_is_refused(api: Api, campaign: Campaign, form: dict[str, str], expected: Any) -> None:
    assert wrong(api.client.post(api.url(f"campaigns/{campaign.pk}/imports"), form)) == expected


def test_a_file_that_is_no_list_is_refused_with_why_and_leaves_nothing(
    api: Api, campaign: Campaign, media: Path
) -> None:
    response = upload(api, campaign, b"")
    assert wrong(response) == [("/file", "import_unreadable")]
    assert response.json()["why"] == "empty"
    assert not RecipientImport.objects.exists()
    assert not [file for file in media.rglob("imports/**/*") if file.is_file()]


def test_a_body_in_json_is_not_taken_for_a_list(api: Api, campaign: Campaign) -> None:
    assert refusal(api.post(f"campaigns/{campaign.pk}/imports", {}), 415) == "unsupported_media_type"


def test_the_same_upload_under_one_key_is_kept_once(api: Api, campaign: Campaign) -> None:
    first, second = (upload(api, campaign, Idempotency_Key="list-1") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second["Idempotent-Replayed"] == "true"
    assert first.json() == second.json()
    assert RecipientImport.objects.count() == 1
    other = upload(api, campaign, LIST + b"2025550144,Ana,\r\n", Idempotency_Key="list-1")
    assert refusal(other, 422) == "idempotency_key_reused"


# large bodies


class Long:
    """The body of an upload of `rows` rows of 1,000 bytes each, made as it is read."""

    def __init__(self, rows: int) -> None:
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="long.csv"\r\n\r\nphone,name,notes\r\n'
        row = b"2025550142,Rosa," + b"x" * 982 + b"\r\n"
        self._parts = chain([head], repeat(row, rows), [b"\r\n--b--\r\n"])
        self._rest = bytearray()
        self.length = len(head) + rows * len(row) + len(b"\r\n--b--\r\n")

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and (part := next(self._parts, b"")):
            self._rest += part
        data = bytes(self._rest[:size])
        del self._rest[:size]
        return data

    def readline(self, size: int) -> bytes:
        raise AssertionError("nobody reads lines of an upload")

    def request(self, api: Api, path: str) -> dict[str, Any]:
        return {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": api.url(path),
            "CONTENT_TYPE": "multipart/form-data; boundary=b",
            "CONTENT_LENGTH": str(self.length),
            "wsgi.input": self,
        }


@pytest.mark.parametrize("key", [{}, {"HTTP_IDEMPOTENCY_KEY": "large"}], ids=["", "idempotent"])
def test_a_large_list_is_taken_in_little_memory(api: Api, campaign: Campaign, key: dict[str, str]) -> None:
    request = Long(30_000).request(api, f"campaigns/{campaign.pk}/imports") | key
    tracemalloc.start()
    try:
        response = api.client.request(**request)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert response.status_code == 201, response.content
    assert response.json()["size_bytes"] == 30_000_018
    assert peak < 10 * 2**20, peak


def test_an_announced_body_over_the_limit_is_refused_before_it_is_read(api: Api, campaign: Campaign) -> None:
    body = Endless()
    request: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": api.url(f"campaigns/{campaign.pk}/imports"),
        "CONTENT_TYPE": "multipart/form-data; boundary=b",
        "CONTENT_LENGTH": str(ListUploadHandler.max_bytes + 2**20),
        "wsgi.input": body,
    }
    assert refusal(api.client.request(**request), 413) == "upload_too_large"
    assert body.taken == 0


def test_the_other_addresses_still_take_small_bodies_only(api: Api) -> None:
    for path in ("recordings", "voicemail"):
        response = api.client.request(**Long(9_000).request(api, path))
        assert refusal(response, 413) == "upload_too_large"


# list


def test_the_imports_of_a_campaign_are_listed_newest_first(
    api: Api, campaign: Campaign, new_campaign: Callable[..., Campaign]
) -> None:
    upload(api, new_campaign())
    ids = [upload(api, campaign, name=f"{n}.csv").json()["import_id"] for n in range(3)]
    first = api.get(f"campaigns/{campaign.pk}/imports", limit=2).json()
    assert [item["import_id"] for item in first["items"]] == [ids[2], ids[1]]
    assert list(first["items"][0]) == list(RecipientImportSerializer().fields)
    token = first["continuation_token"]
    rest = api.get(f"campaigns/{campaign.pk}/imports", limit=2, continuation_token=token).json()
    assert [item["import_id"] for item in rest["items"]] == [ids[0]]
    other = new_campaign()
    foreign = api.get(f"campaigns/{other.pk}/imports", continuation_token=token)
    assert wrong(foreign) == [("/continuation_token", "continuation_token_invalid")]


# read as


def test_the_guess_can_be_overridden(api: Api, uploaded: RecipientImport) -> None:
    told = api.patch(path_of(uploaded), {"columns": ["phone", "", "appointment_day"]}).json()
    assert told["columns"] == ["phone", None, "appointment_day"]
    told = api.patch(path_of(uploaded), {"header_row": 0}).json()
    assert told["header_row"] == 0
    assert told["sample"]["rows"][0] == ["Mobile", "First name", "Reference"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"columns": ["name", "", ""]}, ("/columns", "phone_column_missing")),
        ({"columns": ["phone", "phone", ""]}, ("/columns", "column_twice")),
        ({"columns": ["phone", "No such!", ""]}, ("/columns", "column_name_malformed")),
        ({"columns": ["phone", "", "", "", "x"]}, ("/columns", "too_many_columns")),
        ({"delimiter": "#"}, ("/delimiter", "invalid_choice")),
        ({"encoding": "ebcdic"}, ("/encoding", "invalid_choice")),
        ({"header_row": "first"}, ("/header_row", "invalid")),
        ({"state": "completed"}, ("/state", "unknown_field")),
    ],
)
def test_a_reading_that_makes_no_sense_is_refused(
    api: Api, uploaded: RecipientImport, changes: dict[str, Any], expected: Any
) -> None:
    assert wrong(api.patch(path_of(uploaded), changes)) == [expected]
    uploaded.refresh_from_db()
    assert uploaded.columns == ["phone", "first_name", "reference"]


# columns that nobody has explained

FLAGGED = (
    b"Name,Cell,Flag 7,OK to call\r\nAna,(202) 555-0100,Y,Y\r\nBen,(202) 555-0101,N,Y\r\nCleo,(202) 555-0102,N,\r\n"
)


def test_a_list_with_an_unclear_column_is_not_checked_before_somebody_says_what_it_is(
    api: Api, campaign: Campaign
) -> None:
    told = upload(api, campaign, FLAGGED).json()
    assert told["columns"] == ["name", "phone", "unclear", "consent"]
    flag = told["reading"][2]
    assert (flag["position"], flag["kind"], flag["sure"], flag["question"][-1]) == (2, "unclear", "unsure", "?")
    assert [column["why"] for column in told["reading"]] == [
        "name_and_cells",
        "name_and_cells",
        "cells",
        "name_and_cells",
    ]
    path = f"campaigns/{campaign.pk}/imports/{told['import_id']}"
    answer = api.post(f"{path}/check")
    assert refusal(answer, 422) == "columns_unclear"
    assert "“Flag 7” (column 3)" in answer.json()["detail"]
    assert [(column["position"], column["name"]) for column in answer.json()["columns"]] == [(2, "Flag 7")]
    assert api.get(path).json()["state"] == "uploaded"

    told = api.patch(path, {"columns": ["name", "phone", "opt_out", "consent"]}).json()
    assert {column["why"] for column in told["reading"]} == {"said"}
    api.post(f"{path}/check")
    in_background()
    checked = api.get(path).json()
    assert checked["codes"] == {"opted_out": 1, "consent_blank": 1}
    assert checked["counts"]["accepted"] == 1
    assert checked["answers"] == {"yes": 2, "nothing": 1, "unclear": 0, "no": 0}


def test_who_knows_the_columns_says_them_with_the_upload(api: Api, campaign: Campaign) -> None:
    said = {"columns": ["name", "phone", "", "consent"], "header_row": "1"}
    told = upload(api, campaign, FLAGGED, said=said).json()
    assert (told["columns"], told["header_row"]) == (["name", "phone", None, "consent"], 1)
    path = f"campaigns/{campaign.pk}/imports/{told['import_id']}"
    assert api.post(f"{path}/check").json()["state"] == "checking"
    in_background()
    assert api.get(path).json()["counts"]["accepted"] == 2


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"columns": ["name", "", "", ""]}, ("/columns", "phone_column_missing")),
        ({"columns": ["phone", "Not a name", "", ""]}, ("/columns", "column_name_malformed")),
        ({"header_row": "-1"}, ("/header_row", "min_value")),
        ({"sheet": "Recall"}, ("/sheet", "invalid_choice")),
        ({"mapping": "phone"}, ("/mapping", "unknown_field")),
    ],
)
def test_an_upload_that_is_said_to_be_what_it_cannot_be_is_not_kept(
    api: Api, campaign: Campaign, said: dict[str, Any], expected: Any
) -> None:
    assert wrong(upload(api, campaign, FLAGGED, said=said)) == [expected]
    assert not RecipientImport.objects.exists()


def test_the_name_of_an_unclear_column_is_no_word_of_a_person(campaign: Campaign) -> None:
    writer = make_api(campaign.workspace, scopes=[Scope.CAMPAIGNS_WRITE, Scope.CAMPAIGNS_READ])
    told = upload(writer, campaign, b"Quisquilia,2025550142,Y\r\nZebedeus,2025550143,N\r\n").json()
    answer = writer.post(f"campaigns/{campaign.pk}/imports/{told['import_id']}/check")
    assert refusal(answer, 422) == "columns_unclear"
    assert [(column["position"], column["name"]) for column in answer.json()["columns"]] == [(2, "")]
    assert "Quisquilia" not in answer.text


# check, confirm


def test_a_list_becomes_voicemails_and_every_row_is_accounted_for(api: Api, uploaded: RecipientImport) -> None:
    assert api.post(path_of(uploaded, "/check")).json()["state"] == "checking"
    in_background()
    checked = api.get(path_of(uploaded)).json()
    assert (checked["state"], checked["rows_read"]) == ("checked", 4)
    found = {outcome: count for outcome, count in checked["counts"].items() if count}
    assert found == {"accepted": 2, "same_phone": 1, "invalid": 1}
    assert sum(checked["codes"].values()) == 2
    assert [(error["row_number"], error["outcome"]) for error in checked["first_errors"]] == [
        (4, "invalid"),
        (5, "same_phone"),
    ]
    assert not Voicemail.objects.exists()
    told = api.post(path_of(uploaded, "/confirm"), STATEMENT).json()
    assert (told["state"], told["consent_statement"]) == ("importing", STATEMENT["consent_statement"])
    assert told["consent_stated_at"] and told["consent_stated_by"] == str(api.key.user_id)
    in_background()
    assert api.get(path_of(uploaded)).json()["state"] == "completed"
    campaign_id = str(uploaded.campaign_id)
    items = api.get("voicemail", campaign_id=campaign_id).json()["items"]
    assert {item["recipient_phone_number"] for item in items} == {"+12025550142", "+12025550143"}
    assert {item["reference"] for item in items} == {"a-1", "a-2"}
    assert api.get(f"campaigns/{campaign_id}").json()["voicemails"] == {"queued": 2}


def test_the_same_list_again_adds_nobody_and_says_so(api: Api, campaign: Campaign, uploaded: RecipientImport) -> None:
    for recipient_import in (uploaded, None):
        if recipient_import is None:
            again = upload(api, campaign).json()
            assert "was imported into this campaign" in again["warnings"][0]
            recipient_import = RecipientImport.objects.get(pk=again["import_id"])
        api.post(path_of(recipient_import, "/check"))
        in_background()
        last = api.post(path_of(recipient_import, "/confirm"), STATEMENT)
        in_background()
    assert refusal(last, 409) == "import_without_accepted_rows"
    assert Voicemail.objects.count() == 2


@pytest.mark.parametrize("body", [{}, {"consent_statement": ""}, {"consent_statement": "x" * 1001}])
def test_nobody_is_queued_without_a_statement_on_consent(
    api: Api, uploaded: RecipientImport, body: dict[str, str]
) -> None:
    api.post(path_of(uploaded, "/check"))
    in_background()
    assert refusal(api.post(path_of(uploaded, "/confirm"), body), 422) == "invalid_request"
    assert RecipientImport.objects.get(pk=uploaded.pk).state == "checked"


def test_a_verb_that_does_not_fit_is_refused_with_the_state(api: Api, uploaded: RecipientImport) -> None:
    told = api.post(path_of(uploaded, "/confirm"), STATEMENT)
    assert refusal(told, 409) == "import_uploaded"
    assert told.json()["import_state"] == "uploaded"
    assert api.delete(path_of(uploaded)).status_code == 204
    assert refusal(api.post(path_of(uploaded, "/check")), 409) == "import_discarded"
    assert api.get(path_of(uploaded)).json()["state"] == "discarded"


def test_a_launch_waits_for_the_import(api: Api, campaign: Campaign, uploaded: RecipientImport) -> None:
    api.post(path_of(uploaded, "/check"))
    assert refusal(api.post(f"campaigns/{campaign.pk}/launch"), 409) == "import_under_way"
    stats = api.get(f"campaigns/{campaign.pk}/stats").json()
    assert [entry["import_id"] for entry in stats["open_imports"]] == [str(uploaded.pk)]


def test_a_running_campaign_takes_no_more_people(api: Api, campaign: Campaign, uploaded: RecipientImport) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(state="running")
    assert refusal(upload(api, campaign), 409) == "campaign_begun"
    assert refusal(api.post(path_of(uploaded, "/check")), 409) == "campaign_begun"


def test_a_live_list_does_not_exist_for_a_test_key(campaign: Campaign, uploaded: RecipientImport) -> None:
    tester = make_api(campaign.workspace, live=False)
    for answer in (
        tester.get(path_of(uploaded)),
        tester.get(path_of(uploaded, "/errors")),
        tester.patch(path_of(uploaded), {"header_row": 0}),
        tester.post(path_of(uploaded, "/check")),
        tester.post(path_of(uploaded, "/confirm"), STATEMENT),
        tester.delete(path_of(uploaded)),
    ):
        assert refusal(answer, 404) == "not_found"
    uploaded.refresh_from_db()
    assert (uploaded.state, uploaded.header_row) == ("uploaded", 1)


# errors


def rejected(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200, response.content
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_rows_that_were_not_accepted_can_be_mended_and_uploaded_again(
    api: Api, campaign: Campaign, uploaded: RecipientImport
) -> None:
    api.post(path_of(uploaded, "/check"))
    in_background()
    answer = api.client.get(api.url(path_of(uploaded, "/errors")), headers={"Accept": "text/csv"})
    rows = rejected(answer)
    assert [(row["Mobile"], row["First name"], row["row_number"]) for row in rows] == [
        ("12", "Tom", "4"),
        ("2025550142", "Rosa", "5"),
    ]
    assert all(row["error_code"] and row["error_message"] for row in rows)
    assert AuditEvent.objects.get(action="import.errors_exported").actor == api.key.user
    header = ",".join(rows[0])
    fixed = [",".join(row.values()).replace("12,Tom", "2025550144,Tom", 1) for row in rows[:1]]
    again = upload(api, campaign, "\r\n".join([header, *fixed]).encode()).json()
    assert again["columns"][:3] == ["phone", "first_name", "reference"]
    assert again["columns"][3:] == [None] * len(again["columns"][3:])


def test_which_rows_are_suppressed_or_known_is_told_to_who_may_see_numbers(api: Api, campaign: Campaign) -> None:
    """Else a list of all numbers that end alike says which of them is masked."""
    make_suppression(campaign.workspace, "+12025550142")
    listed = upload(api, campaign, b"Mobile\n2025550141\n2025550142\n12\n").json()
    path = f"campaigns/{campaign.pk}/imports/{listed['import_id']}"
    api.post(f"{path}/check")
    in_background()
    blind = make_api(campaign.workspace, scopes=[Scope.CAMPAIGNS_READ, Scope.CAMPAIGNS_WRITE])
    told, whole = blind.get(path).json(), api.get(path).json()
    assert told["counts"] == whole["counts"] and told["counts"]["suppressed"] == 1
    assert [error["outcome"] for error in whole["first_errors"]] == ["suppressed", "invalid"]
    assert [error["outcome"] for error in told["first_errors"]] == ["invalid"]
    assert [row["row_number"] for row in rejected(api.get(f"{path}/errors"))] == ["3", "4"]
    assert [row["row_number"] for row in rejected(blind.get(f"{path}/errors"))] == ["4"]


def test_a_check_of_a_list_is_a_question_by_number(
    campaign: Campaign, uploaded: RecipientImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = make_api(campaign.workspace, scopes=[Scope.CAMPAIGNS_READ, Scope.CAMPAIGNS_WRITE])
    assert blind.post(path_of(uploaded, "/check")).status_code == 200
    assert AuditEvent.objects.get(action="number.asked_about").details == {"by": "ImportCheck", "count": 1}
    monkeypatch.setattr(number_questions, "A_DAY", 1)
    in_background()
    assert refusal(blind.post(path_of(uploaded, "/check")), 429) == "number_questions_used_up"


def test_without_the_scope_for_numbers_the_errors_name_nobody(
    api: Api, campaign: Campaign, uploaded: RecipientImport
) -> None:
    api.post(path_of(uploaded, "/check"))
    in_background()
    reader = make_api(campaign.workspace, scopes=[Scope.CAMPAIGNS_READ])
    [invalid, duplicate] = rejected(reader.get(path_of(uploaded, "/errors")))
    assert (invalid["Mobile"], invalid["First name"], invalid["row_number"]) == (HIDDEN, HIDDEN, "4")
    assert duplicate["error_code"] == "same_phone"


def test_the_errors_are_gone_with_the_file(api: Api, uploaded: RecipientImport) -> None:
    RecipientImport.objects.filter(pk=uploaded.pk).update(file_removed_at=datetime.now(UTC))
    assert refusal(api.get(path_of(uploaded, "/errors")), 409) == "import_file_removed"
    told = api.get(path_of(uploaded)).json()
    assert told["sample"] is None


def test_a_number_in_the_name_of_a_file_is_not_kept(api: Api, campaign: Campaign) -> None:
    told = upload(api, campaign, name="C:\\lists\\Rosa +12025550142, (202) 555-0143.csv").json()
    assert told["file_name"] == "Rosa [number], [number].csv"


def test_whoever_waits_for_a_check_neither_opens_the_file_nor_fills_the_audit(
    api: Api, uploaded: RecipientImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.post(path_of(uploaded, "/check"))
    with monkeypatch.context() as patched:
        patched.setattr("campaigns.imports.service.sample", None)
        assert api.get(path_of(uploaded)).json()["sample"] is None
    assert not AuditEvent.objects.filter(action="import.read").exists()
    in_background()
    assert api.get(path_of(uploaded)).json()["sample"]["rows"][0][1] == "Rosa"
    assert AuditEvent.objects.filter(action="import.read").count() == 1
