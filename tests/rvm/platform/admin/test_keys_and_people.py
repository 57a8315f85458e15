"""API keys are shown once, service users stay out, and what was stored encrypted or hashed is on no page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from rvm.platform.api.keys import PATTERN
from rvm.platform.encryption.tokens import digest_of
from rvm.platform.models import ApiKey, AuditEvent, IdempotencyKey, Membership, User, Workspace
from rvm.platform.roles import Role
from tests.factories import make_api_key, make_user
from tests.rvm.platform.admin.every_row import make_every_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin_client(client: Client, workspace: Workspace) -> Client:
    client.force_login(make_user(workspace=workspace, is_staff=True, username="boss", password=None))
    return client


def make_one(client: Client, workspace: Workspace) -> tuple[ApiKey, str]:
    form = {"workspace": workspace.pk, "name": "Nightly import", "live": "on", "scopes": ["voicemail:send"]}
    page = client.post(reverse("admin:platform_apikey_add"), form)
    assert page.status_code == 200
    found = PATTERN.search(page.content.decode())
    assert found
    assert "no-store" in page["Cache-Control"]
    return ApiKey.objects.get(name="Nightly import", revoked_at=None), found.group()


def test_a_new_key_is_shown_once_and_opens_what_it_says(admin_client: Client, workspace: Workspace) -> None:
    key, plaintext = make_one(admin_client, workspace)
    assert bytes(key.digest) == digest_of(plaintext)
    assert key.live
    assert key.scopes == ["voicemail:send"]
    for name, arguments in (("changelist", []), ("change", [key.pk])):
        page = admin_client.get(reverse(f"admin:platform_apikey_{name}", args=arguments)).content.decode()
        assert plaintext not in page
        assert bytes(key.digest).hex() not in page


def test_a_rotated_key_has_a_successor_that_is_shown_once(admin_client: Client, workspace: Workspace) -> None:
    key, old = make_api_key(workspace)
    page = admin_client.post(reverse("admin:platform_apikey_rotate", args=[key.pk])).content.decode()
    found = PATTERN.search(page)
    assert found
    assert found.group() != old
    key.refresh_from_db()
    assert key.expires_at is not None


@pytest.mark.parametrize(("chosen", "hours"), [(None, 24), ("24", 24), ("0", 0), ("168", 168)])
def test_the_old_key_works_on_for_as_long_as_was_chosen(
    admin_client: Client, workspace: Workspace, chosen: str | None, hours: int
) -> None:
    key, _ = make_api_key(workspace)
    address = reverse("admin:platform_apikey_rotate", args=[key.pk])
    assert "No moment longer if the key has leaked" in admin_client.get(address).content.decode()
    assert admin_client.post(address, {"overlap_hours": chosen} if chosen else {}).status_code == 200
    key.refresh_from_db()
    assert key.expires_at is not None
    assert abs((key.expires_at - timezone.now()).total_seconds() - hours * 3600) < 600


def test_an_overlap_that_is_not_offered_rotates_nothing(admin_client: Client, workspace: Workspace) -> None:
    key, _ = make_api_key(workspace)
    answer = admin_client.post(reverse("admin:platform_apikey_rotate", args=[key.pk]), {"overlap_hours": "9999"})
    assert answer.status_code == 403
    assert ApiKey.objects.get() == key


def test_networks_and_an_end_are_kept_and_what_is_none_is_refused_in_the_form(
    admin_client: Client, workspace: Workspace
) -> None:
    form = {"workspace": workspace.pk, "name": "Office", "scopes": ["voicemail:send"]}
    address = reverse("admin:platform_apikey_add")
    wrong = admin_client.post(address, {**form, "networks": "203.0.113.7/24"}).content.decode()
    assert "is no network" in wrong
    over = {"expires_at": "2020-01-01 10:00", "expires_at_0": "2020-01-01", "expires_at_1": "10:00"}
    assert not ApiKey.objects.exists()
    assert "over already" in admin_client.post(address, {**form, **over}).content.decode()
    made = admin_client.post(address, {**form, "networks": "203.0.113.0/24, 2001:db8::7"})
    assert PATTERN.search(made.content.decode())
    key = ApiKey.objects.get()
    assert key.networks == ["203.0.113.0/24", "2001:db8::7/128"]
    shown = admin_client.get(reverse("admin:platform_apikey_change", args=[key.pk])).content.decode()
    assert "203.0.113.0/24" in shown


def test_the_state_of_a_key_says_that_it_has_expired(admin_client: Client, workspace: Workspace) -> None:
    key, _ = make_api_key(workspace)
    address = reverse("admin:platform_apikey_changelist")
    assert "expired" not in admin_client.get(address).content.decode().lower()
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "expired" in admin_client.get(address).content.decode().lower()


def test_revoking_is_posted_and_final(admin_client: Client, workspace: Workspace) -> None:
    key, _ = make_api_key(workspace)
    address = reverse("admin:platform_apikey_revoke", args=[key.pk])
    assert "refused from now on, and for ever" in admin_client.get(address).content.decode()
    key.refresh_from_db()
    assert key.revoked_at is None
    admin_client.post(address)
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert admin_client.post(reverse("admin:platform_apikey_rotate", args=[key.pk])).status_code == 403


@pytest.mark.parametrize("role", [Role.VIEWER, Role.LAUNCHER])
def test_only_administrators_touch_keys(client: Client, workspace: Workspace, role: Role) -> None:
    key, _ = make_api_key(workspace)
    client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None))
    for action in ("rotate", "revoke"):
        assert client.post(reverse(f"admin:platform_apikey_{action}", args=[key.pk])).status_code in (403, 404)
    key.refresh_from_db()
    assert key.revoked_at is None


def test_another_workspaces_key_is_not_found(admin_client: Client) -> None:
    key, _ = make_api_key()
    assert admin_client.post(reverse("admin:platform_apikey_revoke", args=[key.pk])).status_code == 404


def test_an_administrator_adds_a_person_by_username(admin_client: Client, workspace: Workspace) -> None:
    nurse = make_user(username="nurse", password=None)
    form = {"workspace": workspace.pk, "username": "nurse", "role": Role.LAUNCHER}
    assert admin_client.post(reverse("admin:platform_membership_add"), form).status_code == 302
    membership = Membership.objects.get(user=nurse)
    assert membership.role == Role.LAUNCHER
    assert AuditEvent.objects.filter(action="membership.created", workspace=workspace).exists()
    again = admin_client.post(reverse("admin:platform_membership_add"), form)
    assert "member of the workspace already" in again.content.decode()


def test_a_membership_cannot_be_given_in_another_workspace(admin_client: Client) -> None:
    foreign = make_user(username="foreign", password=None)
    elsewhere = Workspace.objects.create(name="Elsewhere", slug="elsewhere")
    form = {"workspace": elsewhere.pk, "username": "foreign", "role": Role.ADMIN}
    assert admin_client.post(reverse("admin:platform_membership_add"), form).status_code == 200
    assert not Membership.objects.filter(user=foreign).exists()


def test_a_superuser_makes_an_account(client: Client) -> None:
    client.force_login(make_user(is_staff=True, is_superuser=True, password=None))
    form = {"username": "new.nurse", "is_staff": "on"}
    shown = client.post(reverse("admin:platform_user_add"), form).content.decode()
    assert "/accounts/password/reset/key/" in shown
    made = User.objects.get(username="new.nurse")
    assert made.is_staff
    assert not made.has_usable_password()
    assert not made.is_superuser


@pytest.mark.parametrize("field", ["is_superuser", "is_staff"])
def test_an_administrator_cannot_change_accounts(admin_client: Client, workspace: Workspace, field: str) -> None:
    colleague = make_user(workspace=workspace, username="colleague", password=None)
    address = reverse("admin:platform_user_change", args=[colleague.pk])
    assert "pbkdf2" not in admin_client.get(address).content.decode()
    assert admin_client.post(address, {"username": "colleague", field: "on"}).status_code == 403
    assert admin_client.post(f"/admin/platform/user/{colleague.pk}/password/", {}).status_code == 403
    colleague.refresh_from_db()
    assert not getattr(colleague, field)


def test_the_stored_answer_of_a_post_is_not_shown(admin_client: Client, workspace: Workspace) -> None:
    row = make_every_row(workspace)[IdempotencyKey]
    page = admin_client.get(reverse("admin:platform_idempotencykey_change", args=[row.pk])).content.decode()
    assert "the-stored-answer" not in page
    assert "Answer" not in page
