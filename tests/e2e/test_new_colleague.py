"""The walk of a new colleague, from the invitation to the last day, where a second factor is required."""

from __future__ import annotations

import email
import re
from collections.abc import Callable
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from campaigns.models import Campaign
from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, Membership, User, Workspace
from rvm.platform.roles import Role
from tests.e2e.admin_pages import AdminPages
from tests.factories import make_campaign, make_use_case, make_user
from tests.rvm.platform.accounts.authenticator import App, enrolled

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

MARIA, PASSWORD, NEW_PASSWORD = "maria@clinic.example", "first-words-of-maria", "other-words-of-maria"
PATIENTS = b"First Name,Mobile\nAna,(202) 555-0101\nBen,(202) 555-0102\nCora,(202) 555-0103\n"


@pytest.fixture(autouse=True)
def mailbox(settings: Any, live_server: Any, tmp_path: Path) -> Path:
    """A second factor is required, and messages are files."""
    settings.RVM_REQUIRE_SECOND_FACTOR = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    settings.RVM_SENDS_EMAIL = True
    settings.RVM_PUBLIC_URL = live_server.url
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return tmp_path / "mail"


def link_in(mailbox: Path, address: str) -> str:
    """The only link of the newest message to the address, without the server."""
    messages = [email.message_from_bytes(each.read_bytes(), policy=default) for each in sorted(mailbox.iterdir())]
    text = [each.get_content() for each in messages if each["To"] == address][-1]
    (link,) = re.findall(r"http://\S+", text)
    return re.sub(r"^http://[^/]+", "", link)


class Desk(AdminPages):
    """One browser, at which people take turns, each with the own session."""

    def __init__(self, browser: Chrome, address: str, folder: Path) -> None:
        super().__init__(browser, address, folder)
        self._sessions: dict[str, str | None] = {}
        self._who = ""

    def sits(self, who: str) -> None:
        """The other person gets up; whoever sits down finds the own session."""
        cookie = self.browser.get_cookie(django_settings.SESSION_COOKIE_NAME)
        self._sessions[self._who] = cookie["value"] if cookie else None
        self._who = who
        self.browser.delete_all_cookies()
        if session := self._sessions.get(who):
            self.browser.add_cookie({"name": django_settings.SESSION_COOKIE_NAME, "value": session})

    def is_signed_in(self, user: User) -> None:
        """A colleague who has signed in with a code already."""
        client, app = Client(), enrolled(user, database_now)
        client.post(reverse("account_login"), {"login": user.username, "password": "password"})
        client.post(reverse("mfa_authenticate"), {"code": app.code()})
        self._sessions[user.username] = client.cookies[django_settings.SESSION_COOKIE_NAME].value

    def picks(self, name: str, choice: str) -> None:
        Select(self.browser.find_element(By.NAME, name)).select_by_visible_text(choice)

    def signs_in(self, name: str, password: str, code: Callable[[], str]) -> None:
        self.go("/accounts/login/")
        self.write("login", name)
        self.write("password", password)
        self.press("Sign in")
        self.write("code", code())
        self.press("Sign in")


@pytest.fixture
def desk(browser: Chrome, live_server: Any, transactional_db: None, tmp_path: Path) -> Any:
    browser.get(f"{live_server.url}/livez")
    yield Desk(browser, live_server.url, tmp_path)
    browser.delete_all_cookies()
    browser.get("about:blank")


@pytest.fixture
def campaign(transactional_db: None, workspace: Workspace) -> Campaign:
    """A draft; whatever reaches more than two people needs a second person."""
    Workspace.objects.filter(pk=workspace.pk).update(launch_approval_above=2)
    return make_campaign(make_use_case(workspace), playable=True)


def test_a_new_colleague_from_the_invitation_to_the_last_day(
    desk: Desk, workspace: Workspace, campaign: Campaign, mailbox: Path
) -> None:
    for name, role in (("ada", Role.ADMIN), ("ben", Role.LAUNCHER)):
        desk.is_signed_in(make_user(workspace=workspace, role=role, is_staff=True, username=name))

    # is invited
    desk.sits("ada")
    desk.go(reverse("admin:platform_invitation_add"))
    desk.write("email", MARIA)
    desk.picks("role", "Campaign preparer")
    desk.press("Save")
    desk.reads(f"The invitation is on its way to {MARIA}.")

    # chooses a password
    desk.sits("maria")
    desk.go(link_in(mailbox, MARIA))
    desk.reads(f"Welcome to {workspace}", "ada invites you as Campaign preparer")
    for field, text in (
        ("first_name", "Maria"),
        ("last_name", "Muster"),
        ("password1", PASSWORD),
        ("password2", PASSWORD),
    ):
        desk.write(field, text)
    desk.press("Make my account")

    # enrols a second factor before anything else
    desk.reads("Enrol a second factor")
    page = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
    desk.go(page)
    desk.reads("Enrol a second factor")
    app = App(str(desk.by_id("authenticator_secret").get_attribute("value")), database_now)
    desk.write("code", app.code(-30))
    desk.press("Enrol")
    desk.reads("They are shown now and never again")
    recovery_code = desk.by_id("recovery-codes").text.split()[0]
    desk.press("I have kept them")
    desk.reads(campaign.name)

    # prepares a campaign
    desk.choose_file("patients.csv", PATIENTS)
    desk.press("Upload")
    desk.press("Check the list")
    desk.work()
    desk.write("consent_statement", "All of them agreed at registration.")
    desk.press("Import 3 people")
    desk.work()
    desk.reads("Imported: 3 people were added to the campaign.")

    # cannot launch
    desk.go(page)
    desk.reads("Preview: what will happen")
    assert "Launch…" not in desk.text
    assert desk.browser.execute_script(
        "return fetch(arguments[0], {method: 'POST'}).then(answer => answer.status)",
        reverse("admin:campaigns_campaign_launch", args=[campaign.pk]),
    ) == 403  # fmt: skip

    # may launch from now on, with the approval of a second person
    desk.sits("ada")
    maria = User.objects.get(email=MARIA)
    membership = Membership.objects.get(user=maria)
    desk.go(reverse("admin:platform_membership_change", args=[membership.pk]))
    desk.picks("role", "Launcher")
    desk.press("Save")
    desk.sits("maria")
    desk.go(page)
    desk.press("Launch…")
    desk.press("Ask for approval for 3 people")
    desk.reads("somebody else has to decide")
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    desk.sits("ben")
    desk.go(page)
    desk.press("Look at it")
    desk.reads("Maria Muster asked on")
    desk.press("Approve and launch for 3 people")
    desk.reads("let out as it was asked for")
    campaign.refresh_from_db()
    assert (campaign.state, campaign.launched_by) == ("running", maria)

    # forgets the password
    desk.sits("maria")
    desk.go(reverse("account_logout"))
    desk.press("Sign out")
    desk.press("Forgotten your password?")
    desk.write("email", MARIA)
    desk.press("Send me a link")
    desk.reads("Look into your mailbox")
    desk.go(link_in(mailbox, MARIA))
    desk.write("password1", NEW_PASSWORD)
    desk.write("password2", NEW_PASSWORD)
    desk.press("Save the password")
    desk.signs_in(MARIA, NEW_PASSWORD, app.code)
    desk.go(page)
    desk.reads(campaign.name)

    # is locked out, and let in
    desk.go(reverse("account_logout"))
    desk.press("Sign out")
    for password in (*["not the words"] * 5, NEW_PASSWORD):
        desk.write("login", MARIA)
        desk.write("password", password)
        desk.press("Sign in")
    desk.reads("Too many wrong passwords")
    desk.sits("ada")
    desk.go(reverse("admin:platform_user_change", args=[maria.pk]))
    desk.press("Let in")
    desk.reads("can sign in again")
    desk.sits("maria")
    desk.signs_in(MARIA, NEW_PASSWORD, lambda: recovery_code)
    desk.go(page)
    desk.reads(campaign.name)

    # leaves
    desk.sits("ada")
    desk.go(reverse("admin:platform_membership_delete", args=[membership.pk]))
    desk.press("Yes, I’m sure")
    desk.sits("maria")
    desk.go(page)
    desk.reads("Username or e-mail address")

    happened = AuditEvent.objects.filter(actor=maria).order_by("id").values_list("action", flat=True)
    assert [each for each in happened if each.split(".")[0] in ("invitation", "second_factor", "recovery_code")] == [
        "invitation.accepted",
        "second_factor.enrolled",
        "recovery_code.used",
    ]
