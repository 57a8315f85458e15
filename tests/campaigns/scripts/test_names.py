"""Parts of a script that choose a clip by its name: all clips or a list of them, kept by value."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from campaigns.admin.campaign.script_form import from_script
from campaigns.scripts import check_script, choose, read_script, with_named_clips
from delivery.models import Clip
from delivery.recordings.shelf import archive
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace
from tests.campaigns.scripts.conftest import MakeClip
from tests.factories import make_workspace

pytestmark = pytest.mark.django_db


def part(clips: Any, **more: Any) -> dict[str, Any]:
    return {"field": "first_name", "clips": clips, **more}


def ids(*clips: Clip) -> list[str]:
    return [str(clip.pk) for clip in clips]


def refusal(workspace: Workspace, script: Any) -> ServiceError:
    with pytest.raises(ServiceError) as refused:
        with_named_clips(workspace, script)
    assert (refused.value.code, refused.value.field) == ("script_malformed", "script")
    return refused.value


def test_all_clips_are_chosen_by_their_names_but_those_that_the_script_names_elsewhere(
    workspace: Workspace, make_clip: MakeClip
) -> None:
    greeting, ana, zoe, other = (
        make_clip(name, seconds) for name, seconds in (("Hi", 9), ("Ana", 1), ("Zoë", 1), ("You", 1))
    )
    make_clip("Bea", into=make_workspace())
    script = [{"clip": str(greeting.pk)}, part("by_name", otherwise=str(other.pk).upper())]
    kept = with_named_clips(workspace, script)
    assert kept[1]["clips"] == {"Ana": str(ana.pk), "Zoë": str(zoe.pk)}
    assert check_script(workspace, kept) == []
    parts = read_script(kept)
    assert choose(parts, {"first_name": " ZOË "}) == (greeting.pk, zoe.pk)
    assert choose(parts, {"first_name": "Tom"}) == (greeting.pk, other.pk)


def test_of_several_clips_with_one_name_the_newest_is_heard_and_none_that_is_archived(
    workspace: Workspace, make_clip: MakeClip
) -> None:
    make_clip("Ana", 0.5)
    newest = make_clip(" ANA ", 0.6)
    archive(make_clip("ana", 0.7), actor=None)
    archive(make_clip("Bea", 0.7), actor=None)
    [kept] = with_named_clips(workspace, [part("by_name")])
    assert kept["clips"] == {newest.name: str(newest.pk)}


def test_a_list_of_clips_is_chosen_by_their_names(workspace: Workspace, make_clip: MakeClip) -> None:
    ana, bea, _ = (make_clip(name) for name in ("Ana", "Bea", "Carl"))
    [kept] = with_named_clips(workspace, [part([*ids(ana, bea), *ids(ana)])])
    assert kept["clips"] == {"Ana": str(ana.pk), "Bea": str(bea.pk)}


def test_a_script_by_names_is_one_that_the_desk_shows(workspace: Workspace, make_clip: MakeClip) -> None:
    clips = [make_clip(name) for name in ("Ana", "Zoë")]
    kept = with_named_clips(workspace, [part("by_name")])
    shown = from_script(kept, {str(clip.pk): clip.name for clip in clips})
    assert shown is not None and shown["chosen"] == ids(*clips)


def test_two_clips_of_a_list_with_one_name_are_refused(workspace: Workspace, make_clip: MakeClip) -> None:
    refused = refusal(workspace, [part(ids(make_clip("Ana", 0.5), make_clip(" ana", 0.6)))])
    assert refused.message.startswith("Part 1 chooses clips by their names, and two of them are called “")


def test_names_without_a_clip_and_what_is_no_id_are_refused(workspace: Workspace, make_clip: MakeClip) -> None:
    greeting = make_clip("Hi", 9)
    script = [{"clip": str(greeting.pk)}, part("by_name")]
    assert "upload one for each name" in refusal(workspace, script).message
    assert refusal(workspace, [part(["Ana"])]).message == "Part 1 names a clip by something that is no id."


@pytest.mark.parametrize("clips", [[], [None], "ana", "BY_NAME", 7, None])
def test_what_is_neither_a_list_nor_by_name_is_malformed(workspace: Workspace, clips: Any) -> None:
    try:
        [refused] = check_script(workspace, with_named_clips(workspace, [part(clips)]))
    except ServiceError as error:
        refused = error
    assert refused.code == "script_malformed"


@pytest.mark.parametrize("script", [None, "x", 7, {}, [], [1], [[]], ["by_name"], [{"clips": "by_name"}]])
def test_whatever_is_no_script_is_left_to_its_check(workspace: Workspace, make_clip: MakeClip, script: Any) -> None:
    make_clip("Ana")
    assert [refused.code for refused in check_script(workspace, with_named_clips(workspace, script))] == [
        "script_malformed"
    ]


def test_clips_of_nobody_and_of_another_workspace_are_unknown(workspace: Workspace, make_clip: MakeClip) -> None:
    strange = [str(uuid4()), *ids(make_clip("Bea", into=make_workspace()))]
    [refused] = check_script(workspace, with_named_clips(workspace, [part(strange)]))
    assert refused.code == "clip_unknown"
    assert "names 2 clips that this workspace does not have" in refused.message and strange[0] in refused.message
    assert "Bea" not in refused.message
