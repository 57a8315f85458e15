"""Rows of campaigns, recipient imports, withdrawals, retries, canaries, approvals and opt-out lists."""

from campaigns.models.campaign import Campaign
from campaigns.models.campaign_retry import CampaignRetry
from campaigns.models.canary import Canary
from campaigns.models.launch_approval import LaunchApproval
from campaigns.models.opt_out_import import OptOutImport
from campaigns.models.recipient_import import RecipientImport, RejectedRow
from campaigns.models.uploaded_list import UploadedList
from campaigns.models.withdrawal import Withdrawal

__all__ = [
    "Campaign",
    "CampaignRetry",
    "Canary",
    "LaunchApproval",
    "OptOutImport",
    "RecipientImport",
    "RejectedRow",
    "UploadedList",
    "Withdrawal",
]
