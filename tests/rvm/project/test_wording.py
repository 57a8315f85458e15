"""The desk speaks in people's words: no name of code, no id for a name, and each empty list says what it is for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse

from rvm.platform.models import Workspace
from rvm.project.navigation import UNFOLD
from rvm.project.purposes import PURPOSES
from tests.factories import make_user, make_workspace
from tests.rvm.platform.admin.every_row import make_every_row
from tests.rvm.project.access.routes import ADMIN
from tests.rvm.project.access.world import OURS, make_world, person, signed_in

pytestmark = pytest.mark.django_db

TABLES = [model for model in admin.site._registry if model._meta.app_label in OURS]
an_id = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}")
# What people at a front desk do not say.
FOREIGN = re.compile(
    r" object \(|yielded|quality time|\bdrops?\b|\blanes?\b|\bbreaker\b|in hex\b|post-back|horizon|\bkey-0|\buuid\b",
    re.IGNORECASE,
)
# Right where it stands: the name of a carrier.
NAMES = re.compile("Drop Cowboy")


class Reader(HTMLParser):
    """What is read on a page, and what its heading and title say."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.heading: list[str] = []
        self._within: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in ("input", "br", "link", "meta", "img", "hr", "path", "source"):
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while tag in self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if {"script", "style", "template"} & set(self._within) or not data.strip():
            return
        self.texts.append(" ".join(data.split()))
        if {"h1", "title"} & set(self._within):
            self.heading.append(data)


def pages(share: int) -> Iterator[tuple[str, Reader]]:
    world = make_world()
    reader = person(world, is_superuser=True, may_see_numbers=True)
    client = signed_in(reader)
    for route in ADMIN[share::4]:
        answer = client.get(world.addresses(route, reader)[0])
        if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
            yield route.address, Reader(answer.content.decode())


@pytest.mark.parametrize("share", range(4))
def test_no_page_speaks_in_the_words_of_code(share: int) -> None:
    read = list(pages(share))
    assert {
        (address, text) for address, page in read for text in page.texts if FOREIGN.search(NAMES.sub("", text))
    } == set()
    assert {(address, text) for address, page in read for text in page.heading if an_id.search(text)} == set()


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model._meta.label_lower)
def test_a_row_has_a_name(model: type[models.Model]) -> None:
    name = str(make_every_row(make_workspace())[model])
    assert name and "object (" not in name and not an_id.search(name)


def test_the_navigation_calls_each_list_as_its_page_does() -> None:
    for item in (item for group in UNFOLD["SIDEBAR"]["navigation"] for item in group["items"]):
        model = next((each for each in TABLES if str(item["link"]) == list_of(each)), None)
        if model is not None:
            plural = str(model._meta.verbose_name_plural)
            assert item["title"] == plural[0].upper() + plural[1:]


def test_the_first_part_of_a_heading_is_a_group_of_the_navigation() -> None:
    groups = {group["title"] for group in UNFOLD["SIDEBAR"]["navigation"]}
    assert {str(apps.get_app_config(label).verbose_name) for label in OURS} <= groups


def list_of(model: type[models.Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def test_each_list_has_a_purpose() -> None:
    assert set(PURPOSES) == {model._meta.label_lower for model in TABLES}


def test_an_empty_list_says_what_it_is_for_and_what_to_do_first(client: Client, workspace: Workspace) -> None:
    client.force_login(make_user(workspace=workspace, is_staff=True, is_superuser=True, password=None))
    for model in TABLES:
        answer = client.get(list_of(model))
        if not answer.context["cl"].result_count:
            assert PURPOSES[model._meta.label_lower] in " ".join(Reader(answer.content.decode()).texts)
    filtered = client.get(list_of(apps.get_model("usecases", "usecase")), {"q": "nothing"}).content.decode()
    assert "No use case fits what is searched or filtered for." in filtered
