"""Who is reached, when: campaigns and the lists that are imported into them."""

from campaigns.models.campaign import Campaign
from campaigns.models.recipient_import import RecipientImport, RejectedRow

__all__ = ["Campaign", "RecipientImport", "RejectedRow"]
