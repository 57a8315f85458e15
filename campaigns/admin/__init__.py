"""The admin of a campaign manager: campaigns from the first draft to the printed summary, and the lists that fill them;
also the lists of whom none of them reaches."""

from campaigns.admin.campaign import model_admin
from campaigns.admin.lists import imports, opt_outs

__all__ = ["imports", "model_admin", "opt_outs"]
