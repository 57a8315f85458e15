"""Consents in the admin: recorded, filtered, searched, revoked and exported."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from rvm.platform.admin.exact_search import encrypt_term
from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.roles import Role
from tests.factories import RECIPIENT, make_consent, make_user, make_workspace
from usecases.models import Consent, Suppression

pytestmark = pytest.mark.django_db
LIST, ADD, EXPORT = (reverse(f"admin:usecases_consent_{name}") for name in ("changelist", "add", "export"))
OTHER = "+12025550143"


def logged_in(workspace: Workspace, role: Role = Role.LAUNCHER, **fields: Any) -> Client:
    client = Client()
    client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None, **fields))
    return client


def address(row: Consent, name: str = "change") -> str:
    return reverse(f"admin:usecases_consent_{name}", args=[row.pk])


def wanted(client: Client, **query: Any) -> set[Any]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200, answer.get("Location")
    return {row.pk for row in answer.context["cl"].result_list}


def form(workspace: Workspace, **changes: Any) -> dict[str, Any]:
    return {
        "workspace": workspace.pk,
        "phone_number": "(202) 555-0142",
        "purposes": ["appointment"],
        "basis": "express_consent",
        "source": "signed form",
        "at": "2026-03-02T15:00:00",
        "evidence": "Form 12 in her chart.",
        **changes,
    }


def test_a_consent_is_recorded_and_its_page_says_who_and_shows_evidence_to_who_may_see_numbers(
    workspace: Workspace,
) -> None:
    operator, viewer = logged_in(workspace, username="olive"), logged_in(workspace, may_see_numbers=True)
    answer = operator.post(ADD, form(workspace))
    assert answer.status_code == 302, answer.context["errors"]
    row = Consent.objects.get()
    assert (row.number, row.purposes, row.evidence) == (RECIPIENT, ["appointment"], "Form 12 in her chart.")
    assert row.created_by is not None and row.created_by.username == "olive"
    masked, full = (client.get(address(row)).content.decode() for client in (operator, viewer))
    assert "olive" in masked and "Appointment reminder" in masked
    assert "Form 12" not in masked and RECIPIENT not in masked
    assert "Form 12" in full and RECIPIENT in full
    assert AuditEvent.objects.filter(action="consent.read").count() == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"phone_number": "12"}, "phone_number"),
        ({"purposes": []}, "purposes"),
        ({"purposes": ["marketing"]}, "basis"),
        ({"at": "2999-01-01T00:00:00"}, "at"),
        ({"expires_at": "2026-03-03T00:00:00"}, "expires_at"),
        ({"evidence": ""}, "evidence"),
    ],
)
def test_what_is_wrong_stands_at_its_field(workspace: Workspace, changes: dict[str, Any], field: str) -> None:
    answer = logged_in(workspace).post(ADD, form(workspace, **changes))
    assert list(answer.context["adminform"].form.errors) == [field]
    assert not Consent.objects.exists()


def test_the_list_is_filtered_and_searched_by_number(workspace: Workspace) -> None:
    client = logged_in(workspace)
    make_consent(make_workspace())
    standing = make_consent(workspace)
    expired = make_consent(workspace, OTHER, purposes=["wellness"], expires_at=database_now())
    revoked = make_consent(workspace, OTHER)
    make_consent(workspace, OTHER, revokes=revoked)
    assert wanted(client) == {standing.pk, expired.pk, revoked.pk}
    assert wanted(client, state="standing") == {standing.pk}
    assert wanted(client, state="ended") == {expired.pk, revoked.pk}
    assert wanted(client, purpose="wellness") == {expired.pk}
    assert wanted(client, number=encrypt_term(RECIPIENT)) == {standing.pk}
    found = client.post(reverse("admin:usecases_consent_find"), {"sought": "202 555 0143"})
    assert found.status_code == 302 and OTHER[1:] not in found["Location"]
    assert {row.pk for row in client.get(found["Location"]).context["cl"].result_list} == {expired.pk, revoked.pk}


def test_a_consent_is_revoked_by_a_post_with_how_it_was_said(workspace: Workspace) -> None:
    row = make_consent(workspace)
    operator, viewer = logged_in(workspace, username="olive"), logged_in(workspace, Role.VIEWER)
    assert 'id="revoke"' in operator.get(address(row)).content.decode()
    assert 'id="revoke"' not in viewer.get(address(row)).content.decode()
    assert operator.get(address(row, "revoke")).status_code == 405
    assert viewer.post(address(row, "revoke"), {"sure": "yes", "channel": "telephone"}).status_code == 403
    assert logged_in(make_workspace()).post(address(row, "revoke"), {"sure": "yes"}).status_code == 404
    asked = operator.post(address(row, "revoke"))
    assert asked.status_code == 200 and not Suppression.objects.exists()
    early = operator.post(address(row, "revoke"), {"sure": "yes", "channel": "x", "revoked_at": "2020-01-01T00:00:00"})
    assert "before it was given" in early.context["form"].errors["revoked_at"][0]
    assert operator.post(address(row, "revoke"), {"sure": "yes", "channel": "telephone"}).status_code == 302
    assert Suppression.objects.get().purposes == ["appointment"]
    page = operator.get(address(row)).content.decode()
    assert "telephone, recorded by olive" in page and 'id="revoke"' not in page


def test_a_consent_has_no_form_to_change_or_delete_it(workspace: Workspace) -> None:
    row, admin = make_consent(workspace), logged_in(workspace, Role.ADMIN)
    admin.post(address(row), form(workspace, source="another"))
    assert admin.post(address(row, "delete"), {"post": "yes"}).status_code == 403
    assert list(Consent.objects.values_list("source", flat=True)) == ["signed form"]


def test_the_export_shows_numbers_and_evidence_to_who_may_see_them(workspace: Workspace) -> None:
    row = make_consent(workspace, source="=cmd()")
    make_consent(workspace, revokes=row, source="telephone")
    make_consent(make_workspace())
    for reveal, number, evidence in ((True, "(202) 555-0142", row.evidence), (False, "•••••••0142", "")):
        answer = logged_in(workspace, Role.COMPLIANCE, may_see_numbers=reveal).get(EXPORT)
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        [line] = csv.DictReader(io.StringIO(text))
        assert (line["recipient_phone_number"], line["evidence"], line["source"]) == (number, evidence, "'=cmd()")
        assert (line["purposes"], line["revocation_channel"]) == ("appointment", "telephone")
    assert AuditEvent.objects.filter(action="consent.exported").count() == 2
