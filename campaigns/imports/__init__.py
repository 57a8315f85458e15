"""Recipient imports: an uploaded list is read, checked, confirmed, and inserted as a campaign's voicemails in the background."""
