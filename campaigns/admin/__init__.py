"""The desk of a campaign manager: campaigns from the first draft to the printed summary, and the lists that fill them;
also the lists of whom none of them reaches."""

from campaigns.admin import campaigns, imports, opt_outs

__all__ = ["campaigns", "imports", "opt_outs"]
