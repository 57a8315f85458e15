"""The public page in a real browser, without scripts: a person with a small screen, or who speaks Spanish, stops the voicemails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from rvm.platform.models import Workspace
from rvm.platform.redis_connection import redis_client
from tests.random_text import without_ids
from usecases.suppressions import is_suppressed

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

SMALL = {"width": 360, "height": 640, "deviceScaleFactor": 1, "mobile": False}


@pytest.fixture
def phone(browser: Chrome) -> Iterator[Chrome]:
    """The browser with a telephone's screen and no scripts."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SMALL)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    for name in redis_client().scan_iter("rvm:rate:opt-out-*"):
        redis_client().delete(name)
    yield browser
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 1366, "height": 768, "deviceScaleFactor": 1, "mobile": False}
    )


def test_a_person_writes_a_number_and_is_told_that_it_is_done(
    phone: Chrome, live_server: Any, workspace: Workspace
) -> None:
    phone.get(f"{live_server.url}/opt-out/{workspace.organisation.slug}?lang=en")
    heading = phone.find_element(By.TAG_NAME, "h1")
    assert heading.text == f"Stop voicemails from {workspace.organisation.name}"
    field = phone.find_element(By.NAME, "number")
    assert field.accessible_name == "Your phone number"
    assert phone.find_element(By.TAG_NAME, "body").size["width"] <= SMALL["width"]

    field.send_keys("555-0142", Keys.ENTER)
    assert "area code" in phone.find_element(By.ID, "problem").text
    assert phone.title.startswith("Error")
    field = phone.find_element(By.NAME, "number")
    assert field.get_attribute("value") == "555-0142"
    field.clear()
    field.send_keys("202.555.0142")
    phone.find_element(By.TAG_NAME, "button").click()
    assert phone.find_element(By.TAG_NAME, "h1").text == "Done"
    assert "0142" not in without_ids(phone.current_url)
    assert is_suppressed(workspace.pk, "+12025550142")

    phone.find_element(By.LINK_TEXT, "Español").click()
    assert phone.find_element(By.TAG_NAME, "h1").text == "Listo"
    phone.find_element(By.LINK_TEXT, "Dar otro número").click()
    assert phone.find_element(By.TAG_NAME, "button").text == "No recibir más mensajes"
