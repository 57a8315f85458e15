"""The walk of the front desk: a caller is found by number, opted out, and found by name in a campaign's list."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.models import Campaign
from delivery.models import Voicemail
from rvm.platform.models import Membership, User, Workspace
from rvm.platform.roles import Role
from tests.e2e.admin_pages import AdminPages
from tests.factories import make_suppression, make_use_case, make_voicemail, make_workspace
from tests.random_text import without_ids
from usecases.models import Suppression

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
NAME = {"first_name": "Ana", "last_name": "Alder"}


def test_a_caller_is_found_opted_out_and_found_again_by_name(
    admin: AdminPages, administrator: User, workspace: Workspace, campaign: Campaign
) -> None:
    other = make_workspace(name="Uptown Pediatrics")
    Membership.objects.create(workspace=other, user=administrator, role=Role.VIEWER)
    make_suppression(other, kind="wrong_number")
    make_voicemail(campaign.use_case, status="failed", reason="busy")
    make_voicemail(campaign.use_case, status="delivered")
    make_voicemail(make_use_case(workspace), not_before=campaign.created_at)
    make_voicemail(lane=campaign.lane, merge_fields=NAME, record_number="MRN-10482", recording=campaign.recording)

    admin.go(reverse("admin:index"))
    admin.press("person_search People")
    admin.write("sought", "(202) 555-0142")
    admin.press("Find")
    admin.reads("Uptown Pediatrics", "must not be reached")
    assert admin.fits(admin.by_id("found"))
    admin.press("+12025550142")
    assert "0142" not in without_ids(admin.browser.current_url)
    admin.reads(
        "Ana Alder, record number MRN-10482",
        f"at {workspace.name}",
        "Uptown Pediatrics: must not be reached",
        "Waiting for this number here: 2 voicemails.",
        "Not launched: its campaign is a draft.",
        campaign.name,
        "The line was busy.",
    )
    for part in ("reachable", "opt-out", "waiting", "suppressions", "received"):
        assert admin.fits(admin.by_id(part)), part

    admin.write("note", "called the front desk")
    admin.press(f"Opt out at {workspace.name}")
    admin.reads(
        "Waiting for this number here before: 2 voicemails; now: no voicemail.",
        "The person opted out (called the front desk)",
        "Nothing waits for this number.",
        "No: a message would be skipped",
    )
    assert Suppression.objects.get(workspace=workspace).created_by == administrator
    assert set(Voicemail.objects.filter(ended_at__isnull=False).values_list("status", flat=True)) == {
        "failed", "delivered", "skipped",
    }  # fmt: skip
    admin.press("Lift…")
    admin.reads("Why they may be reached again")

    admin.go(f"{reverse('people')}?campaign={campaign.pk}")
    admin.write("name", "alder an")
    admin.press("Find by name")
    admin.reads("Ana Alder, record number MRN-10482")
