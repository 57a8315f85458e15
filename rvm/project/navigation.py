"""Titles and navigation of the admin, in the users' words. Plain data, because the settings import it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _item(title: str, icon: str, table: str, permission: str = "") -> dict[str, Any]:
    item: dict[str, Any] = {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{table}_changelist")}
    return {**item, "permission": f"rvm.project.dashboard.{permission}"} if permission else item


def _script(request: HttpRequest) -> str:
    return static("rvm/admin.js")


def _style(request: HttpRequest) -> str:
    return static("rvm/admin.css")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "RVM",
    "SITE_HEADER": "RVM",
    "SITE_SUBHEADER": "Ringless voicemail",
    "SITE_SYMBOL": "voicemail",
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SCRIPTS": [_script],
    "STYLES": [_style],
    "DASHBOARD_CALLBACK": "rvm.project.dashboard.dashboard",
    "ACCOUNT": {
        "navigation": [
            {"title": "Second factor", "link": reverse_lazy("mfa_index")},
            {"title": "Time zone", "link": reverse_lazy("account_time_zone")},
        ]
    },
    "SIDEBAR": {
        "navigation": [
            {
                "title": "Reaching people",
                "items": [
                    _item("Campaigns", "campaign", "campaigns_campaign"),
                    {"title": "People", "icon": "person_search", "link": reverse_lazy("people")},
                    _item("Voicemails", "voicemail", "delivery_voicemail"),
                    _item("Recordings", "mic", "delivery_recording"),
                    _item("Clips", "content_cut", "delivery_clip"),
                    _item("Queues", "low_priority", "delivery_lane"),
                ],
            },
            {
                "title": "From whom, under which rules",
                "items": [
                    _item("Use cases", "assignment", "usecases_usecase"),
                    _item("Telephony setups", "cell_tower", "usecases_telephonysetup"),
                    _item("Phone numbers", "call", "usecases_phonenumber"),
                    _item("Consents", "fact_check", "usecases_consent"),
                    _item("Suppressions", "block", "usecases_suppression"),
                    _item("State freezes", "ac_unit", "usecases_statefreeze", "is_superuser"),
                ],
            },
            {
                "title": "Team and keys",
                "items": [
                    _item("Members", "group", "platform_membership"),
                    _item("Invitations", "person_add", "platform_invitation", "may_manage_people"),
                    _item("Accounts", "person", "platform_user"),
                    _item("API keys", "key", "platform_apikey", "may_manage_keys"),
                    _item("Webhook destinations", "webhook", "platform_webhookdestination"),
                    _item("Workspaces", "apartment", "platform_workspace"),
                    _item("Organisations", "domain", "platform_organisation", "is_superuser"),
                    _item("Inbound secrets", "vpn_key", "usecases_inboundsecret", "is_superuser"),
                ],
            },
            {
                "title": "Records",
                "collapsible": True,
                "items": [
                    _item("Failed work", "report", "platform_failedwork", "may_see_failed_work"),
                    _item("Audit events", "history", "platform_auditevent", "may_read_audit"),
                    _item("Webhook deliveries", "outgoing_mail", "platform_webhookdelivery"),
                    _item("Attempts", "outbox", "delivery_drop"),
                    _item("Carrier reports", "inbox", "delivery_carrierreport"),
                    _item("Imported lists", "upload_file", "campaigns_recipientimport"),
                    _item("Opt-out lists", "playlist_remove", "campaigns_optoutimport"),
                    _item("People taken out", "group_remove", "campaigns_withdrawal"),
                    _item("Recordings at carriers", "cloud_upload", "delivery_carriermedia"),
                    _item("References", "tag", "delivery_voicemailreference"),
                    _item("Idempotency keys", "repeat", "platform_idempotencykey", "may_manage_keys"),
                    _item("Inbound messages", "forward_to_inbox", "usecases_inboundmessage", "is_superuser"),
                    _item("Heartbeats", "monitor_heart", "platform_heartbeat", "is_superuser"),
                    _item("Sending", "front_hand", "platform_databaseidentity", "is_superuser"),
                    _item("Repairs", "build", "platform_tally", "is_superuser"),
                ],
            },
        ]
    },
}
