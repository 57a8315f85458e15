"""The last look before a launch with a trial on one's own phone, and a mistake that is found half-way and mended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from campaigns.lifecycle import scheduler
from campaigns.lifecycle import service as services
from campaigns.lifecycle.trial import TRIAL_OF
from campaigns.models import Campaign
from delivery.engine.claim import Claim, claim
from delivery.engine.lane_routes import active_routes
from delivery.lifecycle import transitions
from delivery.lifecycle.status import VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import Voicemail
from delivery.recordings.recordings import store_recording
from rvm.platform.database.clock import database_now
from rvm.platform.models import Workspace
from tests.campaigns.admin.conftest import make_campaign
from tests.delivery.audio.mp3_bytes import encoded
from tests.e2e.admin_pages import AdminPages
from tests.factories import attested

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def flu(transactional_db: None, workspace: Workspace) -> Campaign:
    """A draft for three people, with a recording of twelve seconds."""
    recording = attested(store_recording(workspace, "Flu shots, with the old number", encoded(12)))
    return make_campaign(workspace, recipients=3, recording=recording)


def sent(count: int) -> list[Claim]:
    """What the workers take for the carrier; it is with the carrier from then on."""
    now = database_now()
    return [each for route in active_routes(now, 100) for each in claim(route, count, now, timedelta(minutes=1)).claims]


def delivered(claims: list[Claim]) -> None:
    sending, done = VoicemailStatus.SENDING, VoicemailStatus.DELIVERED
    transitions.apply([Transition(each.voicemail_id, sending, done) for each in claims], database_now())


def test_who_launches_listens_has_it_sent_to_their_own_phone_and_launches(
    admin: AdminPages, flu: Campaign, live_server: Any, settings: Any
) -> None:
    settings.RVM_PUBLIC_URL = live_server.url  # where players fetch sounds
    admin.go(reverse("admin:campaigns_campaign_change", args=[flu.pk]))
    admin.press("Launch…")
    admin.reads("It reaches nobody", "Flu shots, with the old number", "Where they are, by time zone")
    assert admin.is_above(admin.by_id("reach"), admin.button("Simulate it for 3 people"))
    heard = "const done = arguments[0], player = document.querySelector('audio'); \
             player.addEventListener('loadedmetadata', () => done(player.duration)); \
             player.addEventListener('error', () => done(-1)); player.preload = 'auto'; player.load();"
    assert 11 < float(admin.browser.execute_async_script(heard)) < 13
    admin.write("phone_number", "(555) 001-0001")
    admin.tick("own")
    admin.press("Send it to my phone")
    admin.reads("Your trial to", "waiting")
    [trial] = sent(10)
    assert Voicemail.objects.get(pk=trial.voicemail_id).metadata == {TRIAL_OF: str(flu.pk)}
    delivered([trial])
    admin.reads("delivered")  # the page asks by itself

    admin.press("Simulate it for 3 people")
    admin.reads("It is launched: voicemails go out as hours and pace allow.")
    assert {each.recipient for each in sent(10)} == {f"+1202555010{last}" for last in range(3)}


def test_a_mistake_found_half_way_is_mended_for_those_who_still_wait(admin: AdminPages, flu: Campaign) -> None:
    old = flu.recording
    right = attested(store_recording(flu.workspace, "Flu shots, with the right number", encoded(13)))
    services.launch(flu, actor=None, now=database_now())
    [first] = sent(1)
    delivered([first])

    admin.go(reverse("admin:campaigns_campaign_change", args=[flu.pk]))
    admin.press("Pause")
    admin.reads("Paused: nothing new is sent")
    assert sent(10) == []
    admin.press("Edit")
    admin.reads("recording, hours, days, end and attempts can be changed for those who still wait")
    Select(admin.browser.find_element(By.NAME, "recording")).select_by_visible_text("Flu shots, with the right number")
    admin.press("Save")
    admin.reads("Paused and changed: those who still wait get it as it is below.", "Flu shots, with the right number")
    admin.press("Resume")
    admin.reads("It goes on where it was.")
    scheduler.set_recordings(database_now())
    later = sent(10)
    assert (len(later), {each.recording_id for each in later}) == (2, {right.pk})
    assert old is not None
    assert Voicemail.objects.get(pk=first.voicemail_id).recording_id == old.pk


def test_those_who_were_not_reached_become_a_draft_of_their_own(admin: AdminPages, flu: Campaign) -> None:
    services.launch(flu, actor=None, now=database_now())
    delivered(sent(1))
    services.cancel(flu, actor=None, now=database_now())
    scheduler.cancel_remaining(database_now())
    admin.go(reverse("admin:campaigns_campaign_change", args=[flu.pk]))
    admin.press("Copy…")
    admin.reads("Not reached, and another campaign can help", "2 Canceled before it was sent.")
    admin.press("Copy with those ticked")
    admin.reads("“Copy of Flu shots” is a draft", "are being added")
    scheduler.continue_copies(database_now())
    admin.reads("Draft with 2 people")
    draft = Campaign.objects.get(copied_from=flu)
    assert Voicemail.objects.filter(lane_id=draft.pk).count() == 2
