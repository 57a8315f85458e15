"""A script is refused before anybody's voicemail depends on it, with everything that is wrong with it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from campaigns.scripts import check_script
from delivery.models import Clip
from rvm.platform.models import Workspace
from tests.campaigns.scripts.conftest import MakeClip
from tests.factories import make_workspace

pytestmark = pytest.mark.django_db


def said(clip: Clip) -> dict[str, Any]:
    return {"clip": str(clip.pk)}


def by_name(*clips: Clip, otherwise: Clip | None = None) -> dict[str, Any]:
    return {
        "field": "first_name",
        "clips": {clip.name: str(clip.pk) for clip in clips},
        "otherwise": str(otherwise.pk) if otherwise else None,
    }


def test_a_script_whose_every_combination_is_a_recording_can_be_used(workspace: Workspace, make_clip: MakeClip) -> None:
    names = [make_clip("Ana"), make_clip("Maximiliano", 1.5)]
    script = [
        said(make_clip("Greeting", 6)),
        by_name(*names, otherwise=make_clip("Pause")),
        said(make_clip("Closing", 5)),
    ]
    assert check_script(workspace, script) == []


def test_what_is_no_script_is_one_refusal(workspace: Workspace) -> None:
    [refused] = check_script(workspace, [{"clip": "x"}])
    assert (refused.code, refused.field) == ("script_malformed", "script")


def test_clips_of_nobody_and_of_another_workspace_are_unknown_by_part(
    workspace: Workspace, make_clip: MakeClip
) -> None:
    stranger = make_clip("Bea", into=make_workspace())
    nobody = str(uuid4())
    names = by_name(make_clip("Ana"), stranger)
    names["clips"]["zoe"] = nobody
    [refused] = check_script(workspace, [said(make_clip("Greeting", 12)), names])
    assert (refused.code, refused.field) == ("clip_unknown", "script")
    assert "Part 2 names 2 clips that this workspace does not have" in refused.message
    assert nobody in refused.message and str(stranger.pk) in refused.message


def test_clips_that_are_not_like_the_others_are_named(workspace: Workspace, make_clip: MakeClip) -> None:
    names = [make_clip("Ana"), make_clip("Bea", rate=16000), make_clip("Cid")]
    [refused] = check_script(workspace, [said(make_clip("Greeting", 12)), by_name(*names)])
    assert refused.code == "clips_differ"
    assert "Most of these are 8000 Hz mono, but “Bea” is 16000 Hz mono" in refused.message


@pytest.mark.parametrize(
    ("greeting", "longest", "code", "named"),
    [
        (9, 1.5, "too_short", ["“Greeting” 9.", "“Ana” 0."]),
        (58, 4, "too_long", ["“Greeting” 58.", "“Maximiliano” 4."]),
    ],
)
def test_the_combination_that_is_too_short_or_too_long_is_named(
    workspace: Workspace, make_clip: MakeClip, greeting: float, longest: float, code: str, named: list[str]
) -> None:
    names = by_name(make_clip("Bea", 1.1), make_clip("Ana"), make_clip("Maximiliano", longest))
    [refused] = check_script(workspace, [said(make_clip("Greeting", greeting)), names])
    assert (refused.code, refused.field) == (code, "script")
    assert [each for each in named if each not in refused.message] == []


def test_a_script_can_be_too_short_for_one_and_too_long_for_another(workspace: Workspace, make_clip: MakeClip) -> None:
    refused = check_script(
        workspace, [by_name(make_clip("Ana"), make_clip("Speech", 30)), by_name(make_clip("Song", 40))]
    )
    assert [each.code for each in refused] == ["too_long"]
    refused = check_script(workspace, [by_name(make_clip("Ana"), make_clip("Opera", 59)), said(make_clip("Bye", 2))])
    assert [each.code for each in refused] == ["too_short", "too_long"]


def test_a_fallback_counts_among_the_combinations(workspace: Workspace, make_clip: MakeClip) -> None:
    script = [said(make_clip("Greeting", 9)), by_name(make_clip("Ana", 2), otherwise=make_clip("Pause", 0.3))]
    [refused] = check_script(workspace, script)
    assert refused.code == "too_short"
    assert "“Pause”" in refused.message


def test_more_than_5000_combinations_are_refused_with_their_number(workspace: Workspace, make_clip: MakeClip) -> None:
    many = {"field": "first_name", "clips": {f"name {number}": str(uuid4()) for number in range(71)}}
    days = {"field": "weekday", "clips": {f"day {number}": str(uuid4()) for number in range(71)}}
    refused = check_script(workspace, [many, days])
    assert [each.code for each in refused] == ["clip_unknown", "clip_unknown", "script_too_large"]
    assert "5,041 different recordings; at most 5,000" in refused[-1].message
    assert "and 66 more" in refused[0].message
    del days["clips"]["day 70"]  # type: ignore[attr-defined]
    assert "script_too_large" not in [each.code for each in check_script(workspace, [many, days])]


def test_many_values_for_few_clips_are_few_combinations(workspace: Workspace, make_clip: MakeClip) -> None:
    ana = make_clip("Ana")
    names = {"field": "first_name", "clips": {f"name {number}": str(ana.pk) for number in range(6000)}}
    assert check_script(workspace, [said(make_clip("Greeting", 12)), names]) == []
