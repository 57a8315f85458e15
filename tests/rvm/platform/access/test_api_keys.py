"""API keys over the API: shown once, never more than the key that asks, ended at once, and known to themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from rvm.platform.api.keys import PATTERN, is_well_formed, rotate_api_key
from rvm.platform.models import ApiKey, AuditEvent, IdempotencyKey, Workspace
from rvm.platform.scopes import Scope
from tests.factories import Api, make_api, make_api_key

pytestmark = pytest.mark.django_db

NEW = {"name": "Reports", "scopes": ["voicemail:read"]}
KEYS = [Scope.API_KEYS_READ, Scope.API_KEYS_WRITE]


def with_key(workspace: Workspace, plaintext: str) -> Api:
    key = ApiKey.objects.get(last4=plaintext[-4:], workspace=workspace)
    return Api(workspace.id, key, plaintext)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# made


def test_a_new_key_is_shown_once_and_does_what_it_says(api: Api, workspace: Workspace) -> None:
    answer = api.post("api-keys", NEW)
    made = answer.json()
    assert answer.status_code == 201 and answer["Location"] == api.url(f"api-keys/{made['id']}")
    plaintext = made.pop("api_key")
    assert is_well_formed(plaintext) and plaintext.startswith("rvm_live_")
    shown = api.get(f"api-keys/{made['key_id']}")
    assert shown.json() == made and plaintext not in shown.content.decode()
    assert plaintext not in api.get("api-keys").content.decode()
    new = with_key(workspace, plaintext)
    assert new.get("voicemail").status_code == 200
    assert new.get("api-keys").status_code == new.post("voicemail", {}).status_code == 403
    assert made["created_by_entity_id"] == str(api.key.user_id)
    event = AuditEvent.objects.get(action="api_key.created", actor=api.key.user)
    assert (str(event.subject_id), event.key_id) == (made["id"], api.key.pk)
    assert event.details["scopes"] == ["voicemail:read"]


def test_a_repeated_creation_is_the_same_key_without_its_text_which_is_stored_nowhere(api: Api) -> None:
    first, again = (api.post("api-keys", NEW, Idempotency_Key="k1") for _ in range(2))
    plaintext = first.json()["api_key"]
    assert again["Idempotent-Replayed"] == "true" and again.json() == {**first.json(), "api_key": None}
    stored = IdempotencyKey.objects.get()
    assert plaintext.encode() not in stored.answer and b'"api_key":null' in stored.answer
    rotated = api.post(f"api-keys/{first.json()['id']}/rotate", {}, Idempotency_Key="k2")
    replayed = api.post(f"api-keys/{first.json()['id']}/rotate", {}, Idempotency_Key="k2")
    assert replayed.json() == {**rotated.json(), "api_key": None}
    assert ApiKey.objects.count() == 3
    assert not [event for event in AuditEvent.objects.values() if PATTERN.search(str(event))]


def test_the_reference_platforms_words_mean_the_same(api: Api) -> None:
    body = {"name": None, "role": "member", "permissions": ["voicemail:read", "voicemail:send"], "duration_days": 30}
    made = api.post("api-keys", body)
    assert made.status_code == 201
    told = made.json()
    assert (told["name"], told["role"]) == ("API key", "member")
    assert told["permissions"] == told["scopes"] == ["voicemail:read", "voicemail:send"]
    assert timedelta(days=29) < moment(told["expires_at"]) - timezone.now() <= timedelta(days=30)
    assert {"id", "workspace_id", "created_by_credential_id", "last_used_at", "created_at", "updated_at"} <= told.keys()


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"name": "x"}, "/scopes", "required"),
        ({**NEW, "scopes": []}, "/scopes", "empty"),
        ({**NEW, "scopes": ["voicemail:everything"]}, "/scopes/0", "invalid_choice"),
        ({**NEW, "permissions": ["voicemail:read"]}, "/permissions", "given_twice"),
        ({**NEW, "role": "admin"}, "/role", "invalid_choice"),
        ({**NEW, "duration_days": 0}, "/duration_days", "min_value"),
        ({**NEW, "duration_days": 91}, "/duration_days", "max_value"),
        ({**NEW, "duration_days": 1, "expires_at": "2999-01-01T00:00:00Z"}, "/duration_days", "given_twice"),
        ({**NEW, "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at", "too_early"),
        ({**NEW, "networks": ["203.0.113.7/24"]}, "/networks", "network_malformed"),
        ({**NEW, "networks": ["203.0.113.7"] * 51}, "/networks", "max_length"),
        ({**NEW, "name": "x" * 101}, "/name", "max_length"),
        ({**NEW, "scope": []}, "/scope", "unknown_field"),
    ],
)
def test_what_is_wrong_is_named_and_makes_no_key(api: Api, body: Any, pointer: str, code: str) -> None:
    answer = api.post("api-keys", body)
    assert answer.status_code == 422, answer.content
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]
    assert ApiKey.objects.count() == 1


# never more than the key that asks


@pytest.mark.parametrize(
    ("own", "asked", "field"),
    [
        ({"scopes": KEYS}, NEW, "scopes"),
        ({"scopes": KEYS}, {"name": "x", "permissions": ["numbers:read", "api-keys:read"]}, "scopes"),
        ({"expires_at": timedelta(days=3)}, {**NEW, "duration_days": 4}, "expires_at"),
        ({"expires_at": timedelta(days=3)}, {**NEW, "expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
        ({"networks": ["127.0.0.0/8"]}, {**NEW, "networks": ["0.0.0.0/0"]}, "networks"),
        ({"networks": ["127.0.0.0/8"]}, {**NEW, "networks": []}, "networks"),
    ],
)
def test_a_key_gives_no_more_than_it_has(workspace: Workspace, own: Any, asked: Any, field: str) -> None:
    if "expires_at" in own:
        own = {"expires_at": timezone.now() + own["expires_at"]}
    api = make_api(workspace, **own)
    answer = api.post("api-keys", asked)
    assert (answer.status_code, answer.json()["code"]) == (403, "key_beyond_caller")
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"
    assert ApiKey.objects.count() == 1


def test_by_default_a_key_is_bounded_as_the_one_that_makes_it(workspace: Workspace) -> None:
    api = make_api(workspace, expires_at=timezone.now() + timedelta(days=3), networks=["127.0.0.0/8"])
    made = api.post("api-keys", NEW).json()
    assert moment(made["expires_at"]) == api.key.expires_at
    assert made["networks"] == ["127.0.0.0/8"]


@pytest.mark.parametrize("target", [{"scopes": list(Scope)}, {"networks": []}, {"expires_at": None}])
def test_a_key_rotates_no_key_that_may_do_more(workspace: Workspace, target: Any) -> None:
    mine = {"scopes": KEYS, "networks": ["127.0.0.0/8"], "expires_at": timezone.now() + timedelta(days=1)}
    api = make_api(workspace, **mine)
    other, _ = make_api_key(workspace, **{**mine, **target})
    answer = api.post(f"api-keys/{other.pk}/rotate", {"overlap_hours": 1})
    assert (answer.status_code, answer.json()["code"]) == (403, "key_beyond_caller")
    assert ApiKey.objects.count() == 2
    assert api.delete(f"api-keys/{other.pk}").status_code == 204  # which takes and gives nothing


def test_a_key_that_expires_lives_no_longer_by_rotating_itself(workspace: Workspace) -> None:
    api = make_api(workspace, expires_at=timezone.now() + timedelta(days=1))
    longer = api.post(f"api-keys/{api.key.pk}/rotate", {"duration_days": 90})
    assert (longer.status_code, longer.json()["code"]) == (403, "key_beyond_caller")
    same = api.post(f"api-keys/{api.key.pk}/rotate", {})
    assert moment(same.json()["expires_at"]) == api.key.expires_at
    renewed = make_api(workspace).post(f"api-keys/{same.json()['id']}/rotate", {"duration_days": 90})
    assert moment(renewed.json()["expires_at"]) > api.key.expires_at


def test_a_test_key_makes_test_keys_and_finds_no_others(workspace: Workspace) -> None:
    api, (live, _) = make_api(workspace, live=False), make_api_key(workspace)
    refused = api.post("api-keys", {**NEW, "live": True})
    assert (refused.status_code, refused.json()["code"]) == (403, "test_key")
    made = api.post("api-keys", NEW).json()
    assert made["live"] is False and made["api_key"].startswith("rvm_test_")
    assert {key["id"] for key in api.get("api-keys").json()["items"]} == {str(api.key.pk), made["id"]}
    for answer in (
        api.get(f"api-keys/{live.pk}"),
        api.delete(f"api-keys/{live.pk}"),
        api.post(f"api-keys/{live.pk}/rotate", {}),
    ):
        assert answer.status_code == 404 and "test key" in answer.json()["detail"]
    live.refresh_from_db()
    assert live.revoked_at is None


# listed


def test_keys_are_listed_by_world_in_pages_and_by_who_made_them(api: Api, workspace: Workspace) -> None:
    test, _ = make_api_key(workspace, live=False)
    mine = api.post("api-keys", NEW).json()
    make_api_key()
    first = api.get("api-keys", limit=1).json()
    second = api.get("api-keys", limit=1, continuation_token=first["continuation_token"]).json()
    assert [key["id"] for key in first["items"] + second["items"]] == [mine["id"], str(api.key.pk)]
    assert (first["has_more"], second["has_more"], second["continuation_token"]) == (True, False, None)
    assert [key["current"] for key in first["items"] + second["items"]] == [False, True]
    assert [key["id"] for key in api.get("api-keys", mine_only="true").json()["items"]] == [mine["id"]]
    assert [key["id"] for key in api.get("api-keys", live="false").json()["items"]] == [str(test.pk)]


# rotated


def test_a_rotated_key_stops_at_once_unless_an_overlap_is_asked_for(api: Api, workspace: Workspace) -> None:
    _, old = make_api_key(workspace, scopes=[Scope.VOICEMAIL_READ])
    old_api = with_key(workspace, old)
    rotated = api.post(f"api-keys/{old_api.key.pk}/rotate", {"overlap_hours": 2, "duration_days": 10}).json()
    new = with_key(workspace, rotated["api_key"])
    assert old_api.get("voicemail").status_code == new.get("voicemail").status_code == 200
    ends = ApiKey.objects.get(pk=old_api.key.pk).expires_at
    assert ends is not None and timedelta(hours=1) < ends - timezone.now() <= timedelta(hours=2)
    assert new.key.user_id == old_api.key.user_id and new.key.expires_at > ends
    latest = api.post(f"api-keys/{new.key.pk}/rotate", {})
    assert latest.status_code == 200 and new.get("voicemail").status_code == 401
    again = api.post(f"api-keys/{new.key.pk}/rotate", {})
    assert (again.status_code, again.json()["code"]) == (409, "key_ended")


@pytest.mark.parametrize("hours", [-1, 169, 1.5, "1", True])
def test_the_overlap_is_bounded(api: Api, hours: Any) -> None:
    answer = api.post(f"api-keys/{api.key.pk}/rotate", {"overlap_hours": hours})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/overlap_hours")
    assert ApiKey.objects.count() == 1


# revoked


def test_a_revoked_key_opens_nothing_and_stays_in_the_list(api: Api, workspace: Workspace) -> None:
    _, plaintext = make_api_key(workspace)
    other = with_key(workspace, plaintext)
    assert [api.delete(f"api-keys/{other.key.pk}").status_code for _ in range(2)] == [204, 204]
    assert other.get("voicemail").status_code == 401
    assert api.get(f"api-keys/{other.key.pk}").json()["revoked_at"] is not None
    assert AuditEvent.objects.filter(action="api_key.revoked", actor=api.key.user).count() == 1


def test_a_key_may_revoke_itself(api: Api) -> None:
    assert api.delete(f"api-keys/{api.key.pk}").status_code == 204
    assert api.get("api-keys").status_code == 401


def test_a_key_that_was_revoked_meanwhile_makes_and_rotates_none(
    api: Api, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rvm.platform.access import api_keys

    other, _ = make_api_key(workspace)

    def revoked_before(service: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            ApiKey.objects.filter(pk=api.key.pk).update(revoked_at=timezone.now())
            return service(*args, **kwargs)

        return call

    for name in ("create_api_key", "rotate_api_key"):
        monkeypatch.setattr(api_keys, name, revoked_before(getattr(api_keys, name)))
    for path, body in (("api-keys", NEW), (f"api-keys/{other.pk}/rotate", {})):
        answer = api.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "key_ended")
        ApiKey.objects.filter(pk=api.key.pk).update(revoked_at=None)
    assert ApiKey.objects.count() == 2


# about itself


def test_every_key_is_told_what_it_is(workspace: Workspace) -> None:
    api = make_api(workspace, scopes=[], live=False, expires_at=timezone.now() + timedelta(hours=1))
    answer = api.client.get("/v1/auth/me")
    told = answer.json()
    assert answer.status_code == 200 and 3590 <= told.pop("expires_in_seconds") <= 3600
    assert moment(told.pop("expires_at")) == api.key.expires_at
    assert told == {
        "workspace_id": str(workspace.pk),
        "key_id": str(api.key.pk),
        "name": api.key.name,
        "live": False,
        "scopes": [],
        "networks": [],
    }
    forever = make_api(workspace).client.get("/v1/auth/me").json()
    assert (forever["expires_at"], forever["expires_in_seconds"]) == (None, None)


def test_without_a_valid_key_nobody_is_told_anything(api: Api, client: Any) -> None:
    assert client.get("/v1/auth/me").status_code == 401
    rotate_api_key(api.key, timedelta(0))
    assert api.client.get("/v1/auth/me").status_code == 401
