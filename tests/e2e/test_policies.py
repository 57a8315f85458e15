"""Every kind of page in a real browser, which reports what its Content-Security-Policy refused; `conftest.py` fails on any report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.urls import reverse
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from delivery.audio.mpeg.frames import walk
from delivery.models import Recording
from rvm.platform.encryption.encrypted_files import encrypt_file
from rvm.platform.models import User
from tests.e2e.admin_pages import AdminPages
from tests.factories import make_recording
from tests.rvm.project.access.world import OURS

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def recording(administrator: User) -> Recording:
    recording = make_recording(administrator.memberships.get().workspace, waveform=bytes(range(256)))
    frames = walk(Path("fixtures/reminder.mp3").read_bytes()).frames
    encrypt_file(recording.storage_name, [frames], recording.associated_data)
    return recording


def test_the_pages_for_everybody_draw_themselves(browser: Chrome, live_server: Any, administrator: User) -> None:
    slug = administrator.memberships.get().workspace.organisation.slug
    headings = {
        "/accounts/login/": "Sign in",
        "/accounts/password/reset/": "password",
        "/accounts/invitation/": "no longer valid",
        f"/opt-out/{slug}": "Stop voicemails",
        "/docs/problems": "Problems",
        "/no/such/page": "There is no such page",
    }
    for address, words in headings.items():
        browser.get(live_server.url + address)
        assert words in browser.find_element(By.TAG_NAME, "body").text
    # The colours come from the style element with the nonce.
    browser.get(f"{live_server.url}/accounts/login/")
    button = browser.find_element(By.XPATH, '//button[normalize-space()="Sign in"]')
    assert button.value_of_css_property("background-color") not in ("rgba(0, 0, 0, 0)", "rgba(255, 255, 255, 1)")
    browser.get(f"{live_server.url}/docs")
    browser.implicitly_wait(10)
    assert browser.find_element(By.CSS_SELECTOR, ".swagger-ui .opblock")
    browser.implicitly_wait(0)


def test_the_pages_of_the_desk_draw_themselves(admin: AdminPages, recording: Recording) -> None:
    admin.go("/admin/")
    for model in django_admin.site._registry:
        if model._meta.app_label in OURS:
            admin.go(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
    for page in ("campaigns_campaign_add", "usecases_usecase_add", "usecases_telephonysetup_add", "people"):
        admin.go(reverse("people" if page == "people" else f"admin:{page}"))
    admin.go("/admin/no/such/page/")


def test_a_recording_plays_on_its_page(
    admin: AdminPages, recording: Recording, live_server: Any, settings: Any
) -> None:
    settings.RVM_PUBLIC_URL = live_server.url
    admin.go(reverse("admin:delivery_recording_change", args=[recording.pk]))
    admin.until(lambda: admin.browser.find_elements(By.TAG_NAME, "audio"), "The page has no player.")
    play = "document.querySelector('audio').play().then(() => 'plays', (error) => String(error))"
    answer = admin.browser.execute_cdp_cmd(
        "Runtime.evaluate", {"expression": play, "userGesture": True, "awaitPromise": True}
    )
    assert answer["result"].get("value") == "plays", answer
