"""URLs of campaigns, their lists, withdrawals, opt-out lists and people under /v1/{workspace_id}/."""

from __future__ import annotations

from django.urls import path

from campaigns.api import campaigns, imports, message_preview, opt_outs, people, stats, withdrawals

ONE = "campaigns/<uuid:campaign_id>"
IMPORT = f"{ONE}/imports/<uuid:import_id>"
WITHDRAWAL = f"{ONE}/withdrawals/<uuid:withdrawal_id>"
OPT_OUTS = "opt-out-lists/<uuid:opt_out_list_id>"

urlpatterns = [
    path("campaigns", campaigns.CampaignListView.as_view(), name="campaigns"),
    path(ONE, campaigns.CampaignView.as_view(), name="campaign"),
    path(f"{ONE}/launch", campaigns.LaunchView.as_view(), name="campaign-launch"),
    path(f"{ONE}/approval", campaigns.ApprovalView.as_view(), name="campaign-approval"),
    path(f"{ONE}/copy", campaigns.CopyView.as_view(), name="campaign-copy"),
    path(f"{ONE}/unschedule", campaigns.UnscheduleView.as_view(), name="campaign-unschedule"),
    path(f"{ONE}/pause", campaigns.PauseView.as_view(), name="campaign-pause"),
    path(f"{ONE}/resume", campaigns.ResumeView.as_view(), name="campaign-resume"),
    path(f"{ONE}/cancel", campaigns.CancelView.as_view(), name="campaign-cancel"),
    path(f"{ONE}/retry-failed", campaigns.RetryFailedView.as_view(), name="campaign-retry-failed"),
    path(f"{ONE}/preview", stats.PreviewView.as_view(), name="campaign-preview"),
    path(f"{ONE}/stats", stats.StatsView.as_view(), name="campaign-stats"),
    path(f"{ONE}/export", stats.ExportView.as_view(), name="campaign-export"),
    path(f"{ONE}/imports", imports.ImportListView.as_view(), name="imports"),
    path(IMPORT, imports.ImportView.as_view(), name="import"),
    path(f"{IMPORT}/check", imports.ImportCheckView.as_view(), name="import-check"),
    path(f"{IMPORT}/confirm", imports.ImportConfirmView.as_view(), name="import-confirm"),
    path(f"{IMPORT}/errors", imports.ImportErrorsView.as_view(), name="import-errors"),
    path(f"{ONE}/withdrawals", withdrawals.WithdrawalListView.as_view(), name="withdrawals"),
    path(WITHDRAWAL, withdrawals.WithdrawalView.as_view(), name="withdrawal"),
    path(f"{WITHDRAWAL}/confirm", withdrawals.WithdrawalConfirmView.as_view(), name="withdrawal-confirm"),
    path(f"{IMPORT}/recordings", message_preview.MessagePreviewView.as_view(), name="import-recordings"),
    path("people/search", people.PeopleSearchView.as_view(), name="people-search"),
    path("people/erase", people.EraseView.as_view(), name="people-erase"),
    path("opt-out-lists", opt_outs.OptOutListsView.as_view(), name="opt-out-lists"),
    path(OPT_OUTS, opt_outs.OptOutListView.as_view(), name="opt-out-list"),
    path(f"{OPT_OUTS}/check", opt_outs.OptOutCheckView.as_view(), name="opt-out-list-check"),
    path(f"{OPT_OUTS}/confirm", opt_outs.OptOutConfirmView.as_view(), name="opt-out-list-confirm"),
    path(f"{OPT_OUTS}/undo", opt_outs.OptOutUndoView.as_view(), name="opt-out-list-undo"),
    path(f"{OPT_OUTS}/lift", opt_outs.OptOutLiftView.as_view(), name="opt-out-list-lift"),
]
