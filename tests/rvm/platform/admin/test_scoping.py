"""Whatever table it is: another workspace's row is not found, and a role gives its rights and no more."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import ForeignKey
from django.test import Client, RequestFactory

from rvm.platform.admin.scoping import ScopedModelAdmin
from rvm.platform.models import DatabaseIdentity, Heartbeat, Organisation, Tally, User, Workspace
from rvm.platform.roles import Role
from tests.factories import make_user, make_workspace
from tests.rvm.platform.admin.every_row import make_every_row
from tests.rvm.platform.admin.test_every_table import REGISTERED, address
from usecases.models import InboundMessage, InboundSecret, StateFreeze

pytestmark = pytest.mark.django_db

every_table = pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label_lower)
# The platform's own tables have no workspace.
OF_THE_PLATFORM = (DatabaseIdentity, Heartbeat, InboundMessage, InboundSecret, Organisation, StateFreeze, Tally)
OWN_ROWS = [model for model in REGISTERED if model not in OF_THE_PLATFORM]


def asking(user: User) -> Any:
    request = RequestFactory().get("/")
    request.user = user
    return request


def scoped(model: Any) -> ScopedModelAdmin:
    found = admin.site._registry[model]
    assert isinstance(found, ScopedModelAdmin)
    return found


def staff(workspace: Workspace, role: Role = Role.ADMIN) -> User:
    return make_user(workspace=workspace, role=role, is_staff=True, password=None)  # hashing one is slow


@every_table
def test_another_workspaces_row_is_not_found(model: Any, client: Client) -> None:
    theirs = make_every_row(make_workspace())[model]
    client.force_login(staff(make_workspace()))
    pages = [address(model, page, theirs.pk) for page in ("change", "delete", "history")]
    assert {client.get(page).status_code for page in pages} == {404}
    listed = client.get(address(model, "changelist"))
    assert listed.status_code == (403 if model in OF_THE_PLATFORM else 200)
    assert pages[0] not in listed.content.decode()


@pytest.mark.parametrize("model", OWN_ROWS, ids=lambda model: model._meta.label_lower)
def test_a_list_has_the_rows_of_ones_own_workspaces_only(model: Any, client: Client) -> None:
    mine, theirs = make_every_row(make_workspace())[model], make_every_row(make_workspace())[model]
    workspace_id = scoped(model).workspace_id(mine) or make_workspace().pk
    member = staff(Workspace.objects.get(pk=workspace_id)) if model is not User else staff(mine.workspaces.get())
    found = set(scoped(model).get_queryset(asking(member)))
    assert mine in found
    assert theirs not in found


@every_table
def test_a_person_without_memberships_sees_nothing(model: Any) -> None:
    make_every_row(make_workspace())
    request = asking(make_user(is_staff=True, password=None))
    assert not scoped(model).has_module_permission(request)
    assert not scoped(model).get_queryset(request).exists()


@every_table
def test_a_viewer_changes_nothing(model: Any) -> None:
    workspace = make_workspace()
    row, request, table = make_every_row(workspace)[model], asking(staff(workspace, Role.VIEWER)), scoped(model)
    assert not table.has_add_permission(request)
    assert not table.has_change_permission(request, row)
    assert not table.has_delete_permission(request, row)
    assert "delete_selected" not in table.get_actions(request)


@every_table
def test_an_administrator_of_one_workspace_is_nobody_in_another(model: Any) -> None:
    theirs = make_every_row(make_workspace())[model]
    request, table = asking(staff(make_workspace())), scoped(model)
    assert not table.has_view_permission(request, theirs)
    assert not table.has_change_permission(request, theirs)
    assert not table.has_delete_permission(request, theirs)


@every_table
def test_forms_and_filters_offer_nothing_of_another_workspace(model: Any) -> None:
    make_every_row(make_workspace())
    request, table = asking(staff(make_workspace())), scoped(model)
    own = {request.user.pk, *request.user.workspaces.values_list("pk", flat=True)}
    for field in model._meta.concrete_fields:
        if isinstance(field, ForeignKey):
            offered = table.formfield_for_foreignkey(field, request).queryset
            assert set(offered.values_list("pk", flat=True)) <= own, field.name


@pytest.mark.parametrize("field", ["setup", "assignments", "e164", "no_such_field", ""])
def test_completion_is_closed(field: str, client: Client) -> None:
    """No form of ours asks for it, and Django's view answers about any foreign key of any table."""
    client.force_login(staff(make_workspace()))
    query = {"app_label": "usecases", "model_name": "phonenumber", "field_name": field, "term": ""}
    assert client.get("/admin/autocomplete/", query).status_code == 404


@pytest.mark.parametrize(("role", "may"), [(Role.VIEWER, False), (Role.LAUNCHER, False), (Role.ADMIN, True)])
def test_the_role_decides_what_may_be_changed(role: Role, may: bool) -> None:
    workspace = make_workspace()
    rows = make_every_row(workspace)
    request = asking(staff(workspace, role))
    named = {model.__name__: model for model in REGISTERED}
    for name in ("TelephonySetup", "UseCase", "Membership", "Workspace"):
        assert scoped(named[name]).has_change_permission(request, rows[named[name]]) is may, name
    for name in ("ApiKey", "PhoneNumber", "UseCase", "TelephonySetup"):
        assert scoped(named[name]).has_add_permission(request) is may, name
    for name in ("Recording", "Suppression"):
        assert scoped(named[name]).has_add_permission(request) is (role is not Role.VIEWER), name
