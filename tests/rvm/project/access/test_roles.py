"""Each action of the admin is done by the roles that have its right, and by nobody else: one table, walked with each role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from campaigns.models import Campaign
from rvm.platform.models import Membership, Workspace
from rvm.platform.roles import ROLES, Right, Role
from tests.factories import (
    make_api_key,
    make_campaign,
    make_consent,
    make_lane,
    make_recording,
    make_suppression,
    make_use_case,
    make_user,
    make_voicemail,
)
from tests.rvm.platform.admin.every_row import make_every_row

pytestmark = pytest.mark.django_db

Row = Callable[[Workspace], Any]


def campaign(state: str) -> Row:
    return lambda workspace: make_campaign(
        make_use_case(workspace), 1, state=state, playable=True, starts_at="2100-01-01T00:00:00Z"
    )


def registered(name: str) -> Row:
    def find(workspace: Workspace) -> Any:
        [row] = [row for model, row in make_every_row(workspace).items() if model.__name__ == name]
        return row

    return find


def key(workspace: Workspace) -> Any:
    return make_api_key(workspace)[0]


def nothing(workspace: Workspace) -> None:
    return None


GET, POST = "get", "post"
# (what is done, method, name of its address, the row that it is done to, the right that it needs)
ACTIONS: list[tuple[str, str, Row, Right]] = [
    (GET, "campaigns_campaign_change", campaign("draft"), Right.VIEW),
    (GET, "campaigns_campaign_preview", campaign("draft"), Right.VIEW),
    (GET, "campaigns_campaign_summary", campaign("running"), Right.VIEW),
    (GET, "delivery_voicemail_change", lambda workspace: make_voicemail(make_use_case(workspace)), Right.VIEW),
    (GET, "usecases_suppression_change", make_suppression, Right.VIEW),
    (GET, "campaigns_campaign_add", nothing, Right.PREPARE),
    (GET, "campaigns_campaign_edit", campaign("draft"), Right.PREPARE),
    (POST, "campaigns_campaign_upload", campaign("draft"), Right.PREPARE),
    (GET, "campaigns_campaign_cancel", campaign("draft"), Right.PREPARE),
    (GET, "campaigns_campaign_withdraw", campaign("draft"), Right.PREPARE),
    (GET, "delivery_recording_add", nothing, Right.PREPARE),
    (GET, "delivery_clip_add", nothing, Right.PREPARE),
    (GET, "campaigns_campaign_edit", campaign("scheduled"), Right.LAUNCH),
    (POST, "campaigns_campaign_upload", campaign("scheduled"), Right.LAUNCH),
    (GET, "campaigns_campaign_edit", campaign("running"), Right.LAUNCH),
    (POST, "campaigns_campaign_launch", campaign("draft"), Right.LAUNCH),
    (GET, "campaigns_campaign_copy", campaign("completed"), Right.PREPARE),
    (GET, "campaigns_campaign_trial", campaign("paused"), Right.LAUNCH),
    (POST, "campaigns_campaign_unschedule", campaign("scheduled"), Right.LAUNCH),
    (POST, "campaigns_campaign_pause", campaign("running"), Right.LAUNCH),
    (POST, "campaigns_campaign_resume", campaign("paused"), Right.LAUNCH),
    (POST, "campaigns_campaign_cancel", campaign("running"), Right.LAUNCH),
    (POST, "campaigns_campaign_retry", campaign("completed"), Right.LAUNCH),
    (POST, "campaigns_campaign_stop_retry", campaign("running"), Right.LAUNCH),
    (POST, "delivery_voicemail_cancel", lambda workspace: make_voicemail(make_use_case(workspace)), Right.LAUNCH),
    (POST, "delivery_voicemail_retry", lambda workspace: make_voicemail(make_use_case(workspace)), Right.LAUNCH),
    (POST, "delivery_carriermedia_upload_again", registered("CarrierMedia"), Right.LAUNCH),
    (POST, "delivery_lane_change", lambda workspace: make_lane(make_use_case(workspace)), Right.LAUNCH),
    (GET, "usecases_suppression_add", nothing, Right.SUPPRESS),
    (POST, "usecases_consent_revoke", make_consent, Right.SUPPRESS),
    (GET, "usecases_suppression_import", nothing, Right.SUPPRESS_LISTS),
    (POST, "campaigns_optoutimport_check", registered("OptOutImport"), Right.SUPPRESS_LISTS),
    (POST, "campaigns_optoutimport_discard", registered("OptOutImport"), Right.SUPPRESS_LISTS),
    (POST, "campaigns_optoutimport_undo", registered("OptOutImport"), Right.LIFT),
    (POST, "campaigns_optoutimport_lift", registered("OptOutImport"), Right.LIFT),
    (GET, "usecases_consent_add", nothing, Right.RECORD_CONSENTS),
    (POST, "usecases_usecase_confirm", make_use_case, Right.CONFIRM_CONSENTS),
    (GET, "delivery_voicemail_export", nothing, Right.EXPORT),
    (GET, "usecases_suppression_export", nothing, Right.EXPORT),
    (GET, "usecases_consent_export", nothing, Right.EXPORT),
    (GET, "campaigns_campaign_export", campaign("running"), Right.EXPORT),
    (GET, "platform_auditevent_changelist", nothing, Right.READ_AUDIT),
    (GET, "usecases_usecase_add", nothing, Right.SET_UP),
    (POST, "usecases_usecase_change", make_use_case, Right.SET_UP),
    (GET, "usecases_usecase_delete", make_use_case, Right.SET_UP),
    (GET, "usecases_telephonysetup_add", nothing, Right.SET_UP),
    (POST, "usecases_telephonysetup_change", registered("TelephonySetup"), Right.SET_UP),
    (POST, "usecases_telephonysetup_test", registered("TelephonySetup"), Right.SET_UP),
    (POST, "usecases_telephonysetup_close_breaker", registered("TelephonySetup"), Right.SET_UP),
    (POST, "usecases_telephonysetup_callback_address", registered("TelephonySetup"), Right.ROTATE),
    (POST, "usecases_telephonysetup_end_earlier_addresses", registered("TelephonySetup"), Right.ROTATE),
    (GET, "usecases_phonenumber_add", nothing, Right.SET_UP),
    (POST, "usecases_phonenumber_ownership", registered("PhoneNumber"), Right.SET_UP),
    (GET, "platform_webhookdestination_changelist", nothing, Right.VIEW),
    (GET, "platform_webhookdelivery_change", registered("WebhookDelivery"), Right.VIEW),
    (GET, "platform_webhookdestination_add", nothing, Right.SET_UP),
    (POST, "platform_webhookdestination_change", registered("WebhookDestination"), Right.SET_UP),
    (GET, "platform_webhookdestination_delete", registered("WebhookDestination"), Right.SET_UP),
    (POST, "platform_webhookdestination_test", registered("WebhookDestination"), Right.SET_UP),
    (POST, "platform_webhookdestination_enable", registered("WebhookDestination"), Right.SET_UP),
    (POST, "platform_webhookdestination_disable", registered("WebhookDestination"), Right.SET_UP),
    (POST, "platform_webhookdestination_replay", registered("WebhookDestination"), Right.SET_UP),
    (POST, "platform_webhookdestination_rotate", registered("WebhookDestination"), Right.ROTATE),
    (POST, "platform_webhookdelivery_replay", registered("WebhookDelivery"), Right.SET_UP),
    (GET, "platform_apikey_changelist", nothing, Right.MANAGE_KEYS),
    (GET, "platform_apikey_add", nothing, Right.MANAGE_KEYS),
    (POST, "platform_apikey_revoke", key, Right.MANAGE_KEYS),
    (GET, "platform_idempotencykey_changelist", nothing, Right.MANAGE_KEYS),
    (POST, "platform_apikey_rotate", key, Right.ROTATE),
    (GET, "platform_membership_add", nothing, Right.MANAGE_PEOPLE),
    (POST, "platform_membership_change", lambda workspace: Membership.objects.filter(workspace=workspace)[0], Right.MANAGE_PEOPLE),
    (GET, "platform_workspace_retention", lambda workspace: workspace, Right.VIEW),
    (POST, "platform_workspace_retention_days", lambda workspace: workspace, Right.RETAIN),
    (POST, "platform_workspace_retention_hold", lambda workspace: workspace, Right.RETAIN),
    (POST, "platform_workspace_change", lambda workspace: workspace, Right.CONFIGURE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "name", "row", "right"),
    ACTIONS,
    ids=[f"{at}-{action[1]}-{action[3]}" for at, action in enumerate(ACTIONS)],
)
def test_an_action_is_for_the_roles_that_have_its_right(
    workspace: Workspace, method: str, name: str, row: Row, right: Right
) -> None:
    make_user(workspace=workspace, password=None)  # a colleague, whose membership may be changed
    made = row(workspace)
    address = reverse(f"admin:{name}", args=[made.pk] if made is not None else [])
    done = set()
    for role in Role:
        client = Client()
        client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None))
        with transaction.atomic():
            status = getattr(client, method)(address).status_code
            transaction.set_rollback(True)
        # What a role does not see is not found.
        assert status in (200, 302, 403, 404), status
        done |= {role} if status in (200, 302) else set()
    assert done == {role for role in Role if right in ROLES[role]}


def test_every_right_is_in_the_table_or_has_tests_of_its_own() -> None:
    # Approvals, and the risk of a second message, depend on more than the address.
    elsewhere = {Right.APPROVE, Right.RESEND_UNCERTAIN, Right.ATTEST}
    assert {right for *_, right in ACTIONS} | elsewhere == set(Right)


@pytest.mark.parametrize("role", Role)
def test_a_statement_about_a_recording_is_for_the_roles_that_attest(workspace: Workspace, role: Role) -> None:
    client = Client()
    client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None))
    recording = make_recording(workspace)
    for name in ("attest", "withdraw_attestation"):
        answer = client.post(reverse(f"admin:delivery_recording_{name}"), {"chosen": recording.pk})
        assert (answer.status_code != 403) is (Right.ATTEST in ROLES[role]), name


@pytest.mark.parametrize("role", Role)
def test_the_risk_of_a_second_message_is_taken_by_the_roles_that_may(workspace: Workspace, role: Role) -> None:
    client = Client()
    client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None))
    row = make_voicemail(make_use_case(workspace), status="failed", reason="unreported")
    said = {"accept_duplicate_risk": "yes"}
    answer = client.post(reverse("admin:delivery_voicemail_retry", args=[row.pk]), said)
    assert (answer.status_code != 403) is (Right.RESEND_UNCERTAIN in ROLES[role])


@pytest.mark.parametrize("role", Role)
def test_no_role_shows_numbers_without_the_membership_that_does(workspace: Workspace, role: Role) -> None:
    client = Client()
    client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None))
    row = make_voicemail(make_use_case(workspace), recipient="+12025550177")
    page = client.get(reverse("admin:delivery_voicemail_change", args=[row.pk])).content.decode()
    assert "2025550177" not in page and "555-0177" not in page
    Membership.objects.update(may_see_numbers=True)
    assert "2025550177" in client.get(reverse("admin:delivery_voicemail_change", args=[row.pk])).content.decode()


def test_the_buttons_of_a_campaign_are_those_of_the_role(workspace: Workspace) -> None:
    running: Campaign = campaign("running")(workspace)
    draft: Campaign = campaign("draft")(workspace)
    offered = {}
    for role in Role:
        client = Client()
        client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None))
        pages = {
            row.state: client.get(reverse("admin:campaigns_campaign_change", args=[row.pk])).context["buttons"]
            for row in (draft, running)
        }
        offered[role] = {
            f"{state} {name}" for state, buttons in pages.items() for name, shown in buttons.items() if shown
        }
    assert offered[Role.VIEWER] == offered[Role.COMPLIANCE] == set()
    assert offered[Role.PREPARER] == {"draft edit", "draft withdraw", "draft cancel"}
    assert offered[Role.LAUNCHER] == offered[Role.ADMIN]
    assert offered[Role.LAUNCHER] - offered[Role.PREPARER] == {
        "draft launch", "running edit", "running pause", "running trial", "running withdraw", "running cancel",
    }  # fmt: skip
