"""politics-rewired/Spoke #833: opt-outs could be entered one at a time only; a list of thousands could not be uploaded.

A list of them is read like any list of recipients, and binds whatever is claimed from then on, also of a campaign that runs.
"""

from __future__ import annotations

import pytest

from campaigns.states import CampaignState
from delivery.models import Drop, Voicemail
from rvm.platform.models import Workspace
from tests.campaigns.opt_outs.lists import imported
from tests.delivery.fake_carrier import FakeTransport
from tests.factories import make_campaign, make_use_case, make_voicemail, make_workspace, patient_number
from tests.regressions.conftest import NOW, send

pytestmark = pytest.mark.django_db


def stop(workspace: Workspace, *numbers: str) -> None:
    content = "\r\n".join(["Opt-out phone;Reason", *(f"{number};asked" for number in numbers)]).encode("utf-16")
    imported(workspace, content)


def ends(workspace: Workspace) -> dict[str, tuple[str, str]]:
    found = Voicemail.objects.filter(workspace=workspace)
    return {row.recipient: (row.status, row.reason) for row in found}


def test_a_list_binds_the_next_claim_of_a_running_campaign() -> None:
    campaign = make_campaign(make_use_case(), 4, state=CampaignState.RUNNING)
    first, second, third, fourth = map(patient_number, range(4))
    waiting = Voicemail.objects.filter(lane_id=campaign.pk, last4__in=[third[-4:], fourth[-4:]])
    waiting.update(not_before="2100-01-01T00:00:00Z")
    transport = FakeTransport()
    send(transport)
    assert len(transport.sent) == 2

    # Of those who were reached and those who wait.
    stop(campaign.workspace, first, f"({third[2:5]}) {third[5:8]}-{third[8:]}")
    waiting.update(not_before=NOW)
    send(transport)

    assert ends(campaign.workspace) == {
        first: ("accepted", ""),
        second: ("accepted", ""),
        third: ("skipped", "suppressed"),
        fourth: ("accepted", ""),
    }
    assert Drop.objects.count() == len(transport.sent) == 3


def test_a_list_binds_single_voicemails_too_and_no_other_workspace() -> None:
    ours, theirs = make_workspace(), make_workspace()
    number = patient_number(0)
    for workspace in (ours, theirs):
        make_voicemail(make_use_case(workspace), recipient=number)
    stop(ours, number)
    transport = FakeTransport()
    send(transport)
    assert (ends(ours), ends(theirs)) == ({number: ("skipped", "suppressed")}, {number: ("accepted", "")})
    assert len(transport.sent) == 1
