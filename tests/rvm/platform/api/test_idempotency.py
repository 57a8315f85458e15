"""One key, one piece of work: replays, other bodies, races, crashes."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from rvm.platform.api.idempotency import purge_idempotency_keys
from rvm.platform.api.keys import rotate_api_key
from rvm.platform.models import ApiKey, AuditEvent, Heartbeat, IdempotencyKey
from rvm.platform.scopes import Scope
from tests.factories import make_workspace
from tests.rvm.platform.api.conftest import Caller, make_caller
from tests.rvm.platform.api.sample_api import Things

pytestmark = [pytest.mark.urls("tests.rvm.platform.api.sample_api"), pytest.mark.django_db]


def send(caller: Caller, key: str | None = "k-1", body: Any = None) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return caller.post("things", body or {"name": "x"}, **headers)


def code(response: Any) -> str:
    found: str = json.loads(response.content)["code"]
    return found


def test_the_same_post_is_done_once_and_answered_alike(caller: Caller) -> None:
    first, again = send(caller), send(caller)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content and first["Content-Type"] == again["Content-Type"]
    assert again["Location"] == first["Location"] == "/v1/one"
    assert "Idempotent-Replayed" not in first and again["Idempotent-Replayed"] == "true"
    assert Heartbeat.objects.count() == 1


def test_the_order_of_members_and_the_quotes_of_the_key_do_not_matter(caller: Caller) -> None:
    send(caller, "k", '{"name": "x", "b": 1}')
    assert send(caller, '"k"', '{"b":1,"name":"x"}')["Idempotent-Replayed"] == "true"


def test_without_a_key_every_post_is_new(caller: Caller) -> None:
    send(caller, None)
    send(caller, None)
    assert Heartbeat.objects.count() == 2 and not IdempotencyKey.objects.exists()


def test_another_body_under_the_same_key_is_422(caller: Caller) -> None:
    send(caller)
    response = send(caller, body={"name": "y"})
    assert response.status_code == 422 and code(response) == "idempotency_key_reused"
    assert Heartbeat.objects.count() == 1


@pytest.mark.parametrize("live", [False, True])
def test_keys_of_two_callers_of_a_workspace_are_two_keys(live: bool, caller: Caller) -> None:
    first = send(caller)
    other = make_caller(workspace=caller.workspace, live=live)
    assert "Idempotent-Replayed" not in send(other)
    assert send(other)["Idempotent-Replayed"] == "true"
    assert send(caller).content == first.content
    assert Heartbeat.objects.count() == 2


def test_a_rotated_key_goes_on_where_its_predecessor_was(caller: Caller) -> None:
    first = send(caller)
    successor = Caller(*rotate_api_key(caller.key))
    assert send(successor)["Idempotent-Replayed"] == "true"
    assert send(successor).content == first.content


@pytest.mark.parametrize("scopes", [[Scope.VOICEMAIL_SEND], [*Scope, "other:scope"]])
def test_an_answer_is_not_repeated_to_other_rights_than_it_was_given_to(scopes: list[str], caller: Caller) -> None:
    send(caller)
    ApiKey.objects.update(scopes=scopes)
    response = send(caller)
    assert response.status_code == 422 and code(response) == "idempotency_key_reused"
    assert Heartbeat.objects.count() == 1


def test_the_order_in_which_rights_are_written_down_does_not_matter(caller: Caller) -> None:
    send(caller)
    ApiKey.objects.update(scopes=[*reversed(caller.key.scopes)])
    assert send(caller)["Idempotent-Replayed"] == "true"


def test_a_post_that_only_reads_is_answered_afresh(caller: Caller) -> None:
    for count in (1, 2):
        found = caller.post("sought", {}, **{"Idempotency-Key": "k"})
        assert (found.json()["count"], "Idempotent-Replayed" in found) == (count, False)
        AuditEvent.objects.create(workspace=caller.workspace, action="x", subject_type="x", subject_id=caller.key.id)
    assert not IdempotencyKey.objects.exists()
    refused = caller.post("sought", {}, **{"Idempotency-Key": ""})
    assert refused.status_code == 400 and code(refused) == "idempotency_key_invalid"


def test_keys_of_two_workspaces_are_two_keys(caller: Caller) -> None:
    send(caller)
    assert "Idempotent-Replayed" not in send(make_caller(workspace=make_workspace()))
    assert Heartbeat.objects.count() == 2


@pytest.mark.parametrize("key", ["", '""', " ", "x" * 256, "ä", "a\tb"])
def test_a_key_that_cannot_be_used_is_400(caller: Caller, key: str) -> None:
    response = send(caller, key)
    assert response.status_code == 400 and code(response) == "idempotency_key_invalid"


def test_a_refused_request_may_be_repaired_under_its_key(caller: Caller) -> None:
    assert send(caller, body={"name": "much too long"}).status_code == 422
    assert send(caller, body={"name": "x"}).status_code == 201


@pytest.mark.parametrize("key", ["k", None])
def test_a_body_nested_deeper_than_an_answer_could_be_is_400_with_a_key_and_without(
    caller: Caller, key: str | None
) -> None:
    def nested(levels: int) -> str:
        return '{"name": "x", "deep": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"

    assert send(caller, key, nested(64)).status_code == 201
    for levels in (65, 254, 255, 1024):
        response = send(caller, key, nested(levels))
        assert response.status_code == 400 and code(response) == "malformed_request"
        assert "64 levels deep" in json.loads(response.content)["detail"]


def test_a_key_without_the_scope_gets_no_replay(caller: Caller) -> None:
    send(caller)
    assert send(make_caller(Scope.VOICEMAIL_READ, workspace=caller.workspace)).status_code == 403


def test_work_that_crashes_is_undone_and_may_be_done_again(caller: Caller) -> None:
    assert send(caller, body={"name": "crash"}).status_code == 500
    assert not Heartbeat.objects.exists() and not IdempotencyKey.objects.exists()


def test_the_stored_answer_is_encrypted(caller: Caller) -> None:
    assert b"2025550142" in send(caller).content
    [stored] = IdempotencyKey.objects.values_list("answer", flat=True)
    assert b"2025550142" not in stored and b"2025550142" in IdempotencyKey.objects.get().answer


def upload(caller: Caller, content: bytes, name: str = "a.mp3") -> Any:
    body = {"audio": SimpleUploadedFile(name, content), "use_case_id": "u"}
    return caller.client().post(caller.url("things"), body, headers={"Idempotency-Key": "k"})


def test_uploads_are_told_apart_by_their_bytes(caller: Caller) -> None:
    assert upload(caller, b"one").status_code == 201
    assert upload(caller, b"one")["Idempotent-Replayed"] == "true"
    assert upload(caller, b"two").status_code == 422


def test_answers_are_forgotten_after_a_day(caller: Caller) -> None:
    send(caller)
    now = timezone.now()
    assert purge_idempotency_keys(now + timedelta(hours=23)) == 0
    assert purge_idempotency_keys(now + timedelta(hours=25)) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_works_and_the_other_is_told_to_wait() -> None:
    caller = make_caller()
    Things.begun.clear()
    Things.go_on.clear()
    answers: list[Any] = []

    def first() -> None:
        try:
            answers.append(send(caller, body={"name": "slow"}))
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert Things.begun.wait(10)
        second = send(caller, body={"name": "slow"})
        assert second.status_code == 409 and second["Retry-After"] == "1" and code(second) == "idempotency_key_in_use"
    finally:
        Things.go_on.set()
        thread.join(20)
    assert answers[0].status_code == 201
    again = send(caller, body={"name": "slow"})
    assert again.content == answers[0].content and again["Idempotent-Replayed"] == "true"
    assert Heartbeat.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_when_the_connection_dies_in_the_middle_nothing_is_done_and_the_key_is_free_at_once() -> None:
    caller = make_caller()
    Things.begun.clear()
    Things.go_on.clear()
    answers: list[Any] = []
    backend: list[int] = []

    def doomed() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                backend.append(cursor.fetchone()[0])
            answers.append(send(caller, body={"name": "slow"}))
        finally:
            connection.close()

    thread = threading.Thread(target=doomed)
    thread.start()
    try:
        assert Things.begun.wait(10)
        with connection.cursor() as cursor:
            # The second argument waits until the backend is gone.
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", backend)
        assert not Heartbeat.objects.exists()
    finally:
        Things.go_on.set()
        thread.join(20)
    assert answers[0].status_code == 503
    assert send(caller, body={"name": "slow"}).status_code == 201
    assert Heartbeat.objects.count() == 1
