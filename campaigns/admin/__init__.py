"""The desk of a campaign manager: campaigns from the first draft to the printed summary, and the lists that fill them."""

from campaigns.admin import campaigns, imports

__all__ = ["campaigns", "imports"]
