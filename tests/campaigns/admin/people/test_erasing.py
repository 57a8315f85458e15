"""The erasure of a person from their page."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.admin.people.addresses import address_of
from campaigns.people.search import Person
from delivery.models import Voicemail
from rvm.platform.database.clock import database_now
from rvm.platform.models import Erasure
from rvm.platform.retention import holds
from rvm.platform.roles import Role
from tests.factories import RECIPIENT, make_user, make_voicemail

pytestmark = pytest.mark.django_db


def opened(client: Client, voicemail: Voicemail, role: Role) -> str:
    """The address of the recipient's page for a member with this role."""
    user = make_user(workspace=voicemail.workspace, role=role, is_staff=True, password=None)
    client.force_login(user)
    return address_of(Person(voicemail.workspace, RECIPIENT), user, database_now())


def test_compliance_erases_a_person_with_a_reason(client: Client) -> None:
    voicemail = make_voicemail()
    page = opened(client, voicemail, Role.COMPLIANCE)
    assert "Erase this person" in client.get(page).content.decode()
    for incomplete in ({"reason": "By letter"}, {"sure": "on"}):
        assert client.post(f"{page}erase/", incomplete).status_code == 200
    assert not Erasure.objects.exists()
    done = client.post(f"{page}erase/", {"reason": "By letter", "sure": "on"}, follow=True)
    assert "The person is erased (canceled: 1, voicemails: 1)." in done.content.decode()
    assert done.request["PATH_INFO"] == reverse("people")
    row = Erasure.objects.get()
    assert (row.reason, row.asked_by) == ("By letter", done.context["user"])
    voicemail.refresh_from_db()
    assert (voicemail.recipient, voicemail.status) == (None, "canceled")


def test_a_legal_hold_refuses_on_the_page(client: Client) -> None:
    voicemail = make_voicemail()
    page = opened(client, voicemail, Role.ADMIN)
    holds.place(voicemail.workspace, campaign_id=None, name="A", reason="B", actor=None)
    refused = client.post(f"{page}erase/", {"reason": "By letter", "sure": "on"})
    assert refused.status_code == 200 and "A legal hold covers this workspace" in refused.content.decode()
    voicemail.refresh_from_db()
    assert voicemail.status == "queued"


def test_whoever_may_not_decide_about_data_cannot_erase(client: Client) -> None:
    page = opened(client, make_voicemail(), Role.LAUNCHER)
    assert "Erase this person" not in client.get(page).content.decode()
    assert client.post(f"{page}erase/", {"reason": "A", "sure": "on"}).status_code == 403
