"""What people call things is shown as they wrote it, on every page of the admin, and never becomes markup or code."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.imports.runner import work
from campaigns.models import Campaign
from delivery.models import Clip, Recording
from delivery.recordings.clips import store_clip
from rvm.platform.models import Workspace
from tests.campaigns.admin.test_lists import SAID, at, reveal, send
from tests.delivery.audio.mp3_bytes import encoded
from usecases.models import UseCase

pytestmark = pytest.mark.django_db

EVIL = "\"><script>alert(1)</script>'{{ 7|add:7 }}"
LIST = f'"Mobile","{EVIL.replace(chr(34), chr(34) * 2)}","Name"\n2025550100,"{EVIL.replace(chr(34), chr(34) * 2)}",=1+1\n12,x,y\n'


@pytest.fixture
def hostile(workspace: Workspace, make: Any) -> Campaign:
    clip = store_clip(workspace, EVIL, encoded(12))
    made: Campaign = make(workspace, name=EVIL, recording=None, script=[{"clip": str(clip.pk)}])
    Workspace.objects.update(name=EVIL)
    UseCase.objects.update(name="<script>alert(1)</script>", entity_name="<script>alert(1)</script>")
    Recording.objects.update(name=EVIL)
    return made


def test_no_name_becomes_markup_on_any_page(operator: Client, workspace: Workspace, hostile: Campaign) -> None:
    reveal(workspace)
    pages = [uploaded_page(operator, hostile)]
    row = hostile.imports.get()
    actions = ("change", "progress", "preview", "summary", "launch", "cancel", "retry", "edit")
    addresses = [
        *(reverse(f"admin:campaigns_campaign_{action}", args=[hostile.pk]) for action in actions),
        *(
            reverse(f"admin:{name}")
            for name in (
                "campaigns_campaign_changelist",
                "campaigns_recipientimport_changelist",
                "campaigns_campaign_add",
                "usecases_suppression_import",
                "delivery_clip_changelist",
                "delivery_recording_changelist",
            )
        ),
        reverse("admin:delivery_clip_change", args=[Clip.objects.get().pk]),
        reverse("admin:campaigns_campaign_use_case") + f"?use_case={hostile.lane.use_case_id}",
        at(row, "heard"),
        at(row),
    ]
    pages += [operator.get(address).content.decode() for address in addresses]
    operator.post(at(row, "check"))
    work()
    pages.append(operator.get(at(row)).content.decode())
    pages.append(operator.post(at(row, "confirm"), SAID, follow=True).content.decode())
    work()
    pages += [operator.get(address).content.decode() for address in addresses]
    pages.append(operator.post(at(row, "discard"), follow=True).content.decode())
    for page in pages:
        assert "<script>alert" not in page and "'14" not in page and EVIL not in page
    assert sum("&lt;script&gt;alert" in page for page in pages) > 20


def uploaded_page(operator: Client, campaign: Campaign) -> str:
    return str(send(operator, campaign, LIST, name=EVIL + ".csv").content.decode())
