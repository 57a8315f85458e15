"""The signed address of a gateway: what is authentic is heard once, binds at once, and is answered alike for every number."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, Organisation, Workspace
from tests.factories import RECIPIENT, make_suppression, make_use_case, make_user, make_voicemail, make_workspace
from tests.random_text import without_ids
from tests.sessions import Session
from usecases.inbound.service import create_secret, hear, replace_secret, revoke_secret
from usecases.inbound.signatures import new_secret, signature
from usecases.models import InboundMessage, InboundSecret, Suppression
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db


@pytest.fixture
def organisation(workspace: Workspace) -> Organisation:
    return workspace.organisation


@pytest.fixture
def secret(organisation: Organisation) -> str:
    return create_secret(organisation, actor=None)[1]


def send(
    organisation: Organisation,
    secret: str,
    body: Any = None,
    *,
    message_id: str = "m-1",
    age: timedelta = timedelta(),
    raw: bytes | None = None,
    **headers: str,
) -> HttpResponse:
    sent = json.dumps(body if body is not None else {"from": RECIPIENT, "text": "STOP"}).encode()
    timestamp = str(int((database_now() - age).timestamp()))
    signed = {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": signature(secret, message_id, timestamp, sent),
        **headers,
    }
    content = sent if raw is None else raw
    return Client(headers=signed).post(f"/inbound/{organisation.slug}", content, content_type="application/json")


def test_a_stop_binds_every_workspace_of_the_organisation(organisation: Organisation, secret: str) -> None:
    sister, stranger = make_workspace(organisation=organisation), make_workspace()
    answer = send(organisation, secret)
    assert answer.status_code == 200
    assert answer.json() == {
        "result": "opted_out",
        "reply": f"{organisation.name} will leave you no more voicemails.",
    }
    assert answer["Cache-Control"] == "no-store"
    for each in organisation.workspaces.all():
        row = Suppression.objects.get(workspace=each)
        assert (row.source, row.scope, row.origin, row.kind) == ("inbound", "organisation", None, "opt_out")
        assert row.needs_consent
    assert is_suppressed(sister.pk, RECIPIENT) and not is_suppressed(stranger.pk, RECIPIENT)


def test_a_key_of_the_organisation_is_an_opt_out_and_another_is_not(organisation: Organisation, secret: str) -> None:
    organisation.opt_out_keys = ["7"]
    organisation.save()
    assert send(organisation, secret, {"from": RECIPIENT, "key": "9"}).json()["result"] == "not_understood"
    assert not Suppression.objects.exists()
    answer = send(organisation, secret, {"from": RECIPIENT, "key": "7"}, message_id="m-2")
    assert answer.json()["result"] == "opted_out"
    assert Suppression.objects.count() == 1


def test_what_is_not_understood_is_recorded_and_answered_so(organisation: Organisation, secret: str) -> None:
    answer = send(organisation, secret, {"from": RECIPIENT, "text": "who is this"})
    assert (answer.status_code, answer.json()["result"]) == (200, "not_understood")
    assert "STOP" in answer.json()["reply"]
    heard = InboundMessage.objects.get()
    assert (heard.opted_out, heard.words, heard.number, heard.channel) == (False, "who is this", RECIPIENT, "text")
    assert not Suppression.objects.exists()


def test_the_answer_is_the_same_whether_a_number_is_known_or_not(organisation: Organisation, secret: str) -> None:
    make_voicemail(make_use_case(organisation.workspaces.get()), recipient="+12025550143")
    make_suppression(organisation.workspaces.get(), "+12025550144", source=Suppression.Source.INBOUND, origin=None)
    answers = {
        send(organisation, secret, {"from": number, "text": "stop"}, message_id=number).content
        for number in (RECIPIENT, "+12025550143", "+12025550144")
    }
    assert len(answers) == 1


def test_a_message_that_is_sent_again_changes_nothing_and_gets_the_same_answer(
    organisation: Organisation, secret: str
) -> None:
    first = send(organisation, secret)
    Suppression.objects.update(lifted_at=database_now())
    again = send(organisation, secret)
    assert (again.status_code, again.content) == (200, first.content)
    assert InboundMessage.objects.count() == 1
    assert not is_suppressed(organisation.workspaces.get().pk, RECIPIENT)  # a replay takes back no lift


@pytest.mark.django_db(transaction=True)
def test_of_two_equal_messages_at_once_the_second_waits_and_gets_the_answer_of_the_first() -> None:
    organisation = make_workspace().organisation
    said: dict[str, Any] = {
        "organisation": organisation,
        "channel": InboundMessage.Channel.TEXT,
        "number": RECIPIENT,
        "opted_out": True,
        "words": "stop",
        "message_id": "m-1",
        "body": "{}",
    }
    with transaction.atomic():
        assert hear(**said)
        second = Session(lambda: hear(**said))
        second.wait_until_blocked()
    assert second.result() is True
    assert InboundMessage.objects.count() == 1


def test_another_message_under_the_same_id_is_refused(organisation: Organisation, secret: str) -> None:
    send(organisation, secret, {"from": RECIPIENT, "text": "hello"})
    answer = send(organisation, secret)
    assert answer.status_code == 409
    assert RECIPIENT not in answer.content.decode()
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_a_message_of_another_time_is_refused(organisation: Organisation, secret: str, age: timedelta) -> None:
    assert send(organisation, secret, age=age).status_code == 401
    assert not InboundMessage.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"Webhook-Signature": ""},
        {"Webhook-Signature": "v1,AAAA"},
        {"Webhook-Signature": "v1,é"},
        {"Webhook-Id": ""},
        {"Webhook-Id": "x" * 101},
        {"Webhook-Id": "m-2"},
        {"Webhook-Timestamp": ""},
        {"Webhook-Timestamp": "soon"},
        {"Webhook-Timestamp": "9" * 400},
    ],
)
def test_what_is_not_signed_as_it_came_is_refused(
    organisation: Organisation, secret: str, headers: dict[str, str]
) -> None:
    assert send(organisation, secret, **headers).status_code == 401
    assert not InboundMessage.objects.exists()


def test_a_changed_byte_is_refused(organisation: Organisation, secret: str) -> None:
    body = json.dumps({"from": RECIPIENT, "text": "STOP "}).encode()
    assert send(organisation, secret, raw=body).status_code == 401


def test_another_organisations_secret_signs_nothing_here(organisation: Organisation, secret: str) -> None:
    other = create_secret(make_workspace().organisation, actor=None)[1]
    assert send(organisation, other).status_code == 401
    assert send(organisation, new_secret()).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        [], {}, "stop", {"from": RECIPIENT}, {"text": "stop"}, {"from": RECIPIENT, "text": "stop", "key": "9"},
        {"from": RECIPIENT, "text": 9},
        {"from": "555-0142", "text": "stop"}, {"from": RECIPIENT, "text": "stop", "to": "x"}, {"from": None, "text": "stop"},
    ],
)  # fmt: skip
def test_a_body_that_is_no_message_is_refused_without_its_content(
    organisation: Organisation, secret: str, body: Any
) -> None:
    answer = send(organisation, secret, body)
    assert answer.status_code == 400
    assert "555" not in without_ids(answer.content.decode())
    assert not InboundMessage.objects.exists()


def test_a_large_body_is_not_read(organisation: Organisation, secret: str) -> None:
    assert send(organisation, secret, {"from": RECIPIENT, "text": "stop " * 4000}).status_code == 413


def test_an_address_that_does_not_exist_and_a_get_are_refused(organisation: Organisation, secret: str) -> None:
    assert send(Organisation(slug="nowhere"), secret).status_code == 404
    assert Client().get(f"/inbound/{organisation.slug}").status_code == 405


def test_a_replaced_secret_is_valid_for_a_day_and_a_revoked_one_not_at_all(organisation: Organisation) -> None:
    row, old = create_secret(organisation, actor=None)
    now = database_now()
    successor, new = replace_secret(row, actor=None, now=now)
    assert [send(organisation, each, message_id=each[-9:]).status_code for each in (old, new)] == [200, 200]
    InboundSecret.objects.filter(pk=row.pk).update(expires_at=now)
    assert [send(organisation, each, message_id=each[-8:]).status_code for each in (old, new)] == [401, 200]
    revoke_secret(successor, actor=None, now=now)
    assert send(organisation, new, message_id="m-9").status_code == 401


def test_a_new_secret_is_shown_once_in_the_admin(organisation: Organisation, client: Client) -> None:
    client.force_login(make_user(is_staff=True, is_superuser=True, password=None))
    shown = client.post("/admin/usecases/inboundsecret/add/", {"organisation": organisation.pk})
    row = InboundSecret.objects.get()
    assert row.secret in shown.content.decode() and "no-store" in shown["Cache-Control"]
    page = client.get(f"/admin/usecases/inboundsecret/{row.pk}/change/").content.decode()
    assert row.secret not in page and f"…{row.last4}" in page
    assert client.get(f"/admin/usecases/inboundsecret/{row.pk}/replace/").status_code == 200
    assert InboundSecret.objects.count() == 1
    replaced = client.post(f"/admin/usecases/inboundsecret/{row.pk}/replace/").content.decode()
    assert InboundSecret.objects.exclude(pk=row.pk).get().secret in replaced
    client.post(f"/admin/usecases/inboundsecret/{row.pk}/revoke/")
    assert client.post(f"/admin/usecases/inboundsecret/{row.pk}/replace/").status_code == 403
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert actions >= {"inbound_secret.created", "inbound_secret.replaced", "inbound_secret.revoked"}


def test_the_secret_and_the_message_are_not_stored_in_clear(organisation: Organisation, secret: str) -> None:
    from django.db import connection

    send(organisation, secret, {"from": RECIPIENT, "text": "please stop, I am at 12 Elm"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT s.secret, m.number, m.words FROM usecases_inboundsecret s, usecases_inboundmessage m")
        stored = b"".join(bytes(column) for column in cursor.fetchone())
    assert not any(text.encode() in stored for text in (secret, RECIPIENT, "Elm"))
