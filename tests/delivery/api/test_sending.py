"""POST /v1/{workspace}/voicemail in both forms: what is answered, and that nothing is left behind where it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from bench.api.statements import counted, traced
from delivery.api import voicemails
from delivery.audio import measurement
from delivery.audio.mpeg.frames import Walk
from delivery.models import Lane, Recording, Voicemail, VoicemailReference
from delivery.recordings import recordings
from delivery.recordings.storage import read_frames
from rvm.platform.database.clock import database_now
from rvm.platform.models import Workspace
from rvm.platform.scopes import Scope
from tests.children import none_left
from tests.delivery.api.sending import codes, mp3_file, send_form
from tests.delivery.audio import hostile_tasks, mp3_bytes
from tests.factories import (
    Api,
    make_api,
    make_phone_number,
    make_recording,
    make_setup,
    make_suppression,
    make_use_case,
    make_workspace,
)
from usecases.models import UseCase

PROBLEM = "application/problem+json"


def send_recording(api: Api, use_case: UseCase, **fields: Any) -> Any:
    body = {
        "use_case_id": str(use_case.pk),
        "recipient_phone_number": "+12025550142",
        "recording_id": str(fields.pop("recording", None) or make_recording(use_case.workspace).pk),
        **fields,
    }
    return api.post("voicemail", {name: value for name, value in body.items() if value is not ...})


def nothing_is_left(media: Path) -> bool:
    rows = Voicemail.objects.exists() or Recording.objects.exists() or VoicemailReference.objects.exists()
    return not rows and not [path for path in media.rglob("*") if path.is_file()]


def test_the_form_of_the_reference_api_queues_a_voicemail(api: Api, use_case: UseCase) -> None:
    response = send_form(api, use_case)
    assert response.status_code == 201, response.content
    body = response.json()
    row = Voicemail.objects.get()
    assert body["voicemail_id"] == str(row.pk)
    assert body["sender_phone_number"] == row.sender in use_case.phone_numbers.values_list("e164", flat=True)
    assert body["recipient_phone_number"] == "+12025550142"
    assert (body["status"], body["live"], body["use_case_id"]) == ("queued", True, str(use_case.pk))
    assert response["Location"] == f"/v1/{api.workspace_id}/voicemail/{row.pk}"
    assert api.client.get(response["Location"]).status_code == 200
    assert read_frames(row.recording)
    assert row.recording.name == "Flu shot"


def test_the_same_audio_sent_to_two_people_is_one_recording(api: Api, use_case: UseCase) -> None:
    first = send_form(api, use_case).json()
    second = send_form(api, use_case, recipient_phone_number="+12025550143").json()
    assert first["recording_id"] == second["recording_id"]


def test_a_recording_is_sent_by_its_id(api: Api, use_case: UseCase) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    response = send_recording(
        api,
        use_case,
        not_before=tomorrow.isoformat(),
        expires_at=(tomorrow + timedelta(hours=3)).isoformat(),
        reference="appointment-8841",
        metadata={"site": "north"},
    )
    assert response.status_code == 201, response.content
    body = response.json()
    row = Voicemail.objects.get()
    assert (
        (body["reference"], body["metadata"])
        == ("appointment-8841", {"site": "north"})
        == (row.reference, row.metadata)
    )
    assert row.not_before == tomorrow
    assert row.expires_at == tomorrow + timedelta(hours=3)


def test_a_text_that_is_null_is_none_and_comes_back_as_null(api: Api, use_case: UseCase) -> None:
    told = send_recording(api, use_case, reference=None, record_number=None).json()
    assert {told[name] for name in ("reference", "record_number", "reason", "waiting_for")} == {None}
    assert (told["id"], Voicemail.objects.get().reference) == (told["voicemail_id"], "")


def test_the_form_takes_the_optional_fields_too(api: Api, use_case: UseCase) -> None:
    response = send_form(
        api, use_case, reference="r-1", metadata='{"site": "north"}', not_before="2026-01-01T00:00:00Z"
    )
    assert response.status_code == 201, response.content
    assert (response.json()["reference"], response.json()["metadata"]) == ("r-1", {"site": "north"})


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("   ", "blank"),
        ("visit\n1", "not_printable"),
        ("visit\t1", "not_printable"),
        ("visit\u202e1", "not_printable"),
        ("visit\u200b1", "not_printable"),
        ("visit\ufeff", "not_printable"),
        ("visit\u00a01", "not_printable"),
        ("visit\u2028", "not_printable"),
    ],
)
def test_a_reference_is_refused_that_looks_like_another(api: Api, use_case: UseCase, reference: str, code: str) -> None:
    recording = make_recording(use_case.workspace)
    recipient = {"recipient_phone_number": "+12025550142", "reference": reference}
    batch = {"use_case_id": str(use_case.pk), "recording_id": str(recording.pk), "recipients": [recipient]}
    refused = send_recording(api, use_case, recording=recording.pk, reference=reference)
    assert (refused.status_code, codes(refused)) == (422, [("/reference", code)])
    assert codes(send_form(api, use_case, reference=reference)) == [("/reference", code)]
    [item] = api.post("voicemail/batch", batch).json()["items"]
    assert (item["error"]["pointer"], item["error"]["code"]) == ("/recipients/0/reference", code)
    assert not Voicemail.objects.exists()


@pytest.mark.parametrize("name", ["reference", "record_number"])
def test_one_that_is_too_long_is_refused_alike_alone_and_in_a_batch(api: Api, use_case: UseCase, name: str) -> None:
    said: dict[str, Any] = {name: "7" * 101}
    recording = make_recording(use_case.workspace)
    recipient = {"recipient_phone_number": "+12025550142", **said}
    batch = {"use_case_id": str(use_case.pk), "recording_id": str(recording.pk), "recipients": [recipient]}
    [alone] = send_recording(api, use_case, recording=recording.pk, **said).json()["errors"]
    assert send_form(api, use_case, **said).json()["errors"] == [alone]
    [item] = api.post("voicemail/batch", batch).json()["items"]
    assert item["error"] == {**alone, "pointer": f"/recipients/0/{name}"}
    assert (alone["pointer"], alone["code"]) == (f"/{name}", "too_long")
    assert not Voicemail.objects.exists()


@pytest.mark.parametrize("reference", ["appointment-8841", "Visit 7 / Zürich", "予約 12", "visit 🐈 1"])
def test_a_reference_in_any_script_comes_back_as_given(api: Api, use_case: UseCase, reference: str) -> None:
    sent = send_recording(api, use_case, reference=reference).json()
    assert sent["reference"] == reference
    [found] = api.get("voicemail", reference=reference).json()["items"]
    assert found["voicemail_id"] == sent["voicemail_id"]


def test_the_numbers_of_metadata_come_back_as_the_same_numbers(api: Api, use_case: UseCase) -> None:
    written = b'{"most": 18446744073709551615, "least": -9223372036854775808, "parts": [1e19, 0.30000000000000004, 5e-324, 1.10]}'
    numbers = json.loads(written)
    sent = send_recording(api, use_case, metadata=numbers)
    assert sent.status_code == 201, sent.content
    assert sent.json()["metadata"] == numbers
    assert api.get(f"voicemail/{sent.json()['voicemail_id']}").json()["metadata"] == numbers


@pytest.mark.parametrize(
    "number", ["18446744073709551616", "-9223372036854775809", "1e25", "0.12345678901234567890", "-0"]
)
def test_a_number_of_metadata_that_would_change_is_refused(api: Api, use_case: UseCase, number: str) -> None:
    """1e25 came back as a whole number that no answer could write: 500 from then on."""
    refused = send_form(api, use_case, metadata=f'{{"visits": [{number}]}}')
    assert (refused.status_code, codes(refused)) == (422, [("/metadata/visits/0", "not_exact")])
    twice = send_form(api, use_case, metadata='{"visit": 1, "visit": 2}')
    assert (twice.status_code, codes(twice)) == (422, [("/metadata/visit", "repeated")])


def test_a_key_that_may_not_see_numbers_gets_a_masked_one(workspace: Workspace, use_case: UseCase) -> None:
    masked = make_api(workspace, scopes=[Scope.VOICEMAIL_SEND, Scope.VOICEMAIL_READ])
    assert send_form(masked, use_case).json()["recipient_phone_number"] == "+•••••••0142"


@pytest.mark.django_db
def test_a_test_key_sends_by_the_sandbox_only(workspace: Workspace) -> None:
    use_case = make_use_case(workspace, setup=make_setup(workspace, carrier="other"))
    test_key = make_api(workspace, live=False)
    refused = send_form(test_key, use_case)
    assert (refused.status_code, refused.json()["code"]) == (422, "no_sandbox_setup")
    make_setup(workspace)
    response = send_form(test_key, use_case, recipient_phone_number="+15550010001")
    assert response.status_code == 201, response.content
    assert (response.json()["live"], Voicemail.objects.get().lane.live) == (False, False)


def test_a_missing_scope_is_403_and_named(workspace: Workspace, use_case: UseCase, media: Path) -> None:
    for scopes in ([], [scope for scope in Scope if scope is not Scope.VOICEMAIL_SEND]):
        response = send_form(make_api(workspace, scopes=scopes), use_case)
        assert (response.status_code, response.json()["code"]) == (403, "missing_scope")
        assert "voicemail:send" in response.json()["detail"]
    assert nothing_is_left(media)


@pytest.mark.parametrize("form", [send_form, send_recording])
def test_an_unknown_use_case_is_404(api: Api, use_case: UseCase, media: Path, form: Any) -> None:
    deleted = make_use_case(use_case.workspace, deleted_at=timezone.now())
    for sought in (deleted, make_use_case(), UseCase(id=uuid4(), workspace=use_case.workspace)):
        response = form(api, sought)
        assert (response.status_code, response.json()["code"]) == (404, "use_case_not_found")
    Recording.objects.all().delete()
    assert nothing_is_left(media)


@pytest.mark.django_db
def test_a_use_case_without_a_number_is_404(api: Api, workspace: Workspace, media: Path) -> None:
    response = send_form(api, make_use_case(workspace, numbers=0))
    assert (response.status_code, response.json()["code"]) == (404, "no_number_assigned")
    assert nothing_is_left(media)


@pytest.mark.django_db
def test_a_disabled_setup_is_422(api: Api, workspace: Workspace, media: Path) -> None:
    response = send_form(api, make_use_case(workspace, setup=make_setup(workspace, enabled=False)))
    assert (response.status_code, response.json()["code"]) == (422, "setup_disabled")
    assert nothing_is_left(media)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "told"),
    [({"baa_signed_on": None}, "agreement_missing"), ({}, "number_not_owned")],
)
def test_what_has_to_be_stated_for_a_real_carrier_is_422_and_no_test_needs_it(
    api: Api, workspace: Workspace, media: Path, statement: dict[str, Any], told: str
) -> None:
    setup = make_setup(workspace, carrier="drop_cowboy", credentials={}, **statement)
    use_case = make_use_case(workspace, setup=setup, numbers=[make_phone_number(setup, owned=bool(statement))])
    refused = send_form(api, use_case)
    assert (refused.status_code, refused.json()["code"]) == (422, told)
    assert codes(refused) == [("/use_case_id", told)]
    assert refused.json()["setup_id"] == str(setup.pk)
    assert nothing_is_left(media)
    make_setup(workspace)
    assert send_form(make_api(workspace, live=False), use_case).status_code == 201


CHECKED = {
    "voice": "human", "says_caller": "true", "says_callback_number": "true", "says_opt_out_number": "true",
    "no_health_details": "true",
}  # fmt: skip


@pytest.mark.django_db
def test_a_real_carrier_gets_only_what_is_stated_also_by_the_form_that_sends_it(
    api: Api, workspace: Workspace, media: Path
) -> None:
    use_case = make_use_case(workspace, setup=make_setup(workspace, carrier="drop_cowboy", credentials={}))
    refused = send_form(api, use_case)
    assert (refused.status_code, refused.json()["code"]) == (422, "recording_not_attested")
    assert codes(refused) == [("/audio", "recording_not_attested")]
    assert nothing_is_left(media)
    bare = make_recording(workspace, attested_at=None)
    refused = send_recording(api, use_case, recording=bare.pk)
    assert codes(refused) == [("/recording_id", "recording_not_attested")]
    sent = send_form(api, use_case, **CHECKED)
    assert sent.status_code == 201, sent.content
    assert Recording.objects.exclude(pk=bare.pk).get().attested_by_id == api.key.user_id
    make_setup(workspace)
    tried = send_recording(make_api(workspace, live=False), use_case, recording=bare.pk)
    assert tried.status_code == 201, tried.content


def test_a_setup_whose_carrier_is_gone_is_422(api: Api, workspace: Workspace, media: Path) -> None:
    gone = make_setup(workspace, carrier="gone")
    response = send_form(api, make_use_case(workspace, setup=gone))
    assert (response.status_code, codes(response)) == (422, [("/use_case_id", "carrier_unknown")])
    told = f"The carrier “gone” of the telephony setup “{gone.name}” is not installed any more. Give the use case another setup."
    assert response.json()["detail"] == told
    assert nothing_is_left(media)
    use_case = make_use_case(workspace, setup=make_setup(workspace), failover_setup=gone)
    assert send_form(api, use_case).status_code == 201


def test_a_recording_of_another_workspace_is_404(api: Api, use_case: UseCase) -> None:
    for recording in (make_recording(make_workspace()).pk, uuid4()):
        assert send_recording(api, use_case, recording=recording).status_code == 404


@pytest.mark.parametrize(
    ("audio", "code"),
    [
        (b"", "empty"),
        (b"<html>", "another_format"),
        (bytes(range(256)) * 40, "not_mp3"),
        (mp3_bytes.wav(12), "another_format"),
        (mp3_bytes.encoded(5), "too_short"),
        (mp3_bytes.encoded(61), "too_long"),
        (mp3_bytes.info_frame(30) + mp3_bytes.encoded(5), "too_short"),
        (mp3_bytes.encode_pcm(mp3_bytes.noise(12, 44100, level=0)), "silent"),
    ],
)
def test_bad_audio_is_422_with_its_own_code_and_sentence(
    api: Api, use_case: UseCase, media: Path, audio: bytes, code: str
) -> None:
    response = send_form(api, use_case, mp3_file(audio), reference="r-1")
    problem = response.json()
    assert (response.status_code, response["Content-Type"], problem["code"]) == (422, PROBLEM, code)
    assert codes(response) == [("/audio", code)]
    assert problem["errors"][0]["detail"] == problem["detail"]
    assert problem["type"].endswith(f"/docs/problems/{code}")
    assert nothing_is_left(media)


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "post-1"}], ids=["", "under a key"])
@pytest.mark.parametrize(
    ("task", "status", "code"),
    [(hostile_tasks.crash, 422, "not_decodable"), (hostile_tasks.be_killed, 503, "recording_check_unavailable")],
)
def test_a_sound_that_the_decoder_breaks_at_leaves_nothing(
    task: object,
    status: int,
    code: str,
    headers: dict[str, str],
    api: Api,
    use_case: UseCase,
    media: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measurement, "measure_frames", task)
    response = send_form(api, use_case, headers=headers, reference="r-1")
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert nothing_is_left(media)
    assert none_left()


def test_no_voicemail_is_written_before_its_sound_is_heard(
    api: Api, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others wait for what a send locks, and a decoder may take its time."""
    heard_at = []

    @contextmanager
    def listening(audio: Walk) -> Iterator[Callable[[], object]]:
        def heard() -> None:
            assert not Voicemail.objects.exists()
            assert not Lane.objects.exists()
            heard_at.append(database_now())

        yield heard

    monkeypatch.setattr(recordings, "listening", listening)
    assert send_form(api, use_case).status_code == 201
    assert Voicemail.objects.get().created_at >= heard_at[0].replace(microsecond=heard_at[0].microsecond // 1000 * 1000)


def test_over_8_mb_is_413_just_over_and_far_over(api: Api, use_case: UseCase, media: Path) -> None:
    just = send_form(api, use_case, mp3_file(bytes(8 * 2**20 + 1)))
    assert (just.status_code, just.json()["code"]) == (413, "too_large")
    far = send_form(api, use_case, mp3_file(bytes(12 * 2**20)))
    assert (far.status_code, far.json()["code"]) == (413, "upload_too_large")
    assert nothing_is_left(media)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"use_case_id": None}, ("/use_case_id", "required")),
        ({"use_case_id": "x"}, ("/use_case_id", "invalid")),
        ({"recipient_phone_number": None}, ("/recipient_phone_number", "required")),
        ({"recipient_phone_number": "2025550142"}, ("/recipient_phone_number", "number_malformed")),
        ({"recipient_phone_number": "+442079460958"}, ("/recipient_phone_number", "number_country_not_opened")),
        ({"recipient_phone_number": "+11115550142"}, ("/recipient_phone_number", "number_not_valid")),
        ({"audio": "not a file"}, ("/audio", "invalid")),
        ({"not_before": "tomorrow"}, ("/not_before", "invalid")),
        ({"not_before": "9999-01-01T00:00:00Z"}, ("/not_before", "too_late")),
        ({"expires_at": "2001-01-01T00:00:00Z"}, ("/expires_at", "too_early")),
        ({"reference": "r" * 101}, ("/reference", "too_long")),
        ({"metadata": "[1]"}, ("/metadata", "invalid")),
        ({"metadata": "{"}, ("/metadata", "invalid")),
        ({"metadata": '{"a": NaN}'}, ("/metadata", "invalid")),
        ({"metadata": '{"a": "\\u0000"}'}, ("/metadata", "null_character")),
        ({"metadata": json.dumps({"a": "x" * 2048})}, ("/metadata", "too_long")),
        ({"metadata": '{"a":' + "[" * 64 + "]" * 64 + "}"}, ("/metadata", "too_deep")),
        ({"recording": "x"}, ("/recording", "unknown_field")),
    ],
)
def test_a_wrong_field_of_the_form_is_422_and_named(
    api: Api, use_case: UseCase, media: Path, fields: dict[str, Any], wrong: tuple[str, str]
) -> None:
    response = send_form(api, use_case, **fields)
    assert (response.status_code, codes(response)) == (422, [wrong])
    assert nothing_is_left(media)


def test_a_form_without_audio_says_so(api: Api, use_case: UseCase) -> None:
    form = {"use_case_id": str(use_case.pk), "recipient_phone_number": "+12025550142"}
    response = api.client.post(api.url("voicemail"), form)
    assert (response.status_code, codes(response)) == (422, [("/audio", "required")])


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"use_case_id": 5}, ("/use_case_id", "invalid")),
        ({"use_case_id": None}, ("/use_case_id", "null")),
        ({"recipient_phone_number": 12025550142}, ("/recipient_phone_number", "invalid")),
        ({"recipient_phone_number": ["+12025550142"]}, ("/recipient_phone_number", "invalid")),
        ({"recording_id": 7}, ("/recording_id", "invalid")),
        ({"recording_id": ...}, ("/recording_id", "required")),
        ({"reference": 7}, ("/reference", "invalid")),
        ({"metadata": [1]}, ("/metadata", "invalid")),
        ({"not_before": 1700000000}, ("/not_before", "invalid")),
        ({"not_before": "0001-01-01T00:00:00+14:00"}, ("/not_before", "overflow")),
        ({"audio": "x"}, ("/audio", "unknown_field")),
        ({"expire_at": "2030-01-01T00:00:00Z"}, ("/expire_at", "unknown_field")),
    ],
)
def test_a_wrong_field_of_the_json_is_422_and_named(
    api: Api, use_case: UseCase, fields: dict[str, Any], wrong: tuple[str, str]
) -> None:
    response = send_recording(api, use_case, **fields)
    assert (response.status_code, codes(response)) == (422, [wrong])
    assert not Voicemail.objects.exists()


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{", 400), (b"\xff", 400), (b"[]", 422), (b'"x"', 422), (b"null", 422), (b"", 422), (b'{"a": "\\u0000"}', 422)],
)
def test_json_that_cannot_be_read_is_400_and_another_type_422(api: Api, content: bytes, status: int) -> None:
    response = api.post("voicemail", content)
    assert (response.status_code, response["Content-Type"]) == (status, PROBLEM)


@pytest.mark.parametrize(
    "content",
    [
        b"--b\r\n",
        b"no boundary at all",
        b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a.mp3"\r\n\r\n' + mp3_bytes.encoded(12),
    ],
)
def test_a_form_that_cannot_be_read_or_is_cut_off_is_400(api: Api, media: Path, content: bytes) -> None:
    response = api.client.generic("POST", api.url("voicemail"), content, "multipart/form-data; boundary=b")
    assert (response.status_code, response["Content-Type"]) == (400, PROBLEM), response.content
    assert nothing_is_left(media)


def test_another_type_of_body_is_415(api: Api) -> None:
    assert api.client.generic("POST", api.url("voicemail"), b"<a/>", "text/xml").status_code == 415


def test_a_suppressed_number_is_422_and_leaves_no_recording(api: Api, use_case: UseCase, media: Path) -> None:
    make_suppression(use_case.workspace, "+12025550142")
    response = send_form(api, use_case, reference="r-1")
    assert (response.status_code, response.json()["code"]) == (422, "blocked.suppressed")
    assert "2025550142" not in response.content.decode()
    assert nothing_is_left(media)


def test_a_reference_used_again_is_409_with_the_first_voicemails_id(api: Api, use_case: UseCase) -> None:
    first = send_form(api, use_case, reference="r-1").json()
    other = mp3_file(mp3_bytes.encoded(15))
    again = send_form(api, use_case, other, reference="r-1", recipient_phone_number="+12025550143")
    assert (again.status_code, again.json()["code"]) == (409, "reference_used")
    assert again.json()["voicemail_id"] == first["voicemail_id"]
    assert Voicemail.objects.count() == Recording.objects.count() == 1


@pytest.mark.parametrize("form", [send_form, send_recording])
def test_behind_the_kill_switch_of_the_use_case_it_is_queued_and_waits(api: Api, use_case: UseCase, form: Any) -> None:
    use_case.sending_enabled = False
    use_case.save()
    assert form(api, use_case).status_code == 201


def test_the_same_post_under_the_same_idempotency_key_is_one_voicemail(api: Api, use_case: UseCase) -> None:
    headers = {"Idempotency-Key": "post-1"}
    first = send_form(api, use_case, headers=headers)
    again = send_form(api, use_case, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again["Idempotent-Replayed"], again.json()) == ("true", first.json())
    other = send_form(api, use_case, headers=headers, recipient_phone_number="+12025550143")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Voicemail.objects.count() == 1


def test_a_refused_post_may_be_repaired_under_its_idempotency_key(api: Api, use_case: UseCase, media: Path) -> None:
    headers = {"Idempotency-Key": "post-1"}
    assert send_form(api, use_case, headers=headers, recipient_phone_number="+1").status_code == 422
    assert nothing_is_left(media)
    assert send_form(api, use_case, headers=headers).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_the_same_reference_from_two_sides_at_once_is_one_voicemail_and_one_409() -> None:
    use_case = make_use_case()
    apis = [make_api(use_case.workspace), make_api(use_case.workspace)]
    answers: list[Any] = []
    barrier = Barrier(2)

    def send(api: Api, audio: bytes) -> None:
        try:
            barrier.wait(10)
            answers.append(send_form(api, use_case, mp3_file(audio), reference="r-1"))
        finally:
            connection.close()

    audios = mp3_bytes.encoded(12), mp3_bytes.encoded(15)
    threads = [Thread(target=send, args=parts) for parts in zip(apis, audios, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    ids = {answer.json()["voicemail_id"] for answer in answers}
    assert ids == {str(Voicemail.objects.get().pk)}
    assert read_frames(Recording.objects.get())


@pytest.mark.django_db
def test_another_workspaces_address_is_404(api: Api, use_case: UseCase) -> None:
    stranger = make_use_case()
    path = f"/v1/{stranger.workspace_id}/voicemail"
    response = api.client.post(path, {"use_case_id": str(stranger.pk)})
    assert response.status_code == 404


def test_a_sound_that_the_workspace_has_is_not_decoded_again(
    api: Api, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = mp3_bytes.encoded(12)
    send_form(api, use_case, mp3_file(sound))
    first = Recording.objects.get()
    monkeypatch.setattr(measurement, "isolated", None)
    tagged = mp3_file(b"ID3\x04\x00\x00\x00\x00\x00\x02\x00\x00" + sound, name="Other name.mp3")
    again = send_form(api, use_case, tagged, recipient_phone_number="+12025550143")
    assert again.status_code == 201, again.content
    assert again.json()["recording_id"] == str(first.pk)
    assert Recording.objects.get().name == first.name


@pytest.mark.parametrize("gone", ["of another workspace", "without its file"])
def test_a_sound_that_the_workspace_has_not_is_decoded(
    gone: str, api: Api, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = send_form(api, use_case).json()["recording_id"]
    if gone == "without its file":
        Recording.objects.update(sound_removed_at=timezone.now())
    else:
        Recording.objects.update(workspace=make_workspace())
    decoded: list[bytes] = []
    real = measurement.isolated
    monkeypatch.setattr(
        measurement, "isolated", lambda task, chunks, **rest: decoded.extend(chunks) or real(task, chunks, **rest)
    )
    answer = send_form(api, use_case, recipient_phone_number="+12025550143")
    assert answer.status_code == 201, answer.content
    assert len(decoded) == 1
    assert (answer.json()["recording_id"] == known) is (gone == "without its file")
    assert read_frames(Recording.objects.get(pk=answer.json()["recording_id"])) == decoded[0]


def test_a_known_sound_that_is_deleted_meanwhile_is_stored_as_it_was(
    api: Api, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_form(api, use_case)
    before = Recording.objects.get()

    def found_and_deleted(workspace: Workspace, data: bytes) -> Any:
        verdict = recordings.inspected(workspace, data)
        Voicemail.objects.all().delete()
        Recording.objects.all().delete()
        return verdict

    monkeypatch.setattr(voicemails, "inspected", found_and_deleted)
    assert send_form(api, use_case, recipient_phone_number="+12025550143").status_code == 201
    after = Recording.objects.get()
    assert after.pk != before.pk
    same = (
        "sha256",
        "size_bytes",
        "duration_ms",
        "bitrate_kbps",
        "bitrate_mode",
        "sample_rate",
        "channels",
        "encoder",
        "warnings",
    )
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]


def test_levels_are_measured_at_the_first_view(api: Api, use_case: UseCase) -> None:
    sent = send_form(api, use_case).json()
    assert not Recording.objects.get().measured
    assert api.get(f"recordings/{sent['recording_id']}").json()["levels"] is not None
    assert Recording.objects.get().measured


@pytest.mark.parametrize(("sounds", "most"), [((12, 13), 13), ((12, 12), 8)], ids=["new", "known"])
@pytest.mark.django_db
def test_a_form_asks_nothing_twice(
    sounds: tuple[int, int], most: int, api: Api, workspace: Workspace, media: Path
) -> None:
    use_case = make_use_case(workspace, setup=make_setup(workspace, carrier="drop_cowboy", credentials={}))
    for seconds, number in zip(sounds, ("+12025550142", "+12025550143"), strict=True):
        with traced() as taken:
            fields = CHECKED if number == "+12025550142" or len({*sounds}) > 1 else {}
            sound = mp3_file(mp3_bytes.encoded(seconds))
            sent = send_form(api, use_case, sound, recipient_phone_number=number, **fields)
        assert sent.status_code == 201, sent.content
    assert len(counted(taken)) <= most, counted(taken)
