"""People sign in on one page, wherever they come from, and arrive where they wanted to go."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client
from django.urls import reverse

from rvm.platform.models import User
from tests.factories import make_user
from tests.rvm.platform.accounts.conftest import PASSWORD, SIGN_IN, sign_in, signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["maria", "Maria", "maria@clinic.example", "MARIA@clinic.example"])
def test_a_person_signs_in_by_username_or_by_email_address(client: Client, maria: User, name: str) -> None:
    assert sign_in(client, name)["Location"] == reverse("admin:index")
    assert signed_in(client)


@pytest.mark.parametrize("bookmark", ["/", "/admin/login/", SIGN_IN])
def test_signing_in_at_a_bookmark_ends_at_the_home_page(client: Client, maria: User, bookmark: str) -> None:
    page = client.get(bookmark, follow=True)
    form = {"login": "maria", "password": PASSWORD, "next": page.context["redirect_field_value"] or ""}
    arrived = client.post(SIGN_IN, form, follow=True)
    assert (arrived.status_code, arrived.request["PATH_INFO"]) == (200, reverse("admin:index"))


def test_a_person_arrives_at_the_page_that_was_asked_for(client: Client, maria: User) -> None:
    asked = reverse("admin:campaigns_campaign_changelist") + "?state__exact=draft"
    page = client.get(asked, follow=True)
    assert page.request["PATH_INFO"] == SIGN_IN
    assert sign_in(client, next=page.context["redirect_field_value"])["Location"] == asked


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_no_sign_in_leads_to_another_site(client: Client, maria: User, elsewhere: str) -> None:
    assert sign_in(client, next=elsewhere)["Location"] == reverse("admin:index")


def test_the_service_user_of_a_key_cannot_sign_in_even_with_a_password(client: Client) -> None:
    make_user(username="robot", password=PASSWORD, is_staff=True, is_service=True)
    assert sign_in(client, "robot").status_code == 200
    assert not signed_in(client)


@pytest.mark.parametrize("fields", [{"is_active": False}, {"is_service": True}])
def test_an_account_that_may_not_sign_in_is_answered_as_an_unknown_one(client: Client, fields: Any) -> None:
    make_user(username="maria", password=PASSWORD, **fields)
    assert errors(sign_in(client)) == errors(sign_in(client, "nobody"))


def test_an_unknown_name_costs_as_many_hashes_as_a_known_one(
    client: Client, maria: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = []
    encode = PBKDF2PasswordHasher.encode
    monkeypatch.setattr(
        PBKDF2PasswordHasher, "encode", lambda *given, **more: hashes.append(1) or encode(*given, **more)
    )
    costs = []
    for name in ("maria", "maria@clinic.example", "nobody", "nobody@clinic.example"):
        hashes.clear()
        assert not signed_in_by(client, name)
        costs.append(len(hashes))
    assert costs == [1, 1, 1, 1]


def test_two_accounts_with_one_email_address_are_signed_in_by_their_usernames_only(client: Client, maria: User) -> None:
    make_user(username="mario", email="maria@clinic.example", password="another-password")
    assert not signed_in_by(client, "maria@clinic.example", PASSWORD)
    assert signed_in_by(client, "maria", PASSWORD)


def test_nobody_signs_up_or_changes_an_address(client: Client, maria: User) -> None:
    for name in ("account_signup", "account_email"):
        assert client.get(reverse(name)).status_code == 404
    client.force_login(maria)
    assert client.post(reverse("account_email"), {"email": "x@evil.example", "action_add": ""}).status_code == 404


def test_signing_out_of_the_admin_leads_to_the_sign_in_page(client: Client, maria: User) -> None:
    client.force_login(maria)
    assert client.post(reverse("admin:logout"))["Location"] == SIGN_IN
    assert not signed_in(client)


def test_a_form_sent_from_the_public_address_is_trusted_behind_a_proxy_on_another_port(
    maria: User, settings: Any
) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get(SIGN_IN)
    form = {"login": "maria", "password": PASSWORD, "csrfmiddlewaretoken": page.context["csrf_token"]}
    public = {"HTTP_HOST": "127.0.0.1:9000", "HTTP_ORIGIN": settings.RVM_PUBLIC_URL}
    assert settings.RVM_PUBLIC_URL == "http://127.0.0.1:8000"
    assert client.post(SIGN_IN, form, **public).status_code == 302
    assert client.post(SIGN_IN, form, **{**public, "HTTP_ORIGIN": "http://127.0.0.1:6666"}).status_code == 403


def signed_in_by(client: Client, name: str, password: str = f"not {PASSWORD}") -> bool:
    client.logout()
    sign_in(client, name, password)
    return signed_in(client)


def errors(page: Any) -> Any:
    return page.status_code, page.context["form"].errors
