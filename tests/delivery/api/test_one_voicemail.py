"""One voicemail: its detail with drops, canceling and retrying it, and that no other workspace sees any of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from delivery.api.serializers.voicemails import DropSerializer, VoicemailDetailSerializer
from delivery.models import Drop, Voicemail
from rvm.platform.database.ids import uuid7
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.scopes import Scope
from tests.delivery.api.sending import codes
from tests.factories import Api, make_api, make_recording, make_setup, make_use_case, make_voicemail
from usecases.models import UseCase

T0 = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def add_drop(voicemail: Voicemail, number: int, **fields: Any) -> Drop:
    return Drop.objects.create(
        **{
            "id": uuid7(),
            "workspace": voicemail.workspace,
            "voicemail": voicemail,
            "setup": voicemail.setup,
            "number": number,
            "live": True,
            "sender": voicemail.sender,
            "due_at": T0,
            "created_at": T0 + timedelta(minutes=number),
            **fields,
        }
    )


def test_the_detail_shows_the_whole_life_and_the_drops_in_order(api: Api, use_case: UseCase) -> None:
    times = {"sending_at": T0 + timedelta(minutes=2), "accepted_at": T0 + timedelta(minutes=3)}
    voicemail = make_voicemail(use_case, status="delivered", ended_at=T0 + timedelta(minutes=4), attempts=2, **times)
    failover = make_setup(use_case.workspace, carrier="other")
    add_drop(voicemail, 2, setup=failover, status="delivered", carrier_reference="x-2", ended_at=T0)
    add_drop(voicemail, 1, status="not_sent", reason="not_sent", carrier_code="503", carrier_text="later")
    add_drop(make_voicemail(use_case), 1)
    response = api.get(f"voicemail/{voicemail.pk}")
    body = response.json()
    assert response.status_code == 200
    assert list(body) == list(VoicemailDetailSerializer().fields)
    assert (body["sending_at"], body["accepted_at"]) == ("2026-03-02T15:02:00Z", "2026-03-02T15:03:00Z")
    assert body["ended_at"] == "2026-03-02T15:04:00Z"
    first, second = body["drops"]
    assert list(first) == list(DropSerializer().fields)
    assert (first["number"], first["status"], first["carrier_code"]) == (1, "not_sent", "503")
    assert first["reason_detail"] == "The carrier could not be reached; nothing was sent."
    assert (second["number"], second["carrier"], second["carrier_reference"]) == (2, "other", "x-2")


def test_a_look_at_one_voicemail_is_audited(api: Api, use_case: UseCase) -> None:
    voicemail = make_voicemail(use_case)
    api.get(f"voicemail/{voicemail.pk}")
    event = AuditEvent.objects.get(action="voicemail.read")
    assert (event.subject_id, event.actor, event.workspace) == (voicemail.pk, api.key.user, use_case.workspace)


def test_the_detail_is_masked_without_the_scope(workspace: Workspace, use_case: UseCase) -> None:
    voicemail = make_voicemail(use_case, recipient="+12025550142")
    body = make_api(workspace, scopes=[Scope.VOICEMAIL_READ]).get(f"voicemail/{voicemail.pk}").json()
    assert body["recipient_phone_number"] == "+•••••••0142"


def test_a_recording_that_was_joined_for_its_person_is_told_to_keys_that_may_see_numbers_only(
    workspace: Workspace, api: Api, use_case: UseCase
) -> None:
    """Clips and their lengths are listed, so the length of a joined recording may tell which name it says."""
    joined, plain = make_recording(workspace, assembled=True), make_recording(workspace)
    told = {}
    for recording in (joined, plain):
        voicemail = make_voicemail(use_case, recording=recording)
        for name, reader in (("whole", api), ("masked", make_api(workspace, scopes=[Scope.VOICEMAIL_READ]))):
            one = reader.get(f"voicemail/{voicemail.pk}").json()
            [listed] = [
                item for item in reader.get("voicemail").json()["items"] if item["voicemail_id"] == str(voicemail.pk)
            ]
            assert one["recording_id"] == listed["recording_id"] and one["duration_ms"] == listed["duration_ms"]
            told[name, recording] = one["recording_id"], one["duration_ms"]
    assert told == {
        ("whole", joined): (str(joined.pk), joined.duration_ms),
        ("masked", joined): (None, None),
        ("whole", plain): (str(plain.pk), plain.duration_ms),
        ("masked", plain): (str(plain.pk), plain.duration_ms),
    }


def test_a_queued_voicemail_is_canceled(api: Api, use_case: UseCase) -> None:
    response = api.post(f"voicemail/{make_voicemail(use_case).pk}/cancel")
    assert (response.status_code, response.json()["status"]) == (200, "canceled")
    assert response.json()["ended_at"]


def test_canceling_what_has_left_the_queue_is_409_and_says_where_it_is(api: Api, use_case: UseCase) -> None:
    response = api.post(f"voicemail/{make_voicemail(use_case, status='accepted').pk}/cancel")
    problem = response.json()
    assert (response.status_code, problem["code"], problem["voicemail_status"]) == (409, "not_cancelable", "accepted")


def test_a_failure_is_retried(api: Api, use_case: UseCase) -> None:
    voicemail = make_voicemail(use_case, status="failed", reason="busy")
    for body in ({}, None):
        Voicemail.objects.update(status="failed", reason="busy")
        response = api.post(f"voicemail/{voicemail.pk}/retry", body)
        assert (response.status_code, response.json()["status"]) == (200, "queued"), response.content


def test_a_risk_is_accepted_by_name_and_with_its_own_scope(workspace: Workspace, api: Api, use_case: UseCase) -> None:
    voicemail = make_voicemail(use_case, status="failed", reason="unconfirmed")
    path, accepted = f"voicemail/{voicemail.pk}/retry", {"accept_duplicate_risk": True}
    refused = api.post(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "duplicate_risk")
    sender = make_api(workspace, scopes=[Scope.VOICEMAIL_SEND])
    lacking = sender.post(path, accepted)
    assert (lacking.status_code, lacking.json()["code"]) == (403, "missing_scope")
    assert "voicemail:resend-uncertain" in lacking.json()["detail"]
    assert api.post(path, accepted).json()["status"] == "queued"


@pytest.mark.parametrize("value", ["true", 1, "on", None, [True]])
def test_nothing_but_true_accepts_the_risk(api: Api, use_case: UseCase, value: Any) -> None:
    voicemail = make_voicemail(use_case, status="failed", reason="unconfirmed")
    response = api.post(f"voicemail/{voicemail.pk}/retry", {"accept_duplicate_risk": value})
    assert response.status_code == 422
    assert codes(response)[0][0] == "/accept_duplicate_risk"


@pytest.mark.parametrize(("reason", "code"), [("opted_out", "not_retryable"), ("recording_refused", "not_retryable")])
def test_a_retry_that_cannot_help_is_409(api: Api, use_case: UseCase, reason: str, code: str) -> None:
    voicemail = make_voicemail(use_case, status="failed", reason=reason)
    response = api.post(f"voicemail/{voicemail.pk}/retry")
    assert (response.status_code, response.json()["code"]) == (409, code)


ROUTES = [
    ("GET", "voicemail"),
    ("POST", "voicemail"),
    ("POST", "voicemail/search"),
    ("POST", "voicemail/batch"),
    ("GET", "voicemail/{voicemail}"),
    ("POST", "voicemail/{voicemail}/cancel"),
    ("POST", "voicemail/{voicemail}/retry"),
    ("GET", "recordings"),
    ("POST", "recordings"),
    ("GET", "recordings/{recording}"),
    ("GET", "recordings/{recording}/audio"),
    ("PUT", "recordings/{recording}/attestation"),
    ("DELETE", "recordings/{recording}/attestation"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.django_db
def test_another_workspace_is_not_there(api: Api, method: str, path: str) -> None:
    """Neither under its own address nor, by id, under the caller's."""
    stranger = make_use_case()
    ids = {
        "voicemail": make_voicemail(stranger, status="failed", reason="busy").pk,
        "recording": make_recording(stranger.workspace).pk,
    }
    theirs = api.client.generic(method, f"/v1/{stranger.workspace_id}/{path.format(**ids)}", b"{}", "application/json")
    assert (theirs.status_code, theirs.json()["code"]) == (404, "not_found")
    if "{" in path:
        ours = api.send(method, path.format(**ids), {})
        assert ours.status_code == 404
        assert api.send(method, path.format(voicemail=uuid4(), recording=uuid4()), {}).status_code == 404
    assert Voicemail.objects.get().status == "failed"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_key_without_the_scope_is_told_which_it_lacks(workspace: Workspace, method: str, path: str) -> None:
    voicemail = make_voicemail(make_use_case(workspace))
    filled = path.format(voicemail=voicemail.pk, recording=voicemail.recording_id)
    response = make_api(workspace, scopes=[Scope.NUMBERS_READ]).send(method, filled, {})
    assert (response.status_code, response.json()["code"]) == (403, "missing_scope")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_key_nothing_opens(workspace: Workspace, client: Any, method: str, path: str) -> None:
    filled = path.format(voicemail=uuid4(), recording=uuid4())
    assert client.generic(method, f"/v1/{workspace.pk}/{filled}").status_code == 401


def test_an_id_that_is_none_is_404(api: Api) -> None:
    response = api.get("voicemail/not-an-id")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
