"""Everybody hears their own clips, and nobody's combination is joined twice."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from campaigns.imports.layout import Layout
from campaigns.imports.row_validation import RowInvalid, judge_for
from campaigns.models import Campaign
from campaigns.scripts import RecordingResolver, check_script, recording_for, sample_recordings, with_named_clips
from delivery.audio.decoding import decode
from delivery.audio.mpeg.frames import walk
from delivery.models import Clip, Recording
from delivery.recordings.storage import read_frames
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace
from tests.campaigns.scripts.conftest import MakeClip
from tests.factories import letters, make_lane, make_recording, make_use_case

pytestmark = pytest.mark.django_db


def make_campaign(workspace: Workspace, **fields: Any) -> Campaign:
    lane = make_lane(make_use_case(workspace), held=True)
    return Campaign.objects.create(
        **{"id": lane.pk, "workspace": workspace, "lane": lane, "name": "Flu shots", **fields}
    )


@pytest.fixture
def clips(make_clip: MakeClip) -> dict[str, Clip]:
    lengths = {"Greeting": 6, "Ana": 0.5, "Zoë": 0.7, "Closing": 5}
    return {name: make_clip(name, seconds) for name, seconds in lengths.items()}


@pytest.fixture
def campaign(workspace: Workspace, clips: dict[str, Clip]) -> Campaign:
    fixed = [clips["Greeting"].pk, clips["Closing"].pk]
    names = {"field": "first_name", "clips": "by_name"}
    script = with_named_clips(workspace, [{"clip": str(fixed[0])}, names, {"clip": str(fixed[1])}])
    assert check_script(workspace, script) == []
    return make_campaign(workspace, script=script)


def test_each_person_hears_the_greeting_their_name_and_the_closing(campaign: Campaign, clips: dict[str, Clip]) -> None:
    for name in ("Ana", "Zoë"):
        recording = recording_for(campaign, {"first_name": name.upper()})
        assert read_frames(recording) == b"".join(read_frames(clips[part]) for part in ("Greeting", name, "Closing"))
        audio = walk(read_frames(recording))
        assert len(decode(audio.frames, audio.stream)) == audio.samples


def test_2000_people_with_20_first_names_make_20_recordings(workspace: Workspace, make_clip: MakeClip) -> None:
    greeting = make_clip("Greeting", 11)
    names = [letters(number + 40).capitalize() for number in range(20)]
    for name in names:
        make_clip(name, 0.3)
    campaign = make_campaign(
        workspace,
        script=with_named_clips(workspace, [{"clip": str(greeting.pk)}, {"field": "first_name", "clips": "by_name"}]),
    )
    resolver = RecordingResolver(campaign)
    heard = {names[row % 20]: resolver.recording_for({"first_name": names[row % 20]}).pk for row in range(2000)}
    assert len(set(heard.values())) == Recording.objects.count() == 20
    again = RecordingResolver(Campaign.objects.get())
    assert {name: again.recording_for({"first_name": name}).pk for name in names} == heard


def test_what_is_known_costs_no_query(campaign: Campaign, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    resolver = RecordingResolver(campaign)
    resolver.recording_for({"first_name": "Ana"})
    with django_assert_num_queries(0):
        for _ in range(100):
            resolver.recording_for({"first_name": " ana"})


def test_who_has_no_clip_is_refused_and_the_rest_are_not(campaign: Campaign) -> None:
    resolver = RecordingResolver(campaign)
    with pytest.raises(ServiceError) as caught:
        resolver.recording_for({"first_name": "Guadalupe"})
    assert caught.value.code == "clip_missing"
    assert resolver.recording_for({"first_name": "Ana"}).assembled


def test_a_combination_that_makes_no_recording_is_refused_to_each_and_tried_once(
    workspace: Workspace, make_clip: MakeClip, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    resolver = RecordingResolver(make_campaign(workspace, script=[{"clip": str(make_clip("Greeting", 5).pk)}]))
    with pytest.raises(ServiceError) as caught:
        resolver.recording_for(None)
    assert caught.value.code == "too_short"
    with django_assert_num_queries(0):
        for _ in range(3):
            with pytest.raises(ServiceError) as again:
                resolver.recording_for({"first_name": "Ana"})
    assert again.value.code == "too_short"


def test_a_clip_that_cannot_be_read_for_now_is_tried_again(
    campaign: Campaign, clips: dict[str, Clip], media: Path
) -> None:
    resolver = RecordingResolver(campaign)
    lost = media / clips["Ana"].storage_name
    lost.rename(media / "elsewhere")
    with pytest.raises(ServiceError) as caught:
        resolver.recording_for({"first_name": "Ana"})
    assert caught.value.code == "storage_unavailable"
    assert "Ana" not in caught.value.message and str(media) not in caught.value.message
    (media / "elsewhere").rename(lost)
    assert resolver.recording_for({"first_name": "Ana"}).assembled


def test_an_import_refuses_the_row_without_a_clip_and_waits_where_the_storage_is_away(
    campaign: Campaign, clips: dict[str, Clip], media: Path
) -> None:
    judge = judge_for(campaign, Layout(["phone", "first_name"]))
    assert judge(["+12025550142", " ana"]).recording_id == recording_for(campaign, {"first_name": "Ana"}).pk
    with pytest.raises(RowInvalid) as without_clip:
        judge(["+12025550142", "Guadalupe"])
    assert without_clip.value.code == "clip_missing"
    (media / clips["Zoë"].storage_name).unlink()
    with pytest.raises(ServiceError) as without_storage:
        judge(["+12025550142", "Zoë"])
    assert without_storage.value.code == "storage_unavailable"


def test_without_a_script_everybody_hears_the_recording(workspace: Workspace) -> None:
    recording = make_recording(workspace)
    resolver = RecordingResolver(make_campaign(workspace, recording=recording))
    assert resolver.recording_for({"first_name": "Ana"}) == resolver.recording_for(None) == recording


def test_a_campaign_with_nothing_to_say_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ServiceError) as caught:
        recording_for(make_campaign(workspace), None)
    assert caught.value.code == "recording_missing"


def test_the_sample_plays_for_each_row_what_it_would_hear_or_says_why_not(campaign: Campaign) -> None:
    samples = sample_recordings(campaign, [{"first_name": "Ana"}, {"first_name": "Bea"}, {"first_name": "zoë"}, None])
    assert [sample.code for sample in samples] == ["", "clip_missing", "", "clip_missing"]
    assert samples[1].recording is None and "first_name" in samples[1].message
    for sample in (samples[0], samples[2]):
        assert sample.recording
        played = Client().get(sample.link.removeprefix("http://testserver").split("8000", 1)[-1])
        assert played.status_code == 200
        assert b"".join(played) == read_frames(sample.recording)


def test_no_log_names_a_person_or_a_clip(
    campaign: Campaign, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        sample_recordings(campaign, [{"first_name": "Zoë"}, {"first_name": "Guadalupe"}])
    written = capfd.readouterr()
    for name in ("Zoë", "Guadalupe", "Greeting"):
        assert name not in caplog.text + written.out + written.err
