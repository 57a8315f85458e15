"""Of every form of the admin that changes a row: the second of two editors is told what the first has changed, and loses nothing."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from campaigns.models import Campaign
from delivery.models import Clip, Lane, Recording
from rvm.platform.models import AuditEvent, Membership, Organisation, User, WebhookDestination, Workspace
from tests.factories import make_user, make_workspace
from tests.posted_forms import posted
from tests.rvm.platform.admin.every_row import make_every_row
from usecases.models import PhoneNumber, StateFreeze, TelephonySetup, UseCase

pytestmark = pytest.mark.django_db

# What the first changes, what the page calls it, and what the second types meanwhile.
CHANGES: dict[Any, tuple[tuple[str, Any], str, tuple[str, Any]]] = {
    Organisation: (("name", "Lakeside Group"), "Name", ("slug", "lakeside")),
    Workspace: (("launch_approval_above", 50), "Launch approval above", ("name", "Lakeside Clinic")),
    Membership: (("role", "launcher"), "Role", ("may_see_numbers", True)),
    User: (("first_name", "Ana"), "First name", ("last_name", "Alder")),
    TelephonySetup: (("pace_per_second", 7.0), "Pace per second", ("name", "Second")),
    PhoneNumber: (("display_name", "Front desk"), "Name", ("notes", "Rings at reception.")),
    UseCase: (("max_per_24h", 90), "Max per 24h", ("name", "Recalls")),
    StateFreeze: (("reason", "Hurricane."), "Reason", ("ends_on", date(2026, 12, 1))),
    Lane: (("priority", 3), "Priority", ("pace_per_second", 2.0)),
    Campaign: (("time_zone", "America/Chicago"), "Time zone", ("name", "Flu shots again")),
    Recording: (("name", "Flu shots"), "Name", ("name", "Flu shots of autumn")),
    WebhookDestination: (("name", "Nightly"), "Name", ("description", "Of the night shift.")),
    Clip: (("name", "Anne"), "Name", ("name", "Anna")),
}


def edit_page(row: Any) -> str:
    """The address of the form that changes the row."""
    page = "edit" if isinstance(row, Campaign) else "change"
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def form_of(response: Any, row: Any) -> dict[str, Any]:
    fields = posted(response, f"{row._meta.model_name}_form")
    assert "version" in fields, "The form carries no version."
    return fields


def editor(name: str) -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True, username=name, password=None))
    return client


def test_every_form_that_changes_a_row_is_tried_here() -> None:
    request = RequestFactory().get("/")
    request.user = make_user(is_staff=True, is_superuser=True, password=None)
    changing = {model for model, pages in admin.site._registry.items() if pages.has_change_permission(request)}
    assert changing == set(CHANGES)
    assert [pages.inlines for pages in admin.site._registry.values() if pages.inlines] == []


@pytest.mark.parametrize("model", CHANGES, ids=lambda model: model.__name__)
def test_the_second_editor_is_told_and_then_saves_on_purpose(model: Any) -> None:
    row = make_every_row(make_workspace())[model]
    if model is User:
        row = make_user(password=None)
    (moved, to), label, (typed, text) = CHANGES[model]
    page, first, second = edit_page(row), editor("demo"), editor("ben")
    of_first, of_second = form_of(first.get(page), row), form_of(second.get(page), row)
    saved = first.post(page, {**of_first, moved: said(to)})
    assert saved.status_code == 302, saved.context["adminform"].form.errors

    told = second.post(page, {**of_second, typed: said(text)})
    assert told.status_code == 200
    errors = " ".join(told.context["adminform"].form.non_field_errors())
    noun = model._meta.verbose_name
    assert f"This {noun} was changed while you had it open, so nothing is saved yet." in errors
    assert f"{label}: from " in errors and ", by demo." in errors
    again = form_of(told, row)
    assert again[typed] == [str(said(text))], "What was typed does not stay."
    assert AuditEvent.objects.filter(subject_id=row.pk, actor__username="ben").count() == 0
    row.refresh_from_db()
    assert getattr(row, typed) != text and getattr(row, moved) == to

    saved = second.post(page, again)
    assert saved.status_code == 302, saved.context["adminform"].form.errors
    row.refresh_from_db()
    assert getattr(row, typed) == text and (moved == typed or getattr(row, moved) == to)


def said(value: Any) -> Any:
    """The value as a browser posts it."""
    if value is True:
        return "on"
    return f"{value:%Y-%m-%dT%H:%M}" if isinstance(value, datetime) else value
