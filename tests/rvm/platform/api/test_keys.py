"""A key is recognised offline, shown once, opens its own workspace and its scopes, and ends when it was told to."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from rvm.platform.api.keys import (
    PATTERN,
    checksum,
    create_api_key,
    generate,
    is_well_formed,
    makers_of,
    revoke_api_key,
    rotate_api_key,
)
from rvm.platform.encryption.tokens import digest_of
from rvm.platform.errors import ServiceError
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
    caller = make_caller()
    ApiKey.objects.filter(pk=caller.key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
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


@pytest.mark.parametrize(
    ("networks", "address", "accepted"),
    [
        ([], "203.0.113.7", True),
        (["203.0.113.0/24"], "203.0.113.7", True),
        (["203.0.113.0/24", "2001:db8::/32"], "2001:db8::7", True),
        (["203.0.113.7"], "203.0.113.7", True),
        (["203.0.113.7"], "203.0.113.8", False),
        (["203.0.113.0/24"], "2001:db8::7", False),
        (["203.0.113.0/24"], "::ffff:203.0.113.7", True),
        (["::/0"], "203.0.113.7", False),
        (["203.0.113.0/24"], "unix:", False),
    ],
)
def test_a_key_is_accepted_from_its_networks_only(networks: list[str], address: str, accepted: bool) -> None:
    caller = make_caller(networks=networks)
    response = caller.get("things", REMOTE_ADDR=address)
    assert response.status_code == (200 if accepted else 403)
    if not accepted:
        assert json.loads(response.content)["code"] == "address_not_allowed"
        assert ApiKey.objects.get(pk=caller.key.pk).last_used_at is None


def test_the_network_is_that_of_the_client_behind_the_own_proxies_and_not_a_header_of_its_own(settings: Any) -> None:
    caller = make_caller(networks=["203.0.113.0/24"])
    forged = caller.client().get(
        caller.url("things"), REMOTE_ADDR="198.51.100.1", headers={"X-Forwarded-For": "203.0.113.7"}
    )
    assert forged.status_code == 403
    settings.RVM_PROXIES = 1
    seen = caller.client().get(
        caller.url("things"), REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
    )
    assert seen.status_code == 200


def test_networks_cost_no_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    plain, bound = make_caller(), make_caller(networks=["127.0.0.0/8"])
    for caller in (plain, bound):
        caller.get("things")
    with CaptureQueriesContext(connection) as without:
        plain.get("things")
    with django_assert_num_queries(len(without)):
        bound.get("things")


@pytest.mark.parametrize(
    "network",
    ["", "everywhere", "203.0.113.0/33", "203.0.113.7/24", "::ffff:203.0.113.0/120", "1.2.3", "203.0.113.0/24/8"],
)
def test_what_is_no_network_is_refused(network: str) -> None:
    with pytest.raises(ServiceError) as refused:
        create_api_key(make_workspace(), "Office", [], networks=["203.0.113.0/24", network])
    assert (refused.value.code, refused.value.field) == ("network_malformed", "networks")
    assert not ApiKey.objects.exists()


def test_a_key_that_would_be_over_already_and_one_with_too_many_networks_are_not_made() -> None:
    with pytest.raises(ServiceError, match="over already"):
        create_api_key(make_workspace(), "Late", [], expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ServiceError, match="There are 51 networks; a key has at most 50"):
        create_api_key(make_workspace(), "Wide", [], networks=[f"203.0.113.{last}" for last in range(51)])


def test_what_has_ended_is_not_rotated() -> None:
    caller = make_caller()
    ApiKey.objects.filter(pk=caller.key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ServiceError, match="The key expired at "):
        rotate_api_key(caller.key)
    revoke_api_key(caller.key)
    with pytest.raises(ServiceError, match="A revoked key stays revoked"):
        rotate_api_key(caller.key)
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("hours", [-1, 7 * 24 + 1])
def test_an_old_key_works_on_for_a_week_at_most(caller: Caller, hours: int) -> None:
    with pytest.raises(ServiceError, match="0 to 168 hours"):
        rotate_api_key(caller.key, timedelta(hours=hours))


def test_who_has_seen_a_key_is_who_made_it_and_who_has_seen_the_key_that_made_it() -> None:
    workspace, maker, rotator, other = make_workspace(), make_user(), make_user(), make_user()
    first, _ = create_api_key(workspace, "First", list(Scope), actor=maker)
    second, _ = create_api_key(workspace, "Second", [], actor=first.user, maker=first)
    third, _ = create_api_key(workspace, "Third", [], actor=other)
    rotate_api_key(second, actor=rotator)
    rotate_api_key(third, actor=second.user)
    assert makers_of(first.user) == {maker.pk}
    assert makers_of(second.user) == {first.user_id, maker.pk, rotator.pk}
    assert makers_of(third.user_id) == {other.pk, second.user_id, first.user_id, maker.pk, rotator.pk}
    assert makers_of(None) == set()
