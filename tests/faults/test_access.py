"""Faults of access that a review reproduced: what a key, a member or a finder of a secret may do and should not.

Each test states the right behaviour and is a strict expected failure under its fault's id until the fault is fixed; the commit
that fixes it takes the mark off.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from delivery.models import Voicemail
from delivery.reports.inbox import merge
from rvm.platform.encryption.tokens import digest_of
from rvm.platform.models import AuditEvent
from rvm.platform.roles import Role
from rvm.platform.scopes import Scope
from tests import factories
from tests.delivery.states import both, make_submitted, state
from usecases.callbacks.addresses import drop_address
from usecases.models import TelephonySetup, UseCase
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db


@pytest.fixture
def use_case() -> UseCase:
    """Of a live setup with a signing secret, in a workspace that has a sandbox setup too."""
    credentials = {"key": "k", "secret": "s", "signing_secret": "whsec"}
    setup = factories.make_setup(carrier="drop_cowboy", credentials=credentials)
    factories.make_setup(setup.workspace)
    return factories.make_use_case(setup=setup, max_attempts=3)


def test_a_test_key_neither_retries_nor_cancels_a_live_voicemail(use_case: UseCase) -> None:
    failed = make_submitted("failed", "no_answer", use_case=use_case)
    unreported = make_submitted("failed", "unreported", use_case=use_case, recipient="+12025550143")
    queued = factories.make_voicemail(use_case, recipient="+12025550144")
    test = factories.make_api(use_case.workspace, live=False)
    answers = [
        test.post(f"voicemail/{failed.voicemail_id}/retry", {}),
        test.post(f"voicemail/{unreported.voicemail_id}/retry", {"accept_duplicate_risk": True}),
        test.post(f"voicemail/{queued.pk}/cancel"),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert both(failed) == ("failed", "no_answer", "failed", "no_answer")
    assert both(unreported) == ("failed", "unreported", "failed", "unreported")
    assert state(queued) == ("queued", "")


def viewer_of(setup: TelephonySetup) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(factories.make_user(workspace=setup.workspace, role=Role.VIEWER, is_staff=True))
    return client


def test_a_list_in_the_admin_answers_no_question_about_a_column_that_it_does_not_filter_by(use_case: UseCase) -> None:
    client = viewer_of(use_case.setup)
    path, setup = "/admin/usecases/telephonysetup/", use_case.setup
    assert setup.name in client.get(path).content.decode()
    right = client.get(path, {"callback_secrets__digest__contains": digest_of(factories.fixed_token(setup)).hex()[:6]})
    wrong = client.get(path, {"callback_secrets__digest__contains": "#"})
    assert (right.status_code, right.content.count(setup.name.encode())) == (
        wrong.status_code,
        wrong.content.count(setup.name.encode()),
    )


def test_an_unsigned_result_retries_and_suppresses_nobody_where_a_signed_channel_is_set_up(use_case: UseCase) -> None:
    accepted = make_submitted("accepted", use_case=use_case)
    delivered = make_submitted("delivered", use_case=use_case, recipient="+12025550143")
    key = use_case.setup.callback_secrets.get().callback_key
    for drop, code in ((accepted, 4005), (delivered, 6005)):
        body = json.dumps({"foreign_id": str(drop.pk), "status": "failure", "reason_code": code})
        answer = Client().post(urlsplit(drop_address(key, drop.pk)).path, body, content_type="application/json")
        assert answer.status_code == 200
    merge(timezone.now())
    assert Voicemail.objects.get(pk=accepted.voicemail_id).status != "queued"
    assert not is_suppressed(use_case.workspace_id, "+12025550143")


def test_a_stored_answer_is_not_replayed_to_a_key_with_fewer_rights(use_case: UseCase) -> None:
    factories.make_voicemail(use_case)
    body = {"status": ["queued"]}
    reader = factories.make_api(use_case.workspace)
    assert factories.RECIPIENT in reader.post("voicemail/search", body, Idempotency_Key="nightly-sync").content.decode()
    masked = factories.make_api(use_case.workspace, scopes=[Scope.VOICEMAIL_READ])
    answer = masked.post("voicemail/search", body, Idempotency_Key="nightly-sync")
    assert factories.RECIPIENT not in answer.content.decode()


def test_a_live_key_sends_under_an_idempotency_key_that_a_test_key_has_used(use_case: UseCase) -> None:
    recording = factories.make_recording(use_case.workspace)
    body = {
        "use_case_id": str(use_case.pk),
        "recording_id": str(recording.pk),
        "recipient_phone_number": factories.RECIPIENT,
        "reference": "visit-1",
    }
    for live in (False, True):
        answer = factories.make_api(use_case.workspace, live=live).post("voicemail", body, Idempotency_Key="x1")
        assert (answer.status_code, json.loads(answer.content)["live"]) == (201, live)


def test_a_page_of_whole_numbers_is_an_event_of_the_audit(use_case: UseCase) -> None:
    factories.make_voicemail(use_case)
    api = factories.make_api(use_case.workspace)
    before = AuditEvent.objects.count()
    assert factories.RECIPIENT in api.get("voicemail").content.decode()
    assert AuditEvent.objects.count() == before + 1


def test_an_account_is_closed_to_guesses_after_some_wrong_passwords(use_case: UseCase) -> None:
    user = factories.make_user(workspace=use_case.workspace, is_staff=True)
    before = AuditEvent.objects.count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.contrib.auth.hashers.PBKDF2PasswordHasher.iterations", 1)
        for _ in range(30):
            Client().post("/accounts/login/", {"login": user.username, "password": "guess"})
        Client().post("/accounts/login/", {"login": user.username, "password": "password"})
    user.refresh_from_db()
    assert AuditEvent.objects.count() > before
    assert user.last_login is None


def test_a_session_ends_on_the_day_that_it_began(use_case: UseCase) -> None:
    assert viewer_of(use_case.setup).session.get_expiry_age() <= 24 * 3600
