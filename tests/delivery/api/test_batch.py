"""POST /v1/{workspace}/voicemail/batch: a result for every row, and a bad row that fails alone."""

from __future__ import annotations

from typing import Any

import pytest

from delivery.api.serializers.requests import BatchItemSerializer
from delivery.models import LaneDelta, Voicemail
from tests.delivery.api.sending import codes
from tests.factories import Api, make_recording, make_suppression
from usecases.models import UseCase


def send(api: Api, use_case: UseCase, recipients: Any, **fields: Any) -> Any:
    body = {
        "use_case_id": str(use_case.pk),
        "recording_id": str(make_recording(use_case.workspace).pk),
        "recipients": recipients,
        **fields,
    }
    return api.post("voicemail/batch", body)


def person(last: int, **fields: Any) -> dict[str, Any]:
    return {"recipient_phone_number": f"+1202555{last:04}", **fields}


def test_a_text_that_is_null_is_none(api: Api, use_case: UseCase) -> None:
    body = send(api, use_case, [person(100 + last, reference=None, record_number=None) for last in range(2)]).json()
    assert (body["queued"], body["refused"]) == (2, 0)
    assert set(Voicemail.objects.values_list("reference", "record_number")) == {("", None)}


def test_every_row_is_answered_in_order_and_a_bad_one_fails_alone(api: Api, use_case: UseCase) -> None:
    make_suppression(use_case.workspace, "+12025550105")
    rows = [
        person(100, reference="r-1", metadata={"site": "north"}),
        person(101, reference="r-1"),
        "not an object",
        {"reference": "r-2"},
        {"recipient_phone_number": 12025550102},
        person(102, reference=7),
        person(102, metadata="x"),
        person(102, note="x"),
        person(102, reference=["r-3"]),
        {"recipient_phone_number": "2025550102"},
        person(105),
        person(100),
        person(106),
    ]
    response = send(api, use_case, rows)
    assert response.status_code == 200, response.content
    body = response.json()
    assert (body["queued"], body["refused"]) == (2, 11)
    assert [item["index"] for item in body["items"]] == list(range(13))
    assert [list(item) for item in body["items"][:2]] == [
        ["index", "voicemail_id", "sender_phone_number", "status"],
        ["index", "error"],
    ]
    assert all(BatchItemSerializer(data=item).is_valid() for item in body["items"])
    errors = [(item["error"]["pointer"], item["error"]["code"]) for item in body["items"] if "error" in item]
    assert errors == [
        ("/recipients/1/reference", "reference_used"),
        ("/recipients/2", "invalid"),
        ("/recipients/3/recipient_phone_number", "required"),
        ("/recipients/4/recipient_phone_number", "invalid"),
        ("/recipients/5/reference", "invalid"),
        ("/recipients/6/metadata", "invalid"),
        ("/recipients/7/note", "unknown_field"),
        ("/recipients/8/reference", "invalid"),
        ("/recipients/9/recipient_phone_number", "number_malformed"),
        ("/recipients/10/recipient_phone_number", "blocked.suppressed"),
        ("/recipients/11/recipient_phone_number", "recipient_repeated"),
    ]
    first, last = body["items"][0], body["items"][12]
    assert body["items"][1]["error"]["voicemail_id"] == first["voicemail_id"]
    assert set(first) == {"index", "voicemail_id", "sender_phone_number", "status"}
    rows_written = {str(row.pk): row for row in Voicemail.objects.all()}
    assert set(rows_written) == {first["voicemail_id"], last["voicemail_id"]}
    assert rows_written[first["voicemail_id"]].metadata == {"site": "north"}
    assert rows_written[last["voicemail_id"]].sender == last["sender_phone_number"]
    assert LaneDelta.objects.get().delta == 2


def test_a_thousand_rows_are_taken_and_one_more_is_not(api: Api, use_case: UseCase) -> None:
    areas = (202, 203, 205, 206, 207, 208, 209, 210, 212, 213)
    rows = [{"recipient_phone_number": f"+1{area}55501{last:02}"} for area in areas for last in range(100)]
    assert send(api, use_case, rows).json()["queued"] == 1000
    over = send(api, use_case, [*rows, person(100)])
    assert (over.status_code, codes(over)) == (422, [("/recipients", "too_many")])
    assert Voicemail.objects.count() == 1000


def test_a_batch_without_recipients_is_not_said_to_have_too_many(api: Api, use_case: UseCase) -> None:
    none = send(api, use_case, [])
    assert (none.status_code, codes(none)) == (422, [("/recipients", "empty")])
    assert none.json()["detail"] == "recipients: A batch has 1 to 1,000 recipients; this one has none."


@pytest.mark.parametrize("recipients", [[], None, "x", {}, 7])
def test_no_list_is_422(api: Api, use_case: UseCase, recipients: Any) -> None:
    response = send(api, use_case, recipients)
    assert response.status_code == 422
    assert codes(response)[0][0] == "/recipients"


@pytest.mark.parametrize(
    ("fields", "status", "pointer"),
    [
        ({"use_case_id": "x"}, 422, "/use_case_id"),
        ({"recording_id": None}, 422, "/recording_id"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, 422, "/expires_at"),
        ({"extra": 1}, 422, "/extra"),
    ],
)
def test_what_concerns_all_rows_refuses_all(
    api: Api, use_case: UseCase, fields: dict[str, Any], status: int, pointer: str
) -> None:
    response = send(api, use_case, [person(100)], **fields)
    assert (response.status_code, codes(response)[0][0]) == (status, pointer)
    assert not Voicemail.objects.exists()


def test_another_workspaces_recording_is_404(api: Api, use_case: UseCase) -> None:
    response = send(api, use_case, [person(100)], recording_id=str(make_recording().pk))
    assert response.status_code == 404


def test_the_same_batch_under_the_same_idempotency_key_is_sent_once(api: Api, use_case: UseCase) -> None:
    body = {
        "use_case_id": str(use_case.pk),
        "recording_id": str(make_recording(use_case.workspace).pk),
        "recipients": [person(100), person(101)],
    }
    first = api.post("voicemail/batch", body, Idempotency_Key="batch-1")
    again = api.post("voicemail/batch", body, Idempotency_Key="batch-1")
    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"
    assert Voicemail.objects.count() == 2
