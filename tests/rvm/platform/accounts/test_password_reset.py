"""A forgotten password is replaced by its owner, by e-mail; nobody learns from it whether an account exists."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from rvm.platform.models import AuditEvent, Session, User
from tests.factories import make_user
from tests.rvm.platform.accounts.conftest import PASSWORD, let_in, sign_in, signed_in, tries

pytestmark = pytest.mark.django_db

RESET = "/accounts/password/reset/"
CHOSEN = "quite-another-word-now"
HOME = "192.0.2.7"


def ask(client: Client, email: str = "maria@clinic.example") -> Any:
    return client.post(RESET, {"email": email})


def link(message: Any) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/accounts/password/reset/key/\S+)", message.body)
    assert found
    return found[1]


def choose(client: Client, path: str, password: str = CHOSEN) -> Any:
    page = client.get(path, follow=True)
    return client.post(page.request["PATH_INFO"], {"password1": password, "password2": password})


def test_a_person_chooses_a_new_password_by_the_link_in_a_message(client: Client, maria: User) -> None:
    assert ask(client)["Location"] == reverse("account_reset_password_done")
    [message] = mail.outbox
    assert message.to == ["maria@clinic.example"] and "maria" in message.body
    assert choose(client, link(message)).status_code == 302
    assert not signed_in(client)
    assert let_in(HOME, password=CHOSEN) and not let_in(HOME, password=PASSWORD)
    assert AuditEvent.objects.filter(action="user.password_reset", actor=maria).count() == 1


def test_the_link_has_the_public_address_whatever_host_was_asked(client: Client, maria: User, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    client.post(RESET, {"email": "maria@clinic.example"}, HTTP_HOST="evil.example")
    assert "evil.example" not in mail.outbox[0].body.split("\n\n")[1]
    assert link(mail.outbox[0])


def test_a_link_is_in_no_log(client: Client, maria: User, caplog: pytest.LogCaptureFixture) -> None:
    ask(client)
    path = link(mail.outbox[0])
    caplog.clear()
    client.get(path)
    assert "/accounts/password/reset/key/" in caplog.text and path not in caplog.text


def test_a_link_works_once(client: Client, maria: User) -> None:
    ask(client)
    choose(client, link(mail.outbox[0]))
    page = Client().get(link(mail.outbox[0]), follow=True)
    assert "This link is no longer valid" in page.content.decode()


def test_a_new_password_ends_a_lock_out_and_all_sessions(client: Client, maria: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(maria)
    for _ in range(6):
        tries(HOME, password="wrong")
    ask(client)
    choose(client, link(mail.outbox[0]))
    assert let_in(HOME, password=CHOSEN)
    assert elsewhere.get("/admin/").status_code == 302


def test_after_it_an_attack_from_elsewhere_does_not_keep_the_person_out(maria: User) -> None:
    client = Client(REMOTE_ADDR=HOME)
    ask(client)
    choose(client, link(mail.outbox[0]))
    for number in range(30):
        tries(f"198.51.100.{number}", password="wrong")
    assert let_in(HOME, password=CHOSEN)


@pytest.mark.parametrize("email", ["nobody@clinic.example", "off@clinic.example", "robot@clinic.example"])
def test_an_address_without_an_account_gets_the_same_page_and_a_message_too(client: Client, email: str) -> None:
    make_user(username="off", email="off@clinic.example", is_active=False)
    make_user(username="maria", email="maria@clinic.example")
    known, unknown = ask(client), ask(client, email)
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [message.to for message in mail.outbox] == [["maria@clinic.example"], [email]]
    assert "key/" not in mail.outbox[1].body


def test_a_mailbox_is_not_filled_and_the_page_does_not_say_so(client: Client, maria: User) -> None:
    answers = [ask(client).status_code for _ in range(8)]
    assert answers == [302] * 8
    assert len(mail.outbox) == 3


def test_a_network_that_asks_too_often_is_told_to_wait(client: Client) -> None:
    answers = [ask(client, f"person{number}@clinic.example").status_code for number in range(22)]
    assert answers == [302] * 20 + [200] * 2


def test_without_a_server_of_email_the_page_says_whom_to_ask(client: Client, maria: User, settings: Any) -> None:
    settings.RVM_SENDS_EMAIL = False
    assert "Ask an administrator of your workspace" in client.get(RESET).content.decode()
    assert "sends no e-mail" in str(ask(client).context["form"].errors)
    assert not mail.outbox


def test_a_server_that_does_not_answer_is_told(client: Client, maria: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise TimeoutError

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", away)
    assert "could not be sent" in str(ask(client).context["form"].errors)


def test_a_person_learns_of_a_changed_password(client: Client, maria: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(client)
    choose(client, link(mail.outbox[0]))
    assert "password" in mail.outbox[1].subject.lower()
    assert "tell an administrator" in mail.outbox[1].body


def test_too_simple_a_password_is_refused(client: Client, maria: User) -> None:
    ask(client)
    assert choose(client, link(mail.outbox[0]), "password1234").status_code == 200
    sign_in(client, password=PASSWORD)
    assert signed_in(client)


def test_a_link_ends_after_a_day(client: Client, maria: User, settings: Any) -> None:
    assert timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT) == timedelta(days=1)
    ask(client)
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "no longer valid" in client.get(link(mail.outbox[0]), follow=True).content.decode()
    assert not Session.objects.filter(user=maria).exists()
