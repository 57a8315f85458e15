"""What a sound says is stated by a checklist that is posted, by those who may, for one or for several."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from delivery.models import Clip, Recording
from delivery.recordings.clips import store_clip
from rvm.platform.models import AuditEvent, User, Workspace
from rvm.platform.roles import Role
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import make_recording, make_user, make_workspace

pytestmark = pytest.mark.django_db

ATTEST = reverse("admin:delivery_recording_attest")
TICKED = {
    "voice": "human", "says_caller": "on", "says_callback_number": "on", "says_opt_out_number": "on", "no_health_details": "on",
    "sure": "yes",
}  # fmt: skip


def bare(workspace: Workspace, **fields: Any) -> Recording:
    return make_recording(workspace, **{"attested_at": None, "attested_by_another": False, **fields})


def page(sound: Recording | Clip) -> str:
    return reverse(f"admin:delivery_{sound._meta.model_name}_change", args=[sound.pk])


def test_compliance_states_what_a_recording_says_by_a_checklist(client: Client, workspace: Workspace) -> None:
    client.force_login(make_user(workspace=workspace, role=Role.COMPLIANCE, is_staff=True, username="ann"))
    recording = bare(workspace)
    shown = client.get(page(recording)).content.decode()
    assert "Nothing: nobody has stated what it says" in shown and ATTEST in shown
    assert client.get(ATTEST).status_code == 405
    asked = client.post(ATTEST, {"chosen": recording.pk}).content.decode()
    assert "It says at the start who is calling" in asked and "It says no diagnosis, test, drug or specialty" in asked
    shown = client.post(ATTEST, {"chosen": recording.pk, **TICKED}, follow=True).content.decode()
    assert "By ann on" in shown
    assert "a human voice that says who is calling, a number to call back, a number to opt out" in shown
    recording.refresh_from_db()
    assert recording.attested_by == User.objects.get(username="ann")
    assert AuditEvent.objects.get(action="recording.attested").subject_id == recording.pk


def test_what_is_not_ticked_is_said_at_its_point_and_nothing_is_stated(staff: Client, workspace: Workspace) -> None:
    recording = bare(workspace)
    ticked = {**TICKED, "voice": "synthetic"}
    del ticked["says_opt_out_number"]
    answer = staff.post(ATTEST, {"chosen": recording.pk, **ticked})
    assert set(answer.context["form"].errors) == {"says_opt_out_number", "says_synthetic_voice"}
    recording.refresh_from_db()
    assert not recording.attested


def test_a_statement_is_withdrawn_by_a_button(staff: Client, workspace: Workspace) -> None:
    recording = make_recording(workspace)
    address = reverse("admin:delivery_recording_withdraw_attestation")
    assert address in staff.get(page(recording)).content.decode()
    assert staff.get(address).status_code == 405
    shown = staff.post(address, {"chosen": recording.pk}, follow=True).content.decode()
    assert "Nothing: nobody has stated what it says" in shown and address not in shown


def test_the_list_says_of_which_nothing_is_stated(staff: Client, workspace: Workspace) -> None:
    bare(workspace)
    make_recording(workspace)
    listed = staff.get(reverse("admin:delivery_recording_changelist")).content.decode()
    assert listed.count("missing") == listed.count("stated</") or ("missing" in listed and "stated" in listed)


def test_several_clips_are_stated_at_once(staff: Client, workspace: Workspace) -> None:
    clips = [store_clip(workspace, name, encoded(seconds)) for name, seconds in (("Ana", 1), ("Bea", 2))]
    chosen = [str(clip.pk) for clip in clips]
    asked = staff.post(
        reverse("admin:delivery_clip_changelist"), {"action": "attest_selected", "_selected_action": chosen}
    )
    assert "What do 2 clips say?" in asked.content.decode()
    said = {"chosen": chosen, "voice": "human", "no_health_details": "on", "sure": "yes"}
    assert staff.post(reverse("admin:delivery_clip_attest"), said, follow=True).status_code == 200
    assert all(clip.attested and clip.says == [] for clip in Clip.objects.all())


def test_where_another_has_to_state_it_the_uploader_is_told_so(client: Client, workspace: Workspace) -> None:
    Workspace.objects.update(attestation_by_another=True)
    uploader = make_user(workspace=workspace, role=Role.COMPLIANCE, is_staff=True)
    client.force_login(uploader)
    recording = bare(workspace, uploaded_by=uploader)
    answer = client.post(ATTEST, {"chosen": recording.pk, **TICKED})
    assert "somebody other than who uploaded a sound" in answer.content.decode()
    client.force_login(make_user(workspace=workspace, role=Role.COMPLIANCE, is_staff=True))
    assert client.post(ATTEST, {"chosen": recording.pk, **TICKED}).status_code == 302
    recording.refresh_from_db()
    assert recording.attested_by_another


@pytest.mark.parametrize("address", [ATTEST, reverse("admin:delivery_recording_withdraw_attestation")])
def test_who_only_looks_states_and_withdraws_nothing(client: Client, workspace: Workspace, address: str) -> None:
    client.force_login(make_user(workspace=workspace, role=Role.VIEWER, is_staff=True))
    recording = make_recording(workspace, attested_by_another=False)
    assert client.post(address, {"chosen": recording.pk, **TICKED}).status_code == 403
    recording.refresh_from_db()
    assert recording.attested and recording.attested_by is None


def test_another_workspaces_recording_is_not_stated(staff: Client) -> None:
    theirs = bare(make_workspace())
    staff.post(ATTEST, {"chosen": theirs.pk, **TICKED})
    theirs.refresh_from_db()
    assert not theirs.attested


def test_a_message_joined_for_somebody_is_stated_by_those_only_who_may_hear_it(
    client: Client, workspace: Workspace
) -> None:
    joined = bare(workspace, assembled=True)
    client.force_login(make_user(workspace=workspace, role=Role.COMPLIANCE, is_staff=True))
    assert client.post(ATTEST, {"chosen": joined.pk, **TICKED}).status_code == 403
    client.force_login(make_user(workspace=workspace, role=Role.COMPLIANCE, is_staff=True, may_see_numbers=True))
    assert client.post(ATTEST, {"chosen": joined.pk, **TICKED}).status_code == 302
