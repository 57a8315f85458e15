"""A list of the admin is asked only what its page offers: no filter, order or search reaches a column that nobody is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.db import models
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse

from rvm.platform.encryption.tokens import digest_of
from rvm.platform.models import User, Workspace
from rvm.platform.roles import Role
from tests.factories import fixed_token, make_setup, make_user, make_workspace
from tests.rvm.platform.admin.every_row import make_every_row
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db

LOOKUPS = ("", "__exact", "__regex", "__startswith", "__gt", "__in", "__isnull")
# Of a table one step away, and of one two steps away.
OF_OTHER_TABLES = (("__regex", "__startswith"), ("__startswith",))
REGISTERED = pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda model: model._meta.label_lower)


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace()


@pytest.fixture
def everybody(workspace: Workspace) -> User:
    """Who may look at every list."""
    return make_user(workspace=workspace, is_staff=True, is_superuser=True, password=None)


def asked(user: User, /, **query: Any) -> HttpRequest:
    request = RequestFactory().get("/admin/", query)
    request.user = user
    return request


def columns(model: type[models.Model], path: str = "", depth: int = 1) -> Iterator[str]:
    """The model's columns, those of the tables that it names and of those that name it, as filters call them."""
    for field in model._meta.get_fields():
        if field.is_relation and depth and isinstance(field.related_model, type):
            yield from columns(field.related_model, f"{path}{field.name}__", depth - 1)
        if field.concrete:
            yield path + field.name


def is_secret(model: type[models.Model], path: str) -> bool:
    """What is encrypted, hashed or indexed, and what opens something."""
    for name in path.split("__"):
        field: Any = model._meta.get_field(name)
        model = field.related_model
    return isinstance(field, models.BinaryField) or field.name == "password"


def test_the_secrets_are_known_as_such() -> None:
    assert is_secret(TelephonySetup, "callback_secrets__digest") and is_secret(TelephonySetup, "credentials")
    assert not is_secret(TelephonySetup, "name")


@REGISTERED
def test_a_list_refuses_every_filter_that_its_page_does_not_offer(
    model: Any, everybody: User, workspace: Workspace
) -> None:
    for place in (workspace, make_workspace()):  # a filter that has nothing to choose from is no filter
        make_every_row(place)
    own = admin.site._registry[model]
    page = own.get_changelist_instance(asked(everybody))
    offered = {name for spec in page.filter_specs for name in spec.expected_parameters()}
    # Parameters of the filters' own, whatever a column is called.
    named = {entry.parameter_name for entry in own.list_filter if hasattr(entry, "parameter_name")}
    for column in {*columns(model, depth=2), "pk"}:
        steps = column.count("__")
        for name in (column + lookup for lookup in (OF_OTHER_TABLES[steps - 1] if steps else LOOKUPS)):
            if name in named:
                continue
            if name in offered:
                assert not is_secret(model, column), name
                continue
            with pytest.raises((DisallowedModelAdminLookup, IncorrectLookupParameters)):
                own.get_changelist_instance(asked(everybody, **{name: "1"}))


@REGISTERED
def test_a_list_is_ordered_and_searched_by_no_secret(model: Any, everybody: User) -> None:
    own = admin.site._registry[model]
    request = asked(everybody)
    shown = own.get_list_display(request)
    for place in range(len(shown) + 2):
        for sign in ("", "-"):
            page = own.get_changelist_instance(asked(everybody, o=f"{sign}{place}"))
            for name in page.queryset.query.order_by:
                path = str(name).lstrip("-")
                assert path == "pk" or not is_secret(model, path), (place, path)
    assert [path for path in own.get_search_fields(request) if is_secret(model, path.lstrip("=^@"))] == []


@pytest.fixture
def setup(workspace: Workspace) -> TelephonySetup:
    return make_setup(workspace)


@pytest.fixture
def viewer(workspace: Workspace) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make_user(workspace=workspace, role=Role.VIEWER, is_staff=True, password=None))
    return client


SETUPS = "/admin/usecases/telephonysetup/"


@pytest.mark.parametrize(
    "name",
    [
        *(f"callback_secrets__digest{lookup}" for lookup in LOOKUPS),
        "credentials__contains",
        "use_cases__setup__callback_secrets__digest__regex",
        "phone_numbers__setup__callback_secrets__key",
        "workspace__api_keys__digest__gt",
        "workspace__members__password__startswith",
    ],
)
def test_right_and_wrong_guesses_look_alike(name: str, viewer: Client, setup: TelephonySetup) -> None:
    token = fixed_token(setup)
    guesses = (token, digest_of(token).hex()[:4], "^#", "")
    answers = [
        viewer.get(SETUPS, {name: guess, **more}) for guess in guesses for more in ({}, {"e": "1"}, {"_popup": "1"})
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    "query", [{"e": "1"}, {"_popup": "1"}, {"_facets": "1"}, {"o": "99.-99"}, {"q": "%"}, {"p": "x"}]
)
def test_what_leads_nowhere_shows_the_list(query: dict[str, str], viewer: Client, setup: TelephonySetup) -> None:
    answer = viewer.get(SETUPS, query)
    assert answer.status_code == 200


def test_no_row_is_found_by_a_secret_in_place_of_its_id(viewer: Client, setup: TelephonySetup) -> None:
    for guess in (fixed_token(setup), "x"):
        for path in (SETUPS, f"{SETUPS}{guess}/change/"):
            assert viewer.get(path, {"_to_field": "callback_secrets"}).status_code == 400


@REGISTERED
def test_no_row_is_found_by_another_column_than_its_id(model: Any, everybody: User, workspace: Workspace) -> None:
    """Django's popups may name a row by any column that a foreign key points to."""
    row, client = make_every_row(workspace)[model], Client(raise_request_exception=False)
    client.force_login(everybody)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    for field in model._meta.concrete_fields:
        if field.primary_key:
            continue
        query = {"_to_field": field.name, "_popup": "1"}
        for page in (reverse(f"{name}_changelist"), reverse(f"{name}_add")):
            assert client.get(page, query).status_code in (400, 403), (page, field.name)
        value = quote(str(getattr(row, field.attname)), safe="") or "x"
        if value == str(row.pk):  # a campaign's lane has the campaign's own id
            continue
        found = client.get(f"{reverse(f'{name}_changelist')}{value}/change/", query)
        assert found.status_code != 200, (field.name, value)


def test_the_filters_of_the_page_work(everybody: User, setup: TelephonySetup, workspace: Workspace) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(everybody)
    for kept in (workspace, make_workspace()):
        answer = client.get(SETUPS, {"workspace__id__exact": str(kept.pk)})
        assert answer.status_code == 200
        assert (setup.name in answer.content.decode()) == (kept == workspace)
    for path in ("/admin/delivery/voicemail/", "/admin/delivery/voicemail/export/"):
        assert client.get(path, {"status": "failed", "created_at_from": "2026-01-01"}).status_code == 200
        assert client.get(path, {"recipient_index__gt": "a"}).status_code == 400
