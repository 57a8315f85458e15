"""A second factor: enrolled before any page, asked for at each sign-in, each code for one use, reset by administrators only."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from rvm.platform.accounts.invitations import invite
from rvm.platform.accounts.second_factor import codes
from rvm.platform.accounts.second_factor.secrets import seal, unseal
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.models import AuditEvent, Membership, Session, User, Workspace
from rvm.platform.roles import Role
from tests.factories import make_api, make_user, make_workspace
from tests.rvm.platform.accounts.authenticator import (
    ENROL,
    RECOVERY_CODES,
    WRITE_CODE,
    App,
    Clock,
    enrol,
    enrolled,
    recovery_codes,
)
from tests.rvm.platform.accounts.conftest import PASSWORD, SIGN_IN, sign_in, signed_in

pytestmark = pytest.mark.django_db

AGAIN = "/accounts/reauthenticate/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
# RFC 6238, appendix B, the last six of eight digits; the secret is the ASCII text 12345678901234567890.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    for module in ("authentication", "record", "second_factor.forms", "second_factor.reset"):
        monkeypatch.setattr(f"rvm.platform.accounts.{module}.database_now", stopped)
    return stopped


@pytest.fixture(autouse=True)
def _cheap_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def _required(settings: Any) -> None:
    settings.RVM_REQUIRE_SECOND_FACTOR = True


required = pytest.mark.usefixtures("_required")


def write_code(client: Client, code: str) -> Any:
    return client.post(WRITE_CODE, {"code": code})


def events(user: User) -> list[str]:
    return [each.action for each in AuditEvent.objects.filter(subject_id=user.pk).order_by("id")]


# the codes


@pytest.mark.parametrize(("seconds", "code"), RFC_CODES)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert codes.step_of(RFC_SECRET, code, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


@given(st.integers(min_value=600, max_value=2**32), st.integers(min_value=-300, max_value=300))
def test_a_code_is_right_for_a_clock_that_is_at_most_half_a_minute_wrong(seconds: int, wrong: int) -> None:
    app = App(SECRET, lambda: datetime.fromtimestamp(seconds + wrong, UTC))
    found = codes.step_of(SECRET, app.code(), datetime.fromtimestamp(seconds, UTC))
    near = abs((seconds + wrong) // 30 - seconds // 30) <= 1
    assert found == (seconds + wrong) // 30 if near else found is None or abs(found - seconds // 30) <= 1


# signing in


def test_a_password_alone_does_not_sign_in_who_has_a_second_factor(client: Client, maria: User, clock: Clock) -> None:
    app = enrolled(maria, clock)
    assert sign_in(client)["Location"] == WRITE_CODE
    assert not signed_in(client)
    assert write_code(client, app.code())["Location"] == reverse("admin:index")
    assert signed_in(client)


def test_a_person_arrives_after_the_code_at_the_page_that_was_asked_for(
    client: Client, maria: User, clock: Clock
) -> None:
    app, wanted = enrolled(maria, clock), reverse("admin:campaigns_campaign_changelist")
    sign_in(client, next=wanted)
    assert write_code(client, app.code())["Location"] == wanted


@pytest.mark.parametrize("code", ["wrong", "", "0" * 41, "\u0663\u0663\u0663\u0663\u0663\u0663"])
def test_what_is_no_code_signs_nobody_in(client: Client, maria: User, clock: Clock, code: str) -> None:
    enrolled(maria, clock)
    sign_in(client)
    assert write_code(client, code).status_code == 200
    assert not signed_in(client)


def test_a_code_signs_in_once(client: Client, maria: User, clock: Clock) -> None:
    app = enrolled(maria, clock)
    sign_in(client)
    write_code(client, app.code())
    other = Client()
    sign_in(other)
    assert "was used before" in write_code(other, app.code()).content.decode()
    assert not signed_in(other)
    clock.go()
    write_code(other, app.code())
    assert signed_in(other)


def test_a_code_is_not_accepted_after_a_later_one(maria: User, clock: Clock) -> None:
    app = enrolled(maria, clock)
    assert codes.use(maria, app.code(+30), clock())
    assert not codes.use(maria, app.code(), clock())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "recovery code"])
def test_of_many_processes_that_are_given_one_code_at_once_one_accepts_it(clock: Clock, kind: str) -> None:
    user = make_user()
    code = enrolled(user, clock).code() if kind == "app" else recovery_codes(user)[0]

    def use(_: int) -> bool:
        try:
            return codes.use(user, code, clock()) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as processes:
        assert sum(processes.map(use, range(8))) == 1


def test_the_first_code_is_used_up_by_enrolling(client: Client, maria: User, clock: Clock) -> None:
    sign_in(client)
    app, _ = enrol(client, clock)
    other = Client()
    sign_in(other)
    write_code(other, app.code())
    assert not signed_in(other)


def test_the_code_of_somebody_else_is_wrong(client: Client, maria: User, clock: Clock) -> None:
    enrolled(maria, clock)
    other = enrolled(make_user(), clock)
    assert not codes.use(maria, other.code(), clock())


# tries


def wrong_codes(client: Client, app: App, times: int) -> list[Any]:
    return [write_code(client, app.wrong_code()) for _ in range(times)]


def test_codes_cannot_be_guessed(client: Client, maria: User, clock: Clock) -> None:
    app = enrolled(maria, clock)
    sign_in(client)
    wrong_codes(client, app, 5)
    assert "Try again in 1 minute," in write_code(client, app.code()).content.decode()
    clock.go(61)
    write_code(client, app.code())
    assert signed_in(client)
    failed = [name for name in events(maria) if name in ("user.sign_in_failed", "user.locked_out")]
    assert failed == ["user.sign_in_failed"] * 5 + ["user.locked_out"]


def test_the_right_password_buys_no_more_guesses_at_codes(client: Client, maria: User, clock: Clock) -> None:
    app = enrolled(maria, clock)
    for _ in range(5):
        sign_in(client)
        wrong_codes(client, app, 1)
    sign_in(client)
    assert "Try again in" in write_code(client, app.code()).content.decode()


def test_guesses_from_many_addresses_are_counted_together(maria: User, clock: Clock) -> None:
    app = enrolled(maria, clock)
    for number in range(20):
        guesser = Client(REMOTE_ADDR=f"198.51.100.{number}")
        sign_in(guesser)
        wrong_codes(guesser, app, 1)
    last = Client(REMOTE_ADDR="203.0.113.1")
    sign_in(last)
    assert "Try again in" in write_code(last, app.code()).content.decode()


def test_wrong_recovery_codes_count_as_well(client: Client, maria: User, clock: Clock) -> None:
    enrolled(maria, clock)
    code = recovery_codes(maria)[0]
    sign_in(client)
    for _ in range(5):
        write_code(client, "12345678" if code != "12345678" else "87654321")
    write_code(client, code)
    assert not signed_in(client)


# recovery codes


def test_a_recovery_code_signs_in_once_and_is_on_record(client: Client, maria: User, clock: Clock) -> None:
    enrolled(maria, clock)
    code, *others = recovery_codes(maria)
    sign_in(client)
    write_code(client, code)
    assert signed_in(client)
    used = AuditEvent.objects.get(action="recovery_code.used", subject_id=maria.pk)
    assert (used.actor, used.details) == (maria, {"left": len(others)})
    other = Client()
    sign_in(other)
    write_code(other, code)
    assert not signed_in(other)


def test_recovery_codes_are_shown_once(client: Client, maria: User, clock: Clock) -> None:
    sign_in(client)
    _, page = enrol(client, clock)
    shown = page.context["unused_codes"]
    assert len(set(shown)) == 10
    assert all(code in page.content.decode() for code in shown)
    again = client.get(RECOVERY_CODES).content.decode()
    assert not any(code in again for code in shown)
    assert client.get(f"{RECOVERY_CODES}download/").status_code == 403


def test_recovery_codes_can_be_saved_from_the_page_that_shows_them(client: Client, maria: User, clock: Clock) -> None:
    sign_in(client)
    _, page = enrol(client, clock)
    (saved,) = re.findall(
        r'download="recovery-codes.txt" href="data:text/plain;charset=utf-8,([0-9%A]+)"', page.content.decode()
    )
    assert saved.split("%0A")[:-1] == page.context["unused_codes"]


def test_new_recovery_codes_replace_the_old_ones(client: Client, maria: User, clock: Clock) -> None:
    sign_in(client)
    _, page = enrol(client, clock)
    old = page.context["unused_codes"]
    new = client.post(f"{RECOVERY_CODES}generate/", follow=True).context["unused_codes"]
    assert not codes.use(maria, old[0], clock())
    assert codes.use(maria, new[0], clock())
    assert events(maria).count("recovery_codes.created") == 2


# what is stored


def test_what_codes_are_made_from_is_stored_encrypted_also_while_enrolling(
    client: Client, maria: User, clock: Clock
) -> None:
    sign_in(client)
    secret = client.get(ENROL).context["form"].secret
    kept = [str(each.get_decoded()) for each in Session.objects.all()]
    assert kept
    enrol(client, clock)
    kept += [str(row.data) for row in Authenticator.objects.all()]
    assert not any(secret in each for each in kept)
    app_row = Authenticator.objects.get(user=maria, type="totp")
    assert unseal(app_row.data["secret"])
    assert unseal(app_row.data["secret"]) not in str(kept)


def test_a_secret_opens_for_its_person_only(maria: User, clock: Clock) -> None:
    mallory = make_user()
    app = enrolled(mallory, clock)
    stolen = Authenticator.objects.get(user=mallory).data["secret"]
    renamed = stolen.replace(str(mallory.pk), str(maria.pk))
    for secret in (stolen, renamed, SECRET, ""):
        Authenticator.objects.filter(user=maria).delete()
        Authenticator.objects.bulk_create([_raw(maria, secret)])
        with pytest.raises(Undecryptable):
            codes.use(maria, app.code(), clock())


def _raw(user: User, secret: str) -> Authenticator:
    """As whoever writes the database makes one."""
    row = Authenticator(user=user, type="totp", data={})
    row.data = {"secret": secret}
    return row


def test_a_person_whose_second_factor_cannot_be_read_is_told_what_to_do(
    client: Client, maria: User, clock: Clock
) -> None:
    enrolled(maria, clock)
    sign_in(client)
    Authenticator.objects.filter(user=maria).update(data={"secret": seal(SECRET, uuid7())})
    assert "Ask an administrator to reset it" in write_code(client, "123456").content.decode()


def test_the_qr_code_is_in_the_page_itself(client: Client, maria: User) -> None:
    sign_in(client)
    page = client.get(ENROL).content.decode()
    assert re.findall(r'<img[^>]* src="([^"]{31})', page) == ["data:image/svg+xml;base64,PD94b"]
    loaded = re.findall(r'<(?:img|script|link|iframe)[^>]* (?:src|href)="([^"]*)"', page)
    assert loaded
    assert all(each.startswith(("/static/", "data:")) for each in loaded)


# where it is required


@required
def test_a_person_without_a_second_factor_enrols_before_any_page_is_served(
    client: Client, maria: User, clock: Clock
) -> None:
    wanted = reverse("admin:campaigns_campaign_changelist") + "?state__exact=draft"
    sign_in(client, next=wanted)
    assert client.get(wanted)["Location"] == ENROL
    assert client.post(reverse("admin:campaigns_campaign_add"))["Location"] == ENROL
    _, page = enrol(client, clock)
    assert page.context["onward"] == wanted
    assert client.get(wanted).status_code == 200
    assert events(maria)[-2:] == ["second_factor.enrolled", "recovery_codes.created"]


@required
@pytest.mark.parametrize(
    "path", ["/", "/admin/", "/docs", "/admin/people/", "/accounts/password/change/", "/accounts/2fa/"]
)
def test_every_page_asks_for_it(client: Client, maria: User, path: str) -> None:
    client.force_login(maria)
    assert client.get(path)["Location"] == ENROL


@required
def test_the_page_after_enrolling_is_the_first_page_if_none_was_wanted(
    client: Client, maria: User, clock: Clock
) -> None:
    sign_in(client)
    _, page = enrol(client, clock)
    assert page.context["onward"] == reverse("admin:index")


@required
def test_a_session_without_a_code_of_somebody_who_has_an_app_is_sent_to_sign_in_again(
    client: Client, maria: User, clock: Clock
) -> None:
    enrolled(maria, clock)
    client.force_login(maria)
    assert client.get("/admin/")["Location"] == f"{SIGN_IN}?next=/admin/"
    assert not signed_in(client)


@required
def test_nobody_enrols_another_app_beside_one_in_a_session_without_a_code(
    client: Client, maria: User, clock: Clock
) -> None:
    enrolled(maria, clock)
    client.force_login(maria)
    assert client.get(ENROL)["Location"].startswith(SIGN_IN)


@required
def test_enrolling_long_after_the_password_needs_the_password_again(
    client: Client, maria: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client)
    later = time.time() + 301
    monkeypatch.setattr(time, "time", lambda: later)
    assert client.get(ENROL)["Location"].startswith(AGAIN)
    assert client.post(AGAIN, {"password": PASSWORD, "next": ENROL})["Location"] == ENROL
    assert client.get(ENROL).status_code == 200


@required
def test_who_has_just_taken_up_an_invitation_enrols_without_the_password_again(
    client: Client, workspace: Workspace, clock: Clock
) -> None:
    _, link = invite(workspace, "nora@clinic.example", Role.VIEWER, may_see_numbers=False, actor=make_user())
    client.get(link.removeprefix("http://127.0.0.1:8000"))
    chosen = {"first_name": "Nora", "last_name": "North", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/accounts/invitation/", chosen)["Location"] == reverse("admin:index")
    assert client.get("/admin/")["Location"] == ENROL
    _, page = enrol(client, clock)
    assert page.context["onward"] == "/admin/"


@required
def test_the_api_asks_no_key_for_it_even_beside_a_session(client: Client, maria: User, workspace: Workspace) -> None:
    client.force_login(maria)
    api = make_api(workspace)
    api.client.cookies = client.cookies
    assert api.get("use-cases").status_code == 200


@required
def test_a_person_can_leave_without_enrolling(client: Client, maria: User) -> None:
    sign_in(client)
    client.post("/accounts/logout/")
    assert not signed_in(client)


@required
def test_pages_without_a_session_do_not_depend_on_cookies(client: Client) -> None:
    assert "Cookie" not in client.get("/livez").headers.get("Vary", "")


def test_where_it_is_not_required_nobody_is_asked(client: Client, maria: User) -> None:
    client.force_login(maria)
    assert client.get("/admin/").status_code == 200


# removing and resetting


def test_removing_the_own_one_needs_the_password_again_and_signs_out_elsewhere(
    client: Client, maria: User, clock: Clock
) -> None:
    remove, app = reverse("mfa_deactivate_totp"), enrolled(maria, clock)
    recovery_codes(maria)
    other = Client()
    for each in (client, other):
        sign_in(each)
        write_code(each, app.code())
        clock.go()
    assert client.post(remove)["Location"].startswith(AGAIN)
    assert Authenticator.objects.filter(user=maria).count() == 2
    client.post(AGAIN, {"password": PASSWORD, "next": remove})  # goes on with what was to be done
    assert not Authenticator.objects.filter(user=maria).exists()
    assert client.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302
    assert events(maria)[-1] == "second_factor.removed"


def test_a_code_confirms_as_well_as_the_password(client: Client, maria: User, clock: Clock) -> None:
    app = enrolled(maria, clock)
    sign_in(client)
    write_code(client, app.code())
    again = reverse("mfa_reauthenticate")
    assert client.post(again, {"code": app.code()}).status_code == 200  # used before
    clock.go()
    assert client.post(again, {"code": app.code(), "next": "/admin/"})["Location"] == "/admin/"
    assert client.get(reverse("mfa_deactivate_totp")).status_code == 200


@required
def test_who_removes_the_own_one_enrols_a_new_one_at_once(client: Client, maria: User, clock: Clock) -> None:
    sign_in(client)
    enrol(client, clock)
    client.post(reverse("mfa_deactivate_totp"))
    assert client.get("/admin/")["Location"] == ENROL


def test_the_command_resets_a_lost_one_and_ends_the_sessions(client: Client, maria: User, clock: Clock) -> None:
    app = enrolled(maria, clock)
    recovery_codes(maria)
    sign_in(client)
    write_code(client, app.code())
    call_command("reset_second_factor", "maria")
    assert not Authenticator.objects.filter(user=maria).exists()
    assert client.get("/admin/").status_code == 302
    assert events(maria)[-1] == "second_factor.reset"
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("reset_second_factor", "maria")
    with pytest.raises(CommandError, match="No account"):
        call_command("reset_second_factor", "nobody")


def reset(by: User, user: User) -> int:
    colleague = Client()
    colleague.force_login(by)
    return colleague.post(reverse("admin:platform_user_reset_second_factor", args=[user.pk])).status_code


def administrator(workspace: Workspace, **fields: Any) -> User:
    return make_user(workspace=workspace, role=Role.ADMIN, is_staff=True, **fields)


def test_an_administrator_resets_a_colleagues_lost_one(
    client: Client, maria: User, workspace: Workspace, clock: Clock
) -> None:
    app, ada = enrolled(maria, clock), administrator(workspace)
    sign_in(client)
    write_code(client, app.code())
    page = Client()
    page.force_login(ada)
    address = reverse("admin:platform_user_change", args=[maria.pk])
    assert "Reset the second factor" in page.get(address).content.decode()
    assert reset(ada, maria) == 302
    assert "Reset the second factor" not in page.get(address).content.decode()
    assert client.get("/admin/").status_code == 302
    event = AuditEvent.objects.filter(subject_id=maria.pk).latest("id")
    assert (event.action, event.actor) == ("second_factor.reset", ada)


def test_after_a_reset_codes_may_be_tried_again(
    client: Client, maria: User, workspace: Workspace, clock: Clock, settings: Any
) -> None:
    settings.RVM_REQUIRE_SECOND_FACTOR = True
    app = enrolled(maria, clock)
    sign_in(client)
    wrong_codes(client, app, 5)
    call_command("reset_second_factor", "maria")
    other = Client()
    sign_in(other)
    new, _ = enrol(other, clock)
    clock.go()
    third = Client()
    sign_in(third)
    write_code(third, new.code())
    assert signed_in(third)


def test_nobody_else_resets_it(maria: User, workspace: Workspace, clock: Clock) -> None:
    enrolled(maria, clock)
    elsewhere = make_workspace()
    assert reset(administrator(elsewhere), maria) == 404
    for role in set(Role) - {Role.ADMIN}:
        assert reset(make_user(workspace=workspace, role=role, is_staff=True), maria) == 403
    assert reset(maria, maria) == 403
    assert Authenticator.objects.filter(user=maria).exists()


def test_of_people_of_other_workspaces_too_and_of_superusers_only_a_superuser_does(
    maria: User, workspace: Workspace, clock: Clock
) -> None:
    ada, root = administrator(workspace), make_user(is_superuser=True, is_staff=True)
    boss = administrator(workspace, is_superuser=True)
    Membership.objects.create(workspace=make_workspace(), user=maria)
    for user in (maria, boss):
        enrolled(user, clock)
        assert reset(ada, user) == 403
        assert Authenticator.objects.filter(user=user).exists()
        assert reset(root, user) == 302
        assert not Authenticator.objects.filter(user=user).exists()
