"""The pictures of the documentation: a clinic's campaign from its recording to its report; `make pictures` writes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse

from campaigns.models import Campaign
from delivery.models import Recording
from delivery.recordings.recordings import store_recording
from rvm.platform.admin import alarms
from rvm.platform.models import User, Workspace
from tests.e2e.admin_pages import AdminPages
from tests.factories import attested, make_campaign, make_use_case, make_voicemail
from usecases.models import TelephonySetup, UseCase

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

# “Flag” is not understood, so the page asks.
PATIENTS = b"""First Name,Last Name,Mobile,Home ZIP,MRN,Flag
Ada,Alder,(202) 555-0140,20001,10482,Yes
Ben,Fern,202.555.0141,20009,10519,Yes
Cora,Cedar,(202) 555-0142,20011,10533,No
Dev,Dale,2025550143,20002,10540,Yes
"""
BECAME = {"delivered": 31, "accepted": 6, "sending": 2, "queued": 14, "failed": 3, "skipped": 1}


@pytest.fixture
def clinic(administrator: User, media: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """With a use case and a recording, as `make up` has them, and all processes running."""
    monkeypatch.setattr(alarms, "_failed_messages", lambda *checks: [])
    workspace = administrator.memberships.get().workspace
    Workspace.objects.filter(pk=workspace.pk).update(name="Lakeside Clinic")
    User.objects.filter(pk=administrator.pk).update(first_name="Dana", last_name="Reed")
    use_case = make_use_case(workspace, name="Appointment reminders")
    TelephonySetup.objects.filter(pk=use_case.setup_id).update(name="Sandbox")
    attested(store_recording(workspace, "Appointment reminder", Path("fixtures/reminder.mp3").read_bytes()))
    workspace.refresh_from_db()
    return workspace


def test_the_pages_look_as_the_documentation_shows_them(admin: AdminPages, clinic: Workspace) -> None:
    recording = Recording.objects.get(name="Appointment reminder")
    use_case = UseCase.objects.get(workspace=clinic)
    sent = make_campaign(use_case, name="Recall of October", state="running", recording=recording)
    number = 100
    for status, count in BECAME.items():
        for _ in range(count):
            reason = {"failed": "busy", "skipped": "opted_out"}.get(status, "")
            fields = {"recipient": f"+1202555{number:04}", "recording": recording, "status": status, "reason": reason}
            make_voicemail(lane=sent.lane, zones=["America/New_York"], **fields)
            number += 1
    taken = {}

    def take(name: str, height: int = 768) -> None:
        taken[name] = admin.picture_for_docs(name, height)

    admin.go(reverse("admin:index"))
    admin.reads("Appointment reminders")
    take("home", 420)
    admin.go(reverse("admin:delivery_recording_change", args=[recording.pk]))
    take("recording")
    admin.go(reverse("admin:campaigns_campaign_add"))
    admin.write("name", "Reminders of Monday")
    admin.choose("Use case", "Appointment reminders")
    admin.reads("From “Lakeside Clinic”")
    admin.choose("Recording", "Appointment reminder")
    take("campaign-form", 900)
    admin.press("Save")
    made = Campaign.objects.get(name="Reminders of Monday")
    admin.choose_file("monday.csv", PATIENTS)
    admin.press("Upload")
    admin.reads("Answer the questions about its columns")
    take("list", 1040)
    admin.choose("What column 6 is", "Consent: yes means may be reached")
    admin.press("Check the list")
    admin.work()
    admin.write("consent_statement", "All of them agreed at registration.")
    admin.press("Import 3 people")
    admin.work()
    admin.go(reverse("admin:campaigns_campaign_launch", args=[made.pk]))
    admin.reads("Sent at once")
    take("launch", 600)
    admin.go(reverse("admin:campaigns_campaign_change", args=[sent.pk]))
    admin.reads("31")
    take("in-progress", 680)
    assert set(taken) == {"home", "recording", "campaign-form", "list", "launch", "in-progress"}
