"""A campaign from signing in to the launch without a mouse, and the menus that only a mouse used to open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from campaigns.models import Campaign
from rvm.platform.encryption.encrypted_files import encrypt_file
from rvm.platform.models import User, Workspace
from tests.e2e.admin_pages import AdminPages
from tests.factories import make_recording, make_use_case, make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

PEOPLE = b"First Name,Mobile\nAna,(202) 555-0101\nBen,(202) 555-0102\n"


@pytest.fixture
def desk(browser: Chrome, live_server: Any, transactional_db: None, tmp_path: Path) -> Any:
    browser.get(f"{live_server.url}/livez")
    yield AdminPages(browser, live_server.url, tmp_path)
    browser.delete_all_cookies()
    browser.get("about:blank")


@pytest.fixture
def sender(transactional_db: None, workspace: Workspace, media: Path, settings: Any) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    make_use_case(workspace, name="Recalls")
    recording = make_recording(workspace, name="Come in")
    encrypt_file(recording.storage_name, [Path("fixtures/reminder.mp3").read_bytes()], recording.associated_data)
    return make_user(workspace=workspace, is_staff=True, username="kim", may_see_numbers=True)


def test_a_campaign_is_made_and_launched_by_keyboard_alone(desk: AdminPages, sender: User) -> None:
    desk.go("/")
    desk.tab_to("Username or e-mail address")
    desk.type("kim")
    desk.tab_to("Password")
    desk.type("password")
    desk.enter("Sign in")

    desk.tab_to("Skip to the content")
    desk.type(Keys.ENTER)
    assert desk.focused.get_attribute("id") == "content"
    desk.enter("Campaigns")
    desk.enter("Add campaign")
    desk.tab_to("Name")
    desk.type("Recall of May")
    desk.tab_to("Use case")
    desk.type("Recalls")
    desk.tab_to("Recording")
    desk.type("Come in")
    desk.enter("Save")

    desk.reads("Draft: add recipients")
    desk.tab_to("List of people")
    desk.choose_file("people.csv", PEOPLE)
    desk.enter("Upload")
    desk.enter("Check the list")
    desk.work()
    desk.tab_to("Say in your own words")
    desk.type("All of them agreed at registration.")
    desk.enter("Import 2 people")
    desk.work()
    desk.enter("Back to Recall of May")
    desk.enter("Launch")
    desk.enter("Simulate it for 2 people")
    assert Campaign.objects.get().state == "running"


def test_menus_open_and_close_by_keyboard(admin: AdminPages) -> None:
    admin.go(reverse("admin:delivery_voicemail_changelist"))
    records = admin.tab_to("Records")
    assert records.aria_role == "button"
    assert records.get_attribute("aria-expanded") == "false"
    admin.type(Keys.ENTER)
    assert records.get_attribute("aria-expanded") == "true"
    admin.tab_to("Attempts")

    user = admin.tab_to("A ada")
    admin.type(Keys.SPACE)
    assert user.get_attribute("aria-expanded") == "true"
    admin.tab_to("Log out")
    admin.type(Keys.ESCAPE)
    assert user.get_attribute("aria-expanded") == "false"
    assert admin.focused == user

    filters = admin.tab_to("Filters")
    admin.type(Keys.ENTER)
    panel = admin.by_id("changelist-filter")
    admin.until(lambda: panel.is_displayed() and admin.is_within(admin.focused, panel), "The filters do not open.")
    admin.type(Keys.ESCAPE)
    assert filters.get_attribute("aria-expanded") == "false"
    assert admin.focused == filters


def test_no_icon_is_read_out_and_nothing_is_clicked_that_the_keyboard_passes(admin: AdminPages) -> None:
    admin.go(reverse("admin:usecases_suppression_changelist"))
    read_out = '.material-symbols-outlined:not([aria-hidden="true"]):not([role="button"][aria-label])'
    assert admin.browser.find_elements(By.CSS_SELECTOR, read_out) == []
    assert len(admin.browser.find_elements(By.CSS_SELECTOR, ".skip-link")) == 1
    passed = (
        "return [...document.querySelectorAll('*')].filter(each => each.hasAttribute('x-on:click') && each.textContent.trim() "
        "&& each.tabIndex < 0 && !each.querySelector('[tabindex=\"0\"], button, a[href]')).map(each => each.outerHTML.slice(0, 200))"
    )
    assert admin.browser.execute_script(passed) == []
