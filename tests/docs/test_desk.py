"""Whatever can be done at the desk has an address in the API, or its reason why not on the page that lists these."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import RequestFactory

from tests.docs.pages import DOCS, table
from tests.factories import make_user
from tests.rvm.project.access.routes import ROUTES
from tests.rvm.project.test_worlds import CHANGES

ACCOUNT, PEOPLE, APPROVAL, CONSENT, SETTINGS, RETENTION, GATEWAYS, RECORD, SENDING, PLATFORM = (
    row[0] for row in table(DOCS / "integrate" / "desk.md", "at the desk only")
)
# Pages that only lead to others, or help while a form is filled in.
HELP = "a help of the desk's own pages"
CAMPAIGN, IMPORT, OPT_OUTS = (
    "campaigns/{campaign_id}",
    "campaigns/{campaign_id}/imports/{import_id}",
    "opt-out-lists/{opt_out_list_id}",
)

# What can be done at the desk, by the name of its address or action: the operation of the API that does it, or why there is none.
DONE = {
    "(index|app_list|jsi18n|search|view_on_site)?": HELP,
    "campaigns_campaign_(use_case|recording)": HELP,
    "login|logout|password_change(_done)?": ACCOUNT,
    "platform_(invitation|membership)_(add|change|delete|renew|withdraw)": PEOPLE,
    "platform_user_let_in|platform_user_password_link|platform_user_reset_second_factor|auth_user_password_change": PEOPLE,
    "platform_user_(add|change|delete)|platform_(organisation|workspace)_(add|delete)|platform_organisation_change": PLATFORM,
    "platform_(idempotencykey|heartbeat|tally|auditevent)_change": PLATFORM,
    "platform_workspace_change": SETTINGS,
    "platform_workspace_retention(_\\w+)?": RETENTION,
    "platform_apikey_(add|change)": "POST api-keys",
    "platform_apikey_rotate": "POST api-keys/{api_key_id}/rotate",
    "platform_apikey_(revoke|delete)": "DELETE api-keys/{api_key_id}",
    "platform_webhookdestination_add": "POST webhook-destinations",
    "platform_webhookdestination_change": "PATCH webhook-destinations/{destination_id}",
    "platform_webhookdestination_delete": "DELETE webhook-destinations/{destination_id}",
    "platform_webhookdestination_rotate": "POST webhook-destinations/{destination_id}/rotate-secret",
    "platform_webhookdestination_enable": "POST webhook-destinations/{destination_id}/enable",
    "platform_webhookdestination_disable": "POST webhook-destinations/{destination_id}/disable",
    "platform_webhookdestination_test": "POST webhook-destinations/{destination_id}/test",
    "platform_webhookdestination_replay": "POST webhook-destinations/{destination_id}/replay",
    "platform_webhookdelivery_change": "GET webhook-destinations/{destination_id}/deliveries/{delivery_id}",
    "platform_webhookdelivery_replay": "POST webhook-destinations/{destination_id}/deliveries/{delivery_id}/replay",
    "platform_auditevent_export": "POST audit/export",
    "platform_databaseidentity_\\w+|platform_failedwork_\\w+|usecases_statefreeze_\\w+": SENDING,
    "usecases_inbound(secret|message)_\\w+": GATEWAYS,
    "usecases_usecase_confirm": CONSENT,
    "usecases_usecase_eligibility": "POST eligibility",
    "usecases_usecase_add": "POST use-cases",
    "usecases_usecase_change": "PATCH use-cases/{use_case_id}",
    "usecases_usecase_delete": "DELETE use-cases/{use_case_id}",
    "usecases_telephonysetup_add": "POST setups",
    "usecases_telephonysetup_change": "PATCH setups/{setup_id}",
    "usecases_telephonysetup_delete": "DELETE setups/{setup_id}",
    "usecases_telephonysetup_test": "POST setups/{setup_id}/test",
    "usecases_telephonysetup_close_breaker": "POST setups/{setup_id}/close-breaker",
    "usecases_telephonysetup_callback_address": "POST setups/{setup_id}/callback-address",
    "usecases_telephonysetup_end_earlier_addresses": "DELETE setups/{setup_id}/callback-address/earlier",
    "usecases_phonenumber_add": "POST phone-numbers",
    "usecases_phonenumber_(change|ownership|state_owned)": "PATCH phone-numbers/{phone_number_id}",
    "usecases_phonenumber_delete": "DELETE phone-numbers/{phone_number_id}",
    "usecases_suppression_(find|export|change)": "GET suppressions",
    "usecases_suppression_add|person_opt_out": "POST suppressions",
    "usecases_suppression_lift(_selected)?": "POST suppressions/{suppression_id}/lift",
    "usecases_suppression_import|campaigns_optoutimport_add": "POST opt-out-lists",
    "usecases_consent_(find|export|change)": "GET consents",
    "usecases_consent_add": "POST consents",
    "usecases_consent_revoke": "POST consents/{consent_id}/revoke",
    "people|person|person_of_(suppression|voicemail)": "POST people/search",
    "person_erase": "POST people/erase",
    "delivery_recording_add": "POST recordings",
    "delivery_recording_change": "PATCH recordings/{recording_id}",
    "delivery_recording_delete": "DELETE recordings/{recording_id}",
    "delivery_recording_archive": "POST recordings/{recording_id}/archive",
    "delivery_recording_unarchive": "POST recordings/{recording_id}/unarchive",
    "delivery_recording_attest(_selected)?": "PUT recordings/{recording_id}/attestation",
    "delivery_recording_withdraw_attestation": "DELETE recordings/{recording_id}/attestation",
    "delivery_clip_add": "POST clips",
    "delivery_clip_change": "PATCH clips/{clip_id}",
    "delivery_clip_delete": "DELETE clips/{clip_id}",
    "delivery_clip_archive": "POST clips/{clip_id}/archive",
    "delivery_clip_unarchive": "POST clips/{clip_id}/unarchive",
    "delivery_clip_attest(_selected)?": "PUT clips/{clip_id}/attestation",
    "delivery_clip_withdraw_attestation": "DELETE clips/{clip_id}/attestation",
    "delivery_(carriermedia|drop|carrierreport|voicemailreference)_\\w+": RECORD,
    # The switch, pace and priority of single voicemails are the use case's; those of a campaign its own.
    "delivery_lane_change": "PATCH use-cases/{use_case_id}",
    "delivery_voicemail_(find|change)": "POST voicemail/search",
    "delivery_voicemail_export": "POST voicemail/export",
    "delivery_voicemail_cancel(_selected)?": "POST voicemail/{voicemail_id}/cancel",
    "delivery_voicemail_retry(_selected)?": "POST voicemail/{voicemail_id}/retry",
    "campaigns_campaign_add": "POST campaigns",
    "campaigns_campaign_(edit|change|heal)": f"PATCH {CAMPAIGN}",
    "campaigns_campaign_(cancel|delete)": f"POST {CAMPAIGN}/cancel",
    "campaigns_campaign_(approval|approve|decline)": APPROVAL,
    "campaigns_campaign_withdraw_request": f"DELETE {CAMPAIGN}/approval",
    "campaigns_campaign_copy": f"POST {CAMPAIGN}/copy",
    "campaigns_campaign_export": f"GET {CAMPAIGN}/export",
    "campaigns_campaign_launch": f"POST {CAMPAIGN}/launch",
    "campaigns_campaign_pause": f"POST {CAMPAIGN}/pause",
    "campaigns_campaign_resume": f"POST {CAMPAIGN}/resume",
    "campaigns_campaign_unschedule": f"POST {CAMPAIGN}/unschedule",
    "campaigns_campaign_preview": f"GET {CAMPAIGN}/preview",
    "campaigns_campaign_(progress|summary)": f"GET {CAMPAIGN}/stats",
    "campaigns_campaign_retry": f"POST {CAMPAIGN}/retry-failed",
    "campaigns_campaign_stop_retry": f"DELETE {CAMPAIGN}/retry-failed",
    "campaigns_campaign_trial(_status)?": "POST voicemail",
    "campaigns_campaign_upload|campaigns_recipientimport_add": f"POST {CAMPAIGN}/imports",
    "campaigns_campaign_withdraw|campaigns_withdrawal_add": f"POST {CAMPAIGN}/withdrawals",
    "campaigns_campaign_withdrawal": f"POST {CAMPAIGN}/withdrawals/{{withdrawal_id}}/confirm",
    "campaigns_withdrawal_change": f"GET {CAMPAIGN}/withdrawals",
    "campaigns_recipientimport_(change|progress)": f"GET {IMPORT}",
    "campaigns_recipientimport_check": f"POST {IMPORT}/check",
    "campaigns_recipientimport_confirm": f"POST {IMPORT}/confirm",
    "campaigns_recipientimport_(discard|delete)": f"DELETE {IMPORT}",
    "campaigns_recipientimport_errors": f"GET {IMPORT}/errors",
    "campaigns_recipientimport_heard": f"GET {IMPORT}/recordings",
    "campaigns_recipientimport_read_as": f"PATCH {IMPORT}",
    "campaigns_optoutimport_(change|progress)": f"GET {OPT_OUTS}",
    "campaigns_optoutimport_check": f"POST {OPT_OUTS}/check",
    "campaigns_optoutimport_confirm": f"POST {OPT_OUTS}/confirm",
    "campaigns_optoutimport_(discard|delete)": f"DELETE {OPT_OUTS}",
    "campaigns_optoutimport_lift": f"POST {OPT_OUTS}/lift",
    "campaigns_optoutimport_undo": f"POST {OPT_OUTS}/undo",
    "campaigns_optoutimport_read_as": f"PATCH {OPT_OUTS}",
}
REASONS = {ACCOUNT, PEOPLE, APPROVAL, CONSENT, SETTINGS, RETENTION, GATEWAYS, RECORD, SENDING, PLATFORM, HELP}


def named() -> Iterator[str]:
    """The name of each address of the desk, but for lists and histories of rows and for forms that even a superuser has not; and of
    each action on rows of a list."""
    request = RequestFactory().get("/admin/")
    request.user = make_user(is_superuser=True, is_staff=True, password=None)
    forms = {}
    for model, page in admin.site._registry.items():
        label = model._meta.label_lower.replace(".", "_")
        forms |= {
            f"{label}_{verb}": getattr(page, f"has_{verb}_permission")(request) for verb in ("add", "change", "delete")
        }
        yield from (f"{label}_{action}" for action in page.actions)
    for route in ROUTES:
        is_list = re.search("_(changelist|history)$", route.name)
        if route.address.startswith("/admin/") and not is_list and forms.get(route.name, True):
            yield route.name


def answers_to(name: str) -> list[str]:
    return [answer for pattern, answer in DONE.items() if re.fullmatch(pattern, name)]


@pytest.mark.django_db
def test_what_is_done_at_the_desk_has_an_address_or_a_reason() -> None:
    found = {name: answers_to(name) for name in named()}
    assert len(found) > 120
    lacking = {name: answers for name, answers in found.items() if len(answers) != 1}
    assert lacking == {}, "Give it an address and a line in DONE, or a line with its reason in docs/integrate/desk.md."


def test_each_address_that_is_named_exists_and_each_reason_is_one_of_something() -> None:
    assert {answer for answer in DONE.values() if answer not in REASONS} <= set(CHANGES)
    assert set(DONE.values()) >= REASONS
