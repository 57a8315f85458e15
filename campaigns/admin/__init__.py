"""The admin of a campaign manager: campaigns from the draft to the printed summary, recipient imports, withdrawals and opt-out
lists."""

from campaigns.admin import lanes, voicemails
from campaigns.admin.campaign import model_admin
from campaigns.admin.lists import imports, opt_outs, suppressions

__all__ = ["imports", "lanes", "model_admin", "opt_outs", "suppressions", "voicemails"]
