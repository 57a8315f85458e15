"""The check of a sound and the transaction that stores it: PostgreSQL ends a transaction that pauses for long.

A sound is checked before the transaction of an Idempotency-Key, or for no longer than any transaction may pause.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from delivery.audio import inspection, measurement
from delivery.models import Clip, Recording, Voicemail
from delivery.recordings import storage
from rvm.platform.database import session
from rvm.platform.models import IdempotencyKey
from tests import factories
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import Api

pytestmark = pytest.mark.django_db(transaction=True)
SOUND = encoded(11)
KEYED = {"Idempotency-Key": "upload-1"}


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each check of a sound, whether a transaction was open."""
    seen: list[bool] = []
    measuring = inspection.measuring

    def watched(*given: Any, **how: Any) -> Any:
        seen.append(connection.in_atomic_block)
        return measuring(*given, **how)

    monkeypatch.setattr(inspection, "measuring", watched)
    return seen


def post(api: Api, path: str, **fields: str) -> Any:
    audio = SimpleUploadedFile("sound.mp3", SOUND, "audio/mpeg")
    return api.client.post(api.url(path), {"audio": audio, **fields}, headers=KEYED)


@pytest.mark.parametrize("path", ["recordings", "clips"])
def test_an_upload_is_checked_before_its_transaction_and_once(path: str, checks: list[bool]) -> None:
    api = factories.make_api()
    answers = [post(api, path) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert checks == [False]
    assert Recording.objects.count() + Clip.objects.count() == 1


def test_the_sound_of_a_voicemail_is_checked_once_while_it_is_stored(checks: list[bool]) -> None:
    use_case = factories.make_use_case()
    fields = {"use_case_id": str(use_case.pk), "recipient_phone_number": factories.RECIPIENT}
    api = factories.make_api(use_case.workspace)
    answers = [post(api, "voicemail", **fields) for _ in range(2)]
    assert answers[0].status_code == 201, answers[0].content
    assert answers[0].content == answers[1].content
    assert checks == [True]
    assert Voicemail.objects.count() == 1


def test_no_transaction_ends_while_it_waits_for_a_check() -> None:
    patience = session.SETTINGS["idle_in_transaction_session_timeout"].removesuffix("s")
    assert measurement.LIMITS.wait_seconds < float(patience)


def test_a_refused_sound_leaves_its_key_free(checks: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    api = factories.make_api()
    short = SimpleUploadedFile("short.mp3", encoded(2), "audio/mpeg")
    refused = api.client.post(api.url("recordings"), {"audio": short}, headers=KEYED)
    assert (refused.status_code, IdempotencyKey.objects.count()) == (422, 0)
    assert post(api, "recordings").status_code == 201


def test_a_transaction_that_stores_files_may_pause_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: list[str] = []
    write = storage._write

    def watched(*given: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW idle_in_transaction_session_timeout")
            allowed.append(cursor.fetchone()[0])
        write(*given)

    monkeypatch.setattr(storage, "_write", watched)
    assert post(factories.make_api(), "recordings").status_code == 201
    assert allowed == ["5min"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone()[0] == "30s"
