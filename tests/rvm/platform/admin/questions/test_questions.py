"""What cannot be taken back asks first: the button leads to a page that changes nothing, and says so once its time has passed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.models import OptOutImport, RecipientImport
from campaigns.states import CampaignState
from delivery.models import Voicemail
from rvm.platform.database.clock import database_now
from rvm.platform.models import ApiKey, Invitation, User, WebhookDestination, Workspace
from tests.factories import make_campaign, make_setup, make_use_case, make_user, make_voicemail, make_workspace
from tests.posted_forms import posted
from tests.rvm.platform.accounts.authenticator import enrolled
from tests.rvm.platform.admin.every_row import make_every_row
from tests.rvm.platform.webhooks.factories import make_destination
from tests.rvm.project.access.routes import ADMIN
from tests.rvm.project.test_worlds import snapshot
from usecases.models import InboundSecret, TelephonySetup, UseCase

pytestmark = pytest.mark.django_db

# Django's own: the confirmation of a deletion asks, the form that changes a row carries its version.
OF_DJANGO = {"changelist", "add", "history", "delete", "change"}

# The button's route, the row that it is about, and what makes its time pass, or None where nothing does.
ASKS: dict[str, tuple[Callable[[dict[Any, Any]], Any], dict[str, Any] | None]] = {
    "platform_apikey_rotate": (lambda rows: rows[ApiKey], None),
    "platform_apikey_revoke": (lambda rows: rows[ApiKey], None),
    "platform_invitation_withdraw": (lambda rows: rows[Invitation], {"withdrawn_at": datetime.now(UTC)}),
    "platform_user_reset_second_factor": (lambda rows: with_second_factor(rows[User]), None),
    "usecases_inboundsecret_replace": (lambda rows: rows[InboundSecret], None),
    "usecases_inboundsecret_revoke": (lambda rows: rows[InboundSecret], None),
    "usecases_usecase_confirm": (lambda rows: rows[UseCase], {"consent_confirmed_at": datetime.now(UTC)}),
    "usecases_telephonysetup_close_breaker": (lambda rows: failing(rows[TelephonySetup]), {"breaker_until": None}),
    "usecases_telephonysetup_callback_address": (lambda rows: rows[TelephonySetup], None),
    "campaigns_recipientimport_discard": (lambda rows: rows[RecipientImport], {"state": "discarded"}),
    "campaigns_optoutimport_discard": (lambda rows: rows[OptOutImport], {"state": "discarded"}),
    "delivery_voicemail_cancel": (
        lambda rows: make_voicemail(rows[UseCase], status="queued"),
        {"status": "canceled"},
    ),
    "platform_webhookdestination_rotate": (lambda rows: rows[WebhookDestination], None),
    "platform_webhookdestination_disable": (lambda rows: rows[WebhookDestination], {"disabled_at": datetime.now(UTC)}),
    "platform_webhookdestination_replay": (lambda rows: rows[WebhookDestination], {"disabled_at": datetime.now(UTC)}),
    "platform_webhookdestination_enable": (
        lambda rows: make_destination(rows[WebhookDestination].workspace, disabled_at=datetime.now(UTC)),
        {"disabled_at": None},
    ),
}

# Asks as well, tried where it stands.
ASKS_ELSEWHERE = {
    "campaigns_campaign_launch",
    "campaigns_campaign_cancel",
    "campaigns_campaign_retry",
    "campaigns_campaign_withdraw",
    "campaigns_campaign_withdrawal",
    "campaigns_campaign_trial",
    "campaigns_campaign_copy",
    "usecases_consent_revoke",
    "usecases_suppression_lift",
    "usecases_telephonysetup_end_earlier_addresses",
}

# Why a press on a button may act at once.
AT_ONCE = {
    "platform_invitation_renew": "Sends again; the invitation stays.",
    "platform_user_let_in": "Opens nothing without the password.",
    "platform_user_password_link": "The password stays until somebody uses the link.",
    "platform_workspace_retention_days": "A form with the days, which shows what they would remove.",
    "platform_workspace_retention_hold": "A form with a reason; a hold can be lifted.",
    "platform_workspace_retention_lift": "A form with a reason.",
    "platform_webhookdestination_test": "One webhook, which asks nothing of its receiver.",
    "usecases_telephonysetup_test": "A request to the carrier that reaches nobody.",
    "platform_webhookdelivery_replay": "A receiver knows it by its id.",
    "platform_failedwork_repeat": "Repeating does no harm.",
    "platform_failedwork_dismiss": "It comes back if it happens again.",
    "platform_databaseidentity_hold": "A form with a reason; a hold can be released.",
    "platform_databaseidentity_release": "A form with a reason and the database that was looked at.",
    "delivery_clip_archive": "It can be brought back.",
    "delivery_clip_unarchive": "It can be archived again.",
    "delivery_recording_archive": "It can be brought back.",
    "delivery_recording_unarchive": "It can be archived again.",
    "delivery_clip_attest": "A list of statements of its own.",
    "delivery_recording_attest": "A list of statements of its own.",
    "delivery_clip_withdraw_attestation": "It can be stated again; what is queued waits.",
    "delivery_recording_withdraw_attestation": "It can be stated again; what is queued waits.",
    "delivery_carriermedia_upload_again": "An upload to the carrier, which sends nothing.",
    "delivery_voicemail_retry": "One voicemail that did not arrive; a risk has its own tick.",
    "usecases_phonenumber_ownership": "It can be withdrawn and stated again.",
    "campaigns_campaign_edit": "A form that carries its version.",
    "campaigns_campaign_approve": "The page that shows what is approved is the question.",
    "campaigns_campaign_decline": "A form with a reason; it can be asked for again.",
    "campaigns_campaign_withdraw_request": "It can be asked for again.",
    "campaigns_campaign_pause": "It can be resumed.",
    "campaigns_campaign_resume": "It can be paused.",
    "campaigns_campaign_unschedule": "It can be launched again.",
    "campaigns_campaign_stop_retry": "It can be retried again.",
    "campaigns_campaign_heal": "A setting that can be set back.",
    "campaigns_campaign_upload": "Nobody is added before it is confirmed.",
    "campaigns_recipientimport_read_as": "It can be read in another way; the form carries its version.",
    "campaigns_recipientimport_check": "Nobody is added by a check.",
    "campaigns_recipientimport_confirm": "A form with a statement, below what was found; it carries its version.",
    "campaigns_optoutimport_read_as": "It can be read in another way; the form carries its version.",
    "campaigns_optoutimport_check": "Nobody is listed by a check.",
    "campaigns_optoutimport_confirm": "Below what was found, and can be undone; it carries its version.",
    "campaigns_optoutimport_undo": "A form with a tick of its own.",
    "campaigns_optoutimport_lift": "A form with a reason.",
    "usecases_suppression_import": "Nobody is listed before it is confirmed.",
}

SHOWS = {
    "platform_workspace_retention",
    "platform_auditevent_export",
    "usecases_consent_export",
    "usecases_consent_find",
    "usecases_usecase_eligibility",
    "campaigns_campaign_progress",
    "campaigns_campaign_summary",
    "campaigns_campaign_preview",
    "campaigns_campaign_approval",
    "campaigns_campaign_export",
    "campaigns_campaign_use_case",
    "campaigns_campaign_recording",
    "campaigns_campaign_trial_status",
    "campaigns_recipientimport_errors",
    "campaigns_recipientimport_progress",
    "campaigns_recipientimport_heard",
    "campaigns_optoutimport_progress",
    "usecases_suppression_export",
    "usecases_suppression_find",
    "delivery_voicemail_find",
    "delivery_voicemail_export",
}


def with_second_factor(user: User) -> User:
    enrolled(user, database_now)
    return user


def failing(setup: TelephonySetup) -> TelephonySetup:
    setup.breaker_until, setup.breaker_reason = datetime.now(UTC) + timedelta(hours=1), "The account has no funds left."
    setup.save()
    return setup


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True, username="boss", password=None))
    return client


def test_of_every_button_it_is_known_whether_it_asks() -> None:
    names = {route.name for route in ADMIN if route.model and route.name and route.page not in OF_DJANGO}
    assert names <= ASKS.keys() | ASKS_ELSEWHERE | AT_ONCE.keys() | SHOWS


@pytest.mark.parametrize("name", ASKS)
def test_the_button_asks_and_nothing_is_done_before_the_answer(boss: Client, name: str) -> None:
    row = ASKS[name][0](make_every_row(make_workspace()))
    address, page = reverse(f"admin:{name}", args=[row.pk]), page_of(row)
    shown = boss.get(page).content.decode()
    assert f'href="{address}"' in shown and f'action="{address}"' not in shown
    before = snapshot()
    asked = boss.get(address)
    assert asked.status_code == 200
    assert "csrfmiddlewaretoken" in posted(asked, "answer") and f'href="{page}"' in asked.content.decode()
    assert [key for key, value in snapshot().items() if before.get(key) != value and key[0] is not User] == []
    assert boss.post(address, posted(asked, "answer")).status_code in (200, 302)


@pytest.mark.parametrize("name", [name for name, (_, passes) in ASKS.items() if passes is not None])
def test_a_question_whose_time_has_passed_says_so_without_a_button(boss: Client, name: str) -> None:
    make_row, passes = ASKS[name]
    row = make_row(make_every_row(make_workspace()))
    type(row)._default_manager.filter(pk=row.pk).update(**passes or {})
    asked = boss.get(reverse(f"admin:{name}", args=[row.pk]))
    assert asked.status_code == 200
    assert 'id="question"' in asked.content.decode() and 'id="answer"' not in asked.content.decode()


def page_of(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def test_several_voicemails_are_canceled_after_a_question(boss: Client) -> None:
    use_case = make_use_case()
    queued, sent = [make_voicemail(use_case) for _ in range(2)], make_voicemail(use_case, status="sending")
    chosen = {"action": "cancel_selected", "_selected_action": [str(row.pk) for row in (*queued, sent)]}
    asked = boss.post(reverse("admin:delivery_voicemail_changelist"), chosen)
    assert "2 of the chosen voicemails wait for a turn, and are not sent then." in asked.content.decode()
    assert not Voicemail.objects.filter(status="canceled").exists()
    boss.post(reverse("admin:delivery_voicemail_changelist"), posted(asked, "answer"))
    assert set(Voicemail.objects.filter(status="canceled")) == set(queued)


@pytest.mark.parametrize(
    ("page", "state", "says"),
    [
        (
            "cancel",
            CampaignState.COMPLETED,
            "This campaign is completed. Only one that is a draft, scheduled, running or paused can be canceled.",
        ),
        (
            "retry",
            CampaignState.DRAFT,
            "This campaign is a draft. Only one that is running, paused or completed can be retried.",
        ),
        (
            "withdraw",
            CampaignState.CANCELED,
            "This campaign is canceled, so nobody waits in it who could be taken out.",
        ),
    ],
)
def test_a_campaigns_question_says_when_its_time_has_passed(
    boss: Client, page: str, state: CampaignState, says: str
) -> None:
    campaign = make_campaign(make_use_case(), 1, state=state)
    asked = boss.get(reverse(f"admin:campaigns_campaign_{page}", args=[campaign.pk])).content.decode()
    assert says in asked and 'id="answer"' not in asked


def test_earlier_addresses_that_there_are_not_are_not_asked_about(boss: Client, workspace: Workspace) -> None:
    address = reverse("admin:usecases_telephonysetup_end_earlier_addresses", args=[make_setup(workspace).pk])
    assert "No earlier address works" in boss.get(address).content.decode()
