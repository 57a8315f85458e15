"""The admin of a campaign manager: campaigns from the draft to the printed summary, recipient imports, withdrawals and opt-out
lists."""

from campaigns.admin.campaign import model_admin
from campaigns.admin.lists import imports, opt_outs, suppressions
from campaigns.admin.people import voicemails

__all__ = ["imports", "model_admin", "opt_outs", "suppressions", "voicemails"]
