"""The first page of the admin says what stands still and where the voicemails of one's own workspaces are."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Lane, LaneDelta
from delivery.worker.maintenance import roll_up_counts
from rvm.platform.models import Heartbeat, Workspace
from rvm.platform.roles import Role
from tests.factories import make_use_case, make_user, make_voicemail

pytestmark = pytest.mark.django_db


def overview(client: Client, workspace: Workspace, role: Role = Role.VIEWER) -> str:
    client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None))
    answer = client.get("/admin/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_says_when_nothing_is_running(client: Client, workspace: Workspace) -> None:
    page = overview(client, workspace)
    assert "No worker is running: voicemails wait. Start one with `manage.py worker dispatch`." in page
    assert "The tick is not running" in page


def test_a_tick_that_lives_raises_no_alarm(client: Client, workspace: Workspace) -> None:
    Heartbeat.objects.create(name="tick", at=timezone.now())
    assert "The tick is not running" not in overview(client, workspace)


def test_it_counts_ones_own_use_cases_only(client: Client, workspace: Workspace) -> None:
    mine, theirs = make_voicemail(make_use_case(workspace)), make_voicemail()
    page = overview(client, workspace)
    assert mine.use_case.name in page
    assert theirs.use_case.name not in page


def test_it_counts_all_lanes_of_a_use_case_however_many_and_folded_or_not(client: Client, workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    lanes = Lane.objects.bulk_create(
        Lane(workspace=workspace, use_case=use_case, live=True, idle=idle) for idle in (False, True) for _ in range(750)
    )
    for status, folded in (("delivered", True), ("queued", False)):
        LaneDelta.objects.bulk_create(LaneDelta(lane=lane, status=status, reason="", delta=2) for lane in lanes)
        if folded:
            roll_up_counts()
    make_voicemail(status="delivered")
    page = overview(client, workspace)
    statuses = [status.value for status in VoicemailStatus]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", page[page.index(use_case.name) :], re.DOTALL)[: len(statuses)]
    assert {status: cell.strip() for status, cell in zip(statuses, cells, strict=True) if cell.strip()} == {
        "delivered": "3,000",
        "queued": "3,000",
    }


@pytest.mark.parametrize(("role", "shown"), [(Role.VIEWER, False), (Role.ADMIN, True)])
def test_the_navigation_shows_what_may_be_opened(client: Client, workspace: Workspace, role: Role, shown: bool) -> None:
    page = overview(client, workspace, role)
    assert ("/admin/platform/apikey/" in page) is shown
    assert "/admin/platform/heartbeat/" not in page
    assert "/admin/delivery/voicemail/" in page


def test_the_queues_pages_are_not_there(client: Client) -> None:
    """They would show every workspace's jobs to every member of staff."""
    client.force_login(make_user(is_staff=True, is_superuser=True, password=None))
    assert client.get("/admin/django_rq/").status_code == 404
    assert client.get("/admin/django_rq/dashboard/").status_code == 404
