"""The client of the reference platform is satisfied after a change of its base URL and key, request by request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from delivery.api.reference_statuses import NOT_DELIVERED, THEIR_WORDS, their_word
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Voicemail
from rvm.platform import audit
from rvm.platform.api import rate_limit
from rvm.platform.api.compatibility import responses
from rvm.platform.api.compatibility.prefix import PREFIX
from rvm.platform.api.pagination import DEFAULT_LIMIT
from rvm.platform.api.rate_limit import Policy
from rvm.platform.database.ids import uuid7
from rvm.platform.redis_connection import redis_client
from rvm.platform.scopes import Scope
from tests.compatibility import sdk
from tests.compatibility.sdk import ApiError, Sdk, check
from tests.delivery.api.sending import mp3_file
from tests.factories import make_api_key, make_setup, make_use_case, make_voicemail, make_workspace
from usecases.models import UseCase

pytestmark = pytest.mark.django_db

RECIPIENT = "+12025550142"
PLAIN, COMPATIBLE = "", PREFIX
ENDED = [(VoicemailStatus.FAILED, Reason.NO_ANSWER), (VoicemailStatus.FAILED, Reason.NO_FUNDS)]
OTHERS = [(status, "") for status in VoicemailStatus if status is not VoicemailStatus.FAILED]


@pytest.fixture(autouse=True)
def _media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture(params=[PLAIN, COMPATIBLE], ids=["plain", "compatible"])
def base_url(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def use_case() -> UseCase:
    return make_use_case(make_workspace(), numbers=2)


def client_of(use_case: UseCase, base_url: str, *scopes: Scope) -> Sdk:
    _, plaintext = make_api_key(use_case.workspace, scopes=scopes or tuple(Scope))
    return Sdk(plaintext, use_case.workspace_id, base_url)


@pytest.fixture
def client(use_case: UseCase, base_url: str) -> Sdk:
    return client_of(use_case, base_url)


@pytest.fixture
def compatible(use_case: UseCase) -> Sdk:
    return client_of(use_case, COMPATIBLE)


def form(use_case: UseCase, **fields: Any) -> dict[str, Any]:
    return {
        "use_case_id": str(use_case.pk),
        "recipient_phone_number": RECIPIENT,
        "audio": mp3_file(),
        **fields,
    }


def refused(call: Any, *args: Any, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call(*args, **options)
    return caught.value


def of_every_status(use_case: UseCase) -> dict[str, tuple[str, str]]:
    """A voicemail of each status, two of failed ones: status and reason by id."""
    ends = [*OTHERS, *ENDED]
    rows = [make_voicemail(use_case, status=status, reason=reason) for status, reason in ends]
    return {str(row.pk): (str(status), str(reason)) for row, (status, reason) in zip(rows, ends, strict=True)}


# use cases


def test_a_use_case_is_created_listed_and_deleted(client: Sdk, use_case: UseCase) -> None:
    setup = make_setup(use_case.workspace)
    body = {"channel": "ringless_voicemail", "entity_name": "Main Clinic", "name": "Recall", "setup_id": str(setup.pk)}
    created = check(client.post("use-cases", {**body, "description": None}), sdk.USE_CASE)
    assert created["description"] is None
    for query in (f"setup_id={setup.pk}", "entity_name=Main%20Clinic&channel=ringless_voicemail"):
        listed = client.get("use-cases", query)["items"]
        assert created["id"] in [check(item, sdk.USE_CASE)["id"] for item in listed]
    client.delete(f"use-cases/{created['id']}")


@pytest.mark.parametrize("channel", ["email", "inbound_voice", "outbound_voice"])
def test_a_channel_that_we_do_not_have_has_no_use_cases(client: Sdk, use_case: UseCase, channel: str) -> None:
    assert client.get("use-cases", f"channel={channel}") == {"items": []}
    created = {"channel": channel, "entity_name": "A", "name": "B", "setup_id": str(use_case.setup_id)}
    assert refused(client.post, "use-cases", created).body["errors"][0]["pointer"] == "/channel"


def test_an_empty_description_is_none_and_a_text_stays(client: Sdk, use_case: UseCase) -> None:
    def changed(description: str | None) -> Any:
        return client.fetch("PATCH", f"use-cases/{use_case.pk}", {"description": description}).json()["description"]

    assert [changed(text) for text in ("Recall.", None, "")] == ["Recall.", None, None]


@pytest.mark.parametrize("name", ["-", "- Recall", "a-b c", "x" * 31])
def test_a_name_is_what_its_pattern_lets_through(client: Sdk, use_case: UseCase, name: str) -> None:
    body = {"channel": "ringless_voicemail", "entity_name": name, "name": name, "setup_id": str(use_case.setup_id)}
    assert client.post("use-cases", body)["name"] == name


# voicemails


def test_a_voicemail_is_sent_and_listed(client: Sdk, use_case: UseCase) -> None:
    sent = client.send_voicemail(form(use_case))
    assert sent["sender_phone_number"] in use_case.phone_numbers.values_list("e164", flat=True)
    [listed] = client.get("voicemail", f"use_case_id={use_case.pk}&setup_id={use_case.setup_id}")["items"]
    check(listed, sdk.VOICEMAIL)
    assert (listed["voicemail_id"], listed["recipient_phone_number"]) == (sent["voicemail_id"], RECIPIENT)
    queued = "pending" if client.base_url else "queued"
    assert sent["status"] == listed["status"] == queued
    one = client.get(f"voicemail/{sent['voicemail_id']}")
    assert one["status"] == queued
    plus = RECIPIENT.replace("+", "%2B")
    assert len(client.get("voicemail", f"recipient_phone_number={plus}")["items"]) == 1


def test_its_words_are_filters_beside_ours(use_case: UseCase) -> None:
    client, rows = client_of(use_case, PLAIN), of_every_status(use_case)
    meaning = {
        "pending": {"queued", "sending", "uncertain", "accepted"},
        "not_delivered": {"failed"},
        "skipped": {"skipped"},
        "failed": {"failed"},
        "delivered": {"delivered"},
    }
    for word in sdk.STATUSES:
        found = client.get("voicemail", f"status={word}")["items"]
        assert {item["status"] for item in found} == meaning[word]
        expected = {
            row
            for row, (status, reason) in rows.items()
            if status in meaning[word] and (word != "not_delivered" or reason in NOT_DELIVERED)
        }
        assert {item["voicemail_id"] for item in found} == expected
    both = client.get("voicemail", "status=not_delivered&status=delivered")["items"]
    assert sorted(item["status"] for item in both) == ["delivered", "failed"]
    every = "&".join(f"status={word}" for word in sdk.STATUSES)
    assert len(client.get("voicemail", every)["items"]) == len(rows) - 2  # but canceled and expired


def test_the_compatible_answers_have_its_words_and_its_filters_find_by_them(compatible: Sdk, use_case: UseCase) -> None:
    rows = of_every_status(use_case)
    shown = {
        item["voicemail_id"]: check(item, sdk.VOICEMAIL)["status"] for item in compatible.get("voicemail")["items"]
    }
    assert shown == {row: their_word(status, reason) for row, (status, reason) in rows.items()}
    assert set(shown.values()) == set(sdk.STATUSES)
    for word in sdk.STATUSES:
        found = compatible.get("voicemail", f"status={word}")["items"]
        assert {item["voicemail_id"] for item in found} == {row for row, status in shown.items() if status == word}
        searched = compatible.post("voicemail/search", {"status": [word]})["items"]
        assert {item["status"] for item in searched} == {word}


def test_each_of_our_statuses_has_one_of_its_words() -> None:
    for status in VoicemailStatus:
        for reason in (None, "", *Reason):
            assert their_word(status, reason) in sdk.STATUSES == list(THEIR_WORDS)


def test_a_batch_a_cancel_and_a_replay_speak_its_words_too(compatible: Sdk, use_case: UseCase) -> None:
    sent = compatible.send_voicemail(form(use_case))
    recording = str(Voicemail.objects.get().recording_id)
    body = {"use_case_id": str(use_case.pk), "recording_id": recording, "recipient_phone_number": "+12025550143"}
    replays = [compatible.fetch_once("voicemail", body, "key-1") for _ in range(2)]
    assert [replay["status"] for replay in replays] == ["pending", "pending"] and replays[0] == replays[1]
    batch = {**body, "recipients": [{"recipient_phone_number": "+12025550144"}, {"recipient_phone_number": "x"}]}
    del batch["recipient_phone_number"]
    queued, wrong = compatible.post("voicemail/batch", batch)["items"]
    assert queued["status"] == "pending" and "status" not in wrong
    assert compatible.post(f"voicemail/{sent['voicemail_id']}/cancel", {})["status"] == "skipped"


# lists


def test_a_compatible_list_comes_in_one_piece_up_to_a_bound(
    compatible: Sdk, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [str(make_voicemail(use_case).pk) for _ in range(4)]
    monkeypatch.setattr(responses, "MAX_WHOLE", 4)
    whole = compatible.get("voicemail")
    assert [item["voicemail_id"] for item in whole["items"]] == rows[::-1]
    assert (whole["has_more"], whole["continuation_token"]) == (False, None)
    make_voicemail(use_case)
    error = refused(compatible.get, "voicemail")
    assert (error.status, error.body["errors"][0]["code"]) == (422, "list_too_long")
    assert str(error).startswith("limit: This list has more than 4 rows")
    assert len(list(compatible.auto_paging("voicemail", "limit=2"))) == 5


def test_its_pages_have_integer_tokens_and_all_items_once(compatible: Sdk, use_case: UseCase) -> None:
    first = compatible.get("phone-numbers", "limit=1&continuation_token=0")
    assert first["has_more"] is True and first["continuation_token"] == 1
    numbers = list(compatible.auto_paging("phone-numbers", "limit=1"))
    assert len({check(number, sdk.PHONE_NUMBER)["id"] for number in numbers}) == len(numbers) == 2


def test_a_search_goes_on_by_the_integer_that_it_gave(compatible: Sdk, use_case: UseCase) -> None:
    rows = [str(make_voicemail(use_case).pk) for _ in range(3)]
    first = compatible.post("voicemail/search", {"limit": 2})
    rest = compatible.post("voicemail/search", {"limit": 2, "continuation_token": first["continuation_token"]})
    assert first["continuation_token"] == 2 and not rest["has_more"]
    assert [item["voicemail_id"] for item in [*first["items"], *rest["items"]]] == rows[::-1]


@pytest.mark.parametrize("token", [True, 1.5, -1, 100_001, [2]])
def test_a_search_goes_on_by_no_other_token(client: Sdk, token: Any) -> None:
    error = refused(client.post, "voicemail/search", {"limit": 2, "continuation_token": token})
    assert error.body["errors"][0]["pointer"] == "/continuation_token"


@pytest.mark.parametrize("token", ["x", "-1", "100001", "9" * 5000, "%D9%A1"])
def test_a_token_that_is_no_integer_within_bounds_is_refused(compatible: Sdk, token: str) -> None:
    error = refused(compatible.get, "phone-numbers", f"limit=1&continuation_token={token}")
    assert error.body["errors"][0]["code"] == "continuation_token_invalid"


def test_without_the_prefix_pages_are_ours(use_case: UseCase) -> None:
    client = client_of(use_case, PLAIN)
    page = client.get("phone-numbers", "limit=1")
    assert isinstance(page["continuation_token"], str)
    assert len(list(client.auto_paging("phone-numbers", "limit=1"))) == 2


# phone numbers


def test_a_number_is_read_changed_and_released(client: Sdk, use_case: UseCase) -> None:
    listed = client.get("phone-numbers", "status=active")["items"]
    number = client.get(f"phone-numbers/{listed[0]['id']}")
    assert number == listed[0] and (number["workspace_id"], number["provider"]) == (str(client.workspace_id), "sandbox")
    change = {
        "display_name": "North",
        "notes": "Front desk",
        "status": "inactive",
        "forwarding": None,
        "provider": None,
    }
    changed = check(client.put(f"phone-numbers/{number['id']}", change), sdk.PHONE_NUMBER)
    assert (changed["display_name"], changed["notes"], changed["status"]) == ("North", "Front desk", "inactive")
    assert [item["id"] for item in client.get("phone-numbers", "status=inactive")["items"]] == [number["id"]]
    assert refused(client.delete, f"phone-numbers/{number['id']}").error_code == "number_assigned"
    client.delete(f"phone-numbers/{number['id']}/use-cases/{use_case.pk}")
    client.delete(f"phone-numbers/{number['id']}")


def test_a_compatible_number_without_name_and_notes_has_empty_texts(compatible: Sdk) -> None:
    [number, _] = compatible.get("phone-numbers")["items"]
    assert (check(number, sdk.PHONE_NUMBER)["display_name"], number["notes"]) == ("", "")


# the audit


def show(row: Voicemail, times: int) -> None:
    for _ in range(times):
        audit.record("voicemail.read", row, actor=None, workspace=row.workspace)


@pytest.fixture
def row(use_case: UseCase) -> Voicemail:
    """A row that was shown five times."""
    shown = make_voicemail(use_case)
    show(shown, 5)
    return shown


def lists_of_events(row: Voicemail) -> list[str]:
    return ["audit", "audit/phi-access", f"audit/entity/{row.pk}/access-log"]


def test_events_are_read_by_offset(client: Sdk, row: Voicemail) -> None:
    for path in lists_of_events(row):
        whole = [check(event, sdk.EVENT)["id"] for event in client.get(path)["events"]]
        assert [event["id"] for event in client.by_offset(path, limit=2)] == whole and len(whole) >= 5


def test_events_come_in_pages_without_a_limit_too(client: Sdk, row: Voicemail, monkeypatch: pytest.MonkeyPatch) -> None:
    show(row, DEFAULT_LIMIT)
    monkeypatch.setattr(responses, "MAX_WHOLE", DEFAULT_LIMIT)
    for path in lists_of_events(row):
        page = check(client.get(path), sdk.EVENT_PAGE)
        assert (len(page["events"]), page["limit"], page["next_offset"]) == (DEFAULT_LIMIT,) * 3


def test_compatible_events_have_integer_tokens_too(compatible: Sdk, row: Voicemail) -> None:
    page = compatible.get("audit/phi-access", "limit=2&offset=1")
    rest = compatible.get("audit/phi-access", f"limit=2&continuation_token={page['continuation_token']}")
    assert page["continuation_token"] == page["next_offset"] == 3
    assert len({event["id"] for event in [*page["events"], *rest["events"]]}) == 4


def test_the_audit_is_counted_and_exported(client: Sdk, row: Voicemail) -> None:
    counted = client.get("audit/summary")
    assert counted["phi_access_events"] >= 5
    asked = {"date_from": counted["date_from"], "date_to": counted["date_to"], "phi_only": True}
    made = client.post("audit/export", asked)
    assert made["row_count"] == 5
    assert made["s3_key"] in [listed["key"] for listed in client.get("audit/exports")["exports"]]


# API keys


def test_a_key_is_made_listed_rotated_and_revoked(client: Sdk) -> None:
    asked = {"name": "Reports", "role": "member", "permissions": ["voicemail:read"], "duration_days": 30}
    made = check(client.post("api-keys", asked), sdk.API_KEY)
    assert (made["role"], made["permissions"]) == ("member", ["voicemail:read"])
    assert made["id"] in [check(key, sdk.API_KEY)["id"] for key in client.get("api-keys")["items"]]
    successor = client.post(f"api-keys/{made['id']}/rotate", {})
    assert refused(Sdk(made["api_key"], client.workspace_id, client.base_url).me).status == 401
    me = Sdk(successor["api_key"], client.workspace_id, client.base_url).me()
    assert (me["workspace_id"], me["key_id"], me["scopes"]) == (
        str(client.workspace_id),
        successor["id"],
        ["voicemail:read"],
    )
    client.delete(f"api-keys/{successor['id']}")


def test_compatible_keys_are_listed_like_all_lists(compatible: Sdk, use_case: UseCase) -> None:
    for _ in range(2):
        make_api_key(use_case.workspace)
    assert (len(compatible.get("api-keys")["items"]), len(list(compatible.auto_paging("api-keys", "limit=1")))) == (
        3,
        3,
    )


# errors


def test_each_refusal_is_its_error_with_code_message_and_request_id(client: Sdk, use_case: UseCase) -> None:
    unknown = str(uuid7())
    numberless = make_use_case(use_case.workspace, numbers=0)
    foreign = Sdk("", make_workspace().pk, client.base_url)
    foreign._client = client._client
    for call, name, code in (
        (lambda: client.send_voicemail(form(use_case, use_case_id=unknown)), "NotFoundError", "use_case_not_found"),
        (lambda: client.send_voicemail(form(numberless)), "NotFoundError", "no_number_assigned"),
        (lambda: foreign.get("voicemail"), "NotFoundError", "not_found"),
        (lambda: client.delete(f"use-cases/{use_case.pk}"), "ConflictError", "numbers_assigned"),
        (
            lambda: client_of(use_case, client.base_url, Scope.VOICEMAIL_READ).send_voicemail(form(use_case)),
            "PermissionError",
            "missing_scope",
        ),
        (
            lambda: Sdk("rvm_no", use_case.workspace_id, client.base_url).get("voicemail"),
            "AuthenticationError",
            "unauthenticated",
        ),
    ):
        error = refused(call)
        assert (error.name, error.error_code) == (name, code)
        assert error.is_http_exception and str(error) == error.detail and error.request_id


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"recipient_phone_number": "12025550142"}, "recipient_phone_number"),
        ({"use_case_id": "x"}, "use_case_id"),
    ],
)
def test_the_message_says_what_is_wrong_with_the_one_wrong_field(
    client: Sdk, use_case: UseCase, fields: dict[str, str], field: str
) -> None:
    error = refused(client.send_voicemail, form(use_case, **fields))
    [wrong] = error.body["errors"]
    assert wrong["detail"] in str(error) and wrong["pointer"] == f"/{field}" and "see errors" not in str(error)


def test_a_compatible_422_is_its_validation_error(compatible: Sdk, use_case: UseCase) -> None:
    error = refused(compatible.send_voicemail, form(use_case, use_case_id="x", extra="1"))
    assert error.is_http_validation_error and not error.is_http_exception
    [unknown] = error.body["detail"]
    assert (unknown["loc"], unknown["type"]) == (["body", "extra"], "unknown_field") and unknown["msg"]
    listed = refused(compatible.get, "voicemail", "status=nothing&limit=x")
    assert [entry["loc"][:2] for entry in listed.body["detail"]] == [["query", "limit"], ["query", "status"]]
    assert str(listed) == "2 fields are wrong (limit, status.0); see errors."
    batch = {"use_case_id": str(use_case.pk), "recording_id": str(uuid7()), "recipients": []}
    assert refused(compatible.post, "voicemail/batch", batch).body["detail"][0]["loc"] == ["body", "recipients"]


def test_without_the_prefix_the_detail_of_a_422_is_a_sentence(use_case: UseCase) -> None:
    error = refused(client_of(use_case, PLAIN).get, "voicemail", "status=nothing")
    assert error.is_http_exception and "message" not in error.body


def test_the_rate_limit_is_read_from_every_response_and_a_429_says_when(
    client: Sdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "READ", Policy("read", 1, 60))
    now, _ = redis_client().time()
    told = sdk.rate_limit(client.fetch("GET", "voicemail"))
    assert told[:2] == (1, 0) and told.reset is not None and now < told.reset <= now + 61
    error = refused(client.get, "voicemail")
    assert (error.name, error.error_code) == ("RateLimitError", "rate_limited")
    assert error.retry_after is not None and 1 <= error.retry_after <= 60


# the prefix


def test_what_was_created_under_the_prefix_is_there_and_elsewhere(compatible: Sdk, use_case: UseCase) -> None:
    response = compatible.fetch("POST", "voicemail", form=form(use_case))
    address = response["Location"]
    assert address.startswith(f"{PREFIX}/v1/{use_case.workspace_id}/voicemail/")
    for path in (address, address.removeprefix(PREFIX)):
        assert compatible._client.get(path).json()["voicemail_id"] == response.json()["voicemail_id"]


@pytest.mark.parametrize(
    "path", [PREFIX, f"{PREFIX}/", f"{PREFIX}/v1/nothing", f"{PREFIX}{PREFIX}/v1/x", f"{PREFIX}/admin/"]
)
def test_nothing_else_is_under_the_prefix(compatible: Sdk, path: str) -> None:
    response = compatible._client.get(path)
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
