"""A clinic's admin in a real browser: Chromium against Django's live server, with PostgreSQL and Redis as all tests have them.

The workers' part is done by the test's own process when the walk comes to it, so that nothing depends on time; what the page does of
itself is waited for by what it shows.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from campaigns.models import Campaign
from rvm.platform.models import User, Workspace
from rvm.platform.roles import Role
from tests.campaigns.admin.conftest import make_campaign
from tests.e2e.admin_pages import AdminPages
from tests.factories import make_user

# A laptop's screen.
WIDTH, HEIGHT = 1366, 768
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # root has none, and CI is root; every page is our own
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-fake-device-for-media-stream",  # a microphone that beeps
    "--use-fake-ui-for-media-stream",  # which is permitted without a question
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    f"--window-size={WIDTH},{HEIGHT}",
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """With a profile of its own; both programs are named, so that nothing looks for others to download."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium and driver, "The walks need the commands chromium and chromedriver; run `make e2e`."
    options = ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for option in (*_OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    started = Chrome(options=options, service=Service(driver))
    started.set_page_load_timeout(30)
    # Headless, a window is smaller than its page by what it does not draw.
    started.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False},
    )
    yield started
    started.quit()


@pytest.fixture(autouse=True)
def _no_policy_is_violated(browser: Chrome) -> Iterator[None]:
    """Every page of a walk gets along with its Content-Security-Policy, and asks no other site."""
    browser.get_log("browser")
    yield
    said = [entry["message"] for entry in browser.get_log("browser")]
    assert [each for each in said if "Content Security Policy" in each or "ERR_NAME_NOT_RESOLVED" in each] == []


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


@pytest.fixture(autouse=True)
def _no_session_outlives_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The live server's threads would keep their sessions for a while, and the database could not be dropped."""
    monkeypatch.setitem(connections.databases["default"], "CONN_MAX_AGE", 0)


@pytest.fixture
def administrator(transactional_db: None, workspace: Workspace) -> User:
    """Of the workspace; sees numbers."""
    return make_user(
        workspace=workspace, role=Role.ADMIN, is_staff=True, username="ada", password=None, may_see_numbers=True
    )


@pytest.fixture
def campaign(transactional_db: None, workspace: Workspace) -> Campaign:
    return make_campaign(workspace)


@pytest.fixture
def admin(
    request: pytest.FixtureRequest, browser: Chrome, live_server: Any, administrator: User, tmp_path: Path
) -> Iterator[AdminPages]:
    """Where the administrator has logged in. Of a walk that fails the last sight is kept, and where is said."""
    client = Client()
    client.force_login(administrator)
    browser.get(f"{live_server.url}/admin/login/")
    browser.add_cookie({"name": "sessionid", "value": client.cookies["sessionid"].value})
    yield AdminPages(browser, live_server.url, tmp_path)
    if request.node.stash.get(FAILED, False):
        kept = Path(tempfile.mkdtemp(prefix="rvm-e2e-")) / f"{request.node.name}.png"
        browser.save_screenshot(str(kept))
        print(f"The last sight of the walk: {kept}")  # noqa: T201
    browser.delete_all_cookies()
    browser.get("about:blank")


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
