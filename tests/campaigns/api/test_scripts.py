"""A message of one's own for each, over HTTP: clips uploaded, a script given, listened to, imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from campaigns.api.serializers.imports import RowMessageSerializer
from campaigns.imports.runner import work
from campaigns.models import Campaign
from delivery.models import Clip, Recording, Voicemail
from delivery.recordings.storage import read_frames
from rvm.platform.models import AuditEvent
from rvm.platform.scopes import Scope
from tests.campaigns.api.calling import refusal, upload, wrong
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import Api, make_api

CLIPS = {"Greeting": 6, "Rosa": 0.5, "Zoë": 0.7, "Closing": 5}


@pytest.fixture
def clips(api: Api) -> dict[str, str]:
    """Their ids by name."""
    found = {}
    for name, seconds in CLIPS.items():
        file = SimpleUploadedFile(f"{name}.mp3", encoded(seconds, 8000, 32), "audio/mpeg")
        found[name] = api.client.post(api.url("clips"), {"audio": file}).json()["clip_id"]
    return found


@pytest.fixture
def script(clips: dict[str, str]) -> list[dict[str, Any]]:
    names = {"rosa": clips["Rosa"], "ZOË ": clips["Zoë"]}
    return [{"clip": clips["Greeting"]}, {"field": "first_name", "clips": names}, {"clip": clips["Closing"]}]


@pytest.fixture
def campaign(api: Api, new_campaign: Callable[..., Campaign], script: list[dict[str, Any]]) -> Campaign:
    campaign = new_campaign()
    told = api.patch(f"campaigns/{campaign.pk}", {"script": script})
    assert told.status_code == 200, told.content
    assert told.json()["recording_id"] is None
    return campaign


def test_the_first_rows_can_be_listened_to_before_anything_is_confirmed(
    api: Api, campaign: Campaign, clips: dict[str, str]
) -> None:
    list_id = upload(api, campaign).json()["import_id"]
    items = api.get(f"campaigns/{campaign.pk}/imports/{list_id}/recordings").json()["items"]
    assert all(list(item) == list(RowMessageSerializer().fields) for item in items)
    assert [item["code"] for item in items] == [None, None, "clip_missing", None]
    assert items[0]["recording_id"] == items[3]["recording_id"] != items[1]["recording_id"]
    played = Client().get(urlsplit(items[1]["audio_url"]).path)
    parts = [read_frames(Clip.objects.get(pk=clips[name])) for name in ("Greeting", "Zoë", "Closing")]
    assert played.content == b"".join(parts)
    assert not Voicemail.objects.exists()
    assert AuditEvent.objects.filter(action="import.listened").count() == 1


def test_who_may_not_see_numbers_does_not_hear_who_hears_what(api: Api, campaign: Campaign) -> None:
    list_id = upload(api, campaign).json()["import_id"]
    reader = make_api(campaign.workspace, scopes=[Scope.CAMPAIGNS_READ])
    items = reader.get(f"campaigns/{campaign.pk}/imports/{list_id}/recordings").json()["items"]
    assert {(item["recording_id"], item["duration_ms"], item["audio_url"]) for item in items} == {(None, None, None)}
    assert [item["code"] for item in items] == [None, None, "clip_missing", None]
    stranger = make_api()
    assert refusal(stranger.get(f"campaigns/{campaign.pk}/imports/{list_id}/recordings"), 404)


def test_everybody_on_the_list_gets_the_recording_with_their_name(api: Api, campaign: Campaign) -> None:
    rows = b"phone,first_name\n2025550142,Rosa\n2025550143,rosa\n2025550144,Zo\xc3\xab\n2025550145,Tom\n"
    path = f"campaigns/{campaign.pk}/imports/{upload(api, campaign, rows).json()['import_id']}"
    assert api.post(f"{path}/check").status_code in (200, 202)
    work()
    told = api.get(path).json()
    assert [error["code"] for error in told["first_errors"]] == ["clip_missing"]
    assert api.post(f"{path}/confirm", {"consent_statement": "They signed form PH-12."}).status_code in (200, 202)
    work()
    heard = [row.recording.name for row in Voicemail.objects.order_by("last4").select_related("recording")]
    assert heard == ["Joined from 3 clips"] * 3
    assert Recording.objects.filter(assembled=True).count() == 2


def test_a_script_that_makes_too_short_a_recording_is_refused_at_its_field(
    api: Api, new_campaign: Callable[..., Campaign], script: list[dict[str, Any]]
) -> None:
    response = api.patch(f"campaigns/{new_campaign().pk}", {"script": script[1:]})
    assert refusal(response, 422) == "too_short"
    assert "“Rosa”" in response.json()["detail"]
    assert wrong(api.patch(f"campaigns/{new_campaign().pk}", {"script": [{"clip": "x"}]})) == [
        ("/script", "script_malformed")
    ]


def test_a_clip_is_picked_by_the_persons_name(
    api: Api, new_campaign: Callable[..., Campaign], clips: dict[str, str]
) -> None:
    made = new_campaign()
    script = [{"clip": clips["Greeting"]}, {"field": "first_name", "clips": "by_name"}, {"clip": clips["Closing"]}]
    told: Any = api.patch(f"campaigns/{made.pk}", {"script": script})
    assert told.status_code == 200, told.content
    assert told.json()["script"][1]["clips"] == {"Rosa": clips["Rosa"], "Zoë": clips["Zoë"]}
    list_id = upload(api, made).json()["import_id"]
    items = api.get(f"campaigns/{made.pk}/imports/{list_id}/recordings").json()["items"]
    assert [item["code"] for item in items] == [None, None, "clip_missing", None]


def test_what_cannot_be_picked_by_name_is_refused_in_a_sentence(
    api: Api, new_campaign: Callable[..., Campaign], clips: dict[str, str]
) -> None:
    script = [{"clip": clips["Greeting"]}, {"field": "first_name", "clips": [clips["Rosa"], "Zoë"]}]
    refused = api.patch(f"campaigns/{new_campaign().pk}", {"script": script})
    assert wrong(refused) == [("/script", "script_malformed")]
    assert refused.json()["detail"] == "Part 2 names a clip by something that is no id."
