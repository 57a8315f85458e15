"""Whatever goes wrong under /v1/, the answer is problem+json that says what, and never repeats a phone number."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from rest_framework.exceptions import ErrorDetail, ValidationError

from rvm.phone_numbers.numbers import NumberInvalid, check_sender
from rvm.platform.api.lists import PageQuery
from rvm.platform.api.problem_codes import PLATFORM_PROBLEMS, ProblemCode, by_code
from rvm.platform.api.problems import problem_of
from rvm.platform.observability.masking import mask_numbers
from tests.rvm.platform.api.conftest import Caller
from usecases.models import e164

pytestmark = [pytest.mark.urls("tests.rvm.platform.api.sample_api"), pytest.mark.django_db]


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(response.content)
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == f"http://127.0.0.1:8000/docs/problems/{code}"
    assert body["title"] and body["detail"] and body["error_code"] == code
    assert body["request_id"] == response["X-Request-Id"]
    assert b"2025550142" not in response.content
    return body


def test_validation_errors_point_at_every_wrong_field(caller: Caller) -> None:
    body = {"name": "too long", "recipients": [{"phone": "a"}, {"phone": "+12025550142"}, {}]}
    told = problem(caller.post("things", body), 422, "invalid_request")
    assert [(error["pointer"], error["code"]) for error in told["errors"]] == [
        ("/name", "max_length"),
        ("/recipients/1/phone", "invalid_choice"),
        ("/recipients/2/phone", "required"),
    ]
    assert told["detail"] == ("3 fields are wrong (name, recipients.1.phone, recipients.2.phone); see errors.")


def test_the_detail_says_what_is_wrong_with_the_one_wrong_field(caller: Caller) -> None:
    told = problem(caller.post("things", {"name": "too long"}), 422, "invalid_request")
    assert told["detail"] == "name: Ensure this field has no more than 5 characters."
    told = problem(caller.post("things", {"name": "ok", "recipients": [{}]}), 422, "invalid_request")
    assert told["detail"] == "recipients.0.phone: This field is required."


def test_a_field_that_is_wrong_in_two_ways_is_one_wrong_field() -> None:
    both = problem_of(ValidationError({"a/b~c": [ErrorDetail("Too long.", "x"), ErrorDetail("Too loud.", "y")]}))
    assert both is not None and str(both.detail) == "a/b~c: Too long. Too loud." and len(both.errors) == 2


def test_a_detail_names_a_few_of_many_wrong_fields() -> None:
    many = problem_of(ValidationError({f"f{number}": ["No."] for number in range(9)}))
    assert many is not None and str(many.detail) == "9 fields are wrong (f0, f1, f2, f3, f4, …); see errors."


def test_an_error_calls_types_by_their_names_in_json(caller: Caller) -> None:
    for body in ({"name": "ok", "recipients": 5}, {"name": "ok", "recipients": {}}):
        told = problem(caller.post("things", body), 422, "invalid_request")
        assert told["detail"] == "recipients: This must be a list."
    not_a_dict = problem_of(
        ValidationError(ErrorDetail('Expected a dictionary of items but got type "str".', "not_a_dict"))
    )
    assert not_a_dict is not None and str(not_a_dict.detail) == "This must be a JSON object."
    with pytest.raises(ValidationError, match=r"This must be a JSON object\."):
        PageQuery(data=[]).is_valid(raise_exception=True)


def test_our_own_words_about_numbers_pass_the_masking() -> None:
    with pytest.raises(NumberInvalid) as refusal:
        check_sender("0142", sandbox=False)
    for message in (str(refusal.value), str(e164.message)):
        assert "digits" in message and mask_numbers(message) == message


def test_an_error_of_the_whole_body_points_at_the_whole(caller: Caller) -> None:
    told = problem(caller.post("things", {"name": "both"}), 422, "invalid_request")
    assert told["errors"] == [{"pointer": "", "code": "one_of", "detail": "Send one of the two."}]


@pytest.mark.parametrize("body", ["[]", '"text"', "5", "null"])
def test_a_body_that_is_no_object_is_refused(caller: Caller, body: str) -> None:
    problem(caller.post("things", body), 422, "invalid_request")


def test_errors_of_a_model_point_at_its_fields(caller: Caller) -> None:
    told = problem(caller.client().put(caller.url("refusing"), {}, "application/json"), 422, "invalid_request")
    assert {(error["pointer"], error["detail"]) for error in told["errors"]} == {
        ("/entity_name", "Too long."),
        ("", "Taken."),
    }


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("{", "line 1"),
        ('{"name":\n NaN}', "line 2, column 2"),
        ('{"name": Infinity}', "line 1"),
        ("", "line 1"),
        (b'{"name": "\xff"}', "line 1"),
        ('{"name": "\\ud800"}', "line 1"),
        ("[" * 100_000, "line 1"),
    ],
)
def test_malformed_json_is_refused_with_the_place(caller: Caller, body: str | bytes, place: str) -> None:
    if not body:
        body, place = " ", "line 1"
    told = problem(caller.post("things", body), 400, "malformed_request")
    assert place in told["detail"]


def test_a_nul_character_is_refused_and_an_escaped_backslash_is_not(caller: Caller) -> None:
    told = problem(caller.post("things", r'{"name": "a\u0000"}'), 422, "invalid_request")
    assert told["errors"][0]["code"] == "null_character"
    assert caller.post("things", r'{"name": "a", "x": "\\u0000"}').status_code == 201


def test_a_member_that_stands_twice_is_refused_at_any_depth(caller: Caller) -> None:
    for body, pointer in (
        ('{"name": "much too long", "name": "ok"}', "/name"),
        ('{"name": "ok", "name": "ok"}', "/name"),
        ('{"name": "ok", "recipients": [{"phone": "a"}, {"phone": "a", "\\u0070hone" : "a"}]}', "/recipients/1/phone"),
    ):
        refused = caller.post("things", body)
        errors = [(error["pointer"], error["code"]) for error in refused.json()["errors"]]
        assert (refused.status_code, errors) == (422, [(pointer, "repeated")])


def test_only_the_first_flaws_of_a_body_are_named(caller: Caller) -> None:
    body = "{" + ", ".join(f'"{place}": 1, "{place}": -0' for place in range(1000)) + "}"
    refused = caller.post("things", body)
    assert (refused.status_code, len(refused.json()["errors"])) == (422, 20)


def test_a_json_body_over_the_limit_is_413(caller: Caller) -> None:
    problem(caller.post("things", '{"name": "' + "x" * 2 * 1024 * 1024 + '"}'), 413, "upload_too_large")


def test_a_body_that_announces_too_much_is_413_before_it_is_read(caller: Caller) -> None:
    client = caller.client()
    response = client.post(caller.url("things"), b"{}", "application/json", CONTENT_LENGTH=str(10**12))
    problem(response, 413, "upload_too_large")


def test_a_chunked_body_is_411(caller: Caller) -> None:
    problem(caller.post("things", "{}", **{"Transfer-Encoding": "chunked"}), 411, "length_required")


def test_an_unread_type_is_415_and_the_detail_names_those_that_are_read(caller: Caller) -> None:
    told = problem(caller.post("things", "a=b", "application/x-www-form-urlencoded"), 415, "unsupported_media_type")
    assert told["detail"].endswith("Send application/json or multipart/form-data.")


def test_an_accept_header_without_json_is_406(caller: Caller) -> None:
    problem(caller.get("things", headers={"Accept": "text/html"}), 406, "not_acceptable")


def test_a_method_that_is_not_there_is_405_with_allow(caller: Caller) -> None:
    response = caller.client().delete(caller.url("things"))
    problem(response, 405, "method_not_allowed")
    assert response["Allow"] == "GET, HEAD, POST, OPTIONS"


def test_a_problem_carries_its_headers_and_members(caller: Caller) -> None:
    response = caller.get("refusing")
    told = problem(response, 409, "conflict")
    assert told["detail"] == "[number] was used." and told["voicemail_id"] == "v"
    assert response["Retry-After"] == "7"


@pytest.mark.parametrize("path", ["/v1/", "/v1/nothing", "/v1/not-a-uuid/things", "/v1/%00"])
def test_an_unknown_address_under_v1_is_a_problem(path: str) -> None:
    problem(Client().get(path), 404, "not_found")


def test_an_unknown_address_elsewhere_is_a_page() -> None:
    response = Client().get("/nothing")
    assert response.status_code == 404 and response["Content-Type"].startswith("text/html")


def test_a_crash_is_500_and_says_nothing_about_itself(caller: Caller) -> None:
    response = caller.post("things", {"name": "crash"})
    problem(response, 500, "internal_error")
    assert b"died" not in response.content


def test_a_host_that_is_not_ours_is_400() -> None:
    problem(Client(raise_request_exception=False).get("/v1/x", headers={"Host": "evil.example"}), 400, "bad_request")


def test_every_code_has_a_title_and_an_advice_and_a_status_of_refusal() -> None:
    for code, entry in PLATFORM_PROBLEMS.items():
        assert code == entry.code and 400 <= entry.status < 600 and entry.title and entry.advice.endswith(".")


def test_a_code_listed_twice_is_an_error() -> None:
    twice = ProblemCode("x", 400, "X", "X.")
    with pytest.raises(ValueError, match="twice"):
        by_code(twice, twice)
