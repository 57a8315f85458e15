"""A message is recorded in the browser: Chromium's own fake microphone beeps once a second."""

from __future__ import annotations

import pytest
from django.urls import reverse
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from delivery.models import Recording
from rvm.platform.models import AuditEvent, Workspace
from tests.e2e.admin_pages import AdminPages

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def press_key(admin: AdminPages) -> None:
    """Enter at what has the focus."""
    admin.browser.switch_to.active_element.send_keys(Keys.ENTER)


def test_a_message_is_recorded_listened_to_recorded_again_and_kept(admin: AdminPages, workspace: Workspace) -> None:
    admin.go(reverse("admin:delivery_recording_add"))
    Select(admin.browser.find_element(By.NAME, "workspace")).select_by_visible_text(workspace.name)
    admin.button("mic Record with the microphone").send_keys(Keys.ENTER)
    admin.reads("Recording. Speak, then press Stop", "0:01 of 1:00")
    press_key(admin)  # the focus is on Stop
    admin.reads("at least 10 are needed. Record it again.")
    assert not admin.button("check Use this recording").is_displayed()

    press_key(admin)  # on Record again
    admin.reads("Recording. Speak, then press Stop")
    level = admin.browser.find_element(By.CSS_SELECTOR, ".recorder meter")
    admin.until(lambda: float(level.get_property("value")) > 0)
    admin.picture("recording")
    admin.reads("0:11 of 1:00")
    admin.button("Save").click()
    admin.reads("Still recording: press Stop first.")
    press_key(admin)
    admin.reads("Listen to it, then use it or record it again.")

    listen = admin.browser.find_element(By.CSS_SELECTOR, ".recorder audio")
    admin.browser.execute_script("arguments[0].muted = true; arguments[0].play()", listen)
    admin.until(lambda: float(listen.get_property("currentTime")) > 0.2)
    admin.button("Save").click()
    admin.reads("What was recorded is not in the form yet")
    press_key(admin)  # on Use this recording
    admin.reads("The recording is in the form. Save to keep it.")
    admin.picture("recorded")

    admin.button("Save").click()  # the name is missing: the form is not sent, and the recording not lost
    assert admin.browser.switch_to.active_element.get_attribute("name") == "name"
    admin.write("name", "Flu shot")
    admin.press("Save")
    kept = Recording.objects.get()
    assert (kept.name, kept.converted_from, kept.sample_rate, kept.channels) == ("Flu shot", "webm", 44100, 1)
    assert 11_000 <= kept.duration_ms < 20_000
    assert AuditEvent.objects.filter(action="recording.uploaded", subject_id=kept.pk).exists()
    admin.reads("The file was a WebM or Matroska file; it was converted to MP3 (64 kbit/s, 44.1 kHz, mono).")
    admin.go(reverse("admin:delivery_recording_change", args=[kept.pk]))
    assert admin.browser.find_element(By.CSS_SELECTOR, ".recording-player audio").is_displayed()
    assert admin.browser.find_element(By.CSS_SELECTOR, ".recording-player svg").is_displayed()


def test_a_microphone_that_is_refused_is_said_and_a_file_can_still_be_chosen(admin: AdminPages) -> None:
    admin.go(reverse("admin:delivery_recording_add"))
    refused = "Promise.reject(new DOMException('', 'NotAllowedError'))"
    admin.browser.execute_script(f"navigator.mediaDevices.getUserMedia = () => {refused}")
    admin.button("mic Record with the microphone").click()
    admin.reads("The browser does not let this page use the microphone.", "or choose a file")
    assert admin.button("mic Record with the microphone").is_enabled()
