"""A workspace always belongs to an organisation: the one that is named, or one of its own."""

from __future__ import annotations

import pytest
from django.test import Client

from rvm.platform.models import AuditEvent, Organisation, Workspace
from rvm.platform.roles import Role
from tests.factories import make_user, make_workspace
from usecases.models import Suppression
from usecases.suppressions import is_suppressed, suppress

pytestmark = pytest.mark.django_db


def test_a_workspace_that_names_no_organisation_gets_one_of_its_own_name() -> None:
    workspace = Workspace.objects.create(name="Elm Street Clinic", slug="elm-street")
    assert (workspace.organisation.name, workspace.organisation.slug) == ("Elm Street Clinic", "elm-street")


def test_two_workspaces_may_belong_to_one_organisation() -> None:
    first = make_workspace()
    second = make_workspace(organisation=first.organisation)
    assert set(first.organisation.workspaces.all()) == {first, second}


def test_a_taken_address_does_not_stop_a_new_workspace() -> None:
    Organisation.objects.create(name="Elm", slug="elm-street")
    workspace = Workspace.objects.create(name="Elm Street Clinic", slug="elm-street")
    assert workspace.organisation.slug == f"elm-street-{workspace.pk.hex}"


def test_saving_a_workspace_again_makes_no_other_organisation() -> None:
    workspace = make_workspace()
    workspace.save()
    assert Organisation.objects.filter(workspaces=workspace).count() == 1


@pytest.mark.parametrize("named", [True, False])
def test_the_operator_of_the_platform_adds_a_workspace_to_an_organisation(client: Client, named: bool) -> None:
    organisation = Organisation.objects.create(name="Elm Health", slug="elm-health")
    client.force_login(make_user(is_staff=True, is_superuser=True, password=None))
    typed = {"name": "Elm East", "slug": "elm-east", "organisation": organisation.pk if named else "", "countries": ""}
    answer = client.post("/admin/platform/workspace/add/", typed)
    assert answer.status_code == 302
    assert Workspace.objects.get(slug="elm-east").organisation.name == ("Elm Health" if named else "Elm East")


def test_the_operator_of_the_platform_moves_a_workspace_which_gets_what_was_said_before(client: Client) -> None:
    workspace, other = make_workspace(), make_workspace()
    suppress(workspace_id=other.pk, number="+12025550142", source=Suppression.Source.PERSON)
    client.force_login(make_user(is_staff=True, is_superuser=True, password=None))
    typed = {"name": workspace.name, "organisation": other.organisation_id, "countries": "", "area_codes": ""}
    assert client.post(f"/admin/platform/workspace/{workspace.pk}/change/", typed).status_code == 302
    workspace.refresh_from_db()
    assert workspace.organisation == other.organisation
    assert is_suppressed(workspace.pk, "+12025550142")
    event = AuditEvent.objects.get(action="workspace.updated")
    before, after = event.details["changes"]["organisation"]
    assert before != after == str(other.organisation_id)


def test_an_administrator_of_a_workspace_sees_its_organisation_and_cannot_change_it(client: Client) -> None:
    workspace, other = make_workspace(), make_workspace()
    client.force_login(make_user(workspace=workspace, role=Role.ADMIN, is_staff=True, password=None))
    address = f"/admin/platform/workspace/{workspace.pk}/change/"
    page = client.get(address)
    assert workspace.organisation.name in page.content.decode()
    assert f"/opt-out/{workspace.organisation.slug}" in page.content.decode()
    client.post(address, {"name": "Renamed", "organisation": other.organisation_id, "area_codes": ""})
    before = workspace.organisation_id
    workspace.refresh_from_db()
    assert (workspace.name, workspace.organisation_id) == ("Renamed", before)
