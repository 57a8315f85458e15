"""A key is recognised offline, shown once, opens its own workspace and its scopes, and ends when it was told to."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from rvm.platform.api.keys import (
    PATTERN,
    checksum,
    create_api_key,
    generate,
    is_well_formed,
    revoke_api_key,
    rotate_api_key,
)
from rvm.platform.encryption.tokens import digest_of
from rvm.platform.models import ApiKey, AuditEvent
from rvm.platform.scopes import Scope
from tests.factories import make_user, make_workspace
from tests.rvm.platform.api.conftest import Caller, make_caller

pytestmark = [pytest.mark.urls("tests.rvm.platform.api.sample_api"), pytest.mark.django_db]


@pytest.mark.parametrize("live", [True, False])
def test_a_key_has_the_published_form_and_its_checksum(live: bool) -> None:
    key = generate(live=live)
    assert PATTERN.fullmatch(key) and key.startswith("rvm_live_" if live else "rvm_test_")
    assert is_well_formed(key)


def test_the_checksum_is_crc32_in_six_base62_digits() -> None:
    assert checksum("") == "000000"
    assert checksum("rvm_test_" + "0" * 30) == checksum("rvm_test_" + "0" * 30) != checksum("rvm_live_" + "0" * 30)
    assert all(re.fullmatch("[0-9A-Za-z]{6}", checksum(str(n))) for n in range(1000))


def test_a_mistyped_key_is_refused_without_asking_the_database(
    caller: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    wrong = caller.plaintext[:-8] + ("a" if caller.plaintext[-8] != "a" else "b") + caller.plaintext[-7:]
    with django_assert_num_queries(0):
        response = Client().get(caller.url("things"), headers={"Authorization": f"Bearer {wrong}"})
    assert response.status_code == 401 and "copied whole" in json.loads(response.content)["detail"]


def test_only_the_digest_is_stored_and_the_deed_is_recorded() -> None:
    person, workspace = make_user(), make_workspace()
    key, plaintext = create_api_key(workspace, "CRM", [Scope.VOICEMAIL_READ], live=True, actor=person)
    row = ApiKey.objects.filter(pk=key.pk).values().get()
    assert plaintext not in str(row) and bytes(row["digest"]) == digest_of(plaintext) and row["last4"] == plaintext[-4:]
    assert key.user.is_service and not key.user.has_usable_password()
    event = AuditEvent.objects.get(subject_id=key.id)
    assert (event.action, event.actor, event.workspace) == ("api_key.created", person, workspace)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "Send `Authorization: Bearer <key>`"),
        ("Basic eDp5", "Only `Authorization: Bearer <API key>`"),
        ("Bearer", "not an API key"),
        ("Bearer x", "not an API key"),
        pytest.param(f"Bearer {generate(live=True)}", "does not exist", id="unknown key"),
    ],
)
def test_without_a_valid_key_the_answer_is_401_and_says_why(header: str | None, message: str, db: None) -> None:
    headers = {"Authorization": header} if header else {}
    response = Client().get(f"/v1/{uuid4()}/things", headers=headers)
    body = json.loads(response.content)
    assert response.status_code == 401 and message in body["detail"] and body["code"] == "unauthenticated"
    assert response["WWW-Authenticate"] == 'Bearer realm="RVM"'


def test_a_key_in_the_query_opens_nothing(caller: Caller) -> None:
    assert Client().get(caller.url("things"), {"key": caller.plaintext}).status_code == 401


def test_an_expired_and_a_revoked_key_are_told_so() -> None:
    caller = make_caller(expires_at=timezone.now() - timedelta(seconds=1))
    response = caller.get("things")
    assert response.status_code == 401 and "expired at 20" in json.loads(response.content)["detail"]
    caller = make_caller()
    revoke_api_key(caller.key)
    revoke_api_key(caller.key)
    response = caller.get("things")
    assert response.status_code == 401 and "revoked" in json.loads(response.content)["detail"]
    assert AuditEvent.objects.filter(action="api_key.revoked").count() == 1


def test_rotation_overlaps_and_keeps_the_service_user(caller: Caller) -> None:
    successor, plaintext = rotate_api_key(caller.key, timedelta(hours=1))
    assert (successor.user, successor.scopes, successor.live) == (caller.key.user, caller.key.scopes, caller.key.live)
    assert caller.get("things").status_code == 200
    assert Caller(successor, plaintext).get("things").status_code == 200
    ApiKey.objects.filter(pk=caller.key.pk).update(expires_at=timezone.now())
    assert caller.get("things").status_code == 401


def test_rotation_never_lengthens_a_life() -> None:
    soon = timezone.now() + timedelta(minutes=5)
    key, _ = create_api_key(make_workspace(), "Short", [], expires_at=soon)
    successor, _ = rotate_api_key(key, timedelta(days=1))
    assert key.expires_at == soon == successor.expires_at


def test_the_last_use_is_written_at_most_once_a_minute(caller: Caller) -> None:
    caller.get("things")
    first = ApiKey.objects.get(pk=caller.key.pk).last_used_at
    caller.get("things")
    assert ApiKey.objects.get(pk=caller.key.pk).last_used_at == first is not None
    old = timezone.now() - timedelta(seconds=61)
    ApiKey.objects.filter(pk=caller.key.pk).update(last_used_at=old)
    caller.get("things")
    used = ApiKey.objects.get(pk=caller.key.pk).last_used_at
    assert used is not None and used > old


def test_another_workspace_is_404_whether_it_exists_or_not(caller: Caller) -> None:
    for other in (make_workspace().id, uuid4()):
        assert caller.client().get(f"/v1/{other}/things").status_code == 404


def test_a_missing_scope_is_403_and_named() -> None:
    caller = make_caller(Scope.VOICEMAIL_READ)
    response = caller.post("things", {"name": "x"})
    assert response.status_code == 403
    assert json.loads(response.content)["detail"] == "This API key lacks the scope voicemail:send."
    assert json.loads(response.content)["code"] == "missing_scope"
    assert caller.get("things").status_code == caller.client().head(caller.url("things")).status_code == 200


def test_a_view_that_declares_no_scope_is_closed(caller: Caller) -> None:
    assert caller.get("undeclared").status_code == 500
