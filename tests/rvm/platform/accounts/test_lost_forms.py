"""A form that arrives after the session has ended brings its person back and says that nothing was saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from rvm.platform.accounts.lost_forms import ENTER_AGAIN, LOST
from rvm.platform.models import ApiKey, Session, User
from tests.rvm.platform.accounts.conftest import PASSWORD, SIGN_IN

pytestmark = pytest.mark.django_db

FORM = "/admin/platform/apikey/add/?workspace=1"


def send(client: Client, referer: str = f"http://testserver{FORM}", path: str = FORM) -> Any:
    return client.post(path, {"name": "nightly"}, headers={"Referer": referer}, follow=True)


@pytest.fixture
def ended(client: Client, maria: User) -> Client:
    client.force_login(maria)
    Session.objects.all().delete()
    return client


def sign_in_there(client: Client, page: Any) -> Any:
    form = {"login": "maria", "password": PASSWORD, "next": page.context["redirect_field_value"]}
    return client.post(SIGN_IN, form)


def test_the_person_signs_in_and_is_back_on_the_page_of_the_form_which_says_what_was_lost(ended: Client) -> None:
    page = send(ended)
    assert LOST in page.content.decode()
    back = sign_in_there(ended, page)
    assert back["Location"] == FORM
    assert ENTER_AGAIN in [str(message) for message in get_messages(ended.get("/admin/").wsgi_request)]
    assert not ApiKey.objects.exists()


def test_a_form_without_a_page_of_its_own_leads_back_to_where_its_button_was(ended: Client) -> None:
    there = reverse("admin:platform_apikey_changelist")
    page = send(ended, f"https://rvm.example.org{there}", f"/admin/platform/apikey/{ApiKey().pk}/revoke/")
    assert page.context["redirect_field_value"] == there


@pytest.mark.parametrize("referer", ["", "https://evil.example/x", "https://evil.example//admin/", "//evil.example"])
def test_nobody_is_led_to_another_site(ended: Client, referer: str) -> None:
    assert send(ended, referer).context["redirect_field_value"] == "/admin/"


def test_a_page_that_is_only_read_loses_nothing(ended: Client) -> None:
    page = ended.get("/admin/", follow=True)
    assert LOST not in page.content.decode()
    sign_in_there(ended, page)
    assert ENTER_AGAIN not in ended.get("/admin/").content.decode()


def test_it_is_told_once(ended: Client) -> None:
    sign_in_there(ended, send(ended))
    assert ENTER_AGAIN in ended.get("/admin/").content.decode()
    assert ENTER_AGAIN not in ended.get("/admin/").content.decode()
