"""What a row's entity tag says, and what two callers with the same tag get."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from campaigns.models import Campaign
from delivery.models import Recording
from rvm.platform.api.rows.entity_tags import EntityTag, Wanted, tag_of
from rvm.platform.api.rows.serializers import RowSerializer
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.scopes import Scope
from tests.factories import (
    Api,
    add_recipients,
    make_api,
    make_campaign,
    make_phone_number,
    make_recording,
    make_setup,
    make_use_case,
    make_voicemail,
    make_workspace,
)
from tests.sessions import Session
from usecases.models import TelephonySetup, UseCase
from usecases.services import assign_number, confirm_consent

pytestmark = pytest.mark.django_db

OTHER = '"0123456789abcdef0123456789abcdef.0123456789abcdef"'


@pytest.fixture
def page(workspace: Workspace) -> str:
    return f"use-cases/{make_use_case(workspace).pk}"


def tag(api: Api, page: str) -> str:
    answer = api.get(page)
    assert answer.status_code == 200
    return answer["ETag"]


def version(api: Api, page: str) -> str:
    return tag(api, page).partition(".")[0]


# what the header says


TAG = EntityTag("a" * 32, "b" * 16)


@pytest.mark.parametrize(
    ("header", "version", "whole"),
    [
        (str(TAG), True, True),
        (f" {TAG} ", True, True),
        ("*", True, True),
        (f'"x", {TAG}', True, True),
        (f'"x" ,, {TAG},', True, True),
        (f'W/"x",{TAG}', True, True),
        (f"W/{TAG}", False, True),
        (f'"{"a" * 32}.{"c" * 16}"', True, False),
        (f'"{"A" * 32}.{"b" * 16}"', False, False),
        (f'"{"b" * 16}"', False, False),
        ('"a,b"', False, False),
        ('""', False, False),
    ],
)
def test_a_list_of_tags_has_the_version_or_the_whole_tag(header: str, version: bool, whole: bool) -> None:
    wanted = Wanted(header, "If-Match")
    assert (wanted.has_version(TAG), wanted.has(TAG)) == (version, whole)


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize(
    "header", ["", "x", "a.b", '"x', 'x"', '"x" "y"', '"x";"y"', 'w/"x"', '*, "x"', '"x\ty"', "**"]
)
def test_what_is_no_list_of_tags_is_400_and_changes_nothing(api: Api, page: str, name: str, header: str) -> None:
    method, body = ("PATCH", {"description": "Other"}) if name == "If-Match" else ("GET", None)
    answer = api.send(method, page, body, **{name.replace("-", "_"): header})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert name in answer.json()["detail"]
    assert not UseCase.objects.filter(description="Other").exists()


def test_what_is_told_beside_the_row_is_no_part_of_its_version_and_a_passing_link_of_no_tag() -> None:
    class Kept(RowSerializer[Any]):
        beside = frozenset({"count"})
        passing = frozenset({"link"})

    row = {"id": "1", "name": "a", "count": 1, "link": "x"}
    first = tag_of(row, Kept)
    assert tag_of({**row, "link": "y"}, Kept) == first
    counted, named = tag_of({**row, "count": 2}, Kept), tag_of({**row, "name": "b"}, Kept)
    assert counted.version == first.version and counted != first
    assert named.version != first.version and named.beside == first.beside


# what changes a version


def test_only_one_of_two_changes_with_the_same_tag_is_made(api: Api, page: str) -> None:
    seen = tag(api, page)
    first = api.send("PATCH", page, {"description": "First"}, If_Match=seen)
    assert (first.status_code, first["ETag"]) == (200, tag(api, page))
    late = api.send("PATCH", page, {"description": "Late"}, If_Match=seen)
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert late["ETag"] == first["ETag"]
    assert UseCase.objects.get().description == "First"
    assert api.send("PATCH", page, {"description": "Late"}, If_Match=late["ETag"]).status_code == 200
    assert api.send("PATCH", page, {"description": "Blind"}).status_code == 200


def test_a_change_of_what_the_row_shows_of_others_is_another_version(api: Api, page: str) -> None:
    use_case = UseCase.objects.get()
    seen = version(api, page)
    number = make_phone_number(use_case.setup)
    assert version(api, page) == seen
    assign_number(use_case=use_case, phone_number=number, actor=None)
    assigned = version(api, page)
    assert assigned != seen
    confirm_consent(use_case=use_case, actor=None)
    assert version(api, page) != assigned


def test_what_the_desk_changes_is_another_version_and_what_the_engine_counts_is_none(
    api: Api, workspace: Workspace
) -> None:
    campaign = make_campaign(make_use_case(workspace), 1, state="running")
    page = f"campaigns/{campaign.pk}"
    first = tag(api, page)
    add_recipients(campaign, 1, first=1)
    counted = api.get(page)
    assert counted.json()["voicemails"] == {"queued": 2} and counted["ETag"] != first
    assert api.send("PATCH", page, {"pace_per_second": 2}, If_Match=first).status_code == 200
    assert version(api, page) != first.partition(".")[0]
    seen = version(api, page)
    Campaign.objects.update(name="Renamed at the desk")
    assert version(api, page) != seen


def test_new_credentials_are_another_version_and_a_breaker_that_opens_is_none(api: Api, workspace: Workspace) -> None:
    setup = make_setup(workspace)
    page = f"setups/{setup.pk}"
    seen = tag(api, page)
    TelephonySetup.objects.update(breaker_until=timezone.now(), breaker_reason="It fails.", breaker_openings=1)
    opened = tag(api, page)
    assert opened != seen and opened.partition(".")[0] == seen.partition(".")[0]
    changed = api.patch(page, {"credentials": {"key": "another-key"}})
    assert changed.status_code == 200, changed.content
    assert changed["ETag"].partition(".")[0] != opened.partition(".")[0]


def test_an_answer_in_short_and_one_with_details_have_one_version(api: Api, workspace: Workspace) -> None:
    voicemail = make_voicemail(make_use_case(workspace), status="failed", reason="busy")
    page = f"voicemail/{voicemail.pk}"
    again = api.post(f"{page}/retry", {}, If_Match=tag(api, page))
    assert again.status_code == 200
    assert api.post(f"{page}/cancel", None, If_Match=again["ETag"]).status_code == 200


def test_a_link_that_plays_a_recording_and_its_first_measure_change_no_version(api: Api, workspace: Workspace) -> None:
    recording = make_recording(workspace)
    page = f"recordings/{recording.pk}"
    shown = api.get(page)
    assert "audio_url" in shown.json() and tag(api, page) == shown["ETag"]
    Recording.objects.update(name="Other")
    assert tag(api, page) != shown["ETag"]


def test_a_key_that_sees_masked_numbers_has_a_tag_of_what_it_sees(workspace: Workspace) -> None:
    page = f"voicemail/{make_voicemail(make_use_case(workspace)).pk}"
    masked = make_api(workspace, scopes=[Scope.VOICEMAIL_READ])
    assert (
        tag(masked, page)
        == tag(make_api(workspace, scopes=[Scope.VOICEMAIL_READ]), page)
        != tag(make_api(workspace), page)
    )


# where there is no row, or nothing shown


def test_no_tag_is_that_of_a_row_that_is_not_there(api: Api, page: str) -> None:
    UseCase.objects.all().delete()
    for wanted in ("*", OTHER):
        assert api.send("PATCH", page, {"description": "x"}, If_Match=wanted).status_code == 404


def test_a_304_is_a_reading_that_shows_no_number(api: Api, workspace: Workspace) -> None:
    page = f"voicemail/{make_voicemail(make_use_case(workspace)).pk}"
    seen = tag(api, page)
    before = AuditEvent.objects.filter(action="numbers.shown").count()
    assert api.send("GET", page, If_None_Match=seen).status_code == 304
    assert AuditEvent.objects.filter(action="numbers.shown").count() == before == 1
    assert AuditEvent.objects.filter(action="voicemail.read").count() == 2


def test_a_refusal_shows_no_number(api: Api, workspace: Workspace) -> None:
    page = f"voicemail/{make_voicemail(make_use_case(workspace)).pk}"
    assert api.post(f"{page}/cancel", None, If_Match=OTHER).status_code == 412
    assert not AuditEvent.objects.filter(action="numbers.shown").exists()


def test_an_answer_under_an_idempotency_key_comes_again_with_its_tag_whatever_was_changed_since(
    api: Api, workspace: Workspace
) -> None:
    page = f"campaigns/{make_campaign(make_use_case(workspace), 1, state='running').pk}"
    seen = tag(api, page)
    first = api.post(f"{page}/pause", None, If_Match=seen, Idempotency_Key="once")
    again = api.post(f"{page}/pause", None, If_Match=seen, Idempotency_Key="once")
    assert (again.status_code, again["Idempotent-Replayed"]) == (200, "true")
    assert again["ETag"] == first["ETag"] != seen


def test_what_is_kept_with_a_refusal_is_kept_with_a_tag_too(
    api: Api, workspace: Workspace, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    Workspace.objects.update(launch_approval_above=1)
    page = f"campaigns/{make_campaign(make_use_case(workspace), 2, playable=True).pk}"
    refused = api.post(f"{page}/launch", None, If_Match=tag(api, page))
    assert (refused.status_code, refused.json()["code"]) == (409, "approval_needed"), refused.content
    assert api.get(f"{page}/approval").json()["state"] == "waiting"


# two at one time


def renamed(name: str) -> Callable[[Workspace], tuple[str, str, Any, Any]]:
    def make(workspace: Workspace) -> tuple[str, str, Any, Any]:
        use_case = make_use_case(workspace)
        pages = {
            "use-cases": use_case.pk,
            "setups": use_case.setup.pk,
            "campaigns": make_campaign(use_case).pk,
            "recordings": make_recording(workspace).pk,
        }
        return "PATCH", f"{name}/{pages[name]}", {"name": "First"}, {"name": "Second"}

    return make


def launched(workspace: Workspace) -> tuple[str, str, Any, Any]:
    campaign = make_campaign(make_use_case(workspace), 1, state="running")
    return "POST", f"campaigns/{campaign.pk}/pause", {}, {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "make",
    [*map(renamed, ("use-cases", "setups", "campaigns", "recordings")), launched],
    ids=["use case", "setup", "campaign", "recording", "pause"],
)
def test_of_two_at_one_time_with_the_same_tag_one_is_done(make: Any) -> None:
    workspace = make_workspace()
    first, second = make_api(workspace), make_api(workspace)
    method, path, own, others = make(workspace)
    seen = tag(first, path.removesuffix("/pause"))
    with transaction.atomic():
        done = first.send(method, path, own, If_Match=seen)
        other = Session(lambda: second.send(method, path, others, If_Match=seen))
        other.wait_until_blocked()
    late = other.result()
    assert (done.status_code, late.status_code) == (200, 412), late.content
    assert late["ETag"] == tag(first, path.removesuffix("/pause"))


@pytest.mark.django_db(transaction=True)
def test_what_is_written_without_a_tag_meanwhile_is_not_undone_by_one_with_a_tag() -> None:
    workspace = make_workspace()
    api, page = make_api(workspace), f"use-cases/{make_use_case(workspace).pk}"
    seen = tag(api, page)
    with transaction.atomic():
        assert api.patch(page, {"description": "Blind"}).status_code == 200
        other = Session(lambda: make_api(workspace).send("PATCH", page, {"description": "Late"}, If_Match=seen))
        other.wait_until_blocked()
    assert other.result().status_code == 412
    assert UseCase.objects.get().description == "Blind"
